package gateway

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

const (
	// annotationMetadata holds the metadata that a session was created with through WAHA's API, as JSON. What fits is
	// among the labels too.
	annotationMetadata = "sesi.dev/metadata"
	// maxSessionBody bounds the description of a session.
	maxSessionBody = 64 << 10
)

// wahaRequest describes a session in WAHA's API.
type wahaRequest struct {
	bot.GatewayWAHARequest
	Apps []json.RawMessage `json:"apps"`
	// Logout belongs to the older form of stopping a session.
	Logout bool `json:"logout"`
	// described is true where the request has a configuration.
	described bool
}

// readRequest reads the description of a session, and refuses what would be ignored.
func (c *call) readRequest() (wahaRequest, error) {
	var request wahaRequest
	data, err := io.ReadAll(io.LimitReader(c.r.Body, maxSessionBody+1))
	if err != nil {
		return request, problemBadRequest.about(problemBadRequest.detail)
	}
	if len(data) > maxSessionBody {
		return request, problemTooLarge.about(problemTooLarge.detail)
	}
	if err := json.Unmarshal(data, &request); err != nil {
		return request, problemBadJSON.about(text{"Isi permintaan bukan deskripsi sesi: " + err.Error() + ".", "The body does not describe a session: " + err.Error() + "."})
	}
	var given struct {
		Config json.RawMessage `json:"config"`
	}
	_ = json.Unmarshal(data, &given) // it was decoded just now
	request.described = given.Config != nil && string(given.Config) != "null"
	if len(request.Apps) > 0 {
		return request, unprocessable(text{"apps tidak dapat diatur lewat API ini: pakai spec.template di resource-nya.",
			"apps cannot be set through this API: use spec.template in the resource."})
	}
	return request, nil
}

func unprocessable(detail text) *problem {
	return &problem{status: http.StatusUnprocessableEntity, kind: bot.ProblemUnprocessable, title: text{"Tidak dapat diterima", "Cannot be accepted"}, detail: detail}
}

// describe writes a session's metadata to an annotation, and each entry that is a valid label to the labels too.
func describe(session *v1alpha1.WhatsAppSession, metadata map[string]string) error {
	var before map[string]string
	if json.Unmarshal([]byte(session.Annotations[annotationMetadata]), &before) == nil {
		for name, value := range before {
			if session.Labels[name] == value {
				delete(session.Labels, name)
			}
		}
	}
	delete(session.Annotations, annotationMetadata)
	if len(metadata) == 0 {
		return nil
	}
	for name, value := range metadata {
		if len(validation.IsQualifiedName(name)) > 0 || len(validation.IsValidLabelValue(value)) > 0 || reserved(name) {
			continue
		}
		if session.Labels == nil {
			session.Labels = map[string]string{}
		}
		session.Labels[name] = value
	}
	data, err := json.Marshal(metadata)
	if err != nil {
		return err
	}
	if session.Annotations == nil {
		session.Annotations = map[string]string{}
	}
	session.Annotations[annotationMetadata] = string(data)
	return nil
}

// reserved reports whether a label belongs to Kubernetes, Helm or Sesi.
func reserved(name string) bool {
	prefix, _, found := strings.Cut(name, "/")
	return found && (prefix == "sesi.dev" || strings.HasSuffix(prefix, ".sesi.dev") || strings.HasSuffix(prefix, "kubernetes.io") || strings.HasSuffix(prefix, "k8s.io") || strings.HasSuffix(prefix, "helm.sh"))
}

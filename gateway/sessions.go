package gateway

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

const (
	// annotationMetadata holds the metadata that a session was made with through WAHA's API, as JSON. What fits is
	// among the labels too.
	annotationMetadata = "sesi.dev/metadata"
	// maxSessionBody bounds the description of a session.
	maxSessionBody = 64 << 10
	// writeTimeout bounds a write to the cluster, and the wait until the gateway sees it itself.
	writeTimeout = 10 * time.Second
)

// wahaRequest describes a session in WAHA's API.
type wahaRequest struct {
	Name   string `json:"name"`
	Start  *bool  `json:"start"`
	Config struct {
		Metadata map[string]string `json:"metadata"`
		Proxy    *json.RawMessage  `json:"proxy"`
		Webhooks []json.RawMessage `json:"webhooks"`
	} `json:"config"`
	Apps []json.RawMessage `json:"apps"`
}

// wahaConfig is the part of a session's configuration that the gateway keeps.
type wahaConfig struct {
	Metadata map[string]string `json:"metadata,omitempty"`
}

// wahaSession is a session as WAHA shows it.
type wahaSession struct {
	Name   string         `json:"name"`
	Status bot.WAHAStatus `json:"status"`
	Config wahaConfig     `json:"config"`
	Me     *bot.WAHAMe    `json:"me"`
	Engine bot.WAHAEngine `json:"engine"`
}

// serveSessions serves WAHA's paths of all sessions. segments are those after /api/sessions.
func (c *call) serveSessions(who *caller, segments []string) error {
	read := c.r.Method == http.MethodGet || c.r.Method == http.MethodHead
	switch {
	case len(segments) == 0 && read:
		return c.wahaList(who)
	case len(segments) == 0 && c.r.Method == http.MethodPost:
		return c.wahaCreate(who)
	case len(segments) == 0:
		return methods("GET, POST")
	}
	key, failure := c.named(who, segments[0])
	if failure != nil {
		return failure
	}
	if len(segments) == 1 {
		switch {
		case read:
			return c.wahaShow(who, key, func(s *v1alpha1.WhatsAppSession) any { return c.wahaView(who, s) })
		case c.r.Method == http.MethodPut:
			return c.wahaChange(who, key)
		case c.r.Method == http.MethodDelete:
			return c.wahaDelete(who, key)
		}
		return methods("GET, PUT, DELETE")
	}
	if len(segments) > 2 {
		return problemNotFound.about(problemNotFound.detail)
	}
	toBot := func() error {
		return c.pass(who, key, bot.WAHAPath(bot.PathWAHASession, botName)+"/"+segments[1], c.r.URL.RawQuery)
	}
	post := c.r.Method == http.MethodPost
	switch segments[1] {
	case "me":
		if !read {
			return methods("GET")
		}
		return c.wahaShow(who, key, func(s *v1alpha1.WhatsAppSession) any { return wahaMe(s) })
	case "start", "restart":
		if !post {
			return methods("POST")
		}
		if session := c.fleet.session(key); session == nil || suspended(session) {
			return c.wahaSuspend(who, key, false)
		}
		return toBot()
	case "stop":
		if !post {
			return methods("POST")
		}
		return c.wahaSuspend(who, key, true)
	case "logout":
		if !post {
			return methods("POST")
		}
		return toBot()
	}
	return problemNotFound.about(problemNotFound.detail)
}

// wahaName is a session's name for a caller: short in their own namespace.
func wahaName(who *caller, s *v1alpha1.WhatsAppSession) string {
	if s.Namespace == who.namespace {
		return s.Name
	}
	return s.Namespace + "." + s.Name
}

func (c *call) wahaView(who *caller, s *v1alpha1.WhatsAppSession) wahaSession {
	out := wahaSession{Name: wahaName(who, s), Status: wahaStatus(s), Me: wahaMe(s), Engine: bot.WAHAEngine{Engine: "WHATSMEOW"}}
	_ = json.Unmarshal([]byte(s.Annotations[annotationMetadata]), &out.Config.Metadata) // someone's own text is shown as none
	return out
}

// wahaStatus says a resource's state in WAHA's words.
func wahaStatus(s *v1alpha1.WhatsAppSession) bot.WAHAStatus {
	if suspended(s) || s.DeletionTimestamp != nil {
		return bot.WAHAStopped
	}
	code := s.Status.QR != nil && s.Status.QR.ExpiresAt != nil
	if status := bot.WAHAStatusOf(s.Status.State, bot.Reason(s.Status.Reason), s.Status.UserAction, code); status != "" {
		return status
	}
	return bot.WAHAStarting
}

func wahaMe(s *v1alpha1.WhatsAppSession) *bot.WAHAMe {
	facts := s.Status.Session
	if facts == nil || !facts.Exists || facts.JID == "" {
		return nil
	}
	account := func(jid string) string {
		return strings.FieldsFunc(jid, func(r rune) bool { return strings.ContainsRune(".:@", r) })[0]
	}
	me := &bot.WAHAMe{ID: account(facts.JID) + "@c.us", JID: facts.JID, PushName: facts.PushName}
	if facts.LID != "" {
		me.LID = account(facts.LID) + "@lid"
	}
	return me
}

// wahaList lists the sessions that the caller may see; stopped ones only if asked for.
func (c *call) wahaList(who *caller) error {
	return c.listed(who, func(seen func(*v1alpha1.WhatsAppSession) bool) error {
		all := c.r.URL.Query().Get("all") == "true"
		out := []wahaSession{}
		for _, s := range c.fleet.sessions(seen) {
			if view := c.wahaView(who, s); all || view.Status != bot.WAHAStopped {
				out = append(out, view)
			}
		}
		writeJSON(c.w, http.StatusOK, "application/json", out)
		return nil
	})
}

// serveOne serves a session's own path: what its status says.
func (c *call) serveOne(who *caller, key sessionKey) error {
	switch c.r.Method {
	case http.MethodGet, http.MethodHead:
		return c.wahaShow(who, key, func(s *v1alpha1.WhatsAppSession) any { return show(s) })
	case http.MethodDelete:
		return c.wahaDelete(who, key)
	}
	return methods("GET, DELETE")
}

// wahaShow answers with a view of one session.
func (c *call) wahaShow(who *caller, key sessionKey, view func(*v1alpha1.WhatsAppSession) any) error {
	return c.account(who, actSee, key, false, func(context.Context) error {
		session := c.fleet.session(key)
		if session == nil {
			return problemNoSession.about(problemNoSession.detail)
		}
		writeJSON(c.w, http.StatusOK, "application/json", view(session))
		return nil
	})
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
		return request, problemBadJSON.about(text{"Isi permintaan bukan deskripsi session: " + err.Error() + ".", "The body does not describe a session: " + err.Error() + "."})
	}
	refused := ""
	switch {
	case request.Config.Proxy != nil && string(*request.Config.Proxy) != "null":
		refused = "config.proxy: spec.proxySecretRef"
	case len(request.Config.Webhooks) > 0:
		refused = "config.webhooks: WEBHOOK_URL, WEBHOOK_SECRET (spec.template)"
	case len(request.Apps) > 0:
		refused = "apps: spec.template"
	}
	if refused != "" {
		field, instead, _ := strings.Cut(refused, ": ")
		return request, unprocessable(text{field + " tidak dapat diatur lewat API ini: pakai " + instead + " di resource-nya.",
			field + " cannot be set through this API: use " + instead + " in the resource."})
	}
	return request, nil
}

func unprocessable(detail text) *problem {
	return &problem{status: http.StatusUnprocessableEntity, kind: bot.ProblemUnprocessable, title: text{"Tidak dapat diterima", "Cannot be accepted"}, detail: detail}
}

// describe puts a session's metadata into labels, where they fit, and whole into an annotation.
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

// reserved reports whether a label belongs to programs.
func reserved(name string) bool {
	prefix, _, found := strings.Cut(name, "/")
	return found && (prefix == "sesi.dev" || strings.HasSuffix(prefix, ".sesi.dev") || strings.HasSuffix(prefix, "kubernetes.io") || strings.HasSuffix(prefix, "k8s.io") || strings.HasSuffix(prefix, "helm.sh"))
}

// wahaCreate makes a session.
func (c *call) wahaCreate(who *caller) error {
	request, err := c.readRequest()
	if err != nil {
		return err
	}
	if request.Name == "" {
		request.Name = "session-" + strings.ToLower(rand.Text()[:10])
	}
	key, ok := parseName(request.Name, who.namespace)
	if !ok {
		return unprocessable(text{
			"name harus berupa a-z, 0-9 dan -, paling banyak 60 huruf, bila perlu dengan namespace di depannya: toko, penjualan.toko.",
			"name must be of a-z, 0-9 and -, at most 60 characters, with a namespace before it where needed: shop, sales.shop."})
	}
	session := &v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{Namespace: key.namespace, Name: key.name}}
	if request.Start != nil && !*request.Start {
		session.Spec.Suspended = new(true)
	}
	if err := describe(session, request.Config.Metadata); err != nil {
		return err
	}
	return c.create(who, key, session, func(s *v1alpha1.WhatsAppSession) {
		writeJSON(c.w, http.StatusCreated, "application/json", c.wahaView(who, s))
	})
}

// create makes a session for a caller who may, and answers with it.
func (c *call) create(who *caller, key sessionKey, session *v1alpha1.WhatsAppSession, answer func(*v1alpha1.WhatsAppSession)) error {
	allowed, failure := c.may(c.r.Context(), who, actCreate, key, session)
	if failure == nil && !allowed {
		failure = forbidden(who, actCreate)
		if who.key != nil && who.key.Allows(rights[actCreate].key) {
			failure = problemForbidden.about(text{"Kunci ini tidak berlaku untuk session dengan nama atau label itu.", "This key does not open a session of that name or with those labels."})
		}
	}
	return c.counted(who, actCreate, key, false, failure, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, writeTimeout)
		defer cancel()
		if err := c.writer.Create(ctx, session); err != nil {
			return c.refusal(err, key)
		}
		c.settle(ctx, key, func(seen *v1alpha1.WhatsAppSession) bool { return seen != nil && seen.UID == session.UID })
		answer(session)
		return nil
	})
}

// settle waits until the gateway itself sees a write, so that the caller's next request does too.
func (c *call) settle(ctx context.Context, key sessionKey, done func(*v1alpha1.WhatsAppSession) bool) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	changed, stop := c.fleet.follow()
	defer stop()
	for !done(c.fleet.session(key)) {
		select {
		case <-changed.wake:
		case <-ctx.Done():
			return
		}
	}
}

// wahaChange replaces a session's metadata.
func (c *call) wahaChange(who *caller, key sessionKey) error {
	request, err := c.readRequest()
	if err != nil {
		return err
	}
	if request.Name != "" {
		if named, failure := c.named(who, request.Name); failure != nil || named != key {
			return unprocessable(text{"Nama session tidak dapat diganti.", "A session's name cannot be changed."})
		}
	}
	return c.account(who, actChange, key, false, func(ctx context.Context) error {
		session, err := c.edit(ctx, who, key, func(s *v1alpha1.WhatsAppSession) error {
			if request.Start != nil {
				s.Spec.Suspended = new(!*request.Start)
			}
			return describe(s, request.Config.Metadata)
		})
		if err != nil {
			return err
		}
		writeJSON(c.w, http.StatusOK, "application/json", c.wahaView(who, session))
		return nil
	})
}

// wahaSuspend stops a session's bot, or lets it start. The session stays linked.
func (c *call) wahaSuspend(who *caller, key sessionKey, suspend bool) error {
	return c.suspendAs(who, key, suspend, func(s *v1alpha1.WhatsAppSession) {
		writeJSON(c.w, http.StatusCreated, "application/json", c.wahaView(who, s))
	})
}

// suspendAs is wahaSuspend with another answer.
func (c *call) suspendAs(who *caller, key sessionKey, suspend bool, answer func(*v1alpha1.WhatsAppSession)) error {
	return c.account(who, actControl, key, false, func(ctx context.Context) error {
		session, err := c.edit(ctx, who, key, func(s *v1alpha1.WhatsAppSession) error {
			s.Spec.Suspended = &suspend
			return nil
		})
		if err != nil {
			return err
		}
		answer(session)
		return nil
	})
}

// edit changes a session in the cluster. A caller whose key opens only some sessions cannot change one so that it no
// longer opens it.
func (c *call) edit(ctx context.Context, who *caller, key sessionKey, change func(*v1alpha1.WhatsAppSession) error) (*v1alpha1.WhatsAppSession, error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	for try := 0; ; try++ {
		session := &v1alpha1.WhatsAppSession{}
		if err := c.writer.Get(ctx, client.ObjectKey{Namespace: key.namespace, Name: key.name}, session); err != nil {
			return nil, c.refusal(err, key)
		}
		before := session.DeepCopy()
		if err := change(session); err != nil {
			return nil, err
		}
		if who.key != nil && !who.key.Covers(key.namespace, key.name, session.Labels) {
			return nil, problemForbidden.about(text{"Dengan label itu, kunci ini tidak lagi berlaku untuk session ini.", "With those labels this key would no longer open the session."})
		}
		if maps.Equal(before.Labels, session.Labels) && maps.Equal(before.Annotations, session.Annotations) && suspended(before) == suspended(session) {
			return session, nil
		}
		err := c.writer.Patch(ctx, session, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
		if apierrors.IsConflict(err) && try < 5 {
			continue // the operator or someone else wrote meanwhile
		}
		if err != nil {
			return nil, c.refusal(err, key)
		}
		c.settle(ctx, key, func(seen *v1alpha1.WhatsAppSession) bool {
			return seen == nil || seen.Generation > before.Generation || seen.ResourceVersion == session.ResourceVersion
		})
		return session, nil
	}
}

// wahaDelete deletes a session. What is on its claim stays or goes by its retentionPolicy.
func (c *call) wahaDelete(who *caller, key sessionKey) error {
	if err := c.remove(who, key); err != nil {
		return err
	}
	c.w.Header().Set("Cache-Control", "no-store")
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// remove is wahaDelete without an answer.
func (c *call) remove(who *caller, key sessionKey) error {
	return c.account(who, actDelete, key, false, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, writeTimeout)
		defer cancel()
		session := c.fleet.session(key)
		if session == nil {
			return problemNoSession.about(problemNoSession.detail)
		}
		err := c.writer.Delete(ctx, session.DeepCopy(), client.Preconditions{UID: &session.UID})
		if client.IgnoreNotFound(err) != nil {
			return c.refusal(err, key)
		}
		c.settle(ctx, key, func(seen *v1alpha1.WhatsAppSession) bool { return seen == nil || seen.DeletionTimestamp != nil })
		return nil
	})
}

// refusal says why the cluster refused a write.
func (c *call) refusal(err error, key sessionKey) error {
	var status apierrors.APIStatus
	switch {
	case apierrors.IsAlreadyExists(err):
		return &problem{status: http.StatusUnprocessableEntity, kind: bot.ProblemConflict, title: text{"Sudah ada", "It exists"},
			detail: text{"Session '" + key.name + "' sudah ada. Pakai PUT untuk mengubahnya.", "Session '" + key.name + "' already exists. Use PUT to update it."}}
	case apierrors.IsNotFound(err):
		return problemNoSession.about(text{"Session atau namespace ini tidak ada.", "There is no such session or namespace."})
	case apierrors.IsConflict(err):
		return &problem{status: http.StatusConflict, kind: bot.ProblemConflict, title: text{"Berubah", "Changed meanwhile"},
			detail: text{"Session ini baru saja diubah; coba lagi.", "The session was changed meanwhile; try again."}, retryAfter: 1}
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err), apierrors.IsForbidden(err):
		if errors.As(err, &status) {
			return unprocessable(text{"Kluster menolak: " + status.Status().Message, "The cluster refuses it: " + status.Status().Message})
		}
	}
	c.log.Error("write a session", "namespace", key.namespace, "session", key.name, "error", err.Error())
	return problemCluster.about(problemCluster.detail)
}

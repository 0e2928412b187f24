package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

// financeNumber is the session of the fleet that has the finance bot as a sidecar. The simulator forgets what phones got
// when it is drained itself, so answers are told apart by the balance in them.
const financeNumber = fleetSize - 1

// customer writes to it.
const customer = "6289900017001"

// addFinanceBot adds the finance bot as a sidecar, with a claim of its own for its books.
func addFinanceBot(t *testing.T, session *v1alpha1.WhatsAppSession) {
	t.Helper()
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: session.Namespace, Name: "books"},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("16Mi")}},
		},
	}
	if err := cluster.Create(t.Context(), claim); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	sidecar := `"containers": [{
    "name": "finance", "image": "sesi.dev/finance-bot:` + cluster.version + `",
    "env": [{"name": "BOT_URL", "value": "http://127.0.0.1:8080"}, {"name": "DATABASE", "value": "/data/finance.db"}],
    "volumeMounts": [{"name": "books", "mountPath": "/data"}]
  }, {`
	template := strings.Replace(toSimulator, `"containers": [{`, sidecar, 1)
	template = strings.Replace(template, `"volumes": [`, `"volumes": [{"name": "books", "persistentVolumeClaim": {"claimName": "books"}}, `, 1)
	session.Spec.Template = &v1alpha1.PodTemplate{Spec: &runtime.RawExtension{Raw: []byte(template)}}
}

// booked is how many bookings the customer has made.
var booked struct {
	sync.Mutex

	count int
}

// book writes so many messages to the finance bot, and waits for its answer to the last of them. Its balance shows that
// each message since the first was booked, and none twice.
func book(t *testing.T, messages int) {
	t.Helper()
	booked.Lock()
	defer booked.Unlock()
	session := theFleet(t)[financeNumber]
	for range messages {
		say(t, session, customer, "makan 1rb", 0) // a count would be part of the text
	}
	booked.count += messages
	awaitAnswer(t, fmt.Sprintf("Saldo -Rp%d.000", booked.count))
}

// bookFromNode makes one booking at the session of that address while there is no API server: it reaches the simulator's pod
// from the node.
func bookFromNode(t *testing.T, address, jid string) {
	t.Helper()
	booked.Lock()
	defer booked.Unlock()
	_, err := askFromNode(t.Context(), address, "say", map[string]any{"jid": jid, "from": customer, "text": "makan 1rb"})
	must(t, err)
	booked.count++
	awaitAnswerAt(t, fmt.Sprintf("Saldo -Rp%d.000", booked.count), func(ctx context.Context) (all []outMsg, err error) {
		out, err := askFromNode(ctx, address, "outbox", nil)
		if err != nil {
			return nil, err
		}
		return all, json.Unmarshal([]byte(out), &all)
	})
}

// awaitAnswer waits until the customer's phone shows an answer, and no later one.
func awaitAnswer(t *testing.T, want string) {
	t.Helper()
	awaitAnswerAt(t, want, outbox)
}

func awaitAnswerAt(t *testing.T, want string, outbox func(context.Context) ([]outMsg, error)) {
	t.Helper()
	eventually(t, patience, "the customer reads "+want, func(ctx context.Context) error {
		all, err := outbox(ctx)
		if err != nil {
			return err
		}
		answers := textsTo(customer, all)
		if len(answers) == 0 || !strings.Contains(answers[len(answers)-1], want) {
			return fmt.Errorf("the answers are %q", answers)
		}
		return nil
	})
}

// outMsg is a message as it came to a phone.
type outMsg struct {
	Phone  string `json:"phone"`
	Text   string `json:"text"`
	Kind   string `json:"kind"`
	Self   bool   `json:"self"`
	Double bool   `json:"double"`
	Err    string `json:"err"`
}

// outbox is what came to the phones.
func outbox(ctx context.Context) (all []outMsg, err error) {
	return all, simulator(ctx, http.MethodGet, "outbox", nil, &all)
}

// textsTo are the texts that a phone received, each once: a phone shows a repeated message once.
func textsTo(phone string, all []outMsg) (texts []string) {
	for _, m := range all {
		if m.Phone == phone && !m.Self && !m.Double && m.Err == "" && m.Kind == "text" {
			texts = append(texts, m.Text)
		}
	}
	return texts
}

// TestFinanceBot: the finance bot books every message once and answers it once, although its pod is deleted, its image
// changes, and messages come while there is no bot.
func TestFinanceBot(t *testing.T) {
	t.Parallel()
	session := theFleet(t)[financeNumber]
	book(t, 1)
	before := podUID(t, session)
	must(t, cluster.Delete(t.Context(), podOf(session)))
	book(t, 5)
	awaitReplaced(t, session, before)
	book(t, 1)
	before = podUID(t, session)
	patch(t, session, func() { session.Spec.Image = cluster.otherBot })
	book(t, 5)
	awaitReplaced(t, session, before)
	book(t, 1)
	all, err := outbox(t.Context())
	must(t, err)
	seen := map[string]bool{}
	for _, answer := range textsTo(customer, all) {
		if seen[answer] { // each has another balance
			t.Errorf("the customer got %q twice", answer)
		}
		seen[answer] = true
	}
	pod := podOf(session)
	must(t, get(t.Context(), pod))
	for _, container := range pod.Status.ContainerStatuses {
		if container.Name != naming.Container && container.RestartCount > 0 {
			t.Errorf("%s was restarted %d times", container.Name, container.RestartCount)
		}
	}
}

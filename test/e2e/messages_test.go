package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

// TestWebhookDownAndBack: a receiver that is down gets all events once it is back, in order within each chat; the status
// says so meanwhile. A change of the webhooks, and one of the pace, take effect in the running bot, which keeps its pod
// and its connection.
func TestWebhookDownAndBack(t *testing.T) {
	t.Parallel()
	namespace := ownSpace(t, "webhooks")
	receiver := func(name string) *corev1.Pod {
		pod := toolbox(namespace, name, map[string]string{"app": "receiver", "which": name})
		pod.Spec.Containers[0].Command = []string{"toolbox", "collect", ":8080"}
		return pod
	}
	for _, name := range []string{"books", "crm"} {
		must(t, cluster.Create(t.Context(), &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
			Spec:       corev1.ServiceSpec{Selector: map[string]string{"which": name}, Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(8080)}}},
		}))
	}
	must(t, cluster.Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "books", Labels: map[string]string{naming.LabelWebhooks: "true"}},
		StringData: map[string]string{"secret": "a-secret-of-the-test"},
	}))
	crm := receiver("crm")
	run(t, crm)
	session := newSession(namespace, "shop")
	hook := func(name string) v1alpha1.Webhook {
		return v1alpha1.Webhook{
			Name: name, URL: "http://" + name + "." + namespace + ".svc/in", Events: []v1alpha1.WebhookEvent{"message"},
			To: &v1alpha1.WebhookPods{PodSelector: v1alpha1.WebhookPodSelector{MatchLabels: map[string]v1alpha1.LabelValue{"app": "receiver"}}},
		}
	}
	session.Spec.Webhooks = []v1alpha1.Webhook{hook("books")}
	session.Spec.Webhooks[0].SecretRef = &v1alpha1.WebhookSecretRef{Name: "books"}
	startLinked(t, session, phoneOf(200))
	pod, connectedAt := podUID(t, session), session.Status.Session.LastConnectedAt

	const people, each = 4, 10
	for person := range people {
		say(t, session, fmt.Sprintf("6289900018%02d", person), "pesan", each)
	}
	changed := time.Now()
	patch(t, session, func() {
		session.Spec.Webhooks = append(session.Spec.Webhooks, hook("crm"))
		session.Spec.Messages.Pace.PerMinute = new(int32(1234))
	})
	eventually(t, patience, "the new webhook gets events", func(ctx context.Context) error {
		if got, err := collected(ctx, crm); err != nil || len(got) > 0 {
			return err
		}
		return simulator(ctx, http.MethodPost, "say", map[string]any{"jid": session.Status.Session.JID, "from": "628990001899", "text": "halo"}, nil)
	})
	t.Logf("a new webhook got its first event %.1f s after it was applied", time.Since(changed).Seconds())
	limits := portForward(t, session, naming.PortPlain) + bot.PathAccountLimits
	eventually(t, patience, "the new pace is in force", func(ctx context.Context) error {
		if got, err := try(ctx, "curl", "-fsS", limits); err != nil || !strings.Contains(got, `"perMinute":1234`) {
			return fmt.Errorf("the limits are %s: %w", got, err)
		}
		return nil
	})
	awaitReason(t, session, v1alpha1.ConditionEventsDelivered, v1alpha1.ReasonRetrying)
	if hooks := session.Status.Webhooks; len(hooks) != 2 || hooks[0].State != bot.WebhookRetrying || hooks[0].BacklogSince == nil {
		t.Errorf("status.webhooks = %+v", hooks)
	}
	books := receiver("books")
	run(t, books)
	back := time.Now()
	var all []delivery
	eventually(t, patience, "the receiver that is back gets all events", func(ctx context.Context) (err error) {
		if all, err = collected(ctx, books); err == nil && len(all) < people*each {
			err = fmt.Errorf("it got %d of %d", len(all), people*each)
		}
		return err
	})
	t.Logf("the receiver that was down got everything within %.1f s", time.Since(back).Seconds())
	last := map[string]uint64{}
	for _, got := range all {
		if !got.signed {
			t.Errorf("event %d is not signed", got.Seq)
		}
		if got.Seq < last[got.Chat] {
			t.Errorf("event %d of a chat came after %d", got.Seq, last[got.Chat])
		}
		last[got.Chat] = got.Seq
	}
	eventually(t, patience, "the status says that all is delivered", func(ctx context.Context) error {
		if err := get(ctx, session); err != nil {
			return err
		}
		if !meta.IsStatusConditionTrue(session.Status.Conditions, v1alpha1.ConditionEventsDelivered) {
			return fmt.Errorf("status.webhooks = %+v", session.Status.Webhooks)
		}
		return nil
	})
	if podUID(t, session) != pod || !session.Status.Session.LastConnectedAt.Equal(connectedAt) {
		t.Errorf("a change of the webhooks replaced the pod, or reconnected: connected at %s, then %s", connectedAt, session.Status.Session.LastConnectedAt)
	}
}

// say makes a person write to a session: one message, or so many that are numbered.
func say(t *testing.T, session *v1alpha1.WhatsAppSession, from, text string, count int) {
	t.Helper()
	tellSimulator(t, http.MethodPost, "say", map[string]any{"jid": session.Status.Session.JID, "from": from, "text": text, "count": count})
}

// delivery is an event that a receiver got.
type delivery struct {
	Seq  uint64 `json:"seq"`
	Chat string `json:"chat"`

	signed bool
}

// collected lists what a receiver got, in order.
func collected(ctx context.Context, receiver *corev1.Pod) (all []delivery, err error) {
	out, err := try(ctx, "kubectl", "--namespace", receiver.Namespace, "exec", receiver.Name, "--", "toolbox", "get", "http://127.0.0.1:8080/")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(out) {
		parts := strings.SplitN(strings.TrimSpace(line), "\t", 3)
		if len(parts) != 3 {
			continue // the status line
		}
		got := delivery{signed: strings.HasPrefix(parts[1], "v1,")}
		if err := json.Unmarshal([]byte(parts[2]), &got); err != nil {
			return nil, err
		}
		all = append(all, got)
	}
	return all, nil
}

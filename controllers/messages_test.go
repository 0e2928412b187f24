package controllers_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/credentials"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/test/bottest"
)

// linked makes every bot of the world start linked and connected.
func (w *world) linked() {
	w.bots.Linked = func(clientID, instance string) bot.Snapshot {
		return bottest.Paired(clientID, instance, "628111234567:1@s.whatsapp.net")
	}
}

// files waits until the bot's files about messages are as wanted.
func (w *world) files(name, what string, done func(webhooks, messages string) bool) {
	w.t.Helper()
	within(w.t, what, func() bool {
		var secret corev1.Secret
		if err := w.cluster.Client.Get(w.t.Context(), w.key(name), &secret); err != nil {
			return false
		}
		return done(string(secret.Data[credentials.KeyWebhooks]), string(secret.Data[credentials.KeyMessages]))
	})
}

// A webhook's Secret may come later, lack its label, change and go: the bot's files follow, the condition names the
// remedy, and the pod is never replaced.
func TestWebhooksReachTheBotsFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.linked()
	w.operate(staging{})
	w.create("shop", func(s *v1alpha1.WhatsAppSession) {
		s.Spec.Webhooks = []v1alpha1.Webhook{{Name: "books", URL: "https://books.example/in", SecretRef: &v1alpha1.WebhookSecretRef{Name: "hmac"}}}
	})
	w.untilCondition("shop", v1alpha1.ConditionEventsDelivered, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound)
	w.untilCondition("shop", v1alpha1.ConditionConnected, metav1.ConditionTrue, "")
	pod := w.pod("shop").UID

	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "hmac", Namespace: w.namespace},
		StringData: map[string]string{"secret": "the-first-secret"},
	}
	if err := w.cluster.Client.Create(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	edit(w, w.get("shop"), func(s *v1alpha1.WhatsAppSession) { s.Spec.Messages.Pace.PerMinute = new(int32(7)) })
	w.files("shop", "the settings of messages", func(webhooks, messages string) bool {
		if strings.Contains(webhooks, "the-first-secret") {
			t.Error("a Secret without the label is used")
		}
		return strings.Contains(messages, "MESSAGES_PACE=7\n")
	})
	relabel := func(change func(*corev1.Secret)) {
		t.Helper()
		change(secret)
		if err := w.cluster.Client.Update(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
	}
	relabel(func(s *corev1.Secret) { s.Labels = map[string]string{naming.LabelWebhooks: "true"} })
	w.files("shop", "the webhook with its secret", func(webhooks, _ string) bool { return strings.Contains(webhooks, "the-first-secret") })
	w.until("shop", "no trouble with the Secret", func(s *v1alpha1.WhatsAppSession) bool {
		return !has(s, v1alpha1.ConditionEventsDelivered, metav1.ConditionFalse, "")
	})
	relabel(func(s *corev1.Secret) { s.Data["secret"] = []byte("the-second-secret the-first-secret") })
	w.files("shop", "both secrets", func(webhooks, _ string) bool { return strings.Contains(webhooks, "the-second-secret") })
	relabel(func(s *corev1.Secret) { s.Data["secret"] = []byte("short") })
	w.untilCondition("shop", v1alpha1.ConditionEventsDelivered, metav1.ConditionFalse, v1alpha1.ReasonSecretInvalid)
	if err := w.cluster.Client.Delete(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	w.untilCondition("shop", v1alpha1.ConditionEventsDelivered, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound)
	w.files("shop", "the webhook as it was", func(webhooks, _ string) bool { return strings.Contains(webhooks, "the-second-secret") })
	w.untilNote("shop", v1alpha1.ReasonSecretNotFound, "kubectl label secret hmac sesi.dev/webhooks=true")
	if now := w.pod("shop"); now == nil || now.UID != pod {
		t.Error("the pod was replaced")
	}
}

// The status follows what the bot reports of its webhooks and of sending, and says it in conditions and events.
func TestDeliveriesInTheStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.linked()
	w.operate(staging{})
	w.create("shop", func(s *v1alpha1.WhatsAppSession) {
		s.Spec.Webhooks = []v1alpha1.Webhook{{Name: "books", URL: "https://books.example/in"}}
	})
	w.untilCondition("shop", v1alpha1.ConditionConnected, metav1.ConditionTrue, "")
	report := func(state bot.WebhookState, since time.Time, dead uint64, held *bot.Hold) {
		t.Helper()
		w.bots.Bot(w.key("shop")).Change(func(s *bot.Snapshot) {
			s.Messages = &bot.MessagesSummary{Held: held, Webhooks: []bot.WebhookSummary{{Name: "books", State: state, BacklogSince: bot.At(since), DeadLetters: dead}}}
		})
	}
	report(bot.WebhookDelivering, time.Time{}, 0, nil)
	w.untilCondition("shop", v1alpha1.ConditionEventsDelivered, metav1.ConditionTrue, v1alpha1.ReasonDelivering)
	w.untilCondition("shop", v1alpha1.ConditionSending, metav1.ConditionTrue, v1alpha1.ReasonNotHeld)

	since, until := time.Now().Add(-time.Hour).Truncate(time.Second), time.Now().Add(time.Hour).Truncate(time.Second)
	report(bot.WebhookRetrying, since, 20, &bot.Hold{Reason: bot.HoldTimelocked, Until: bot.At(until)})
	behind := w.untilCondition("shop", v1alpha1.ConditionEventsDelivered, metav1.ConditionFalse, v1alpha1.ReasonRetrying)
	if hooks := behind.Status.Webhooks; len(hooks) != 1 || hooks[0].State != bot.WebhookRetrying || !hooks[0].BacklogSince.Time.Equal(since) || hooks[0].DeadLetters != 20 {
		t.Errorf("status.webhooks = %+v", hooks)
	}
	locked := w.untilCondition("shop", v1alpha1.ConditionSending, metav1.ConditionFalse, v1alpha1.ReasonTimelocked)
	if sending := locked.Status.Sending; sending == nil || sending.HeldFor != bot.HoldTimelocked || !sending.Until.Time.Equal(until) {
		t.Errorf("status.sending = %+v", sending)
	}
	w.untilNote("shop", v1alpha1.ReasonRetrying, "webhook books does not accept events")
	w.untilNote("shop", v1alpha1.ReasonTimelocked, until.UTC().Format(time.RFC3339))
	w.untilCondition("shop", v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	report(bot.WebhookEnded, time.Time{}, 20, nil)
	w.untilCondition("shop", v1alpha1.ConditionEventsDelivered, metav1.ConditionFalse, v1alpha1.ReasonEnded)
	ended := w.untilCondition("shop", v1alpha1.ConditionSending, metav1.ConditionTrue, v1alpha1.ReasonNotHeld)
	if ended.Status.Sending != nil {
		t.Errorf("status.sending = %+v, want none", ended.Status.Sending)
	}
	w.untilNote("shop", v1alpha1.ReasonNotHeld, "Nothing holds messages back")
}

// untilNote waits for an event of a session with a reason and a text.
func (w *world) untilNote(name, reason, text string) {
	w.t.Helper()
	within(w.t, "an event "+reason+" with "+text, func() bool {
		var list corev1.EventList
		if err := w.cluster.Client.List(w.t.Context(), &list, client.InNamespace(w.namespace)); err != nil {
			w.t.Fatal(err)
		}
		return slices.ContainsFunc(list.Items, func(e corev1.Event) bool {
			return e.InvolvedObject.Name == name && e.Reason == reason && strings.Contains(e.Message, text)
		})
	})
}

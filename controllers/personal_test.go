package controllers_test

import (
	"encoding/json"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

// personal are the parts of the reported account that name its owner.
var personal = []string{"628123456789", "123456789012345", "Budi"}

// reportPersonally makes a session's bot report an account, and a message with its numbers.
func (w *world) reportPersonally(name string) {
	w.t.Helper()
	w.bots.Bot(w.key(name)).Change(func(s *bot.Snapshot) {
		s.JID, s.LID, s.PushName = "628123456789:12@s.whatsapp.net", "123456789012345@lid", "Budi Santoso"
		s.Message = "WhatsApp says of 628123456789 and 123456789012345 that all is well."
	})
}

// told lists all that the resource and the events in the test's namespace say.
func (w *world) told() string {
	w.t.Helper()
	var all strings.Builder
	for _, list := range []client.ObjectList{&v1alpha1.WhatsAppSessionList{}, &corev1.EventList{}, &eventsv1.EventList{}} {
		if err := w.cluster.Client.List(w.t.Context(), list, client.InNamespace(w.namespace)); err != nil {
			w.t.Fatal(err)
		}
		text, err := json.Marshal(list)
		if err != nil {
			w.t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

// A user who may only read the resource and its events does not learn the account behind it, nor does a reader of the log.
func TestMaskedPersonalData(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	op := w.operate(staging{masked: true})
	w.comeUp("kasir", "628123456789:12@s.whatsapp.net", nil)
	w.reportPersonally("kasir")
	seen := w.until("kasir", "the account", func(s *v1alpha1.WhatsAppSession) bool { return s.Status.Session.LID != "" })
	facts := seen.Status.Session
	if facts.PhoneNumber != "+62***89" || facts.JID != "62***89:12@s.whatsapp.net" || facts.LID != "12***45@lid" || facts.PushName != "B***" {
		t.Errorf("the status shows %s, %s, %s, %s", facts.PhoneNumber, facts.JID, facts.LID, facts.PushName)
	}
	if !strings.Contains(show(seen), "WhatsApp says of 62***89 and 12***45") {
		t.Errorf("the bot's message is not shown, or not masked:\n%s", show(seen))
	}
	w.bots.Bot(w.key("kasir")).Change(func(s *bot.Snapshot) {
		s.State, s.Reason, s.Connected, s.UserAction = bot.StateConflict, bot.ReasonStreamReplaced, false, bot.ActionResolveConflict
	})
	w.untilEvent("kasir", string(bot.ReasonStreamReplaced))
	told := w.told() + op.log.String()
	for _, part := range personal {
		if strings.Contains(told, part) {
			t.Errorf("%s is told:\n%s", part, told)
		}
	}
}

// What an operator without the mask wrote is masked too, also where no bot runs that would report again.
func TestTheMaskCoversWhatWasShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	open := w.operate(staging{})
	w.comeUp("kasir", "628123456789:12@s.whatsapp.net", nil)
	w.reportPersonally("kasir")
	session := w.until("kasir", "the account", func(s *v1alpha1.WhatsAppSession) bool { return s.Status.Session.LID != "" })
	if told := w.told(); !strings.Contains(told, personal[0]) || !strings.Contains(told, personal[2]) {
		t.Fatalf("without the mask the account is not shown:\n%s", told)
	}
	edit(w, session, func(s *v1alpha1.WhatsAppSession) { s.Spec.Suspended = new(true) })
	w.untilCondition("kasir", v1alpha1.ConditionPodReady, metav1.ConditionFalse, v1alpha1.ReasonSuspended)
	open.stop()
	w.operate(staging{masked: true})
	session = w.until("kasir", "the mask", func(s *v1alpha1.WhatsAppSession) bool { return s.Status.Session.PhoneNumber == "+62***89" })
	for _, part := range personal {
		if strings.Contains(show(session), part) {
			t.Errorf("%s is still shown:\n%s", part, show(session))
		}
	}
}

// Two sessions of one account are still found, also by the next operator, and two accounts that only look the same are
// not taken for one.
func TestTheSameMaskedAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	op := w.operate(staging{masked: true})
	w.comeUp("kasir", "628123456789:1@s.whatsapp.net", nil)
	w.comeUp("apotek", "628100000089:1@s.whatsapp.net", nil)
	w.comeUp("toko", "628123456789:2@s.whatsapp.net", nil)
	shared := func(name string) *v1alpha1.WhatsAppSession {
		return w.untilCondition(name, v1alpha1.ConditionConflict, metav1.ConditionTrue, v1alpha1.ReasonAccountShared)
	}
	if here, there := shared("kasir"), shared("toko"); !strings.Contains(show(here), "WhatsAppSession toko") || !strings.Contains(show(there), "WhatsAppSession kasir") {
		t.Errorf("neither names the other:\n%s\n%s", show(here), show(there))
	}
	op.stop()
	w.operate(staging{masked: true})
	for _, name := range []string{"kasir", "toko", "apotek"} {
		w.bots.Bot(w.key(name)).Change(func(s *bot.Snapshot) { s.WebVersion = "2.3000.2" })
		w.until(name, "a report to the next operator", func(s *v1alpha1.WhatsAppSession) bool { return s.Status.WebVersion == "2.3000.2" })
	}
	shared("kasir")
	if other := w.get("apotek"); !has(other, v1alpha1.ConditionConflict, metav1.ConditionFalse, v1alpha1.ReasonNoConflict) {
		t.Errorf("another account counts as the same:\n%s", show(other))
	}
	if err := w.cluster.Client.Delete(t.Context(), shared("toko")); err != nil {
		t.Fatal(err)
	}
	w.untilCondition("kasir", v1alpha1.ConditionConflict, metav1.ConditionFalse, v1alpha1.ReasonNoConflict)
}

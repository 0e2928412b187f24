package controllers

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

// conditions writes a visit's conditions: each of them on every visit, with the generation that it is about.
type conditions struct {
	scope  *scope
	status *v1alpha1.WhatsAppSessionStatus
	known  knowledge
}

func deriveConditions(s *scope, status *v1alpha1.WhatsAppSessionStatus, known knowledge) {
	c := conditions{s, status, known}
	c.setStorageReady()
	c.setPodReady()
	c.setSessionExists()
	c.setConnected()
	c.setQRRequired()
	c.setSessionExpired()
	c.setConflict()
	c.setProgress()
	c.setReady()
}

func (c *conditions) set(kind string, value metav1.ConditionStatus, reason, message string) {
	meta.SetStatusCondition(&c.status.Conditions, metav1.Condition{
		Type: kind, Status: value, Reason: reason, Message: bounded(message),
		ObservedGeneration: c.scope.session.Generation, LastTransitionTime: metav1.NewTime(c.scope.now),
	})
}

// maxMessage is what an event may say, in bytes. A condition may say more, though not without end: the answers of others
// that a message takes up, such as an admission webhook's, have no bound of their own.
const maxMessage = 1000

// bounded cuts a message, at the end of a rune.
func bounded(message string) string {
	const more = "..."
	if len(message) <= maxMessage {
		return message
	}
	return strings.ToValidUTF8(message[:maxMessage-len(more)], "") + more
}

// keep leaves a condition as it is, for this generation; false when there is none to keep.
func (c *conditions) keep(kind string) bool {
	before := c.find(kind)
	if before == nil {
		return false
	}
	before.ObservedGeneration = c.scope.session.Generation
	return true
}

func (c *conditions) find(kind string) *metav1.Condition {
	return meta.FindStatusCondition(c.status.Conditions, kind)
}

func truth(value bool) metav1.ConditionStatus {
	if value {
		return metav1.ConditionTrue
	}
	return metav1.ConditionFalse
}

func (c *conditions) setStorageReady() {
	v := c.scope.storage
	c.set(v1alpha1.ConditionStorageReady, v.status, v.reason, v.message)
}

func (c *conditions) setPodReady() {
	if c.known == remembered && c.scope.bot.reason == v1alpha1.ReasonPodStarting && c.keep(v1alpha1.ConditionPodReady) {
		return
	}
	v := c.scope.bot
	c.set(v1alpha1.ConditionPodReady, v.status, v.reason, v.message)
}

// setSessionExists, setSessionExpired and setQRRequired show facts of the claim. They stay as last seen while no bot
// speaks, for nothing but a bot changes them.
func (c *conditions) setSessionExists() {
	switch snapshot := c.scope.snapshot(); {
	case c.known != heard:
		c.unseen(v1alpha1.ConditionSessionExists)
	case snapshot.Exists:
		c.set(v1alpha1.ConditionSessionExists, metav1.ConditionTrue, v1alpha1.ReasonLinked, "The claim holds a linked device.")
	default:
		c.set(v1alpha1.ConditionSessionExists, metav1.ConditionFalse, v1alpha1.ReasonNotLinked, "The claim holds no linked device.")
	}
}

func (c *conditions) setSessionExpired() {
	snapshot := c.scope.snapshot()
	if c.known != heard {
		c.unseen(v1alpha1.ConditionSessionExpired)
		return
	}
	if !snapshot.Expired {
		c.set(v1alpha1.ConditionSessionExpired, metav1.ConditionFalse, v1alpha1.ReasonNotExpired, "The session was not logged out since it was linked.")
		return
	}
	reason := string(bot.ReasonLoggedOut)
	if before := c.find(v1alpha1.ConditionSessionExpired); before != nil && before.Status == metav1.ConditionTrue {
		reason = before.Reason
	}
	switch snapshot.Reason {
	case bot.ReasonLoggedOut, bot.ReasonPrimaryDeviceGone, bot.ReasonAccountBanned, bot.ReasonClearedByUser:
		reason = string(snapshot.Reason)
	}
	c.set(v1alpha1.ConditionSessionExpired, metav1.ConditionTrue, reason, "The session was logged out: link the phone again.")
}

func (c *conditions) setQRRequired() {
	snapshot := c.scope.snapshot()
	switch {
	case c.scope.suspended():
		c.set(v1alpha1.ConditionQRRequired, metav1.ConditionFalse, v1alpha1.ReasonSuspended, "No bot runs that could show a code.")
		if c.status.QR != nil {
			c.status.QR.Needed = false
		}
	case c.known != heard:
		c.unseen(v1alpha1.ConditionQRRequired)
	case !snapshot.QRRequired:
		c.set(v1alpha1.ConditionQRRequired, metav1.ConditionFalse, v1alpha1.ReasonNotNeeded, "No code has to be scanned.")
	default:
		c.set(v1alpha1.ConditionQRRequired, metav1.ConditionTrue, string(snapshot.Reason), fmt.Sprintf(
			"A phone must be linked: kubectl port-forward pod/%s %d, then open http://127.0.0.1:%d/qr and scan the code with the phone.",
			naming.Name(c.scope.session), naming.PortPlain, naming.PortPlain))
	}
}

// unseen keeps what was last seen; it is unknown if nothing ever was.
func (c *conditions) unseen(kind string) {
	if !c.keep(kind) {
		c.set(kind, metav1.ConditionUnknown, v1alpha1.ReasonNotObserved, "No bot of this session has been heard yet.")
	}
}

func (c *conditions) setConnected() {
	v := c.scope.bot
	switch c.known {
	case heard:
		snapshot := c.scope.snapshot()
		c.set(v1alpha1.ConditionConnected, truth(snapshot.Connected), string(snapshot.Reason), snapshot.Message)
	case remembered:
		c.unseen(v1alpha1.ConditionConnected)
	case starting:
		c.set(v1alpha1.ConditionConnected, metav1.ConditionUnknown, v1alpha1.ReasonNotObserved, "The bot has just been started.")
	case lost:
		c.set(v1alpha1.ConditionConnected, metav1.ConditionUnknown, v.reason, v.message)
	default:
		c.set(v1alpha1.ConditionConnected, metav1.ConditionFalse, v.reason, v.message)
	}
}

// setConflict names who else wants the session.
func (c *conditions) setConflict() {
	s, snapshot := c.scope, c.scope.snapshot()
	other := ""
	if s.twin != nil {
		other = fmt.Sprintf("The WhatsAppSession %s/%s is linked to the same account.", s.twin.Namespace, s.twin.Name)
	}
	switch {
	case s.holder != nil:
		c.set(v1alpha1.ConditionConflict, metav1.ConditionTrue, v1alpha1.ReasonClaimShared, s.storage.message)
	case c.known == heard && snapshot.State == bot.StateConflict:
		message := snapshot.Message
		if other != "" {
			message = sentence(message) + " " + other
		}
		c.set(v1alpha1.ConditionConflict, metav1.ConditionTrue, string(snapshot.Reason), message)
	case other != "":
		c.set(v1alpha1.ConditionConflict, metav1.ConditionTrue, v1alpha1.ReasonAccountShared, other+
			" If it is a copy of this one, delete one of the two: they take the account from each other.")
	case c.known == lost || c.known == remembered:
		if !c.keepConflict() {
			c.set(v1alpha1.ConditionConflict, metav1.ConditionFalse, v1alpha1.ReasonNoConflict, "Nobody else wants the session.")
		}
	default:
		c.set(v1alpha1.ConditionConflict, metav1.ConditionFalse, v1alpha1.ReasonNoConflict, "Nobody else wants the session.")
	}
}

// keepConflict keeps a conflict that the bot had when it was last heard.
func (c *conditions) keepConflict() bool {
	before := c.find(v1alpha1.ConditionConflict)
	return before != nil && before.Reason == string(bot.ReasonStreamReplaced) && c.keep(v1alpha1.ConditionConflict)
}

// setProgress sets Reconciling and Stalled after kstatus: one of them at most, and neither when it is false.
func (c *conditions) setProgress() {
	want, from := "", verdict{}
	for _, v := range []verdict{c.scope.storage, c.scope.bot, c.scope.trouble} {
		switch {
		case v.outlook == stalled && want != v1alpha1.ConditionStalled:
			want, from = v1alpha1.ConditionStalled, v
		case v.outlook == moving && want == "":
			want, from = v1alpha1.ConditionReconciling, v
		}
	}
	if c.known == remembered && want == v1alpha1.ConditionReconciling && from.reason == v1alpha1.ReasonPodStarting {
		if before := c.find(v1alpha1.ConditionPodReady); before != nil && before.Reason != v1alpha1.ReasonPodStarting {
			want = ""
		}
	}
	for _, kind := range []string{v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled} {
		before := c.find(kind)
		// A wait for a pairing is bounded by the time of its transition, so it begins one of its own.
		if before != nil && (kind != want || from.reason == v1alpha1.ReasonAwaitingPairing && before.Reason != from.reason) {
			meta.RemoveStatusCondition(&c.status.Conditions, kind)
		}
	}
	if want != "" {
		c.set(want, metav1.ConditionTrue, from.reason, from.message)
	}
}

// setReady sums the others up. It comes last, and is true only when nothing is left to do.
func (c *conditions) setReady() {
	s, ready := c.scope, v1alpha1.ConditionReady
	connected := c.find(v1alpha1.ConditionConnected)
	switch {
	case s.deleting():
		c.set(ready, metav1.ConditionFalse, v1alpha1.ReasonTerminating, "The session is being deleted.")
	case s.suspended():
		c.set(ready, metav1.ConditionFalse, v1alpha1.ReasonSuspended, "spec.suspended asks for no bot.")
	case c.find(v1alpha1.ConditionStalled) != nil:
		c.copyToReady(metav1.ConditionFalse, v1alpha1.ConditionStalled)
	case !s.storage.good():
		c.copyToReady(metav1.ConditionFalse, v1alpha1.ConditionStorageReady)
	case c.known == lost:
		c.copyToReady(metav1.ConditionUnknown, v1alpha1.ConditionPodReady)
	case c.known == remembered && c.find(v1alpha1.ConditionReconciling) == nil && c.keep(ready):
	case c.known != heard:
		c.copyToReady(metav1.ConditionFalse, v1alpha1.ConditionPodReady)
	case !knownState(s.snapshot()):
		// Whether such a bot can send and receive, only a newer operator knows.
		c.copyToReady(metav1.ConditionUnknown, v1alpha1.ConditionPodReady)
	case connected.Status != metav1.ConditionTrue:
		c.copyToReady(metav1.ConditionFalse, v1alpha1.ConditionConnected)
	case c.find(v1alpha1.ConditionReconciling) != nil:
		c.copyToReady(metav1.ConditionFalse, v1alpha1.ConditionReconciling)
	default:
		c.copyToReady(metav1.ConditionTrue, v1alpha1.ConditionConnected)
	}
}

// copyToReady gives Ready the reason and the message of another condition.
func (c *conditions) copyToReady(value metav1.ConditionStatus, from string) {
	other := c.find(from)
	c.set(v1alpha1.ConditionReady, value, other.Reason, other.Message)
}

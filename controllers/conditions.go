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

// conditions writes the conditions of a pass: each of them on every pass, with the generation that it is about. A
// setter changes its own condition and nothing else.
type conditions struct {
	pass   *pass
	status *v1alpha1.WhatsAppSessionStatus
	known  knowledge
}

func deriveConditions(p *pass, status *v1alpha1.WhatsAppSessionStatus, known knowledge) {
	c := conditions{p, status, known}
	c.setStorageReady()
	c.setPodReady()
	c.setSessionExists()
	c.setConnected()
	c.setQRRequired()
	c.setSessionExpired()
	c.setConflict()
	c.setEventsDelivered()
	c.setSending()
	c.setProgress()
	c.setReady()
}

func (c *conditions) set(kind string, value metav1.ConditionStatus, reason, message string) {
	meta.SetStatusCondition(&c.status.Conditions, metav1.Condition{
		Type: kind, Status: value, Reason: reason, Message: bounded(message),
		ObservedGeneration: c.pass.session.Generation, LastTransitionTime: metav1.NewTime(c.pass.now),
	})
}

func (c *conditions) show(kind string, v verdict) { c.set(kind, v.status(), v.reason(), v.message) }

// maxMessage is the longest message of an event, in bytes. A condition may be longer, but not without a limit: messages
// quote other programs, such as an admission webhook, and their answers have no limit.
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
	before.ObservedGeneration = c.pass.session.Generation
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

func (c *conditions) setStorageReady() { c.show(v1alpha1.ConditionStorageReady, c.pass.storage) }

func (c *conditions) setPodReady() {
	if c.known == remembered && c.pass.bot.kind == kindPodStarting && c.keep(v1alpha1.ConditionPodReady) {
		return
	}
	c.show(v1alpha1.ConditionPodReady, c.pass.bot)
}

// setSessionExists, setSessionExpired and setQRRequired show facts of the claim. They keep their last value while no
// bot reports, because only a bot changes those facts.
func (c *conditions) setSessionExists() {
	switch snapshot := c.pass.snapshot(); {
	case c.known != reported:
		c.keepOrUnknown(v1alpha1.ConditionSessionExists)
	case snapshot.Exists:
		c.set(v1alpha1.ConditionSessionExists, metav1.ConditionTrue, v1alpha1.ReasonLinked, "The PVC holds a linked device.")
	default:
		c.set(v1alpha1.ConditionSessionExists, metav1.ConditionFalse, v1alpha1.ReasonNotLinked, "The PVC holds no linked device.")
	}
}

func (c *conditions) setSessionExpired() {
	snapshot := c.pass.snapshot()
	if c.known != reported {
		c.keepOrUnknown(v1alpha1.ConditionSessionExpired)
		return
	}
	if !snapshot.Expired {
		c.set(v1alpha1.ConditionSessionExpired, metav1.ConditionFalse, v1alpha1.ReasonNotExpired, "The session has not expired.")
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
	c.set(v1alpha1.ConditionSessionExpired, metav1.ConditionTrue, reason, "The session was logged out. Link the phone again.")
}

func (c *conditions) setQRRequired() {
	snapshot := c.pass.snapshot()
	switch {
	case c.pass.deleting():
		c.set(v1alpha1.ConditionQRRequired, metav1.ConditionFalse, v1alpha1.ReasonTerminating, "The session is being deleted.")
	case c.pass.suspended():
		c.set(v1alpha1.ConditionQRRequired, metav1.ConditionFalse, v1alpha1.ReasonSuspended, "Suspended: no bot runs that could show a code.")
	case c.known != reported:
		c.keepOrUnknown(v1alpha1.ConditionQRRequired)
	case !snapshot.QRRequired:
		c.set(v1alpha1.ConditionQRRequired, metav1.ConditionFalse, v1alpha1.ReasonNotNeeded, "No code has to be scanned.")
	default:
		c.set(v1alpha1.ConditionQRRequired, metav1.ConditionTrue, string(snapshot.Reason), fmt.Sprintf(
			"A phone must be linked: kubectl port-forward pod/%s %d, then open http://127.0.0.1:%d/qr and scan the code with the phone.",
			naming.Name(c.pass.session), naming.PortPlain, naming.PortPlain))
	}
}

// keepOrUnknown keeps the last value of a condition; it is unknown before the first report.
func (c *conditions) keepOrUnknown(kind string) {
	if !c.keep(kind) {
		c.set(kind, metav1.ConditionUnknown, v1alpha1.ReasonNotObserved, "No report from the bot yet.")
	}
}

func (c *conditions) setConnected() {
	v := c.pass.bot
	switch c.known {
	case reported:
		snapshot := c.pass.snapshot()
		c.set(v1alpha1.ConditionConnected, truth(snapshot.Connected), string(snapshot.Reason), snapshot.Message)
	case remembered:
		c.keepOrUnknown(v1alpha1.ConditionConnected)
	case starting:
		c.set(v1alpha1.ConditionConnected, metav1.ConditionUnknown, v1alpha1.ReasonNotObserved, "No report from the bot yet; it has just been started.")
	case lost:
		c.set(v1alpha1.ConditionConnected, metav1.ConditionUnknown, v.reason(), v.message)
	default:
		c.set(v1alpha1.ConditionConnected, metav1.ConditionFalse, v.reason(), v.message)
	}
}

// setConflict names the other client of the session.
func (c *conditions) setConflict() {
	p, snapshot := c.pass, c.pass.snapshot()
	other := ""
	if p.sameAccount != nil {
		other = fmt.Sprintf("WhatsAppSession %s is linked to the same account.", p.sameAccount.Name)
	}
	switch {
	case p.holder != nil:
		c.set(v1alpha1.ConditionConflict, metav1.ConditionTrue, v1alpha1.ReasonClaimShared, p.storage.message)
	case c.known == reported && snapshot.State == bot.StateConflict:
		message := snapshot.Message
		if other != "" {
			message = sentence(message) + " " + other
		}
		c.set(v1alpha1.ConditionConflict, metav1.ConditionTrue, string(snapshot.Reason), message)
	case other != "":
		c.set(v1alpha1.ConditionConflict, metav1.ConditionTrue, v1alpha1.ReasonAccountShared, other+
			" If one is a copy of the other, delete one: they keep disconnecting each other.")
	case (c.known == lost || c.known == remembered) && c.keepConflict(string(bot.ReasonStreamReplaced)):
	case p.accountUnsure && c.keepConflict(v1alpha1.ReasonAccountShared):
	default:
		c.set(v1alpha1.ConditionConflict, metav1.ConditionFalse, v1alpha1.ReasonNoConflict, "No other client uses this session.")
	}
}

// keepConflict keeps a conflict that an earlier pass found for a reason.
func (c *conditions) keepConflict(reason string) bool {
	before := c.find(v1alpha1.ConditionConflict)
	return before != nil && before.Reason == reason && c.keep(v1alpha1.ConditionConflict)
}

// setProgress sets Reconciling and Stalled by the rules of kstatus: at most one of them, and neither when it is false.
func (c *conditions) setProgress() {
	want, from := "", verdict{}
	for _, v := range []verdict{c.pass.storage, c.pass.bot, c.pass.trouble} {
		switch {
		case v.outlook == stalled && want != v1alpha1.ConditionStalled:
			want, from = v1alpha1.ConditionStalled, v
		case v.outlook == moving && want == "":
			want, from = v1alpha1.ConditionReconciling, v
		}
	}
	if c.known == remembered && want == v1alpha1.ConditionReconciling && from.kind == kindPodStarting {
		if before := c.find(v1alpha1.ConditionPodReady); before != nil && before.Reason != from.reason() {
			want = ""
		}
	}
	for _, kind := range []string{v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled} {
		if kind != want {
			meta.RemoveStatusCondition(&c.status.Conditions, kind)
		}
	}
	if want != "" {
		c.set(want, metav1.ConditionTrue, from.reason(), from.message)
	}
}

// setReady sums the others up. It comes last, and is true only when nothing is left to do.
func (c *conditions) setReady() {
	p, ready := c.pass, v1alpha1.ConditionReady
	connected := c.find(v1alpha1.ConditionConnected)
	switch {
	case p.deleting():
		c.set(ready, metav1.ConditionFalse, v1alpha1.ReasonTerminating, "The session is being deleted.")
	case p.suspended():
		c.show(ready, classifySuspended())
	case c.find(v1alpha1.ConditionStalled) != nil:
		c.copyToReady(metav1.ConditionFalse, v1alpha1.ConditionStalled)
	case !p.storage.good():
		cause := p.cause()
		c.set(ready, metav1.ConditionFalse, cause.reason(), cause.message)
	case c.known == lost:
		c.copyToReady(metav1.ConditionUnknown, v1alpha1.ConditionPodReady)
	case c.known == remembered && c.find(v1alpha1.ConditionReconciling) == nil && c.keep(ready):
	case c.known != reported:
		c.copyToReady(metav1.ConditionFalse, v1alpha1.ConditionPodReady)
	case !knownState(p.snapshot()):
		// Only a newer operator knows whether a bot in such a state can send and receive.
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

package controllers

import (
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/observer"
	"sesi.dev/sesi/controllers/resources"
)

// knowledge is how much is known of the bot at the moment of a visit.
type knowledge int

const (
	// absent: no bot runs, so none is connected.
	absent knowledge = iota
	// starting: a bot runs, and this incarnation has not spoken yet.
	starting
	// remembered: the operator has just begun to listen to a bot whose status an operator before it wrote. What that
	// says holds until the bot is heard or lost.
	remembered
	// heard: the bot has spoken.
	heard
	// lost: a bot may run, and what it last said is old.
	lost
)

// classifyKnowledge says how much is known of the bot.
func classifyKnowledge(s *scope) knowledge {
	if !s.owned() {
		return absent
	}
	_, process := s.classifyPod()
	switch {
	case process == processUnknown:
		return lost
	case process == processNone:
		return absent
	case s.unheard() || s.observation != nil && s.observation.Hearing == observer.Lost:
		return lost
	case s.snapshot() != nil:
		return heard
	case s.session.Status.Instance == string(s.pod.UID):
		return remembered
	}
	return starting
}

// deriveStatus is the status that is true after a visit. It depends on the scope alone.
func deriveStatus(s *scope) *v1alpha1.WhatsAppSessionStatus {
	status := s.session.Status.DeepCopy()
	known := classifyKnowledge(s)
	status.ObservedGeneration = s.session.Generation
	status.ClientID = naming.ClientID(s.session)
	status.PodName, status.NodeName = "", ""
	if s.owned() {
		status.PodName, status.NodeName = s.pod.Name, s.pod.Spec.NodeName
	}
	if known == heard {
		mirror(status, s.snapshot())
	}
	if known == absent || known == lost {
		if status.QR != nil {
			status.QR.ExpiresAt = nil
		}
	}
	deriveState(s, status, known)
	deriveConditions(s, status, known)
	return status
}

// mirror copies what the bot says.
func mirror(status *v1alpha1.WhatsAppSessionStatus, snapshot *bot.Snapshot) {
	before := status.Session
	if before == nil {
		before = &v1alpha1.SessionStatus{}
	}
	status.Session = &v1alpha1.SessionStatus{
		Exists: snapshot.Exists, Expired: snapshot.Expired,
		LastModified: moment(snapshot.LastModified), SizeBytes: snapshot.Size, Path: snapshot.Path,
		JID: snapshot.JID, LID: snapshot.LID, PhoneNumber: phoneNumber(snapshot.JID), PushName: snapshot.PushName,
		LinkedAt: moment(snapshot.LinkedAt), LastConnectedAt: moment(snapshot.ConnectedAt),
	}
	if status.Session.LastConnectedAt == nil {
		status.Session.LastConnectedAt = before.LastConnectedAt
	}
	status.QR = &v1alpha1.QRStatus{Needed: snapshot.QRRequired, ExpiresAt: moment(snapshot.QRExpiresAt)}
	status.RestrictedUntil = moment(snapshot.RestrictedUntil)
	status.WebVersion = snapshot.WebVersion
	status.Notice = string(snapshot.Notice)
	status.Instance = snapshot.Instance
}

// deriveState gives the session the bot's word, or the operator's own where no bot speaks.
func deriveState(s *scope, status *v1alpha1.WhatsAppSessionStatus, known knowledge) {
	set := func(state bot.State, reason string, action bot.UserAction) {
		status.State, status.Reason, status.UserAction = state, reason, action
	}
	last := status.UserAction
	if last == "" {
		last = bot.ActionNone
	}
	switch {
	case s.deleting():
		set(v1alpha1.StateTerminating, v1alpha1.ReasonTerminating, bot.ActionNone)
	case s.holder != nil:
		set(bot.StateConflict, v1alpha1.ReasonClaimShared, bot.ActionResolveConflict)
	case s.suspended():
		set(v1alpha1.StateSuspended, v1alpha1.ReasonSuspended, bot.ActionNone)
	case known == heard && !knownState(s.snapshot()):
		set(v1alpha1.StateUnknown, v1alpha1.ReasonOperatorOutdated, s.snapshot().UserAction)
	case known == heard:
		snapshot := s.snapshot()
		set(snapshot.State, string(snapshot.Reason), snapshot.UserAction)
	case known == remembered && status.State != "":
		status.UserAction = last
	case known == lost:
		set(v1alpha1.StateUnknown, s.bot.reason, last)
	case s.bot.reason == v1alpha1.ReasonAwaitingStorage:
		set(v1alpha1.StatePending, s.storage.reason, last)
	default:
		set(v1alpha1.StatePending, s.bot.reason, last)
	}
}

// moment is a bot's time as a status shows it, to the second; nil for none.
func moment(t bot.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	shown := metav1.NewTime(t.Truncate(time.Second))
	return &shown
}

// phoneNumber is the number in a jid of a phone's account, with its leading +; empty for any other account.
func phoneNumber(jid string) string {
	user, server, _ := strings.Cut(resources.Account(jid), "@")
	if server != "s.whatsapp.net" || user == "" || strings.Trim(user, "0123456789") != "" {
		return ""
	}
	return "+" + user
}

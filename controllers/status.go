package controllers

import (
	"k8s.io/apimachinery/pkg/api/meta"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/observer"
)

// knowledge is how much a pass knows of the bot.
type knowledge int

const (
	// absent: no bot runs, so none is connected.
	absent knowledge = iota
	// starting: a bot runs, and its process has not reported yet.
	starting
	// remembered: this operator has just begun to listen to a bot whose status an earlier operator wrote. That status
	// holds until the bot reports or counts as unreachable.
	remembered
	// reported: the bot has reported.
	reported
	// lost: a bot may run, and its last report is old.
	lost
)

// classifyKnowledge says how much is known of the bot.
func classifyKnowledge(in *input) knowledge {
	switch {
	case in.orphaned():
		return lost
	case !in.owned():
		return absent
	}
	_, process := in.classifyPod()
	switch {
	case process == processUnknown:
		return lost
	case process == processNone:
		return absent
	case in.unasked() || in.observation != nil && in.observation.Hearing == observer.Lost:
		return lost
	case in.snapshot() != nil:
		return reported
	case in.session.Status.Instance == string(in.pod.UID):
		return remembered
	}
	return starting
}

// deriveStatus computes the status after a pass. It depends on the pass alone.
func deriveStatus(p *pass) *v1alpha1.WhatsAppSessionStatus {
	status := p.session.Status.DeepCopy()
	known := classifyKnowledge(&p.input)
	status.ObservedGeneration = p.session.Generation
	status.ClientID = naming.ClientID(p.session)
	status.PodName, status.NodeName = "", ""
	if p.owned() {
		status.PodName, status.NodeName = p.pod.Name, p.pod.Spec.NodeName
	}
	status.Replacement = p.plan.replacement
	dropForeignFacts(p, status)
	if known == reported {
		claim := ""
		switch {
		case p.claimReplaced():
			claim = p.session.Status.Session.ClaimUID
		case p.claim != nil:
			claim = string(p.claim.UID)
		}
		observer.Mirror(status, p.snapshot())
		status.Session.ClaimUID = claim
	}
	if status.QR != nil {
		if known == absent || known == lost {
			status.QR.ExpiresAt = nil
		}
		if p.suspended() || p.deleting() {
			status.QR.Needed = false
		}
	}
	deriveState(p, status, known)
	deriveConditions(p, status, known)
	if p.masked {
		maskStatus(status)
	}
	return status
}

// dropForeignFacts removes what the status says of the session when that was stored on another claim. A deleted claim
// takes the session with it, and the next one of its name is empty.
func dropForeignFacts(p *pass, status *v1alpha1.WhatsAppSessionStatus) {
	facts := status.Session
	if facts == nil || facts.ClaimUID == "" || p.claim != nil && string(p.claim.UID) == facts.ClaimUID || p.claimReplaced() {
		return
	}
	status.Session, status.QR, status.RestrictedUntil, status.Notice, status.Instance = nil, nil, nil, "", ""
	status.Webhooks, status.Sending = nil, nil
	for _, kind := range []string{
		v1alpha1.ConditionSessionExists, v1alpha1.ConditionSessionExpired, v1alpha1.ConditionQRRequired,
		v1alpha1.ConditionEventsDelivered, v1alpha1.ConditionSending,
	} {
		meta.RemoveStatusCondition(&status.Conditions, kind)
	}
}

// cause is the first thing that a person can change when the storage is not ready. A claim that waits for its first pod
// is not the cause of what keeps the pod away.
func (p *pass) cause() verdict {
	if p.storage.kind != kindClaimPending {
		return p.storage
	}
	switch p.bot.kind {
	case kindNone, kindPodStarting, kindPodRunning, kindOperatorOutdated, kindAwaitingStorage, kindAwaitingTermination, kindAwaitingPairing, kindAwaitingTurn, kindSuspended:
		return p.storage
	case kindUnschedulable:
		if waitsForClaim(p.pod) {
			return p.storage
		}
	}
	return p.bot
}

// deriveState sets the session's state: the bot's, or the operator's own where no bot reports.
func deriveState(p *pass, status *v1alpha1.WhatsAppSessionStatus, known knowledge) {
	set := func(state bot.State, reason string, action bot.UserAction) {
		status.State, status.Reason, status.UserAction = state, reason, action
	}
	last := status.UserAction
	if last == "" || status.Reason == v1alpha1.ReasonClaimShared { // that conflict was the operator's own
		last = bot.ActionNone
	}
	switch {
	case p.deleting():
		set(v1alpha1.StateTerminating, v1alpha1.ReasonTerminating, bot.ActionNone)
	case p.holder != nil:
		set(bot.StateConflict, v1alpha1.ReasonClaimShared, bot.ActionResolveConflict)
	case p.suspended():
		set(v1alpha1.StateSuspended, v1alpha1.ReasonSuspended, bot.ActionNone)
	case known == reported && !knownState(p.snapshot()):
		set(v1alpha1.StateUnknown, v1alpha1.ReasonOperatorOutdated, p.snapshot().UserAction)
	case known == reported:
		snapshot := p.snapshot()
		set(snapshot.State, string(snapshot.Reason), snapshot.UserAction)
	case known == remembered && status.State != "":
		status.UserAction = last
	case known == lost:
		set(v1alpha1.StateUnknown, p.bot.reason(), last)
	case p.bot.kind == kindAwaitingStorage, p.bot.kind == kindUnschedulable && !p.storage.good() && p.cause().kind == p.storage.kind:
		set(v1alpha1.StatePending, p.storage.reason(), last)
	default:
		set(v1alpha1.StatePending, p.bot.reason(), last)
	}
}

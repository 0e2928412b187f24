package controllers

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/v1alpha1"
)

// verdict is what a decide or classify function returns: what it found, as a kind, and the message that explains it.
// Decisions compare kinds. The reason is text for people; no decision depends on it.
type verdict struct {
	kind    kind
	message string
	// outlook is the kind's own, except where a verdict passes another one's on.
	outlook outlook
	// recheck is when the verdict may change although no watched object does; zero for never.
	recheck time.Time
}

// found makes a verdict of a kind.
func found(k kind, format string, args ...any) verdict {
	return verdict{kind: k, outlook: kinds[k].outlook, message: fmt.Sprintf(format, args...)}
}

// recheckAt sets when the verdict may change although no watched object does.
func (v verdict) recheckAt(at time.Time) verdict {
	v.recheck = at
	return v
}

// passedOn sets the outlook of the verdict that this one waits for.
func (v verdict) passedOn(from outlook) verdict {
	v.outlook = from
	return v
}

func (v verdict) reason() string                 { return kinds[v.kind].reason }
func (v verdict) status() metav1.ConditionStatus { return kinds[v.kind].status }
func (v verdict) good() bool                     { return v.status() == metav1.ConditionTrue }
func (v verdict) empty() bool                    { return v.kind == kindNone }

// outlook is how a verdict counts for kstatus.
type outlook int

const (
	// settled: the operator has nothing more to do.
	settled outlook = iota
	// moving: the operator or the cluster is at work.
	moving
	// stalled: the operator cannot continue until someone edits the spec, or an object that it names.
	stalled
)

// kind is what a verdict found. Each kind has one reason.
type kind int

const (
	kindNone kind = iota

	kindClaimBound
	kindClaimPending
	kindClaimNotFound
	kindClaimLost
	kindClaimShared
	kindClaimTaken
	kindClaimTerminating
	kindClaimRejected

	kindPodRunning
	kindOperatorOutdated
	kindAwaitingPairing
	kindAwaitingTurn
	kindPodStarting
	kindUnschedulable
	kindImagePullFailed
	kindCrashLooping
	kindOOMKilled
	kindVolumeMountFailed
	kindPodFailed
	kindPodRejected
	kindPodNameTaken
	kindPodOrphaned
	kindNameTaken
	kindContainerConfigFailed
	kindWriteFailed
	kindUndone
	kindAwaitingTermination
	kindAwaitingStorage
	kindNodeUnreachable
	kindBotUnreachable
	kindInvalidTemplate
	kindInvalidMessages
	kindSuspended
	kindTerminating
)

// kinds is how each kind is shown: the status and the reason of its condition, and how it counts for kstatus.
var kinds = [...]struct {
	status  metav1.ConditionStatus
	reason  string
	outlook outlook
}{
	kindNone: {},

	kindClaimBound:       {metav1.ConditionTrue, v1alpha1.ReasonClaimBound, settled},
	kindClaimPending:     {metav1.ConditionFalse, v1alpha1.ReasonClaimPending, moving},
	kindClaimNotFound:    {metav1.ConditionFalse, v1alpha1.ReasonClaimNotFound, stalled},
	kindClaimLost:        {metav1.ConditionFalse, v1alpha1.ReasonClaimLost, stalled},
	kindClaimShared:      {metav1.ConditionFalse, v1alpha1.ReasonClaimShared, stalled},
	kindClaimTaken:       {metav1.ConditionFalse, v1alpha1.ReasonClaimTaken, stalled},
	kindClaimTerminating: {metav1.ConditionFalse, v1alpha1.ReasonClaimTerminating, moving},
	kindClaimRejected:    {metav1.ConditionFalse, v1alpha1.ReasonClaimRejected, stalled},

	kindPodRunning:            {metav1.ConditionTrue, v1alpha1.ReasonPodRunning, settled},
	kindOperatorOutdated:      {metav1.ConditionTrue, v1alpha1.ReasonOperatorOutdated, settled},
	kindAwaitingTurn:          {metav1.ConditionTrue, v1alpha1.ReasonAwaitingTurn, settled},
	kindAwaitingPairing:       {metav1.ConditionTrue, v1alpha1.ReasonAwaitingPairing, moving},
	kindPodStarting:           {metav1.ConditionFalse, v1alpha1.ReasonPodStarting, moving},
	kindUnschedulable:         {metav1.ConditionFalse, v1alpha1.ReasonUnschedulable, moving},
	kindImagePullFailed:       {metav1.ConditionFalse, v1alpha1.ReasonImagePullFailed, moving},
	kindCrashLooping:          {metav1.ConditionFalse, v1alpha1.ReasonCrashLooping, moving},
	kindOOMKilled:             {metav1.ConditionFalse, v1alpha1.ReasonOOMKilled, moving},
	kindVolumeMountFailed:     {metav1.ConditionFalse, v1alpha1.ReasonVolumeMountFailed, moving},
	kindPodFailed:             {metav1.ConditionFalse, v1alpha1.ReasonPodFailed, moving},
	kindPodRejected:           {metav1.ConditionFalse, v1alpha1.ReasonPodRejected, stalled},
	kindPodNameTaken:          {metav1.ConditionFalse, v1alpha1.ReasonPodNameTaken, stalled},
	kindPodOrphaned:           {metav1.ConditionFalse, v1alpha1.ReasonPodOrphaned, stalled},
	kindContainerConfigFailed: {metav1.ConditionFalse, v1alpha1.ReasonContainerConfigFailed, moving},
	kindUndone:                {metav1.ConditionFalse, v1alpha1.ReasonUndone, stalled},
	kindWriteFailed:           {metav1.ConditionFalse, v1alpha1.ReasonWriteFailed, stalled},
	kindNameTaken:             {metav1.ConditionFalse, v1alpha1.ReasonNameTaken, stalled},
	kindAwaitingTermination:   {metav1.ConditionFalse, v1alpha1.ReasonAwaitingTermination, moving},
	kindAwaitingStorage:       {metav1.ConditionFalse, v1alpha1.ReasonAwaitingStorage, moving},
	kindNodeUnreachable:       {metav1.ConditionUnknown, v1alpha1.ReasonNodeUnreachable, settled},
	kindBotUnreachable:        {metav1.ConditionFalse, v1alpha1.ReasonBotUnreachable, settled},
	kindInvalidTemplate:       {metav1.ConditionFalse, v1alpha1.ReasonInvalidTemplate, stalled},
	kindInvalidMessages:       {metav1.ConditionFalse, v1alpha1.ReasonInvalidMessages, stalled},
	kindSuspended:             {metav1.ConditionFalse, v1alpha1.ReasonSuspended, settled},
	kindTerminating:           {metav1.ConditionFalse, v1alpha1.ReasonTerminating, moving},
}

package controllers

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// verdict is what a phase found out: the condition that shows it, and whether the operator moves on from it.
type verdict struct {
	status  metav1.ConditionStatus
	reason  string
	message string
	// outlook says whether the operator is on its way, waits for nothing, or cannot go on.
	outlook outlook
	// look is when the verdict may change though nothing else does; zero for never.
	look time.Time
}

// outlook is how a verdict counts for kstatus.
type outlook int

const (
	// settled: the operator has nothing more to do.
	settled outlook = iota
	// moving: the operator, or the cluster for it, is on its way.
	moving
	// stalled: only an edit of the spec, or of what it names, gets the operator on.
	stalled
)

// never is the look of a verdict that only an event can change.
var never time.Time

func (v verdict) good() bool { return v.status == metav1.ConditionTrue }

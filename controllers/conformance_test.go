package controllers

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/v1alpha1"
)

// ConditionFaults lists where a reconciled session's conditions break a rule. Every test ends with it.
func ConditionFaults(session *v1alpha1.WhatsAppSession) []string {
	status := &session.Status
	if status.ObservedGeneration == -1 {
		if len(status.Conditions) > 0 {
			return []string{"conditions before the first visit"}
		}
		return nil
	}
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	find := func(kind string) metav1.Condition {
		if found := meta.FindStatusCondition(status.Conditions, kind); found != nil {
			return *found
		}
		return metav1.Condition{}
	}
	for _, kind := range []string{
		v1alpha1.ConditionReady, v1alpha1.ConditionStorageReady, v1alpha1.ConditionPodReady, v1alpha1.ConditionSessionExists,
		v1alpha1.ConditionConnected, v1alpha1.ConditionQRRequired, v1alpha1.ConditionSessionExpired, v1alpha1.ConditionConflict,
		v1alpha1.ConditionEventsDelivered, v1alpha1.ConditionSending,
	} {
		if find(kind).Type == "" {
			fault("%s is missing", kind)
		}
	}
	for _, condition := range status.Conditions {
		if condition.ObservedGeneration != status.ObservedGeneration {
			fault("%s is about generation %d, the status about %d", condition.Type, condition.ObservedGeneration, status.ObservedGeneration)
		}
		if condition.Reason == "" || condition.Message == "" || condition.LastTransitionTime.IsZero() {
			fault("%s lacks a reason, a message or a time: %+v", condition.Type, condition)
		}
		if slices.Contains([]string{v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled}, condition.Type) && condition.Status != metav1.ConditionTrue {
			fault("%s is there and not true", condition.Type)
		}
	}
	reconciling, stalled := find(v1alpha1.ConditionReconciling).Type != "", find(v1alpha1.ConditionStalled).Type != ""
	if reconciling && stalled {
		fault("Reconciling and Stalled at once")
	}
	if find(v1alpha1.ConditionReady).Status == metav1.ConditionTrue {
		for kind, want := range map[string]metav1.ConditionStatus{
			v1alpha1.ConditionConnected: metav1.ConditionTrue, v1alpha1.ConditionPodReady: metav1.ConditionTrue,
			v1alpha1.ConditionStorageReady: metav1.ConditionTrue, v1alpha1.ConditionQRRequired: metav1.ConditionFalse,
			v1alpha1.ConditionSessionExists: metav1.ConditionTrue, v1alpha1.ConditionSessionExpired: metav1.ConditionFalse,
		} {
			if got := find(kind).Status; got != want {
				fault("Ready is true and %s is %s", kind, got)
			}
		}
		if reconciling || stalled {
			fault("Ready is true while Reconciling or Stalled is")
		}
	}
	if status.QR != nil && status.QR.Needed != (find(v1alpha1.ConditionQRRequired).Status == metav1.ConditionTrue) {
		fault("qr.needed is %t and QRRequired is %s", status.QR.Needed, find(v1alpha1.ConditionQRRequired).Status)
	}
	if status.Session != nil && status.Session.Exists != (find(v1alpha1.ConditionSessionExists).Status == metav1.ConditionTrue) {
		fault("session.exists is %t and SessionExists is %s", status.Session.Exists, find(v1alpha1.ConditionSessionExists).Status)
	}
	if status.State == "" || status.Reason == "" || status.UserAction == "" {
		fault("state %q, reason %q, user action %q", status.State, status.Reason, status.UserAction)
	}
	return faults
}

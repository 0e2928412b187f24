package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

// faults are the actions that a person takes because something is wrong. The others, such as a scan, are expected.
var faults = []bot.UserAction{bot.ActionResolveConflict, bot.ActionUpgradeClient, bot.ActionCheckNetwork, bot.ActionFixStorage}

func checkSession(_ context.Context, _ *cluster, s *v1alpha1.WhatsAppSession) finding {
	if s.Status.State == bot.StateConnected {
		return well("the session")
	}
	f := finding{what: "the session", problem: fmt.Sprintf("it is %s (%s)", s.Status.State, s.Status.Reason)}
	const wait = "wait; the bot continues without help"
	switch {
	case suspended(s):
		f.remedy, f.waits = advice(s), true
	case s.Status.State == "":
		f.problem, f.remedy = "no operator has seen it yet", "look at the operator's pods and logs"
	case s.Status.State == v1alpha1.StateTerminating:
		f.remedy, f.waits = "wait until it is deleted", true
	case s.Status.Reason == v1alpha1.ReasonOperatorOutdated:
		f.remedy = "upgrade the operator: the bot is newer"
	case s.Status.Reason == v1alpha1.ReasonPodStarting:
		f.remedy = wait
	case s.Status.State == v1alpha1.StatePending, s.Status.State == v1alpha1.StateUnknown:
		// The last bot's action is kept, and is no advice while no bot reports.
		f.remedy = "first solve what is BAD above; the bot then continues without help"
	case slices.Contains(faults, s.Status.UserAction):
		if said := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.ConditionConnected); said != nil && said.Reason == s.Status.Reason {
			f.problem += ": " + said.Message
		}
		f.remedy = advice(s)
		if s.Status.UserAction == bot.ActionFixStorage {
			f.remedy = storageRemedy(s, f.problem)
		}
	default:
		remedy := advice(s)
		f.remedy = or(remedy, wait)
		// A session that waits for a scan or for the end of a ban is healthy; one that cannot get a code is not.
		f.waits = remedy != "" && !offline(s)
	}
	return f
}

// storageRemedy says what to change when the disk refuses writes. said is how the bot explains it; only a bot that names
// none of the usual causes leaves the person to find out.
func storageRemedy(s *v1alpha1.WhatsAppSession, said string) string {
	pod, claim := naming.Name(s), naming.ClaimName(s)
	switch {
	case strings.Contains(said, "no space left"):
		return "raise spec.resources.requests.storage: kubectl edit pvc " + claim + "; or keep less: spec.backup.keep, spec.messages.maxSize"
	case strings.Contains(said, "read-only file system"):
		return "mount the PVC " + claim + " writable; if its disk failed, the node's kernel log says so: kubectl describe pod " + pod
	case strings.Contains(said, "not writable"):
		return "let the bot's user write to the PVC " + claim + ": its driver must apply fsGroup, or change the files' owner"
	case strings.Contains(said, "the file system reports an error"):
		return "replace the disk of the PVC " + claim + "; the node's kernel log says how it fails: kubectl describe pod " + pod
	}
	return "see why the PVC " + claim + " refuses writes: kubectl sesi logs " + s.Name
}

// checkGoing says what a session that is being deleted waits for.
func checkGoing(_ context.Context, _ *cluster, s *v1alpha1.WhatsAppSession) finding {
	return finding{what: "the session", problem: fmt.Sprintf("it is being deleted since %s ago, and waits for %s", age(*s.DeletionTimestamp), strings.Join(s.Finalizers, ", ")),
		remedy: "if it lasts, look at the operator's pods and logs; they remove sesi.dev's finalizer"}
}

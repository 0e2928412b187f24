package e2e

import (
	"context"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

func inSpace(session *v1alpha1.WhatsAppSession) client.ListOption {
	return client.InNamespace(session.Namespace)
}

// markPod returns what a pod's event means for the session's clock.
func markPod(event watch.Event, session *v1alpha1.WhatsAppSession, before types.UID, mark func(string)) {
	pod, ok := event.Object.(*corev1.Pod)
	if !ok || pod.Name != naming.Name(session) {
		return
	}
	switch {
	case pod.UID == before && event.Type == watch.Deleted:
		mark("gone")
	case pod.UID != before:
		mark("made")
		if len(pod.Status.ContainerStatuses) > 0 && pod.Status.ContainerStatuses[0].State.Running != nil {
			mark("running")
		}
	}
}

// percentile returns a percentile of durations, rounded up to one of them.
func percentile(all []time.Duration, p int) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[(len(sorted)*p+99)/100-1].Round(10 * time.Millisecond)
}

// stopwatch records when a session's next pod and status appeared.
type stopwatch struct {
	done chan map[string]time.Duration
}

// startClock starts to watch before a disturbance; before is the UID of the pod that is going to end.
func startClock(t *testing.T, session *v1alpha1.WhatsAppSession, before types.UID) stopwatch {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	pods, err := cluster.Watch(ctx, &corev1.PodList{}, inSpace(session))
	must(t, err)
	sessions, err := cluster.Watch(ctx, &v1alpha1.WhatsAppSessionList{}, inSpace(session))
	must(t, err)
	begun := time.Now()
	clock := stopwatch{done: make(chan map[string]time.Duration, 1)}
	go func() {
		defer cancel()
		marks := map[string]time.Duration{}
		mark := func(what string) {
			if _, already := marks[what]; !already {
				marks[what] = time.Since(begun)
			}
		}
		for marks["connected"] == 0 {
			select {
			case event, open := <-pods.ResultChan():
				if !open {
					clock.done <- nil
					return
				}
				markPod(event, session, before, mark)
			case event, open := <-sessions.ResultChan():
				if !open {
					clock.done <- nil
					return
				}
				if s, ok := event.Object.(*v1alpha1.WhatsAppSession); ok && s.Name == session.Name &&
					s.Status.State == bot.StateConnected && s.Status.Instance != string(before) {
					mark("connected")
				}
			case <-ctx.Done():
				clock.done <- nil
				return
			}
		}
		clock.done <- marks
	}()
	return clock
}

func (c stopwatch) wait(t *testing.T) map[string]time.Duration {
	t.Helper()
	marks := <-c.done
	if marks == nil {
		t.Fatalf("the session is not connected again within %s", patience)
	}
	return marks
}

package controllers

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

const (
	// rolloutAtOnce is how many bots are replaced at once because the operator changed. At a few seconds each, 5,000
	// take half an hour, and WhatsApp does not see all of them reconnect at once.
	rolloutAtOnce = 10
	// rolloutPause is the mean wait before a session that waits for its turn asks again.
	rolloutPause = 30 * time.Second
	// rolloutPatience is how long a turn lasts at most. Bots that never come back slow a rollout down and do not end it.
	rolloutPatience = 15 * time.Minute
)

// eventHeldUp is the reason of the event about a bot that did not come back within its turn.
const eventHeldUp = "RolloutHeldUp"

// rollout limits what a new version of the operator, or a new default image, does to sessions whose spec did not
// change: only so many bots are away at once. A turn is written to the session's status before its pod is deleted, so
// that the next operator knows it too.
type rollout struct {
	mu sync.Mutex
	// away are the sessions that have a turn; nil until they were read from the statuses.
	away map[types.NamespacedName]bool
}

// restore reads the turns that an earlier operator gave from the cached statuses, once.
func (r *rollout) restore(ctx context.Context, sessions client.Reader) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.away != nil {
		return nil
	}
	var list v1alpha1.WhatsAppSessionList
	if err := sessions.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("read the turns of the rollout: %w", err)
	}
	r.away = map[types.NamespacedName]bool{}
	for i := range list.Items {
		if waitsForBot(&list.Items[i]) {
			r.away[client.ObjectKeyFromObject(&list.Items[i])] = true
		}
	}
	return nil
}

func waitsForBot(session *v1alpha1.WhatsAppSession) bool {
	waiting := session.Status.Replacement
	return waiting != nil && waiting.WaitsFor == v1alpha1.ReplacementWaitsForBot && waiting.Until != nil
}

// decide holds a plan back until it is the session's turn, and ends the turn once the bot is back.
func (r *rollout) decide(in *input, p plan) plan {
	key, before := client.ObjectKeyFromObject(in.session), in.session.Status.Replacement
	if in.suspended() || in.holder != nil {
		r.forget(key)
		return p
	}
	if waitsForBot(in.session) {
		switch {
		case returned(in):
		case in.now.Before(before.Until.Time):
			p.replacement, p.recheck = before.DeepCopy(), before.Until.Time
			return p
		default:
			p.heldUp = true
		}
		r.forget(key)
		return p
	}
	if p.action != removePod || !p.replaces || !in.rolled() {
		r.forget(key)
		return p
	}
	p.action = keepPod
	since := metav1.NewTime(in.now.Truncate(time.Second))
	if r.begin(key) {
		until := metav1.NewTime(since.Add(rolloutPatience))
		p.replacement = &v1alpha1.ReplacementStatus{
			WaitsFor: v1alpha1.ReplacementWaitsForBot, Since: since, Until: &until,
			WasConnected: meta.IsStatusConditionTrue(in.session.Status.Conditions, v1alpha1.ConditionConnected),
		}
		// The write of the status starts the next pass, which deletes the pod.
		p.recheck = in.now.Add(time.Second)
		return p
	}
	if before != nil && before.WaitsFor == v1alpha1.ReplacementWaitsForTurn {
		since = before.Since
	}
	p.replacement = &v1alpha1.ReplacementStatus{WaitsFor: v1alpha1.ReplacementWaitsForTurn, Since: since}
	if p.bot.kind == kindPodRunning {
		p.bot = found(kindAwaitingTurn, "The bot in pod %s is running and reporting its status. The operator has changed and will replace the pod when it is its turn.", in.pod.Name)
	}
	p.recheck = in.now.Add(rolloutPause/2 + rand.N(rolloutPause))
	return p
}

// returned reports whether the bot of the new pod is as well as the old one was, or waits for a person: no rollout can
// do more for it.
func returned(in *input) bool {
	snapshot := in.snapshot()
	if snapshot == nil || in.outdated() {
		return false
	}
	person := slices.Contains([]bot.UserAction{bot.ActionScanQR, bot.ActionResolveConflict, bot.ActionOpenPhone, bot.ActionSignPasskey}, snapshot.UserAction) ||
		snapshot.State == bot.StateStopped
	return snapshot.Connected || person || !in.session.Status.Replacement.WasConnected
}

// begin gives a session its turn, if one is free.
func (r *rollout) begin(key types.NamespacedName) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.away[key] && len(r.away) >= rolloutAtOnce {
		return false
	}
	if r.away == nil {
		r.away = map[types.NamespacedName]bool{}
	}
	r.away[key] = true
	return true
}

func (r *rollout) forget(key types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.away, key)
}

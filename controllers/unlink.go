package controllers

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/observer"
)

// unlinkPatience is how long a deleted session waits for its bot to log out. It counts from when this operator first saw
// the deletion, by its own clock: the API server's may be further off than that, and while no operator was there, nobody
// asked the bot.
const unlinkPatience = 30 * time.Second

// unlinkPause is the least time between two askings of one bot.
const unlinkPause = 2 * time.Second

// Reasons of the events that end a deletion with deletionPolicy Unlink.
const (
	eventUnlinked    = "Unlinked"
	eventNotUnlinked = "NotUnlinked"
)

// release is how a deletion goes on.
type release struct {
	// free: the finalizer goes.
	free bool
	// ask: the bot is asked to log out.
	ask bool
	// event and message tell how it ended; no event where there was nothing to unlink.
	event, message string
}

// decideRelease says whether a deleted session still waits for its bot to log out.
func decideRelease(s *scope, known knowledge, asked unlinkResult) release {
	linked := s.session.Status.Session != nil && s.session.Status.Session.Exists
	if snapshot := s.snapshot(); snapshot != nil {
		linked = snapshot.Exists
	}
	remedy := "remove the device on the phone, under Linked devices"
	late := !s.now.Before(asked.since.Add(unlinkPatience))
	switch {
	case s.session.Spec.DeletionPolicy != v1alpha1.DeletionUnlink:
		return release{free: true}
	case asked.done && asked.err == nil:
		return release{free: true, event: eventUnlinked, message: "The bot logged out at WhatsApp."}
	case asked.busy && !late:
		// The bot may already say that it is not linked; its answer says why.
		return release{}
	case !linked && !late && s.snapshot() == nil && (known == remembered || known == starting):
		// A phone may have scanned a code while no operator looked; the bot is about to say.
		return release{}
	case !linked:
		return release{free: true}
	case late:
		return release{free: true, event: eventNotUnlinked,
			message: fmt.Sprintf("The bot did not log out within %s: %s.", unlinkPatience, remedy)}
	case known == absent && s.pod == nil:
		return release{free: true, event: eventNotUnlinked, message: fmt.Sprintf("No bot runs that could log out: %s.", remedy)}
	case known == heard || known == remembered || known == starting:
		return release{ask: !asked.busy && !s.now.Before(asked.at.Add(unlinkPause))}
	}
	return release{}
}

// finalize lets a deleted session go once its bot has logged out, or has had its time.
func (r *Reconciler) finalize(ctx context.Context, s *scope) error {
	s.storage = classifyClaim(s)
	_, s.bot = decidePod(s)
	if !controllerutil.ContainsFinalizer(s.session, v1alpha1.FinalizerUnlink) {
		return nil
	}
	key := client.ObjectKeyFromObject(s.session)
	decision := decideRelease(s, classifyKnowledge(s), r.unlinker.result(key, s.now))
	if decision.ask && s.keys != nil {
		log.FromContext(ctx).Info("asking the bot to log out", "pod", s.pod.Name)
		r.unlinker.ask(key, target(s))
	}
	if !decision.free {
		s.trouble.look = s.now.Add(unlinkPause)
		return nil
	}
	if err := r.setFinalizer(ctx, s, false); err != nil {
		return err
	}
	r.unlinker.forget(key)
	switch decision.event {
	case eventUnlinked:
		r.tell(s.session, transition{corev1.EventTypeNormal, decision.event, decision.message}, "Unlink")
	case eventNotUnlinked:
		r.tell(s.session, transition{corev1.EventTypeWarning, decision.event, decision.message}, "Unlink")
	}
	return nil
}

// ensureFinalizer puts the finalizer on a session whose deletion has to wait, and takes it from any other.
func (r *Reconciler) ensureFinalizer(ctx context.Context, s *scope) error {
	want := s.session.Spec.DeletionPolicy == v1alpha1.DeletionUnlink
	if controllerutil.ContainsFinalizer(s.session, v1alpha1.FinalizerUnlink) == want {
		return nil
	}
	return r.setFinalizer(ctx, s, want)
}

func (r *Reconciler) setFinalizer(ctx context.Context, s *scope, want bool) error {
	changed := s.session.DeepCopy()
	if want {
		controllerutil.AddFinalizer(changed, v1alpha1.FinalizerUnlink)
	} else {
		controllerutil.RemoveFinalizer(changed, v1alpha1.FinalizerUnlink)
	}
	patch := client.MergeFromWithOptions(s.session, client.MergeFromWithOptimisticLock{})
	log.FromContext(ctx).Info("changing the finalizer", "held", want)
	if err := r.Patch(ctx, changed, patch); err != nil {
		return client.IgnoreNotFound(wrap(err, "change the finalizer"))
	}
	s.session = changed
	return nil
}

// unlinker asks bots to log out, outside of Reconcile, and tells when one has answered.
type unlinker struct {
	// told gets the sessions whose bot answered.
	told chan observer.Event

	mu    sync.Mutex
	asked map[types.NamespacedName]unlinkResult
}

// unlinkResult is how far the asking has got.
type unlinkResult struct {
	// since is when the deletion was first seen, at when the bot was last asked or answered.
	since, at time.Time

	busy bool
	done bool
	err  error
}

func newUnlinker() *unlinker {
	return &unlinker{told: make(chan observer.Event), asked: map[types.NamespacedName]unlinkResult{}}
}

func (u *unlinker) result(key types.NamespacedName, now time.Time) unlinkResult {
	u.mu.Lock()
	defer u.mu.Unlock()
	result := u.asked[key]
	if result.since.IsZero() {
		result.since = now
		u.asked[key] = result
	}
	return result
}

func (u *unlinker) forget(key types.NamespacedName) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.asked, key)
}

// ask begins to ask a bot; its answer is told within unlinkPatience.
func (u *unlinker) ask(key types.NamespacedName, to observer.Target) {
	u.mu.Lock()
	since := u.asked[key].since
	u.asked[key] = unlinkResult{since: since, at: time.Now(), busy: true}
	u.mu.Unlock()
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), unlinkPatience)
		defer cancel()
		err := logout(ctx, to)
		u.mu.Lock()
		if _, wanted := u.asked[key]; wanted {
			u.asked[key] = unlinkResult{since: since, at: time.Now(), done: true, err: err}
		}
		u.mu.Unlock()
		select {
		case u.told <- observer.Event{Object: key}:
		case <-ctx.Done():
		}
	}()
}

// logout asks one bot to log out at WhatsApp.
func logout(ctx context.Context, to observer.Target) error {
	transport := &http.Transport{TLSClientConfig: to.Pins.ClientConfig(), DisableKeepAlives: true}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+to.Address+"/api/session/logout", nil)
	if err != nil {
		return fmt.Errorf("ask the bot to log out: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+to.Token)
	request.Header.Set("User-Agent", "sesi-operator")
	answer, err := transport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("ask the bot to log out: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the bot does not log out (%d)", answer.StatusCode)
	}
	return nil
}

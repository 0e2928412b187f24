package controllers

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log"

	botclient "sesi.dev/sesi/api/bot/client"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/observer"
)

// unlinkPatience is how long a deleted session waits for its bot to log out. It starts when this operator first sees the
// deletion, by the operator's own clock: the API server's clock may differ by more than that, and while no operator ran,
// no bot was asked.
const unlinkPatience = 30 * time.Second

// unlinkPause is the minimum time between two requests to one bot.
const unlinkPause = 2 * time.Second

// unlinksAtOnce limits what bots can make the operator hold. A bot's image is the user's, so its answer may be of any
// size; the client bounds each one.
const unlinksAtOnce = 10

// Reasons of the events that end a deletion with deletionPolicy Unlink.
const (
	eventUnlinked    = "Unlinked"
	eventNotUnlinked = "NotUnlinked"
)

// release is what a pass does about a deleted session.
type release struct {
	// free: remove the finalizer.
	free bool
	// ask: ask the bot to log out.
	ask bool
	// event and message say how it ended; no event where there was nothing to unlink.
	event, message string
}

// decideRelease decides whether a deleted session still waits for its bot to log out.
func decideRelease(in *input, known knowledge, asked unlinkResult) release {
	linked := in.session.Status.Session != nil && in.session.Status.Session.Exists
	if snapshot := in.snapshot(); snapshot != nil {
		linked = snapshot.Exists
	}
	remedy := "remove the device on the phone, under Linked devices"
	late := !in.now.Before(asked.since.Add(unlinkPatience))
	switch {
	case in.session.Spec.DeletionPolicy != v1alpha1.DeletionUnlink:
		return release{free: true}
	case asked.done && asked.err == nil:
		return release{free: true, event: eventUnlinked, message: "The bot logged out at WhatsApp."}
	case asked.busy && !late:
		// The bot may already report that it is not linked; its answer to the request says why.
		return release{}
	case !linked && !late && in.snapshot() == nil && (known == remembered || known == starting):
		// A phone may have scanned a code while no operator ran; the bot's first report says so.
		return release{}
	case !linked:
		return release{free: true}
	case late:
		return release{free: true, event: eventNotUnlinked,
			message: fmt.Sprintf("The bot did not log out within %s: %s.", unlinkPatience, remedy)}
	case known == absent && in.pod == nil:
		return release{free: true, event: eventNotUnlinked, message: fmt.Sprintf("No bot is running that could log out: %s.", remedy)}
	case known == reported || known == remembered || known == starting:
		return release{ask: !asked.busy && !in.now.Before(asked.at.Add(unlinkPause))}
	}
	return release{}
}

// finalize removes the finalizer of a deleted session once its bot has logged out, or the patience is over.
func (r *Reconciler) finalize(ctx context.Context, p *pass) error {
	if !controllerutil.ContainsFinalizer(p.session, v1alpha1.FinalizerUnlink) {
		return nil
	}
	key := client.ObjectKeyFromObject(p.session)
	decision := decideRelease(&p.input, classifyKnowledge(&p.input), r.unlinker.result(key, p.session.UID, p.now))
	if decision.ask && p.keys != nil {
		log.FromContext(ctx).Info("asking the bot to log out", "pod", p.pod.Name)
		r.unlinker.ask(key, p.session.UID, target(&p.input))
	}
	if !decision.free {
		p.trouble = p.trouble.recheckAt(p.now.Add(unlinkPause))
		return nil
	}
	if err := r.setFinalizer(ctx, p, false); err != nil {
		return err
	}
	r.unlinker.forget(key)
	switch decision.event {
	case eventUnlinked:
		r.emit(p.session, transition{corev1.EventTypeNormal, decision.event, decision.message}, "Unlink")
	case eventNotUnlinked:
		// In a namespace that is being deleted, no event can be created: then this line is all that remains.
		log.FromContext(ctx).Error(nil, "deleted a session without unlinking its device", "why", decision.message)
		r.emit(p.session, transition{corev1.EventTypeWarning, decision.event, decision.message}, "Unlink")
	}
	return nil
}

// ensureFinalizer adds the finalizer to a session whose deletion must wait, and removes it from any other.
func (r *Reconciler) ensureFinalizer(ctx context.Context, p *pass) error {
	want := p.session.Spec.DeletionPolicy == v1alpha1.DeletionUnlink
	if controllerutil.ContainsFinalizer(p.session, v1alpha1.FinalizerUnlink) == want {
		return nil
	}
	return r.setFinalizer(ctx, p, want)
}

func (r *Reconciler) setFinalizer(ctx context.Context, p *pass, want bool) error {
	changed := p.session.DeepCopy()
	if want {
		controllerutil.AddFinalizer(changed, v1alpha1.FinalizerUnlink)
	} else {
		controllerutil.RemoveFinalizer(changed, v1alpha1.FinalizerUnlink)
	}
	patch := client.MergeFromWithOptions(p.session, client.MergeFromWithOptimisticLock{})
	log.FromContext(ctx).Info("changing the finalizer", "held", want)
	if err := r.Patch(ctx, changed, patch); err != nil {
		return client.IgnoreNotFound(wrap(err, "change the finalizer"))
	}
	p.session = changed
	return nil
}

// unlinker asks bots to log out, outside of Reconcile, and sends an event when one has answered.
type unlinker struct {
	// answered gets the sessions whose bot answered.
	answered chan observer.Event

	// places limit the requests at once.
	places chan struct{}

	mu    sync.Mutex
	asked map[types.NamespacedName]unlinkResult
}

// unlinkResult is how far the request has come.
type unlinkResult struct {
	// session is the UID of the session whose bot was asked. A later session of the same name has another.
	session types.UID
	// since is when the deletion was first seen, at when the bot was last asked or answered.
	since, at time.Time

	busy bool
	done bool
	err  error
}

func newUnlinker() *unlinker {
	return &unlinker{answered: make(chan observer.Event), asked: map[types.NamespacedName]unlinkResult{}, places: make(chan struct{}, unlinksAtOnce)}
}

func (u *unlinker) result(key types.NamespacedName, session types.UID, now time.Time) unlinkResult {
	u.mu.Lock()
	defer u.mu.Unlock()
	result := u.asked[key]
	if result.since.IsZero() || result.session != session {
		result = unlinkResult{session: session, since: now}
		u.asked[key] = result
	}
	return result
}

func (u *unlinker) forget(key types.NamespacedName) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.asked, key)
}

// ask starts a request to a bot. Its answer comes within unlinkPatience.
func (u *unlinker) ask(key types.NamespacedName, session types.UID, to observer.Target) {
	u.mu.Lock()
	since := u.asked[key].since
	u.asked[key] = unlinkResult{session: session, since: since, at: time.Now(), busy: true}
	u.mu.Unlock()
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), unlinkPatience)
		defer cancel()
		err := u.logout(ctx, to)
		u.mu.Lock()
		if u.asked[key].session == session {
			u.asked[key] = unlinkResult{session: session, since: since, at: time.Now(), done: true, err: err}
		}
		u.mu.Unlock()
		select {
		case u.answered <- observer.Event{Object: key}:
		case <-ctx.Done():
		}
	}()
}

// logout waits for a place and asks one bot to log out.
func (u *unlinker) logout(ctx context.Context, to observer.Target) error {
	select {
	case u.places <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("wait to ask the bot to log out: %w", ctx.Err())
	}
	defer func() { <-u.places }()
	return logout(ctx, to)
}

// logout asks one bot to log out at WhatsApp.
func logout(ctx context.Context, to observer.Target) error {
	asked := botclient.Client{
		BaseURL: "https://" + to.Address, Token: to.Token, UserAgent: "sesi-operator", Transport: botclient.Transport(to.Pins),
	}
	err := asked.Logout(ctx)
	if failed := (*botclient.Error)(nil); errors.As(err, &failed) {
		return fmt.Errorf("the bot refuses to log out (%d)", failed.Problem.Status)
	}
	if err != nil {
		return fmt.Errorf("ask the bot to log out: %w", err)
	}
	return nil
}

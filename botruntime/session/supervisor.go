package session

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"go.mau.fi/whatsmeow"
	wastore "go.mau.fi/whatsmeow/store"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/config"
	"sesi.dev/sesi/botruntime/store"
)

// shutdownTimeout bounds the disconnect from WhatsApp and the last writes at the end of the process.
const shutdownTimeout = 3 * time.Second

// ErrStopping says that the process began to end before it did what was asked.
var ErrStopping = errors.New("the bot is shutting down")

// Supervisor drives one session. The goroutine of Run owns the model; everyone else reads immutable snapshots of it.
type Supervisor struct {
	cfg     config.Config
	store   *store.Store
	meter   Meter
	log     *slog.Logger
	via     transports
	sink    Sink
	prepare func(*whatsmeow.Client)
	builtIn wastore.WAVersionContainer // the web version that this program was built with

	inbox  chan envelope
	ended  chan struct{} // closed when Run returns
	side   sync.WaitGroup
	disk   queue                 // the writes that must keep their order
	facts  atomic.Pointer[model] // the newest facts that wait for the disk
	public atomic.Pointer[public]
	live   atomic.Pointer[client] // the current client, for goroutines that must cut its connection

	// All below belongs to Run's goroutine.
	model      model
	summary    *bot.MessagesSummary
	device     *wastore.Device // that the first client is for
	client     *client
	generation uint64 // of the client
	timers     map[timer]armed
	armCount   uint64
	unlinks    []chan<- error // who waits for the removal under way
	begun      uint64         // the first revision of this process
	reading    bool           // the files are being read
	readAgain  bool
}

// envelope is an input on its way to Run.
type envelope struct {
	input      input
	generation uint64 // of the client that it is about; 0 = of none
	order      uint64 // the client's order that it ends; 0 = of none
	done       chan<- error
}

// armed is a timer that runs; id tells it from the earlier ones of its name.
type armed struct {
	timer *time.Timer
	id    uint64
}

type (
	// inTick is a timer's end; the loop turns it into an inTimer unless the timer was disarmed meanwhile.
	inTick struct {
		name timer
		id   uint64
	}
	// inPing asks whether the loop runs; the machine never sees it.
	inPing struct{}
	// inSummary has a new summary of messages to show; the machine never sees it.
	inSummary struct{ summary *bot.MessagesSummary }
)

func (inTick) isInput() {}
func (inPing) isInput() {}

func (inSummary) isInput() {}

// Options are the parts of a supervisor.
type Options struct {
	Config config.Config
	Store  *store.Store
	Meter  Meter
	Log    *slog.Logger
	// Sink takes messages and other events; without one they are acknowledged and dropped.
	Sink Sink
	// Prepare, where set, gets each new whatsmeow client before it connects, to set hooks on it.
	Prepare func(*whatsmeow.Client)
}

// New returns a supervisor for the open store; its first snapshot says what the store holds. Nothing happens before
// Run. It fails when the store cannot be read.
func New(ctx context.Context, o Options) (*Supervisor, error) {
	silenceSignal()
	device, err := o.Store.Device(ctx)
	if err != nil {
		return nil, err
	}
	remembered := o.Store.Facts()
	s := &Supervisor{
		cfg: o.Config, store: o.Store, meter: o.Meter, log: o.Log, sink: o.Sink, prepare: o.Prepare,
		via:   newTransports(o.Config.ProxyURL),
		inbox: make(chan envelope, 256), ended: make(chan struct{}), timers: map[timer]armed{},
		device: device, begun: firstRevision(time.Now(), remembered.Revision),
	}
	s.meter.BackupInterval(o.Config.BackupInterval)
	o.Store.OnUnwritable(s.storeFailed)
	s.model = newModel(policyOf(o.Config), device.ID != nil, accountOf(device), remembered, time.Now())
	s.model.self = o.Config.Identity
	s.model.version = s.firstVersions()
	s.model.backup.at = s.lastBackup()
	s.model.files = o.Store.Files()
	s.public.Store(&public{snapshot: bot.Snapshot{Revision: s.begun}, changed: make(chan struct{})})
	s.publish()
	return s, nil
}

// lastBackup is when an earlier process made the newest backup; zero when there is none.
func (s *Supervisor) lastBackup() time.Time {
	last, found, err := s.store.LastBackup()
	if err != nil {
		s.log.Warn("the backups cannot be listed", "error", err)
	}
	if !found {
		return time.Time{}
	}
	s.meter.BackedUp(last.At)
	return last.At
}

// revisionRoom is more changes than one process makes.
const revisionRoom = 1 << 24

// firstRevision is where the revisions of this process start: above those of the process before, which started at
// last, also when the clock was set back since.
func firstRevision(now time.Time, last uint64) uint64 {
	if at := uint64(max(now.UnixMilli(), 1)); at > last {
		return at
	}
	return last + revisionRoom
}

func policyOf(cfg config.Config) policy {
	return policy{
		takeover: cfg.TakeoverOnConflict, takeoverTimeout: cfg.TakeoverTimeout, qrRounds: cfg.QRMaxRetries,
		backupInterval: cfg.BackupInterval, phoneNumber: cfg.PairingPhoneNumber,
		firstCode: firstCodeLife, nextCode: nextCodeLife, login: loginDeadline, pulse: pulseInterval, pace: calm,
	}
}

// Run drives the session until ctx ends. It then disconnects from WhatsApp within a few seconds, without unlinking. It
// must be called once.
func (s *Supervisor) Run(ctx context.Context) error {
	defer close(s.ended)
	// The socket outlives ctx, so that the bot can disconnect properly.
	online, offline := context.WithCancel(context.WithoutCancel(ctx))
	defer offline()
	s.renew(online, s.device)
	s.handle(online, envelope{input: inStart{}})
	for {
		select {
		case e := <-s.inbox:
			s.handle(online, e)
		case <-ctx.Done():
			s.shutDown(offline)
			return nil
		}
	}
}

// shutDown closes the socket, and waits a bounded time for all that runs outside the loop.
func (s *Supervisor) shutDown(offline context.CancelFunc) {
	for name := range s.timers { // deleting while ranging is allowed
		s.disarm(name)
	}
	s.answerUnlinks(ErrStopping)
	hungUp := s.client.close()
	finished := make(chan struct{})
	go func() {
		<-hungUp
		offline() // nothing outside the loop needs WhatsApp any more
		<-s.disk.drained()
		s.side.Wait()
		close(finished)
	}()
	// Whatever still reports back must not block: nothing reads its input.
	for deadline := time.After(shutdownTimeout); ; {
		select {
		case <-finished:
			return
		case <-s.inbox:
		case <-deadline:
			s.log.Warn("WhatsApp or the disk did not answer in time at the end", "after", shutdownTimeout)
			return
		}
	}
}

// handle feeds one input to the machine, publishes what changed, and performs the actions.
func (s *Supervisor) handle(ctx context.Context, e envelope) {
	if e.generation != 0 && e.generation != s.generation {
		if e.done != nil {
			e.done <- nil
		}
		return // an earlier client's event
	}
	if e.order != 0 && e.order != s.client.latest.Load() {
		return // the end of a dial that was cancelled since
	}
	switch in := e.input.(type) {
	case inPing:
		e.done <- nil
		return
	case inSummary:
		s.summary = in.summary
		s.publish()
		e.done <- nil
		return
	case inTick:
		if a, runs := s.timers[in.name]; !runs || a.id != in.id {
			return // it was armed again, or disarmed, after it went off
		}
		delete(s.timers, in.name)
		e.input = inTimer{in.name}
	case inFiles:
		s.reading = false
	case inUnlink:
		s.unlinks, e.done = append(s.unlinks, e.done), nil
	}
	before := s.model
	var todo []action
	s.model, todo = step(s.model, time.Now(), rand.Float64(), e.input)
	news := s.publish()
	if s.model.state != before.state || s.model.reason != before.reason {
		s.log.Info("state changed", "event", "change_state", "state", s.model.state, "reason", s.model.reason,
			"was", before.state, "detail", s.model.detail)
	}
	for _, a := range todo {
		s.perform(ctx, a)
	}
	if news || s.readAgain {
		s.readFiles()
	}
	if e.done != nil {
		s.answer(e.done, nil)
	}
}

// answer answers a request once everything that it wrote is on the disk.
func (s *Supervisor) answer(done chan<- error, err error) {
	written := s.disk.drained()
	select {
	case <-written:
		done <- err
	default:
		s.disk.add(func() { done <- err })
	}
}

func (s *Supervisor) answerUnlinks(err error) {
	for _, done := range s.unlinks {
		s.answer(done, err)
	}
	s.unlinks = nil
}

// post hands an input to Run, or drops it when Run has ended.
func (s *Supervisor) post(e envelope) {
	select {
	case s.inbox <- e:
	case <-s.ended:
	}
}

func (s *Supervisor) arm(name timer, after time.Duration) {
	s.disarm(name)
	s.armCount++
	tick := inTick{name, s.armCount}
	s.timers[name] = armed{time.AfterFunc(after, func() { s.post(envelope{input: tick}) }), tick.id}
}

func (s *Supervisor) disarm(name timer) {
	if a, runs := s.timers[name]; runs {
		a.timer.Stop()
		delete(s.timers, name)
	}
}

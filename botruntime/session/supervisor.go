package session

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"go.mau.fi/whatsmeow"
	wastore "go.mau.fi/whatsmeow/store"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/config"
	"sesi.dev/sesi/botruntime/store"
)

// farewell bounds the goodbye to WhatsApp at the end of the process.
const farewell = 3 * time.Second

// ErrStopping says that the bot was told to end before it could do what was asked.
var ErrStopping = errors.New("the bot is stopping")

// Supervisor drives one session. One goroutine, that of Run, owns the model; everyone else reads immutable
// snapshots of it.
type Supervisor struct {
	cfg     config.Config
	store   *store.Store
	meter   Meter
	log     *slog.Logger
	http    *http.Client
	sink    Sink
	prepare func(*whatsmeow.Client)

	inbox  chan envelope
	ended  chan struct{} // closed when Run returns
	side   sync.WaitGroup
	public atomic.Pointer[public]

	// All below belongs to Run's goroutine.
	model      model
	device     *wastore.Device // that the first link is for
	link       *link
	generation uint64
	timers     map[timer]armed
	timerTurn  uint64
	unlinks    []chan<- error // who waits for the unlink under way
	backingUp  bool
	backupAt   time.Time
	// backupFailing: the last snapshot of the store could not be taken.
	backupFailing bool
	notice        bot.Notice
	begun         uint64                     // the first revision
	version       wastore.WAVersionContainer // to be presented by the next connection
	presented     wastore.WAVersionContainer // by the last one
	builtIn       wastore.WAVersionContainer
}

// envelope is an input on its way to Run.
type envelope struct {
	input      input
	generation uint64 // of the link that it speaks of; 0 = of none
	dial       uint64 // of the link's orders, the one that it ends; 0 = none
	done       chan<- error
}

// armed is a timer that runs; turn tells it from its earlier lives.
type armed struct {
	timer *time.Timer
	turn  uint64
}

// inTick is a timer's end on its way to the model.
type inTick struct {
	name timer
	turn uint64
}

// Options are the parts of a supervisor.
type Options struct {
	Config config.Config
	Store  *store.Store
	Meter  Meter
	Log    *slog.Logger
	// Sink takes messages and the like; without one they are acknowledged and dropped.
	Sink Sink
	// Prepare, where set, gets each new whatsmeow client before it connects, to set hooks on it.
	Prepare func(*whatsmeow.Client)
}

// New returns a supervisor for the open store; its first snapshot says what the store holds. Nothing is done
// before Run. It fails when the store cannot be read.
func New(ctx context.Context, o Options) (*Supervisor, error) {
	cfg, st, meter := o.Config, o.Store, o.Meter
	silenceSignal()
	device, err := st.Device(ctx)
	if err != nil {
		return nil, err
	}
	s := &Supervisor{
		cfg: cfg, store: st, meter: meter, log: o.Log, http: newHTTPClient(cfg.ProxyURL), sink: o.Sink, prepare: o.Prepare,
		inbox: make(chan envelope, 256), ended: make(chan struct{}), timers: map[timer]armed{},
		device: device, notice: st.Facts().Notice, builtIn: wastore.GetWAVersion(),
	}
	s.version = s.firstVersion()
	s.meter.BackupInterval(cfg.BackupInterval)
	s.findBackup()
	s.model = newModel(policyOf(cfg), device.ID != nil, accountOf(device), st.Facts(), time.Now())
	s.begun = firstRevision(time.Now(), st.Facts().Revision)
	s.public.Store(&public{snapshot: bot.Snapshot{Revision: s.begun}, changed: make(chan struct{})})
	s.publish()
	return s, nil
}

// revisionRoom is more changes than one life of a bot sees.
const revisionRoom = 1 << 24

// firstRevision is where the snapshots are counted from: above all of the life before, whose count began at last,
// also when the clock was set back since.
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
		firstCode: firstCodeLife, nextCode: nextCodeLife, login: loginDeadline, pulse: pulseInterval,
	}
}

// Run drives the session until ctx ends. It then leaves WhatsApp, without ending the link, within a few
// seconds. It must be called once.
func (s *Supervisor) Run(ctx context.Context) error {
	defer close(s.ended)
	// The socket outlives ctx by the goodbye.
	online, offline := context.WithCancel(context.WithoutCancel(ctx))
	defer offline()
	s.renew(online, s.device)
	s.turn(online, envelope{input: inStart{}})
	for {
		select {
		case e := <-s.inbox:
			s.turn(online, e)
		case <-ctx.Done():
			s.leave(offline)
			return nil
		}
	}
}

// leave closes the socket, and waits a bounded time for all that runs on the side.
func (s *Supervisor) leave(offline context.CancelFunc) {
	for name := range s.timers { // deleting while ranging is allowed
		s.disarm(name)
	}
	s.answerUnlinks(ErrStopping)
	hungup := s.link.close()
	quiet := make(chan struct{})
	go func() {
		<-hungup
		offline() // what runs on the side has no more to ask of WhatsApp
		s.side.Wait()
		close(quiet)
	}()
	select {
	case <-quiet:
	case <-time.After(farewell):
		s.log.Warn("WhatsApp did not take the goodbye in time", "after", farewell)
	}
}

// turn feeds one input to the machine, tells the world, and does what the machine says.
func (s *Supervisor) turn(ctx context.Context, e envelope) {
	if e.generation != 0 && e.generation != s.generation {
		return // an older client's news
	}
	if e.dial != 0 && e.dial != s.link.turn.Load() {
		return // the end of a dial that was hung up since
	}
	switch in := e.input.(type) {
	case inTick:
		if a, runs := s.timers[in.name]; !runs || a.turn != in.turn {
			return // it was armed anew, or stopped, after it went off
		}
		delete(s.timers, in.name)
		e.input = inTimer{in.name}
	case inBackedUp:
		s.backedUp(in)
		return
	case inVersion:
		in.changed = s.learn(in)
		e.input = in
	case inUnlink:
		s.unlinks, e.done = append(s.unlinks, e.done), nil
	case inUnlinked:
		defer s.answerUnlinks(in.err)
	}
	before := s.model
	var todo []action
	s.model, todo = step(s.model, time.Now(), rand.Float64(), e.input)
	s.publish()
	if s.model.state != before.state || s.model.reason != before.reason {
		s.log.Info("state changed", "event", "change_state", "state", s.model.state, "reason", s.model.reason,
			"was", before.state, "detail", s.model.detail)
	}
	for _, a := range todo {
		s.perform(ctx, a)
	}
	if e.done != nil {
		e.done <- nil
	}
}

func (s *Supervisor) answerUnlinks(err error) {
	for _, done := range s.unlinks {
		done <- err
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
	s.timerTurn++
	tick := inTick{name, s.timerTurn}
	s.timers[name] = armed{time.AfterFunc(after, func() { s.post(envelope{input: tick}) }), tick.turn}
}

func (s *Supervisor) disarm(name timer) {
	if a, runs := s.timers[name]; runs {
		a.timer.Stop()
		delete(s.timers, name)
	}
}

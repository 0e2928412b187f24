package hook_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/botruntime/hook"
	"sesi.dev/sesi/test/wasim/memstore"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

const (
	phone    = "6281234567890"
	oldPhone = "62899000001"
	newPhone = "62899000002"
	patience = time.Minute
)

func TestMain(m *testing.M) { simtest.Main(m) }

// await returns the next event of type E.
func await[E any](t *testing.T, from <-chan any) E {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		select {
		case event := <-from:
			if found, ok := event.(E); ok {
				return found
			}
		case <-deadline.C:
			t.Fatalf("no %T came", *new(E))
		}
	}
}

// A change of number is told again until it is kept, and whatsmeow knows the LIDs of both numbers.
func TestAChangeOfNumberIsToldUntilItIsKept(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	s.TrustRoot()
	client := whatsmeow.NewClient(memstore.New().NewDevice(), nil)
	client.EnableAutoReconnect, client.SynchronousAck = false, true
	s.Point(client)
	came := make(chan any, 100)
	var kept atomic.Bool
	client.AddEventHandler(func(event any) { came <- event })
	if err := hook.Numbers(client, func(change *hook.NumberChanged) bool {
		keep := kept.Load() // before the test is told, and changes it
		came <- *change
		return keep
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Disconnect)
	connect := func() {
		t.Helper()
		if err := client.Connect(); err != nil {
			t.Fatal(err)
		}
	}
	connect()
	if _, err := s.Scan(t.Context(), await[*events.QR](t, came).Codes[0], phone); err != nil {
		t.Fatal(err)
	}
	await[*events.Connected](t, came)
	sari := s.Person(oldPhone)
	if _, err := sari.Write(types.NewJID(phone, types.DefaultUserServer), "halo"); err != nil {
		t.Fatal(err)
	}
	await[*events.Message](t, came)
	moved, err := sari.ChangeNumber(newPhone)
	if err != nil || moved.Number() != newPhone {
		t.Fatalf("moved to %q: %v", moved.Number(), err)
	}
	told := await[hook.NumberChanged](t, came)
	if told.Old.User != oldPhone || told.New.User != newPhone || told.OldLID.IsEmpty() || told.NewLID.IsEmpty() || time.Since(told.At) > time.Hour {
		t.Errorf("told %+v", told)
	}
	for lid, pn := range map[types.JID]types.JID{told.OldLID: told.Old, told.NewLID: told.New} {
		if known, err := client.Store.LIDs.GetPNForLID(t.Context(), lid); err != nil || known != pn {
			t.Errorf("%s is %s (%v), want %s", lid, known, err, pn)
		}
	}
	client.Disconnect()
	kept.Store(true)
	connect()
	if again := await[hook.NumberChanged](t, came); again != told {
		t.Errorf("told again %+v, before %+v", again, told)
	}
	// What follows is told only after the change was acknowledged.
	if _, err := moved.Write(types.NewJID(phone, types.DefaultUserServer), "nomor baru"); err != nil {
		t.Fatal(err)
	}
	await[*events.Message](t, came)
	client.Disconnect()
	connect()
	await[*events.OfflineSyncCompleted](t, came)
	for len(came) > 0 {
		if change, ok := (<-came).(hook.NumberChanged); ok {
			t.Errorf("told after it was kept: %+v", change)
		}
	}
}

func TestATagWithoutAHandlerSaysThatWhatsmeowChanged(t *testing.T) {
	found, err := hook.Find(whatsmeow.NewClient(memstore.New().NewDevice(), nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := found.Wrap("nonsense", func(inner hook.Handler) hook.Handler { return inner }); !errors.Is(err, hook.ErrChanged) {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsReachedForIsThere(t *testing.T) {
	client := whatsmeow.NewClient(memstore.New().NewDevice(), nil)
	if _, err := hook.Sending(client); err != nil {
		t.Error(err)
	}
	if _, err := hook.FindUnread(client); err != nil {
		t.Error(err)
	}
	if err := hook.Members(client); err != nil {
		t.Error(err)
	}
}

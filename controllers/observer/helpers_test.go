package observer

import (
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/bottest"
	"sesi.dev/sesi/test/poll"
)

// deadline bounds every wait of these tests; it is far above what any of them needs.
const deadline = 30 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	testPair tls.Certificate
	testPins Pins
	lastHost atomic.Int32
)

func init() {
	pair, pemBytes, err := bottest.Certificate()
	if err == nil {
		testPair = pair
		testPins[0], err = PinOf(pemBytes)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// patient are options with which a bot is neither silent nor lost because the machine is slow.
func patient() Options {
	return Options{
		Silence: deadline, Opening: deadline, Grace: deadline,
		BackoffBase: 20 * time.Millisecond, BackoffCap: 100 * time.Millisecond,
	}
}

// quick are options for bots that do not answer.
func quick() Options {
	opts := patient()
	opts.Silence, opts.Opening, opts.Grace = 500*time.Millisecond, 500*time.Millisecond, 300*time.Millisecond
	return opts
}

func startObserver(t *testing.T, opts Options) *Observer {
	t.Helper()
	o := New(opts)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := o.Start(ctx); err != nil {
			t.Errorf("Start: %v", err)
		}
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case <-ended:
		case <-time.After(deadline):
			t.Error("a stream outlived the observer")
		}
	})
	return o
}

func key(name string) Key { return Key{Namespace: "shop", Name: name} }

// startBot serves an unlinked bot at an address of its own.
func startBot(t *testing.T, name string) *bottest.Bot {
	t.Helper()
	host := lastHost.Add(1)
	address := fmt.Sprintf("127.20.%d.%d:0", host/250, host%250+1)
	b, err := bottest.Start(address, testPair, "token-"+name, bottest.Unlinked(name, "uid-"+name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Stop)
	return b
}

func targetOf(b *bottest.Bot, name string) Target {
	return Target{Address: b.Address(), Instance: "uid-" + name, Pins: testPins, Token: b.Token}
}

func wait(t *testing.T, what string, done func() bool) {
	t.Helper()
	if !poll.Until(done, deadline, nil) {
		t.Fatalf("waited in vain for %s", what)
	}
}

// waitEvent reads events until one of the session comes.
func waitEvent(t *testing.T, o *Observer, name string) {
	t.Helper()
	waitEventOf(t, o, name, func() bool { return true })
}

// waitHearing reads events until one of the session comes while its Hearing is as wanted. A slow machine may lose a bot first.
func waitHearing(t *testing.T, o *Observer, name string, want Hearing) {
	t.Helper()
	waitEventOf(t, o, name, func() bool { return hearing(o, name) == want })
}

func waitEventOf(t *testing.T, o *Observer, name string, last func() bool) {
	t.Helper()
	end := time.After(deadline)
	for {
		select {
		case e := <-o.Events():
			if e.Object == key(name) && last() {
				return
			}
		case <-end:
			t.Fatalf("no event of %s came; it is %s", name, hearing(o, name))
		}
	}
}

func hearing(o *Observer, name string) Hearing {
	got, _ := o.Observed(key(name))
	return got.Hearing
}

func state(o *Observer, name string) bot.State {
	got, _ := o.Observed(key(name))
	if got.Snapshot == nil {
		return ""
	}
	return got.Snapshot.State
}

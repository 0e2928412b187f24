// Package bottest plays a bot's event stream over real TLS, honest or hostile, for tests of programs that listen to
// bots. It holds no session and decides nothing; no program imports it.
package bottest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"sync"
	"time"

	"sesi.dev/sesi/api/bot"
)

// Heartbeat is how often an honest bot sends a comment.
const Heartbeat = 15 * time.Second

// Bot is a listener at one address that serves one snapshot and its changes.
type Bot struct {
	// Token is what a client must send.
	Token string

	server   *http.Server
	listener net.Listener
	started  time.Time

	mu       sync.Mutex
	snapshot bot.Snapshot
	changed  chan struct{}
	handler  http.HandlerFunc
	streams  int
	opened   int
}

// Start serves at the address with the certificate, until Stop.
func Start(address string, certificate tls.Certificate, token string, first bot.Snapshot) (*Bot, error) {
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13}
	listener, err := tls.Listen("tcp", address, config)
	if err != nil {
		return nil, fmt.Errorf("play a bot at %s: %w", address, err)
	}
	b := &Bot{Token: token, listener: listener, started: time.Now(), changed: make(chan struct{})}
	b.snapshot = first
	b.snapshot.Revision = uint64(b.started.UnixMilli())
	b.snapshot.ChangedAt = bot.At(b.started)
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+bot.PathSessionEvents, b.serve)
	mux.HandleFunc("POST "+bot.PathLogout, b.logout)
	b.server = &http.Server{
		Handler: mux, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0),
	}
	go func() {
		if err := b.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			panic(fmt.Sprintf("bot at %s stopped serving: %v", address, err))
		}
	}()
	return b, nil
}

// Address returns where the bot listens.
func (b *Bot) Address() string { return b.listener.Addr().String() }

// Stop closes the listener and every stream.
func (b *Bot) Stop() { _ = b.server.Close() }

// Behave replaces the bot's answer to an authorised client; nil makes it honest again.
func (b *Bot) Behave(handler http.HandlerFunc) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.handler = handler
}

// Change edits the snapshot and publishes it under a new revision.
func (b *Bot) Change(edit func(*bot.Snapshot)) bot.Snapshot {
	b.mu.Lock()
	defer b.mu.Unlock()
	edit(&b.snapshot)
	b.snapshot.Revision++
	b.snapshot.ChangedAt = bot.At(time.Now())
	close(b.changed)
	b.changed = make(chan struct{})
	return b.snapshot
}

// Streams returns how many open streams the bot has.
func (b *Bot) Streams() int { b.mu.Lock(); defer b.mu.Unlock(); return b.streams }

// Opened returns how many authorised streams were opened since Start.
func (b *Bot) Opened() int { b.mu.Lock(); defer b.mu.Unlock(); return b.opened }

func (b *Bot) serve(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+b.Token {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	b.mu.Lock()
	b.streams++
	b.opened++
	handler := b.handler
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		b.streams--
		b.mu.Unlock()
	}()
	if handler == nil {
		handler = b.honest
	}
	handler(w, r)
}

// logout unlinks the session, like a bot whose device WhatsApp removed.
func (b *Bot) logout(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+b.Token {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	b.Change(func(s *bot.Snapshot) {
		unlinked := Unlinked(s.ClientID, s.Instance)
		unlinked.Reason, unlinked.Expired, unlinked.Revision = bot.ReasonClearedByUser, true, s.Revision
		*s = unlinked
	})
	fmt.Fprint(w, `{"success":true,"message":"The device was unlinked from WhatsApp"}`)
}

func (b *Bot) honest(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	heartbeat := time.NewTicker(Heartbeat)
	defer heartbeat.Stop()
	for {
		b.mu.Lock()
		snapshot, changed := b.snapshot, b.changed
		b.mu.Unlock()
		if WriteEvent(w, snapshot) != nil {
			return
		}
		for waiting := true; waiting; {
			select {
			case <-r.Context().Done():
				return
			case <-changed:
				waiting = false
			case <-heartbeat.C:
				if _, err := io.WriteString(w, ":\n\n"); err != nil || http.NewResponseController(w).Flush() != nil {
					return
				}
			}
		}
	}
}

// WriteEvent writes a snapshot as a bot does.
func WriteEvent(w http.ResponseWriter, snapshot bot.Snapshot) error {
	data, err := json.Marshal(snapshot)
	if err != nil {
		return fmt.Errorf("encode the snapshot: %w", err)
	}
	if _, err := fmt.Fprintf(w, "id: %d\nevent: snapshot\ndata: %s\n\n", snapshot.Revision, data); err != nil {
		return fmt.Errorf("write the event: %w", err)
	}
	if err := http.NewResponseController(w).Flush(); err != nil {
		return fmt.Errorf("flush the event: %w", err)
	}
	return nil
}

// Certificate returns a new self-signed serving certificate, as a pair and as PEM.
func Certificate() (tls.Certificate, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("make a key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"bot.test"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("sign the certificate: %w", err)
	}
	pair := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return pair, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

// Paired is the snapshot of a linked and connected bot.
func Paired(clientID, instance, jid string) bot.Snapshot {
	linked := bot.At(time.Now().Add(-time.Hour))
	return bot.Snapshot{
		ClientID: clientID, Instance: instance, State: bot.StateConnected, Reason: bot.ReasonLoggedIn,
		Message: "The session is connected.", Exists: true, Authenticated: true, Connected: true,
		UserAction: bot.ActionNone, JID: jid, PushName: "Shop", LinkedAt: linked, ConnectedAt: linked,
		LastModified: linked, Size: 184320, Path: "/data/session-" + clientID, WebVersion: "2.3000.1",
	}
}

// Unlinked is the snapshot of a bot that shows a code.
func Unlinked(clientID, instance string) bot.Snapshot {
	return bot.Snapshot{
		ClientID: clientID, Instance: instance, State: bot.StatePairing, Reason: bot.ReasonQRAvailable,
		Message: "Scan the code.", QRRequired: true, UserAction: bot.ActionScanQR,
		QRExpiresAt: bot.At(time.Now().Add(time.Hour)), Path: "/data/session-" + clientID,
	}
}

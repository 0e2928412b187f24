package passkey

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.mau.fi/whatsmeow"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/botruntime/hook"
)

// iqWait bounds each request to WhatsApp.
const iqWait = 20 * time.Second

// Requested is WhatsApp's demand for the account's passkey.
type Requested struct {
	// Options are WebAuthn's PublicKeyCredentialRequestOptionsJSON. They must never be logged.
	Options json.RawMessage
	// Life is how long they can be answered.
	Life time.Duration
}

// Confirmation is the code that the phone shows too. Where Needed, a person must compare the two and Confirm;
// otherwise the pairing continues automatically.
type Confirmation struct {
	Code   string
	Needed bool
}

// Failed ends the gate; the client must connect again for another code.
type Failed struct{ Err error }

// Errors of Answer and Confirm. Refused wraps what WhatsApp answered.
var (
	ErrNothingAsked = errors.New("WhatsApp does not ask for a passkey now")
	ErrRefused      = errors.New("WhatsApp refused the passkey")
	ErrConnection   = errors.New("the connection to WhatsApp ended meanwhile")
)

type stage int

const (
	stageIdle      stage = iota
	stageRequested       // a person is to sign
	stageAnswering       // the assertion is on its way, or accepted: the phone's key comes next
	stageConfirm         // a person is to compare the codes
	stageSealing         // the new secret is on its way
	stageOver            // done or failed
)

// Gate is the passkey gate of one client.
type Gate struct {
	client *whatsmeow.Client
	notify func(any)
	wait   time.Duration // for each answer of WhatsApp
	shown  shown

	mu        sync.Mutex
	stage     stage
	challenge string
	handOff   *handOff
	companion *companion
}

// Attach hooks a gate into a client that has not been connected yet. notify gets Requested, Confirmation and
// Failed, each from a goroutine that may not block. The error says that whatsmeow changed; the client then works
// as before, but cannot be linked to an account with a passkey.
func Attach(client *whatsmeow.Client, notify func(any)) (*Gate, error) {
	g := &Gate{client: client, notify: notify, wait: iqWait, shown: shown{client: client}}
	found, err := hook.Find(client)
	if err != nil {
		return nil, err
	}
	err = found.Wrap("notification", func(inner hook.Handler) hook.Handler {
		return func(ctx context.Context, node *waBinary.Node) {
			if !g.handleNotification(ctx, node) {
				inner(ctx, node)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return g, errors.Join(g.shown.watch(found), guard(client, found))
}

// handleNotification takes the gate's own notifications, and acknowledges them. A whatsmeow that knows them must
// not see them: it would replace the ADV secret a second time.
func (g *Gate) handleNotification(ctx context.Context, node *waBinary.Node) bool {
	kind, _ := node.Attrs["type"].(string)
	if from, _ := node.Attrs["from"].(types.JID); from != types.ServerJID {
		return false
	}
	switch kind {
	case "passkey_prologue_request":
		g.request(ctx, childBytes(node, "passkey_request_options"))
	case "crsc_continuation":
		g.proceed(ctx, childBytes(node, "primary_ephemeral_identity"))
	default:
		return false
	}
	g.client.DangerousInternals().SendAck(ctx, node, 0) //nolint:staticcheck // SA1019: whatsmeow's own handler is not asked
	return true
}

// request takes WhatsApp's demand. The ADV secret is replaced here and not on the side, before anything else of
// the connection is handled. A second demand changes nothing: another secret would break what goes on.
func (g *Gate) request(ctx context.Context, raw []byte) {
	g.mu.Lock()
	if g.stage != stageIdle {
		g.mu.Unlock()
		return
	}
	g.stage = stageRequested
	g.handOff = newHandOff(g.client.Store.AdvSecretKey, time.Now())
	secret := make([]byte, 32)
	_, _ = rand.Read(secret)
	g.client.Store.AdvSecretKey = secret
	g.shown.set(nil)
	g.mu.Unlock()
	if g.take(raw) == nil {
		return
	}
	go func() { // a handler may not wait for an answer: the answer waits for the handler
		answer, err := g.ask(ctx, "get", waBinary.Node{Tag: "passkey_request_options"})
		if err == nil {
			err = g.take(childBytes(answer, "passkey_request_options"))
		}
		if err != nil {
			g.fail(fmt.Errorf("fetch the passkey challenge: %w", err))
		}
	}()
}

// take hands the challenge to a person.
func (g *Gate) take(raw []byte) error {
	options, life, err := parseOptions(raw)
	if err != nil {
		return err
	}
	g.mu.Lock()
	g.challenge = options.Challenge
	g.mu.Unlock()
	g.notify(Requested{Options: raw, Life: life})
	return nil
}

// Answer sends a person's assertion: the JSON of a PublicKeyCredential. ErrAssertion and ErrRefused leave the
// challenge open for another try.
func (g *Gate) Answer(ctx context.Context, raw []byte) error {
	g.mu.Lock()
	if g.stage != stageRequested || g.challenge == "" {
		g.mu.Unlock()
		return ErrNothingAsked
	}
	signed, err := parseAssertion(raw, g.challenge)
	if err != nil {
		g.mu.Unlock()
		return err
	}
	g.stage = stageAnswering // at once: the phone's key may come before the answer is read
	g.mu.Unlock()
	if err = g.prologue(ctx, signed); err != nil {
		g.mu.Lock()
		if g.stage == stageAnswering {
			g.stage = stageRequested
		}
		g.mu.Unlock()
	}
	return err
}

func (g *Gate) prologue(ctx context.Context, signed assertion) error {
	answer, err := g.ask(ctx, "get", waBinary.Node{Tag: "ref"})
	if err != nil {
		return err
	}
	made, err := newCompanion(string(childBytes(answer, "ref")))
	if err != nil {
		return err
	}
	payload, err := made.prologue()
	if err != nil {
		return err
	}
	text, err := json.Marshal(signed)
	if err != nil {
		return fmt.Errorf("encode the assertion: %w", err)
	}
	children := []waBinary.Node{
		{Tag: "credential_id", Content: signed.rawID},
		{Tag: "webauthn_assertion", Content: text},
		{Tag: "prologue_payload", Content: payload},
	}
	g.mu.Lock()
	if proof := g.handOff.proof(payload, time.Now()); proof != nil {
		made.proven = true
		children = append(children, waBinary.Node{Tag: "pairing_handoff_proof", Content: proof})
	}
	g.companion = made
	g.mu.Unlock()
	_, err = g.ask(ctx, "set", waBinary.Node{Tag: "passkey_prologue", Content: children})
	return err
}

// proceed takes the phone's ephemeral key. One that comes out of turn is ignored.
func (g *Gate) proceed(ctx context.Context, raw []byte) {
	g.mu.Lock()
	if g.stage != stageAnswering || g.companion == nil {
		g.mu.Unlock()
		return
	}
	made := g.companion
	err := made.meet(raw)
	if err == nil {
		g.stage = stageSealing
		if !made.proven {
			g.stage = stageConfirm
		}
	}
	g.mu.Unlock()
	if err != nil {
		g.fail(err)
		return
	}
	go func() {
		if _, err := g.ask(ctx, "set", waBinary.Node{Tag: "companion_nonce", Content: made.nonce}); err != nil {
			g.fail(fmt.Errorf("send the nonce: %w", err))
			return
		}
		g.notify(Confirmation{Code: made.code, Needed: !made.proven})
		if made.proven {
			if err := g.seal(ctx); err != nil {
				g.fail(err)
			}
		}
	}()
}

// Confirm says that a person has seen the same code on the phone.
func (g *Gate) Confirm(ctx context.Context) error {
	g.mu.Lock()
	if g.stage != stageConfirm {
		g.mu.Unlock()
		return ErrNothingAsked
	}
	g.stage = stageSealing
	g.mu.Unlock()
	err := g.seal(ctx)
	if err != nil {
		g.fail(err)
	}
	return err
}

// seal sends the new ADV secret to the phone. pair-success follows by whatsmeow's own handler.
func (g *Gate) seal(ctx context.Context) error {
	sealed, err := g.companion.seal(g.client.Store)
	if err != nil {
		return err
	}
	if _, err = g.ask(ctx, "set", waBinary.Node{Tag: "encrypted_pairing_request", Content: sealed}); err != nil {
		return fmt.Errorf("send the pairing request: %w", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stage = stageOver
	return nil
}

func (g *Gate) fail(err error) {
	g.mu.Lock()
	ended := g.stage == stageOver
	g.stage = stageOver
	g.mu.Unlock()
	if !ended {
		g.notify(Failed{Err: err})
	}
}

// ask sends a request of the namespace "md" and waits for its answer, at most g.wait.
func (g *Gate) ask(ctx context.Context, kind string, content waBinary.Node) (*waBinary.Node, error) {
	ctx, cancel := context.WithTimeout(ctx, g.wait)
	defer cancel()
	answer, err := g.client.DangerousInternals().SendIQ(ctx, whatsmeow.DangerousInfoQuery{ //nolint:staticcheck // SA1019: whatsmeow has no other way to send a request that it does not know
		Namespace: "md", Type: whatsmeow.DangerousInfoQueryType(kind), To: types.ServerJID,
		Content: []waBinary.Node{content}, Timeout: g.wait, NoRetry: true,
	})
	var refused *whatsmeow.IQError
	switch {
	case errors.As(err, &refused):
		return nil, fmt.Errorf("%w (code %d)", ErrRefused, refused.Code)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrConnection, err)
	}
	return answer, nil
}

func childBytes(node *waBinary.Node, tag string) []byte {
	child := node.GetChildByTag(tag)
	raw, _ := child.Content.([]byte)
	return raw
}

package messenger

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/appstate"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waServerSync"
	"go.mau.fi/whatsmeow/proto/waSyncAction"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/accountstate"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/turn"
)

// WhatsApp demands a token with the first message to someone. Where the person gave none, the token is made of the
// account's salt, which the phone puts into its app state. This build of whatsmeow does not know the salt.
const (
	saltIndex      = "nct_salt_sync"
	saltAction     = 80 // the field of a SyncActionValue
	saltValue      = 1  // the field of the action
	saltCollection = appstate.WAPatchRegularHigh
	saltTime       = 10 * time.Second // messages wait for it
	saltPause      = time.Hour        // between two questions for a salt that the account does not have
)

// salt is what is known of an account's salt.
type salt struct {
	account string
	value   []byte // empty when the account has none
}

// saltAsked is when the app state was last read for a salt.
type saltAsked struct {
	account string
	at      time.Time
}

// saltIn returns the salt that a change of the app state sets; nil when it is about something else.
func saltIn(index []string, value *waSyncAction.SyncActionValue) []byte {
	if len(index) != 1 || index[0] != saltIndex {
		return nil
	}
	raw, err := proto.Marshal(value)
	if err != nil {
		return nil
	}
	return field(field(raw, saltAction), saltValue)
}

// field returns the bytes of a field of an encoded message.
func field(raw []byte, number protowire.Number) []byte {
	for len(raw) > 0 {
		found, kind, n := protowire.ConsumeTag(raw)
		if n < 0 {
			return nil
		}
		raw = raw[n:]
		if found == number && kind == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(raw)
			return value
		}
		if n = protowire.ConsumeFieldValue(found, kind, raw); n < 0 {
			return nil
		}
		raw = raw[n:]
	}
	return nil
}

// takeAppState keeps a salt that the phone changed.
func (m *Messenger) takeAppState(evt *events.AppState, in turn.Turn) bool {
	value := saltIn(evt.Index, evt.SyncActionValue)
	account := bot.Account(m.snapshot().JID)
	if value == nil || account == "" {
		return true
	}
	return m.takeOnce(in, func(t *journal.Tx) error {
		t.After(func() { m.salt.Store(&salt{account, value}) })
		return t.PutSalt(account, value)
	})
}

// knownSalt returns an account's salt, empty while none is known.
func (m *Messenger) knownSalt(ctx context.Context, account string) []byte {
	if known := m.salt.Load(); known != nil && known.account == account {
		return known.value
	}
	value, err := m.Journal.Salt(ctx, account)
	if err != nil {
		m.Log.Error("the salt of the account cannot be read", "error", err)
		return nil
	}
	m.salt.Store(&salt{account, value})
	return value
}

// findSalt reads the account's salt from its app state unless it is known, and reports whether it changed. renew reads
// it also when it is known: WhatsApp may have refused a token that was made of it.
func (m *Messenger) findSalt(ctx context.Context, client *whatsmeow.Client, account string, renew bool) (changed bool) {
	was := m.knownSalt(ctx, account)
	now, pause := m.Journal.Now(), saltPause
	if renew {
		pause = limitsFresh
	}
	if !renew && len(was) > 0 || m.saltAsked.account == account && now.Sub(m.saltAsked.at) < pause {
		return false
	}
	m.saltAsked = saltAsked{account, now}
	value, err := fetchSalt(ctx, client)
	if err != nil {
		m.Log.Warn("the account's app state could not be read", "cause", causeOf(err))
		return false
	}
	if string(value) == string(was) {
		return false
	}
	m.salt.Store(&salt{account, value})
	writing, cancel := commitContext()
	defer cancel()
	if err := m.Journal.Commit(writing, func(t *journal.Tx) error { return t.PutSalt(account, value) }); err != nil {
		m.Log.Error("the salt of the account could not be written", "error", err)
	}
	return true
}

// fetchSalt reads the salt from the account's app state.
func fetchSalt(ctx context.Context, client *whatsmeow.Client) (found []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, saltTime)
	defer cancel()
	err = accountstate.Read(ctx, client, saltCollection, func(change appstate.Mutation) {
		switch value := saltIn(change.Index, change.Action); {
		case value == nil:
		case change.Operation == waServerSync.SyncdMutation_REMOVE:
			found = nil
		default:
			found = value
		}
	})
	return found, err
}

// tokenNodes returns what a message to a person carries when the person gave no privacy token; nil when there is
// nothing to carry.
func (m *Messenger) tokenNodes(ctx context.Context, client *whatsmeow.Client, account string, to types.JID) *[]waBinary.Node {
	if to.Server != types.DefaultUserServer && to.Server != types.HiddenUserServer {
		return nil
	}
	value := m.knownSalt(ctx, account)
	if len(value) == 0 {
		return nil
	}
	if given, err := client.Store.PrivacyTokens.GetPrivacyToken(ctx, to); err != nil || given != nil {
		return nil // whatsmeow adds it
	}
	if to.Server == types.DefaultUserServer {
		lid, err := client.Store.LIDs.GetLIDForPN(ctx, to)
		if err != nil || lid.IsEmpty() {
			return nil
		}
		to = lid
	}
	return &[]waBinary.Node{{Tag: "cstoken", Content: tokenOf(value, to)}}
}

func tokenOf(salt []byte, person types.JID) []byte {
	hash := hmac.New(sha256.New, salt)
	hash.Write([]byte(person.ToNonAD().String()))
	return hash.Sum(nil)
}

package messenger

import (
	"context"
	"time"

	"go.mau.fi/whatsmeow"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/message"
)

// A privacy token is valid in the week of its issue and in the three weeks after. The weeks are counted from 1970.
const (
	tokenBucket  = 7 * 24 * time.Hour
	tokenBuckets = 4
	// issueTime bounds the sending of one token.
	issueTime = 10 * time.Second
)

func bucketOf(t time.Time) int64 { return t.Unix() / int64(tokenBucket.Seconds()) }

// goodTokens hides privacy tokens that are too old: whatsmeow would show them, and WhatsApp refuses them.
type goodTokens struct {
	store.PrivacyTokenStore
	now func() time.Time
}

// GetPrivacyToken implements store.PrivacyTokenStore.
func (g goodTokens) GetPrivacyToken(ctx context.Context, user types.JID) (*store.PrivacyToken, error) {
	token, err := g.PrivacyTokenStore.GetPrivacyToken(ctx, user)
	if err != nil || token == nil || bucketOf(g.now())-bucketOf(token.Timestamp) >= tokenBuckets {
		return nil, err
	}
	return token, nil
}

// issueTokens sends the account's own privacy token to the people that it wrote to, once a week each, as WhatsApp's
// clients do. Their answers then do not count as messages from strangers.
func (m *Messenger) issueTokens(ctx context.Context, client *whatsmeow.Client, sent []bot.Party) {
	now := m.Journal.Now()
	for _, party := range sent {
		if m.met[party.ID] >= bucketOf(now) {
			continue
		}
		forms := message.Forms(party)
		due, err := m.Journal.TokenDue(ctx, bucketOf(now), forms...)
		if err == nil {
			m.meet(party.ID, due, bucketOf(now))
		}
		if err != nil || !due || ctx.Err() != nil || !client.IsLoggedIn() {
			continue
		}
		to, err := types.ParseJID(forms[len(forms)-1]) // the LID where it is known
		if err != nil {
			continue
		}
		if err := issueToken(ctx, client, to, now); err != nil {
			m.Log.Warn("a privacy token could not be handed over; the next message tries again", "cause", causeOf(err))
			continue
		}
		writing, cancel := commitContext()
		err = m.Journal.Commit(writing, func(t *journal.Tx) error { return t.TokenIssued(bucketOf(now), forms...) })
		cancel()
		m.meet(party.ID, err != nil, bucketOf(now))
		if err != nil {
			m.Log.Error("the hand-over of a privacy token could not be written", "error", err)
		}
	}
}

// maxMet bounds the chats that are remembered in memory.
const maxMet = 1024

// meet remembers that a chat is known, and whether it lacks the privacy token of the week.
func (m *Messenger) meet(chat string, lacks bool, week int64) {
	if m.met == nil || len(m.met) >= maxMet {
		m.met = map[string]int64{}
	}
	if lacks {
		week = 0
	}
	m.met[chat] = week
}

// issueToken makes the server send a token. whatsmeow has no public call for it.
func issueToken(ctx context.Context, client *whatsmeow.Client, to types.JID, now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, issueTime)
	defer cancel()
	_, err := client.DangerousInternals().SendIQ(ctx, whatsmeow.DangerousInfoQuery{ //nolint:staticcheck // there is no public call
		Namespace: "privacy", Type: whatsmeow.DangerousInfoQueryType("set"), To: types.ServerJID, NoRetry: true,
		Content: []waBinary.Node{{Tag: "tokens", Content: []waBinary.Node{{
			Tag: "token", Attrs: waBinary.Attrs{"jid": to, "t": now.Unix(), "type": "trusted_contact"},
		}}}},
	})
	return err
}

package messenger

import (
	"context"
	"fmt"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/message"
)

// status checks what a request says of a status post, and writes its audience into the draft.
func (d *draft) status(request bot.SendRequest) error {
	if d.to != types.StatusBroadcastJID {
		if request.StatusOptions != nil {
			return badField("statusOptions", "left out, unless to is status")
		}
		return nil
	}
	if request.Location != nil || request.Contacts != nil || request.Poll != nil || request.Appointment != nil || request.Vote != nil || request.Reaction != nil ||
		request.Forward != nil || request.ReplyTo != "" || request.ExpiresIn > 0 || request.Document != nil || request.Sticker != nil ||
		request.Audio != nil {
		return &Refusal{Kind: bot.ProblemUnsupported}
	}
	d.look = &bot.StatusOptions{}
	if request.StatusOptions != nil {
		*d.look = *request.StatusOptions
	}
	if d.look.BackgroundColor != "" && !message.IsColor(d.look.BackgroundColor) {
		return badField("statusOptions.backgroundColor", "a colour as #RRGGBB")
	}
	if !message.IsFont(d.look.Font) {
		return badField("statusOptions.font", "0, 1, 2, or 6 to 10")
	}
	if len(d.look.Contacts) > bot.MaxStatusContacts {
		return badField("statusOptions.contacts", fmt.Sprintf("at most %d", bot.MaxStatusContacts))
	}
	people := []string{}
	for _, one := range d.look.Contacts {
		jid, ok := message.Address(one)
		if !ok || jid.Server != types.DefaultUserServer && jid.Server != types.HiddenUserServer {
			return badField("statusOptions.contacts", "numbers with their country code, or addresses of people")
		}
		people = append(people, jid.String())
	}
	d.look.Contacts = people
	return nil
}

// audience are the people that a status post names.
func audience(look *bot.StatusOptions) (people []types.JID) {
	if look == nil {
		return nil
	}
	for _, text := range look.Contacts {
		if jid, err := types.ParseJID(text); err == nil {
			people = append(people, jid)
		}
	}
	return people
}

// groupSend is whatsmeow's way to send to a list of people. The type of its last parameter has no name outside of
// whatsmeow.
type groupSend[Extra any] func(ctx context.Context, own, to types.JID, people []types.JID, id types.MessageID, m *waE2E.Message,
	timings *whatsmeow.MessageDebugTimings, extra Extra) (phash string, data []byte, err error)

func withoutExtra[Extra any](ctx context.Context, send groupSend[Extra], own types.JID, people []types.JID, id string, m *waE2E.Message) error {
	var none Extra
	_, _, err := send(ctx, own, types.StatusBroadcastJID, people, id, m, &whatsmeow.MessageDebugTimings{}, none)
	return err
}

// handStatus sends a status post to the people that it names, and waits for the server's answer. whatsmeow's own call
// knows only those whom the privacy settings name. The bot's messages go one after the other, so nothing else uses the
// sender key of the status meanwhile.
func handStatus(ctx context.Context, client *whatsmeow.Client, id string, m *waE2E.Message, people []types.JID) error {
	if client.Store.ID == nil {
		return whatsmeow.ErrNotLoggedIn
	}
	own := client.Store.ID.ToNonAD()
	inner := client.DangerousInternals() //nolint:staticcheck // there is no public call
	answer := inner.WaitResponse(id)
	if err := withoutExtra(ctx, inner.SendGroup, own, append(people[:len(people):len(people)], own), id, m); err != nil {
		inner.CancelResponse(id, answer)
		return err
	}
	return awaitAnswer(ctx, inner, id, answer)
}

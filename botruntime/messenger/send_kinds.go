package messenger

import (
	"context"
	"crypto/rand"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/message"
)

func (d *draft) text(ctx context.Context, request bot.SendRequest) error {
	text, err := d.plainText(request.Text, request.Mentions)
	if err != nil {
		return err
	}
	if text.Context, err = d.context(ctx, request); err != nil {
		return err
	}
	if p := request.LinkPreview; p != nil {
		if u, err := url.Parse(p.URL); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || !strings.Contains(request.Text, p.URL) {
			return badField("linkPreview.url", "an http or https address that is in the text")
		}
		text.Preview = p
	}
	text.Status = d.look
	return d.set(text.Compose())
}

// plainText makes a text message with its mentions.
func (d *draft) plainText(text string, mentions []string) (message.Text, error) {
	if text == "" || len(text) > bot.MaxTextBytes || !utf8.ValidString(text) {
		return message.Text{}, badField("text", fmt.Sprintf("1 to %d bytes of UTF-8", bot.MaxTextBytes))
	}
	people, err := mentioned(mentions)
	return message.Text{Context: message.Context{Mentions: people}, Text: text}, err
}

// context makes what a message of any kind refers to.
func (d *draft) context(ctx context.Context, request bot.SendRequest) (message.Context, error) {
	mentions, err := mentioned(request.Mentions)
	if err != nil {
		return message.Context{}, err
	}
	out := message.Context{Mentions: mentions, ExpiresIn: request.ExpiresIn}
	if request.ReplyTo == "" {
		return out, nil
	}
	answered, err := d.subject(ctx, request.ReplyTo)
	if err != nil {
		return message.Context{}, err
	}
	sender, err := types.ParseJID(answered.Message.From.ID)
	if err != nil {
		return message.Context{}, fmt.Errorf("read the author of a message: %w", err)
	}
	out.Reply = &message.Reply{ID: request.ReplyTo, Sender: sender, Raw: answered.Raw}
	return out, nil
}

func mentioned(mentions []string) (people []types.JID, err error) {
	if len(mentions) > bot.MaxMentions {
		return nil, badField("mentions", fmt.Sprintf("at most %d", bot.MaxMentions))
	}
	for _, one := range mentions {
		jid, ok := message.Address(one)
		if !ok || jid.Server != types.DefaultUserServer && jid.Server != types.HiddenUserServer {
			return nil, badField("mentions", "numbers with their country code, or addresses of people")
		}
		people = append(people, jid)
	}
	return people, nil
}

// shortText checks a name or another text of one field.
func shortText(field, text string, least, most int) error {
	if n := utf8.RuneCountInString(text); n < least || n > most || !utf8.ValidString(text) {
		return badField(field, fmt.Sprintf("%d to %d characters of UTF-8", least, most))
	}
	return nil
}

func (d *draft) place(ctx context.Context, request bot.SendRequest) error {
	at := *request.Location
	if err := checkPlace("location", at); err != nil {
		return err
	}
	about, err := d.context(ctx, request)
	if err != nil {
		return err
	}
	return d.set(message.Place{Context: about, Location: at}.Compose())
}

// checkPlace checks a place; field is its name in the request.
func checkPlace(field string, at bot.Location) error {
	switch {
	case math.IsNaN(at.Latitude) || at.Latitude < -90 || at.Latitude > 90:
		return badField(field+".latitude", "-90 to 90 degrees")
	case math.IsNaN(at.Longitude) || at.Longitude < -180 || at.Longitude > 180:
		return badField(field+".longitude", "-180 to 180 degrees")
	case at.Live:
		return badField(field+".live", "left out: the bot cannot send a position that moves")
	}
	for name, text := range map[string]string{"name": at.Name, "address": at.Address, "url": at.URL} {
		if err := shortText(field+"."+name, text, 0, bot.MaxNameBytes); err != nil {
			return err
		}
	}
	return nil
}

func (d *draft) contacts(ctx context.Context, request bot.SendRequest) error {
	if len(request.Contacts) > bot.MaxContacts {
		return badField("contacts", fmt.Sprintf("at most %d", bot.MaxContacts))
	}
	out := message.Contacts{}
	for i, one := range request.Contacts {
		card, err := vCard(fmt.Sprintf("contacts[%d]", i), one)
		if err != nil {
			return err
		}
		out.Contacts = append(out.Contacts, card)
	}
	var err error
	if out.Context, err = d.context(ctx, request); err != nil {
		return err
	}
	return d.set(out.Compose())
}

// vCard makes or checks one contact; field is its name in the request.
func vCard(field string, one bot.SendContact) (bot.VCard, error) {
	least := 1
	if one.VCard != "" {
		least = 0
	}
	if err := shortText(field+".name", one.Name, least, bot.MaxNameBytes); err != nil {
		return bot.VCard{}, err
	}
	if one.VCard == "" {
		number, ok := message.Address(one.Phone)
		if !ok || number.Server != types.DefaultUserServer {
			return bot.VCard{}, badField(field+".phone", "a number with its country code, or else the contact given as vcard")
		}
		if err := shortText(field+".organization", one.Organization, 0, bot.MaxNameBytes); err != nil {
			return bot.VCard{}, err
		}
		return message.MakeVCard(one.Name, number.User, one.Organization), nil
	}
	if one.Phone != "" || one.Organization != "" {
		return bot.VCard{}, badField(field+".vcard", "given without phone and organization, which are part of it")
	}
	if len(one.VCard) > bot.MaxVCardBytes || !message.IsVCard(one.VCard) {
		return bot.VCard{}, badField(field+".vcard", fmt.Sprintf("one vCard from BEGIN:VCARD to END:VCARD, at most %d bytes of UTF-8", bot.MaxVCardBytes))
	}
	card := message.ParseVCard(strings.TrimSpace(one.VCard))
	if one.Name != "" {
		card.Name = one.Name
	}
	if card.Name == "" {
		return bot.VCard{}, badField(field+".name", "given where the vCard has no name (FN)")
	}
	return card, nil
}

func (d *draft) poll(ctx context.Context, request bot.SendRequest) error {
	poll := *request.Poll
	if err := shortText("poll.name", poll.Name, 1, bot.MaxPollName); err != nil {
		return err
	}
	if len(poll.Options) < bot.MinPollOptions || len(poll.Options) > bot.MaxPollOptions {
		return badField("poll.options", fmt.Sprintf("%d to %d options", bot.MinPollOptions, bot.MaxPollOptions))
	}
	for i, option := range poll.Options {
		if err := shortText(fmt.Sprintf("poll.options[%d]", i), option, 1, bot.MaxPollOption); err != nil {
			return err
		}
		if slices.Contains(poll.Options[:i], option) {
			return badField("poll.options", "different from each other")
		}
	}
	if int(poll.Selectable) > len(poll.Options) {
		return badField("poll.selectable", "at most the number of options; 0 lets people choose any number")
	}
	about, err := d.context(ctx, request)
	if err != nil {
		return err
	}
	return d.set(message.Poll{Context: about, Poll: poll, Secret: random(message.SecretBytes)}.Compose())
}

func random(n int) []byte {
	some := make([]byte, n)
	_, _ = rand.Read(some) // it never fails
	return some
}

func (d *draft) vote(ctx context.Context, vote bot.SendVote) error {
	found, err := d.subject(ctx, vote.MessageID)
	if err != nil {
		return err
	}
	poll := found.Message.Poll
	if poll == nil {
		return badField("vote.messageId", "the id of a poll")
	}
	for i, option := range vote.Options {
		if !slices.Contains(poll.Options, option) || slices.Contains(vote.Options[:i], option) {
			return badField("vote.options", "options of the poll, each once and word by word")
		}
	}
	if poll.Selectable > 0 && len(vote.Options) > int(poll.Selectable) {
		return badField("vote.options", fmt.Sprintf("at most %d options of this poll", poll.Selectable))
	}
	ballot, err := d.m.ballot(found)
	if err != nil {
		return &Refusal{Kind: bot.ProblemNotChangeable}
	}
	subject, err := d.about(bot.KindVote, found)
	if err != nil {
		return err
	}
	author, err := d.pollAuthor(ctx, found)
	if err != nil {
		return err
	}
	d.content, err = ballot.Cast(subject, author, d.sameForm(author), vote.Options, random(message.NonceBytes), d.m.Journal.Now().UnixMilli())
	return err
}

// pollAuthor is the address of a poll's author under which the poll came: those who read a vote derive its key from it.
func (d *draft) pollAuthor(ctx context.Context, poll *journal.Record) (types.JID, error) {
	kept, err := d.m.Journal.PollAuthor(ctx, poll.Message.ID, poll.Message.Chat.ID)
	if err != nil {
		return types.EmptyJID, err
	}
	if kept == "" {
		kept = poll.Message.From.ID
	}
	author, err := types.ParseJID(kept)
	if err != nil {
		return types.EmptyJID, fmt.Errorf("read the author of a poll: %w", err)
	}
	return author, nil
}

// sameForm is the account's LID for someone's LID, and else its number.
func (d *draft) sameForm(of types.JID) types.JID {
	if lid, err := types.ParseJID(d.shown.From.LID); of.Server == types.HiddenUserServer && err == nil && !lid.IsEmpty() {
		return lid
	}
	return d.account
}

package directory

import (
	"context"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waSyncAction"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/message"
)

// ChangeChat archives a chat or marks it as unread, on all devices of the account.
func (d *Directory) ChangeChat(ctx context.Context, chat string, request bot.ChangeChatRequest) (bot.Party, error) {
	if request.Archived == nil && request.Unread == nil {
		return bot.Party{}, badField("archived, unread", "given, at least one of them")
	}
	return d.changeChat(ctx, chat, func(jid types.JID, at time.Time, last *waCommon.MessageKey) (patches []appstate.PatchInfo) {
		if request.Archived != nil {
			patches = append(patches, appstate.BuildArchive(jid, *request.Archived, at, last))
		}
		if request.Unread != nil {
			patches = append(patches, appstate.BuildMarkChatAsRead(jid, !*request.Unread, at, last))
		}
		return patches
	})
}

// DeleteChat removes a chat from the account's phone and its other devices. What the bot keeps of it stays.
func (d *Directory) DeleteChat(ctx context.Context, chat string) (bot.Party, error) {
	return d.changeChat(ctx, chat, func(jid types.JID, at time.Time, last *waCommon.MessageKey) []appstate.PatchInfo {
		return []appstate.PatchInfo{deleteChat(jid, at, last)}
	})
}

// ClearChat removes a chat's messages from the account's phone and its other devices, those with a star too. What the bot
// keeps of it stays.
func (d *Directory) ClearChat(ctx context.Context, chat string) (bot.Party, error) {
	return d.changeChat(ctx, chat, func(jid types.JID, at time.Time, last *waCommon.MessageKey) []appstate.PatchInfo {
		return []appstate.PatchInfo{clearChat(jid, at, last)}
	})
}

// deleteChat is the change as WhatsApp's own devices make it, and Baileys: whatsmeow's has another name and collection.
func deleteChat(chat types.JID, at time.Time, last *waCommon.MessageKey) appstate.PatchInfo {
	const withMedia = "1"
	return appstate.PatchInfo{Type: appstate.WAPatchRegularHigh, Mutations: []appstate.MutationInfo{{
		Index: []string{appstate.IndexDeleteChat, chat.String(), withMedia}, Version: 6,
		Value: appstate.BuildDeleteChat(chat, at, last).Mutations[0].Value,
	}}}
}

// clearChat is the change that whatsmeow has no builder for.
func clearChat(chat types.JID, at time.Time, last *waCommon.MessageKey) appstate.PatchInfo {
	const withStarred, withMedia = "1", "0"
	messages := deleteChat(chat, at, last).Mutations[0].Value.GetDeleteChatAction().GetMessageRange()
	return appstate.PatchInfo{Type: appstate.WAPatchRegularHigh, Mutations: []appstate.MutationInfo{{
		Index: []string{appstate.IndexClearChat, chat.String(), withStarred, withMedia}, Version: 6,
		Value: &waSyncAction.SyncActionValue{ClearChatAction: &waSyncAction.ClearChatAction{MessageRange: messages}},
	}}}
}

// Star puts a star at a message on all devices of the account, or takes it away.
func (d *Directory) Star(ctx context.Context, m bot.Message, star bool) error {
	chat, err := types.ParseJID(m.Chat.ID)
	if err != nil {
		return err
	}
	author := chat // of a message of the account, or in a chat with one person, WhatsApp names nobody
	if m.Chat.Kind == bot.PartyGroup && !m.FromMe {
		if author, err = types.ParseJID(m.From.ID); err != nil {
			return err
		}
	}
	return d.inTurn(ctx, func(ctx context.Context, client *whatsmeow.Client) error {
		return changeState(ctx, client, appstate.BuildStar(chat, author, m.ID, m.FromMe, star))
	})
}

// changeChat makes changes that name the last message of a chat: the phone leaves newer ones alone.
func (d *Directory) changeChat(ctx context.Context, chat string, changes func(types.JID, time.Time, *waCommon.MessageKey) []appstate.PatchInfo) (bot.Party, error) {
	jid, ok := message.Address(chat)
	if !ok || jid.Server == types.BroadcastServer || jid.Server == types.NewsletterServer {
		return bot.Party{}, &Refusal{Kind: bot.ProblemBadRecipient}
	}
	party := d.Names.Party(jid, types.EmptyJID, "")
	jid, err := types.ParseJID(party.ID)
	if err != nil {
		return bot.Party{}, err
	}
	at, last, err := d.lastMessage(ctx, party)
	if err != nil {
		return bot.Party{}, err
	}
	return party, d.inTurn(ctx, func(ctx context.Context, client *whatsmeow.Client) error {
		for _, patch := range changes(jid, at, last) {
			if err := changeState(ctx, client, patch); err != nil {
				return err
			}
		}
		return nil
	})
}

// lastMessage is the newest message of a chat that the bot keeps.
func (d *Directory) lastMessage(ctx context.Context, chat bot.Party) (time.Time, *waCommon.MessageKey, error) {
	found, _, err := d.Journal.Messages(ctx, 0, 1, message.Forms(chat)...)
	if err != nil || len(found) == 0 {
		return time.Time{}, nil, err
	}
	m := found[0].Message
	key := &waCommon.MessageKey{RemoteJID: &chat.ID, FromMe: &m.FromMe, ID: &m.ID}
	if chat.Kind == bot.PartyGroup && !m.FromMe {
		key.Participant = &m.From.ID
	}
	return m.Timestamp.Time, key, nil
}

// NameContact puts a person into the account's address book.
func (d *Directory) NameContact(ctx context.Context, id string, request bot.NameContactRequest) (bot.Party, error) {
	jid, err := person(id)
	if err != nil {
		return bot.Party{}, err
	}
	if !fits(request.FirstName, 1, maxSubject) || !fits(request.FullName, 0, maxSubject) {
		return bot.Party{}, badField("firstName, fullName", "at most 100 characters, and firstName given")
	}
	party := d.Names.Party(jid, types.EmptyJID, request.FullName)
	full := request.FullName
	if full == "" {
		full = request.FirstName
	}
	action := &waSyncAction.ContactAction{FullName: &full, FirstName: &request.FirstName, SaveOnPrimaryAddressbook: proto.Bool(true)}
	if party.LID != "" {
		action.LidJID = &party.LID
	}
	return party, d.inTurn(ctx, func(ctx context.Context, client *whatsmeow.Client) error {
		return changeState(ctx, client, appstate.PatchInfo{Type: appstate.WAPatchCriticalUnblockLow, Mutations: []appstate.MutationInfo{{
			Index: []string{appstate.IndexContact, party.ID}, Version: 2, Value: &waSyncAction.SyncActionValue{ContactAction: action},
		}}})
	})
}

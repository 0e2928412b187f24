package directory

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sort"
	"strconv"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/proto/waServerSync"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/accountstate"
	"sesi.dev/sesi/botruntime/message"
)

// labels are the account's labels by id, and the addresses of the chats that have each, as they are at WhatsApp.
type labels struct {
	byID  map[string]bot.Label
	chats map[string]map[types.JID]bool
	// last is the highest id that was ever given: chats may still have the label of one that is gone.
	last int
}

// readLabels reads the labels. Nothing is kept of them: every request asks WhatsApp.
func readLabels(ctx context.Context, client *whatsmeow.Client) (*labels, error) {
	all := &labels{byID: map[string]bot.Label{}, chats: map[string]map[types.JID]bool{}}
	err := accountstate.Read(ctx, client, appstate.WAPatchRegular, all.take)
	if errors.Is(err, appstate.ErrKeyNotFound) {
		err = &Refusal{Kind: bot.ProblemNotReady}
	}
	return all, err
}

// take applies a change.
func (l *labels) take(change appstate.Mutation) {
	gone := change.Operation == waServerSync.SyncdMutation_REMOVE
	switch {
	case len(change.Index) == 2 && change.Index[0] == appstate.IndexLabelEdit:
		id, edit := change.Index[1], change.Action.GetLabelEditAction()
		l.last = max(l.last, number(id))
		if delete(l.byID, id); !gone && !edit.GetDeleted() {
			l.byID[id] = bot.MakeLabel(id, edit.GetName(), int(edit.GetColor()))
		}
	case len(change.Index) >= 3 && change.Index[0] == appstate.IndexLabelAssociationChat:
		id := change.Index[1]
		chat, err := types.ParseJID(change.Index[2])
		if err != nil {
			return
		}
		if delete(l.chats[id], chat); !gone && change.Action.GetLabelAssociationAction().GetLabeled() {
			if l.chats[id] == nil {
				l.chats[id] = map[types.JID]bool{}
			}
			l.chats[id][chat] = true
		}
	}
}

// sorted are the labels that are wanted, in the order in which they were made.
func (l *labels) sorted(wanted func(id string) bool) []bot.Label {
	found := []bot.Label{}
	for id, label := range l.byID {
		if wanted(id) {
			found = append(found, label)
		}
	}
	sort.Slice(found, func(i, j int) bool {
		a, b := found[i].ID, found[j].ID
		return cmp.Or(cmp.Compare(number(a), number(b)), cmp.Compare(a, b)) < 0
	})
	return found
}

// number is a label's place; WhatsApp numbers them.
func number(id string) int {
	n, _ := strconv.Atoi(id) // one that is no number comes first
	return n
}

// withLabels is a question that reads the labels, and does something with them.
func withLabels(do func(context.Context, *whatsmeow.Client, *labels) error) func(context.Context, *whatsmeow.Client) error {
	return func(ctx context.Context, client *whatsmeow.Client) error {
		all, err := readLabels(ctx, client)
		if err != nil {
			return err
		}
		return do(ctx, client, all)
	}
}

// Labels lists the account's labels.
func (d *Directory) Labels(ctx context.Context) (found []bot.Label, err error) {
	err = d.ask(ctx, withLabels(func(_ context.Context, _ *whatsmeow.Client, all *labels) error {
		found = all.sorted(func(string) bool { return true })
		return nil
	}))
	return found, err
}

// SaveLabel changes a label, or makes one where the id is empty.
func (d *Directory) SaveLabel(ctx context.Context, id string, request bot.LabelRequest) (saved bot.Label, err error) {
	switch {
	case !fits(request.Name, 1, maxSubject):
		return bot.Label{}, badField("name", "1 to 100 characters long")
	case request.Color < 0 || request.Color >= len(bot.LabelColors):
		return bot.Label{}, badField("color", "a number, 0 to "+strconv.Itoa(len(bot.LabelColors)-1))
	}
	err = d.inTurn(ctx, withLabels(func(ctx context.Context, client *whatsmeow.Client, all *labels) error {
		if id == "" {
			id = strconv.Itoa(all.last + 1)
		} else if _, known := all.byID[id]; !known {
			return &Refusal{Kind: bot.ProblemNoSuchLabel}
		}
		saved = bot.MakeLabel(id, request.Name, request.Color)
		return changeState(ctx, client, appstate.BuildLabelEdit(saved.ID, saved.Name, int32(saved.Color), false))
	}))
	return saved, err
}

// DeleteLabel removes a label from the account, and so from all chats.
func (d *Directory) DeleteLabel(ctx context.Context, id string) (gone bot.Label, err error) {
	err = d.inTurn(ctx, withLabels(func(ctx context.Context, client *whatsmeow.Client, all *labels) error {
		var known bool
		if gone, known = all.byID[id]; !known {
			return &Refusal{Kind: bot.ProblemNoSuchLabel}
		}
		return changeState(ctx, client, appstate.BuildLabelEdit(id, gone.Name, int32(gone.Color), true))
	}))
	return gone, err
}

// LabelChats lists the chats that have a label.
func (d *Directory) LabelChats(ctx context.Context, id string) (chats []bot.Party, err error) {
	err = d.ask(ctx, withLabels(func(_ context.Context, _ *whatsmeow.Client, all *labels) error {
		if _, known := all.byID[id]; !known {
			return &Refusal{Kind: bot.ProblemNoSuchLabel}
		}
		found := d.parties(slices.Collect(maps.Keys(all.chats[id])))
		sort.Slice(found, func(i, j int) bool { return found[i].ID < found[j].ID })
		chats = []bot.Party{}
		for i, party := range found {
			if i == 0 || party.ID != found[i-1].ID {
				chats = append(chats, party)
			}
		}
		return nil
	}))
	return chats, err
}

// ChatLabels lists the labels of a chat.
func (d *Directory) ChatLabels(ctx context.Context, chat string) (found []bot.Label, err error) {
	forms, err := d.chatForms(chat)
	if err != nil {
		return nil, err
	}
	err = d.ask(ctx, withLabels(func(_ context.Context, _ *whatsmeow.Client, all *labels) error {
		found = all.sorted(func(id string) bool { return len(all.at(id, forms)) > 0 })
		return nil
	}))
	return found, err
}

// SetChatLabels gives a chat these labels, and takes all others away.
func (d *Directory) SetChatLabels(ctx context.Context, chat string, ids []string) (set []bot.Label, err error) {
	forms, err := d.chatForms(chat)
	if err != nil {
		return nil, err
	}
	err = d.inTurn(ctx, withLabels(func(ctx context.Context, client *whatsmeow.Client, all *labels) error {
		patch := appstate.PatchInfo{Type: appstate.WAPatchRegular}
		for _, id := range ids {
			if _, known := all.byID[id]; !known {
				return &Refusal{Kind: bot.ProblemNoSuchLabel}
			}
		}
		set = all.sorted(func(id string) bool { return slices.Contains(ids, id) })
		for _, label := range all.sorted(func(string) bool { return true }) {
			has, wanted := all.at(label.ID, forms), slices.Contains(ids, label.ID)
			if wanted && len(has) == 0 {
				patch.Mutations = append(patch.Mutations, appstate.BuildLabelChat(forms[0], label.ID, true).Mutations...)
			}
			for _, form := range has {
				if !wanted {
					patch.Mutations = append(patch.Mutations, appstate.BuildLabelChat(form, label.ID, false).Mutations...)
				}
			}
		}
		if len(patch.Mutations) == 0 {
			return nil
		}
		return changeState(ctx, client, patch)
	}))
	return set, err
}

// at are those of a chat's addresses that have a label.
func (l *labels) at(id string, forms []types.JID) (has []types.JID) {
	for _, form := range forms {
		if l.chats[id][form] {
			has = append(has, form)
		}
	}
	return has
}

// chatForms are the addresses under which devices may name a chat.
func (d *Directory) chatForms(chat string) (forms []types.JID, err error) {
	jid, ok := message.Address(chat)
	if !ok || jid.Server == types.BroadcastServer || jid.Server == types.NewsletterServer {
		return nil, &Refusal{Kind: bot.ProblemBadRecipient}
	}
	for _, form := range message.Forms(d.Names.Party(jid, types.EmptyJID, "")) {
		one, err := types.ParseJID(form)
		if err != nil {
			return nil, err
		}
		forms = append(forms, one)
	}
	return forms, nil
}

// labelEdit is the event of a label that was made, changed or deleted. What a new device learns first is no change.
func (d *Directory) labelEdit(evt *events.LabelEdit) entry {
	if evt.FromFullSync {
		return entry{}
	}
	change := bot.LabelChange{
		Change: bot.LabelSaved, At: bot.At(evt.Timestamp),
		Label: bot.MakeLabel(evt.LabelID, evt.Action.GetName(), int(evt.Action.GetColor())),
	}
	if evt.Action.GetDeleted() {
		change.Change = bot.LabelDeleted
	}
	return labelEntry(change, "")
}

// labelChat is the event of a chat that got a label, or lost one.
func (d *Directory) labelChat(evt *events.LabelAssociationChat) entry {
	if evt.FromFullSync || evt.JID.IsEmpty() {
		return entry{}
	}
	chat := d.Names.Party(evt.JID, types.EmptyJID, "")
	change := bot.LabelChange{Change: bot.LabelAdded, At: bot.At(evt.Timestamp), Label: bot.Label{ID: evt.LabelID}, Chat: &chat}
	if !evt.Action.GetLabeled() {
		change.Change = bot.LabelRemoved
	}
	return labelEntry(change, chat.ID)
}

func labelEntry(c bot.LabelChange, chat string) entry {
	return entry{
		name: []string{chat, c.Label.ID, string(c.Change), c.Label.Name, strconv.FormatInt(c.At.UnixMilli(), 10)}, kind: bot.EventLabel, chat: chat,
		data: bot.EventData{Label: &c},
	}
}

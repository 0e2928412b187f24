package hook

import (
	"context"
	"time"

	"go.mau.fi/whatsmeow"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// NumberChanged is delivered like an event of whatsmeow: a contact has another phone number.
type NumberChanged struct {
	Old, New types.JID
	// OldLID and NewLID are empty where WhatsApp does not tell them.
	OldLID, NewLID types.JID
	At             time.Time
}

// Numbers makes a client, which has not been connected yet, deliver NumberChanged. deliver reports whether the event was
// kept; WhatsApp gets no acknowledgement of one that was not, and tells it again at the next login. The error says that
// whatsmeow changed.
func Numbers(client *whatsmeow.Client, deliver func(*NumberChanged) bool) error {
	found, err := Find(client)
	if err != nil {
		return err
	}
	return found.Wrap("notification", func(inner Handler) Handler {
		return func(ctx context.Context, node *waBinary.Node) {
			if change := numberChange(node); change != nil {
				learn(ctx, client, change)
				if !deliver(change) {
					return
				}
			}
			inner(ctx, node) // acknowledges it
		}
	})
}

// numberChange reads the notification of a contact's other number; nil for any other node.
func numberChange(node *waBinary.Node) *NumberChanged {
	if kind, _ := node.Attrs["type"].(string); kind != "contacts" {
		return nil
	}
	modify, ok := node.GetOptionalChildByTag("modify")
	if !ok {
		return nil
	}
	attrs := modify.AttrGetter()
	change := &NumberChanged{
		Old: attrs.JID("old"), New: attrs.JID("new"), OldLID: attrs.OptionalJIDOrEmpty("old_lid"), NewLID: attrs.OptionalJIDOrEmpty("new_lid"),
		At: node.AttrGetter().UnixTime("t"),
	}
	if !attrs.OK() || change.Old.IsEmpty() || change.New.IsEmpty() || change.Old == change.New {
		return nil
	}
	return change
}

// learn tells whatsmeow which number each LID has now. A LID that moved to the new number has that one only.
func learn(ctx context.Context, client *whatsmeow.Client, change *NumberChanged) {
	if change.OldLID != change.NewLID {
		client.StoreLIDPNMapping(ctx, change.OldLID, change.Old)
	}
	client.StoreLIDPNMapping(ctx, change.NewLID, change.New)
}

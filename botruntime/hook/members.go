package hook

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"unsafe"

	"go.mau.fi/whatsmeow"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// ErrMembersChanged says that this package does not fit to whatsmeow.
var ErrMembersChanged = errors.New("whatsmeow's lists of members are not where they were")

// Members makes a client, which has not been connected yet, forget who is in a group once a member has another number.
// whatsmeow keeps the old number, encrypts nothing for the new one, and learns of it from the answer to the next message:
// the member cannot read that one. The error says that whatsmeow changed.
func Members(client *whatsmeow.Client) error {
	lists, err := findMembers(client)
	if err != nil {
		return err
	}
	found, err := Find(client)
	if err != nil {
		return err
	}
	return found.Wrap("notification", func(inner Handler) Handler {
		return func(ctx context.Context, node *waBinary.Node) {
			if group, renumbered := renumberedGroup(node); renumbered {
				lists.forget(group)
			}
			inner(ctx, node)
		}
	})
}

// renumberedGroup is the group that a notification of a member's other number is about.
func renumberedGroup(node *waBinary.Node) (group types.JID, renumbered bool) {
	if kind, _ := node.Attrs["type"].(string); kind != "w:gp2" {
		return types.EmptyJID, false
	}
	if _, renumbered = node.GetOptionalChildByTag("modify"); !renumbered {
		return types.EmptyJID, false
	}
	group, renumbered = node.Attrs["from"].(types.JID)
	return group, renumbered
}

// members are a client's lists of the members of groups.
type members struct {
	mu      *sync.Mutex
	byGroup reflect.Value
}

func findMembers(client *whatsmeow.Client) (members, error) {
	all := reflect.ValueOf(client).Elem()
	byGroup, mu := all.FieldByName("groupCache"), all.FieldByName("groupCacheLock")
	if !byGroup.IsValid() || byGroup.Kind() != reflect.Map || byGroup.Type().Key() != reflect.TypeFor[types.JID]() || byGroup.IsNil() ||
		!mu.IsValid() || mu.Type() != reflect.TypeFor[sync.Mutex]() {
		return members{}, ErrMembersChanged
	}
	return members{(*sync.Mutex)(unsafe.Pointer(mu.UnsafeAddr())), reflect.NewAt(byGroup.Type(), unsafe.Pointer(byGroup.UnsafeAddr())).Elem()}, nil
}

func (m members) forget(group types.JID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.byGroup.SetMapIndex(reflect.ValueOf(group), reflect.Value{})
}

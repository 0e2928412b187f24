package messenger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"go.mau.fi/libsignal/groups"
	"go.mau.fi/libsignal/protocol"
	"go.mau.fi/whatsmeow"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"sesi.dev/sesi/botruntime/hook"
)

// stamp is what WhatsApp's server is told of a message beside its content, where this whatsmeow does not tell it. Phones
// ignore such a message without its stamp.
type stamp struct {
	edit types.EditAttribute
	// kind is the message's type, and meta what the server is told of it besides; both may be empty.
	kind string
	meta waBinary.Attrs
}

// stampOf is the stamp of a message; nil for one that whatsmeow stamps itself.
func stampOf(m *waE2E.Message) *stamp {
	switch {
	case m.PinInChatMessage != nil:
		return &stamp{edit: types.EditAttributePinInChat}
	case m.EventMessage != nil:
		return &stamp{kind: "event", meta: waBinary.Attrs{"event_type": "creation"}}
	}
	return nil
}

// put writes the stamp into a stanza.
func (s stamp) put(node *waBinary.Node) {
	if s.kind != "" {
		node.Attrs["type"] = s.kind
		node.Content = append(node.GetChildren(), waBinary.Node{Tag: "meta", Attrs: s.meta})
	}
	if s.edit != types.EditAttributeEmpty {
		node.Attrs["edit"] = string(s.edit)
		hideFailures(node)
	}
}

// hideFailures keeps phones from showing that they cannot read a message which nobody would see.
func hideFailures(node *waBinary.Node) {
	children := node.GetChildren()
	for i := range children {
		if children[i].Tag == "enc" {
			children[i].Attrs["decrypt-fail"] = string(events.DecryptFailHide)
		}
		hideFailures(&children[i])
	}
}

// stamped is a message on its way to people or to a group, as whatsmeow's own calls send it. Those have no place for a
// stamp. The bot's messages go one after the other; whatsmeow's own to the phone wait by its lock.
type stamped struct {
	client *whatsmeow.Client
	id     string
	to     types.JID
	m      *waE2E.Message
	people []types.JID
}

// handStamped sends a message with a stamp, and waits for the server's answer. more are nodes that whatsmeow does not add.
func handStamped(ctx context.Context, client *whatsmeow.Client, id string, to types.JID, m *waE2E.Message, more *[]waBinary.Node, s stamp) error {
	if client.Store.ID == nil {
		return whatsmeow.ErrNotLoggedIn
	}
	sending, err := hook.Sending(client)
	if err != nil {
		return err
	}
	inner := client.DangerousInternals() //nolint:staticcheck // there is no public call
	answer, err := sendStamped(ctx, inner, stamped{client: client, id: id, to: to, m: m}, more, s, sending)
	if err != nil {
		return err
	}
	return awaitAnswer(ctx, inner, id, answer)
}

// sendStamped encrypts a message and sends it; sending is held meanwhile.
func sendStamped(ctx context.Context, inner *whatsmeow.DangerousInternalClient, out stamped, more *[]waBinary.Node, s stamp, sending *sync.Mutex) (chan *waBinary.Node, error) {
	sending.Lock()
	defer sending.Unlock()
	seal := out.forPerson
	if out.to.Server == types.GroupServer {
		seal = out.forGroup
	}
	node, err := seal(ctx)
	if err != nil {
		return nil, err
	}
	s.put(node)
	if more != nil {
		node.Content = append(node.GetChildren(), *more...)
	}
	answer := inner.WaitResponse(out.id)
	if err := inner.SendNode(ctx, *node); err != nil {
		inner.CancelResponse(out.id, answer)
		return nil, err
	}
	return answer, nil
}

// forPerson encrypts the message for a person's devices and for the account's own.
func (o *stamped) forPerson(ctx context.Context) (*waBinary.Node, error) {
	own, err := senderTo(ctx, o.client, o.to)
	if err == nil && own.Server == types.HiddenUserServer {
		o.to, err = lidOf(ctx, o.client, o.to)
	}
	if err != nil {
		return nil, err
	}
	o.people = []types.JID{o.to, own}
	plain, err := proto.Marshal(o.m)
	if err != nil {
		return nil, fmt.Errorf("encode a message: %w", err)
	}
	copied, err := proto.Marshal(&waE2E.Message{
		DeviceSentMessage:  &waE2E.DeviceSentMessage{DestinationJID: proto.String(o.to.String()), Message: o.m},
		MessageContextInfo: o.m.MessageContextInfo,
	})
	if err != nil {
		return nil, fmt.Errorf("encode a message: %w", err)
	}
	node, _, err := o.prepare(ctx, plain, copied)
	if err != nil {
		return nil, err
	}
	token, err := o.client.Store.PrivacyTokens.GetPrivacyToken(ctx, o.to)
	if err == nil && token != nil {
		node.Content = append(node.GetChildren(), waBinary.Node{Tag: "tctoken", Content: token.Token})
	}
	return node, err
}

// lidOf is a person's LID, which WhatsApp is asked for where it is not known.
func lidOf(ctx context.Context, client *whatsmeow.Client, person types.JID) (types.JID, error) {
	if person.Server == types.HiddenUserServer {
		return person, nil
	}
	lid, err := client.Store.LIDs.GetLIDForPN(ctx, person)
	if err != nil || !lid.IsEmpty() {
		return lid, err
	}
	info, err := client.GetUserInfo(ctx, []types.JID{person})
	if err != nil {
		return types.EmptyJID, err
	}
	if lid = info[person].LID; lid.IsEmpty() {
		return types.EmptyJID, errNoLID
	}
	return lid, nil
}

// forGroup encrypts the message with the account's sender key of the group, and hands the key to each device.
func (o *stamped) forGroup(ctx context.Context) (*waBinary.Node, error) {
	inner := o.client.DangerousInternals() //nolint:staticcheck // there is no public call
	group, err := inner.GetCachedGroupData(ctx, o.to)
	if err != nil {
		return nil, fmt.Errorf("find the members of a group: %w", err)
	}
	o.people = group.Members
	plain, err := proto.Marshal(o.m)
	if err != nil {
		return nil, fmt.Errorf("encode a message: %w", err)
	}
	builder := groups.NewGroupSessionBuilder(o.client.Store, store.SignalProtobufSerializer)
	name := protocol.NewSenderKeyName(o.to.String(), inner.GetOwnLID().SignalAddress())
	handedOut, err := builder.Create(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("make a sender key: %w", err)
	}
	sealed, err := groups.NewGroupCipher(builder, name, o.client.Store).Encrypt(ctx, padded(plain))
	if err != nil {
		return nil, fmt.Errorf("encrypt for a group: %w", err)
	}
	key, err := proto.Marshal(&waE2E.Message{SenderKeyDistributionMessage: &waE2E.SenderKeyDistributionMessage{
		GroupID: proto.String(o.to.String()), AxolotlSenderKeyDistributionMessage: handedOut.Serialize(),
	}})
	if err != nil {
		return nil, fmt.Errorf("encode a sender key: %w", err)
	}
	node, devices, err := o.prepare(ctx, key, nil)
	if err != nil {
		return nil, err
	}
	node.Attrs["phash"] = deviceHash(devices)
	if group.AddressingMode == types.AddressingModeLID {
		node.Attrs["addressing_mode"] = string(group.AddressingMode)
	}
	node.Content = append(node.GetChildren(), waBinary.Node{
		Tag: "enc", Attrs: waBinary.Attrs{"v": "2", "type": "skmsg"}, Content: sealed.SignedSerialize(),
	})
	return node, nil
}

// prepare makes the stanza with a part for each device; copied is what the account's own devices get.
func (o *stamped) prepare(ctx context.Context, plain, copied []byte) (*waBinary.Node, []types.JID, error) {
	inner := o.client.DangerousInternals() //nolint:staticcheck // there is no public call
	return preparedWithoutExtra(ctx, inner.PrepareMessageNode, o, plain, copied)
}

// prepareNode is whatsmeow's way to encrypt for devices. The type of its last parameter has no name outside of whatsmeow.
type prepareNode[Extra any] func(ctx context.Context, to types.JID, id types.MessageID, m *waE2E.Message, people []types.JID, plain, copied []byte,
	timings *whatsmeow.MessageDebugTimings, extra Extra) (*waBinary.Node, []types.JID, error)

func preparedWithoutExtra[Extra any](ctx context.Context, prepare prepareNode[Extra], o *stamped, plain, copied []byte) (*waBinary.Node, []types.JID, error) {
	var none Extra
	return prepare(ctx, o.to, o.id, o.m, o.people, plain, copied, &whatsmeow.MessageDebugTimings{}, none)
}

// padded hides the length of a message.
func padded(plain []byte) []byte {
	n := random(1)[0]%15 + 1
	return append(plain, bytes.Repeat([]byte{n}, int(n))...)
}

// deviceHash is how WhatsApp's server and its clients compare lists of devices.
func deviceHash(devices []types.JID) string {
	names := make([]string, 0, len(devices))
	for _, device := range devices {
		names = append(names, device.ADString())
	}
	slices.Sort(names)
	sum := sha256.Sum256([]byte(strings.Join(names, "")))
	return "2:" + base64.RawStdEncoding.EncodeToString(sum[:6])
}

// awaitAnswer waits for the server's answer to a message.
func awaitAnswer(ctx context.Context, inner *whatsmeow.DangerousInternalClient, id string, answer chan *waBinary.Node) error {
	deadline := time.NewTimer(answerTime)
	defer deadline.Stop()
	select {
	case node := <-answer:
		return readAnswer(node)
	case <-deadline.C:
	case <-ctx.Done():
	}
	inner.CancelResponse(id, answer)
	return whatsmeow.ErrMessageTimedOut
}

func readAnswer(node *waBinary.Node) error {
	if node != nil && node.Tag == "receipt" {
		return nil // a recipient was quicker than the server's answer
	}
	if node == nil || node.Tag != "ack" {
		return whatsmeow.ErrMessageTimedOut // the connection ended: the server may have the message
	}
	if code := node.AttrGetter().OptionalInt("error"); code != 0 {
		return fmt.Errorf("%w %d", whatsmeow.ErrServerReturnedError, code)
	}
	return nil
}

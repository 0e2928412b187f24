package hook

import (
	"reflect"
	"unsafe"

	"go.mau.fi/whatsmeow"
	waBinary "go.mau.fi/whatsmeow/binary"
)

// Unread is what a client has received and not handled yet. whatsmeow keeps it over reconnects, and handles it only
// while it is connected: a reason why WhatsApp refuses the login would wait behind all that earlier connections brought.
type Unread struct{ nodes chan *waBinary.Node }

// maxUnread is how many nodes a client may have received and not handled. whatsmeow's own queue has room for 2,048, and
// hands over what comes beyond it in no order: a bot that was away for days gets more at once.
const maxUnread = 1 << 14

// FindUnread finds what a client has not handled, and makes room for maxUnread nodes. The client must not have been connected
// yet. The error says that whatsmeow changed.
func FindUnread(client *whatsmeow.Client) (Unread, error) {
	field := reflect.ValueOf(client).Elem().FieldByName("handlerQueue")
	if !field.IsValid() || field.Type() != reflect.TypeFor[chan *waBinary.Node]() || field.IsNil() {
		return Unread{}, ErrQueueChanged
	}
	nodes := make(chan *waBinary.Node, maxUnread)
	*(*chan *waBinary.Node)(unsafe.Pointer(field.UnsafeAddr())) = nodes
	return Unread{nodes}, nil
}

// Drop removes what earlier connections left, and returns how many nodes it was. WhatsApp delivers again what was not
// acknowledged. Why WhatsApp ended a connection stays, and is handled first on the next one. Drop must not be called
// while the client is connected: a node of that connection would come too late for its order.
func (u Unread) Drop() (dropped int) {
	var reasons []*waBinary.Node
	for {
		select {
		case node := <-u.nodes:
			if node.Tag == "failure" || node.Tag == "stream:error" {
				reasons = append(reasons, node)
			} else {
				dropped++
			}
			continue
		default:
		}
		break
	}
	for _, reason := range reasons {
		select {
		case u.nodes <- reason:
		default: // each connection has one at most
		}
	}
	return dropped
}

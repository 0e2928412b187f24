package hook

import (
	"errors"
	"reflect"
	"sync"
	"unsafe"

	"go.mau.fi/whatsmeow"
)

// ErrSendingChanged says that this package does not fit to whatsmeow.
var ErrSendingChanged = errors.New("whatsmeow's lock of what it sends is not where it was")

// Sending is the lock that whatsmeow holds while it encrypts and sends a message, its own ones to the phone included. Who
// encrypts beside whatsmeow holds it: two messages to one device at once would be made with one key, and the device could
// read only one of them.
func Sending(client *whatsmeow.Client) (*sync.Mutex, error) {
	field := reflect.ValueOf(client).Elem().FieldByName("messageSendLock")
	if !field.IsValid() || field.Type() != reflect.TypeFor[sync.Mutex]() {
		return nil, ErrSendingChanged
	}
	return (*sync.Mutex)(unsafe.Pointer(field.UnsafeAddr())), nil
}

// Package hook adds to whatsmeow what its version here lacks. It handles nodes before whatsmeow does, and removes cached
// data that is out of date. It uses private fields of whatsmeow, so each hook has a test that fails when they change.
package hook

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"unsafe"

	"go.mau.fi/whatsmeow"
	waBinary "go.mau.fi/whatsmeow/binary"
)

// Handler handles a node that WhatsApp sent.
type Handler = func(context.Context, *waBinary.Node)

// Handlers gives access to a client's map of node handlers, which whatsmeow keeps to itself. It must be changed
// before the client connects only: the map has no lock.
type Handlers struct{ byTag reflect.Value }

// The errors say that this package does not fit to whatsmeow.
var (
	ErrChanged      = errors.New("whatsmeow's node handlers are not where they were")
	ErrQueueChanged = errors.New("whatsmeow's queue of unread nodes is not where it was")
)

// Find finds the handlers of a client that has not been connected yet.
func Find(client *whatsmeow.Client) (Handlers, error) {
	field := reflect.ValueOf(client).Elem().FieldByName("nodeHandlers")
	want := reflect.TypeFor[Handler]()
	if !field.IsValid() || field.Kind() != reflect.Map || field.Type().Key().Kind() != reflect.String ||
		!field.Type().Elem().ConvertibleTo(want) || field.IsNil() {
		return Handlers{}, ErrChanged
	}
	return Handlers{reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem()}, nil
}

// Wrap puts a handler in front of the one of a tag.
func (h Handlers) Wrap(tag string, outer func(inner Handler) Handler) error {
	key := reflect.ValueOf(tag).Convert(h.byTag.Type().Key())
	old := h.byTag.MapIndex(key)
	if !old.IsValid() {
		return fmt.Errorf("%w: no handler of <%s>", ErrChanged, tag)
	}
	inner, ok := old.Convert(reflect.TypeFor[Handler]()).Interface().(Handler)
	if !ok {
		return ErrChanged
	}
	h.byTag.SetMapIndex(key, reflect.ValueOf(outer(inner)).Convert(h.byTag.Type().Elem()))
	return nil
}

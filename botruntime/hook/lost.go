package hook

import (
	"errors"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/socket"
)

// Lost reports whether an error of whatsmeow says that there was no connection, or that it ended before the answer.
func Lost(err error) bool {
	var ended *whatsmeow.DisconnectedError
	return errors.Is(err, whatsmeow.ErrNotConnected) || errors.Is(err, whatsmeow.ErrNotLoggedIn) || errors.Is(err, socket.ErrSocketClosed) ||
		errors.As(err, &ended)
}

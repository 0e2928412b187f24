package messenger

import (
	"errors"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/socket"

	"sesi.dev/sesi/api/bot"
)

// Refusal says why a request to send is not put into the outbox.
type Refusal struct {
	Kind bot.ProblemKind
	// Field is the field that is wrong, and Want says what it must be; both may be empty.
	Field, Want string
}

// Error implements error.
func (r *Refusal) Error() string {
	if r.Field == "" {
		return string(r.Kind)
	}
	return r.Field + ": must be " + r.Want
}

func badField(name, want string) error { return &Refusal{bot.ProblemBadParameter, name, want} }

// ready makes a refusal of an error that says that the connection ended: it is no fault of the bot.
func ready(err error) error {
	var lost *whatsmeow.DisconnectedError
	if errors.Is(err, whatsmeow.ErrNotConnected) || errors.Is(err, whatsmeow.ErrNotLoggedIn) || errors.Is(err, socket.ErrSocketClosed) || errors.As(err, &lost) {
		return &Refusal{Kind: bot.ProblemNotReady}
	}
	return err
}

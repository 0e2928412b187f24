package messenger

import (
	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/hook"
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

// refuseLost makes a refusal of an error that says that the connection ended: it is no fault of the bot.
func refuseLost(err error) error {
	if hook.Lost(err) {
		return &Refusal{Kind: bot.ProblemNotReady}
	}
	return err
}

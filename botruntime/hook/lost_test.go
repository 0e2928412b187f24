package hook_test

import (
	"errors"
	"fmt"
	"testing"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/socket"

	"sesi.dev/sesi/botruntime/hook"
)

func TestLost(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]bool{
		whatsmeow.ErrNotConnected: true, whatsmeow.ErrNotLoggedIn: true, whatsmeow.ErrIQDisconnected: true,
		socket.ErrSocketClosed: true, whatsmeow.ErrIQTimedOut: false, errors.New("another"): false,
	} {
		if hook.Lost(fmt.Errorf("ask: %w", err)) != want {
			t.Errorf("%v: want %t", err, want)
		}
	}
}

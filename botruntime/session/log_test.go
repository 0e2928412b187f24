package session

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/types"
)

// TestTheLogHoldsNoNumberNodeOrCode gives the logger what whatsmeow warns about.
func TestTheLogHoldsNoNumberNodeOrCode(t *testing.T) {
	out := &syncBuffer{}
	log := quietLog{slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug})), slog.LevelWarn}
	jid := types.NewJID("6281234567890", types.DefaultUserServer)
	node := `<message from="6281234567890@s.whatsapp.net"><enc>secret</enc></message>`
	log.Warnf("Error decrypting message %s from %s: %v", "3EB0ABCDEF", jid, errors.New("no session for 6281234567890"))
	log.Warnf("Node handling took %s for %s", 7*time.Second, node)
	log.Errorf("Failed to handle %s: %v", node, fmt.Errorf("read for %s: %w", jid, io.EOF))
	log.Infof("Successfully paired %s", jid)
	log.Sub("QR").Warnf("ref %#v", "2@secretref,6281234567890")
	log.Errorf("save for %s: %v", jid, fmt.Errorf("write %s: %w", jid, syscall.ENOSPC))
	for _, secret := range []string{"6281234567890", "secret", "3EB0ABCDEF", "<"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("the log holds %q:\n%s", secret, out)
		}
	}
	for _, told := range []string{"Error decrypting message", "took 7s", "EOF", "no space left on device"} {
		if !strings.Contains(out.String(), told) {
			t.Errorf("the log does not say %q:\n%s", told, out)
		}
	}
}

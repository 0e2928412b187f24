package sim

import (
	"fmt"
	"log/slog"
	"net"
	"time"

	"go.mau.fi/whatsmeow/store"
)

// Config says how a simulator behaves. The zero value is a simulator with fresh keys, no state file and
// WhatsApp's own timing.
type Config struct {
	// Addr is the TLS listener, 127.0.0.1:0 if empty. Listener, if set, takes its place.
	Addr     string
	Listener net.Listener
	// Keys are the TLS and Noise keys. If nil they come from Dir, where they are made if it
	// has none; without Dir, they are fresh.
	Keys *Keys
	Dir  string
	// StateFile, if set, keeps accounts, devices, sessions and undelivered messages over a restart, and over
	// a kill at any moment.
	StateFile string
	// QRFirst is the lifetime of the first QR code (default 60 s), QRNext the lifetime of each of the other five (20 s).
	QRFirst time.Duration
	QRNext  time.Duration
	// ReadIdle ends a connection that sent nothing for so long (default 5 min).
	ReadIdle time.Duration
	// MinVer is the oldest client version let in; older ones get failure 405.
	MinVer store.WAVersionContainer
	// ServedVer is the version the web page at https://web.whatsapp.com/ names; by default the one built into
	// whatsmeow, or MinVer if that is newer.
	ServedVer store.WAVersionContainer
	// CloseDelay is the time from when a client has read a stream:error or failure to the close (default 100 ms). Negative
	// means that the close follows at once, so that a client may lose the reason.
	CloseDelay time.Duration
	// AddrMode says how messages of contacts are addressed: pn (by number, the default) or lid.
	AddrMode string
	// Logger gets every node at level debug; nil logs nothing.
	Logger *slog.Logger
}

// The ways to address a contact's message.
const (
	AddrPN  = "pn"
	AddrLID = "lid"
)

// withDefaults fills in empty fields and refuses values that make no sense.
func (c Config) withDefaults() (Config, error) {
	if c.Addr == "" {
		c.Addr = "127.0.0.1:0"
	}
	for _, field := range []struct {
		name   string
		value  *time.Duration
		preset time.Duration
	}{
		{"qr-first", &c.QRFirst, 60 * time.Second},
		{"qr-next", &c.QRNext, 20 * time.Second},
		{"read-idle", &c.ReadIdle, 5 * time.Minute},
	} {
		if *field.value == 0 {
			*field.value = field.preset
		}
		if *field.value < 0 {
			return c, fmt.Errorf("%w: %s is %v, it must be positive", ErrInvalid, field.name, *field.value)
		}
	}
	if c.CloseDelay == 0 {
		c.CloseDelay = 100 * time.Millisecond
	}
	switch c.AddrMode {
	case "":
		c.AddrMode = AddrPN
	case AddrPN, AddrLID:
	default:
		return c, fmt.Errorf("%w: addressing is %q, it must be pn or lid", ErrInvalid, c.AddrMode)
	}
	if c.ServedVer.IsZero() {
		c.ServedVer = store.GetWAVersion()
		if c.ServedVer.LessThan(c.MinVer) {
			c.ServedVer = c.MinVer
		}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

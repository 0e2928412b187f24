package sim

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"go.mau.fi/whatsmeow/types"
)

// The kinds of faults, in the order in which a client meets them.
const (
	FaultDown          = "down"           // everyone is disconnected, TCP is reset at once, a proxy cannot reach the host; Seconds
	FaultRefuse        = "refuse"         // TCP is reset at once
	FaultSlow          = "slow"           // TCP is served after MS milliseconds
	FaultHangTCP       = "hang_tcp"       // TCP is accepted, TLS never answered
	FaultPage          = "page"           // the version page answers Code, without a version
	FaultHangPage      = "hang_page"      // the version page never answers
	FaultHTTP          = "http"           // the websocket request is answered with status Code
	FaultHangHTTP      = "hang_http"      // the websocket request is never answered
	FaultHangNoise     = "hang_noise"     // the websocket opens, the Noise handshake is never answered
	FaultSlowLogin     = "slow_login"     // a login or new client gets its answer after MS milliseconds
	FaultFailure       = "failure"        // a login gets failure Code with Attrs (402: code, expire)
	FaultFailurePair   = "failure_pair"   // a client without a session gets failure Code
	FaultHangLogin     = "hang_login"     // a login gets neither success nor failure
	FaultPairCode      = "paircode"       // a pairing code is refused with Code
	FaultNoMultidevice = "no_multidevice" // the phone that scans does not link devices
	FaultPairDrop      = "pair_drop"      // TCP is reset where 515 should come; the link is made
	FaultDropMessage   = "drop_message"   // a companion's message is neither delivered nor acknowledged
	FaultResetMessage  = "reset_message"  // TCP is reset before a companion's message is delivered
	FaultAckError      = "ack_error"      // a companion's message is refused with Code and not delivered
	FaultPHash         = "phash"          // the ack says that the list of devices was not the server's
	FaultLoseAck       = "lose_ack"       // a companion's message is delivered, its ack is lost
	FaultLateAck       = "late_ack"       // a companion's message is delivered, its ack comes after MS milliseconds
	FaultResetAck      = "reset_ack"      // a companion's message is delivered, TCP is reset in place of the ack
	FaultPhoneRetry    = "phone_retry"    // the phone that gets a companion's message cannot decrypt it and asks again
	FaultPhoneSilent   = "phone_silent"   // a companion's own phone does not answer its requests
	FaultMex           = "mex"            // a companion's GraphQL query is refused with Code
	FaultLoseReceipt   = "lose_receipt"   // a companion's receipt is lost, so its message comes again at the next login

	FaultEarlySuccess   = "early_success"   // a client without a session gets <success> behind its QR codes
	FaultPasskeyBare    = "passkey_bare"    // the passkey is asked for without its options
	FaultPasskeyGarbled = "passkey_garbled" // the passkey is asked for with options that are not JSON
	FaultPasskeyTwice   = "passkey_twice"   // the passkey is asked for twice
	FaultPasskeyEarly   = "passkey_early"   // a continuation comes before the demand, and is unreadable
	FaultPasskeyRefuse  = "passkey_refuse"  // the step in Attrs is refused with Code
	FaultPasskeyDrop    = "passkey_drop"    // TCP is reset at the step in Attrs
	FaultPasskeySlow    = "passkey_slow"    // the step in Attrs is answered after MS milliseconds
	FaultPasskeyHang    = "passkey_hang"    // the step in Attrs is never answered
)

// Faults lists the kinds of faults.
var Faults = []string{
	FaultDown, FaultRefuse, FaultSlow, FaultHangTCP, FaultPage, FaultHangPage, FaultHTTP, FaultHangHTTP,
	FaultHangNoise, FaultSlowLogin, FaultFailure, FaultFailurePair, FaultHangLogin, FaultPairCode, FaultNoMultidevice, FaultPairDrop,
	FaultDropMessage, FaultResetMessage, FaultAckError, FaultPHash, FaultLoseAck, FaultLateAck, FaultResetAck,
	FaultPhoneRetry, FaultPhoneSilent, FaultMex, FaultLoseReceipt,
	FaultEarlySuccess, FaultPasskeyBare, FaultPasskeyGarbled, FaultPasskeyTwice, FaultPasskeyEarly,
	FaultPasskeyRefuse, FaultPasskeyDrop, FaultPasskeySlow, FaultPasskeyHang,
	FaultMediaConn, FaultMediaDown, FaultMediaCode, FaultMediaAuth, FaultMediaHang, FaultMediaSlow, FaultMediaCut,
	FaultMediaWrong, FaultMediaShort, FaultMediaRetry,
}

// Fault is a misbehaviour. It lasts until its time is over, it has struck Count times, or the faults are
// cleared; a connection that hangs already keeps hanging until its time is over or the client gives up.
type Fault struct {
	Kind string `json:"kind"`
	// Code is the HTTP status or failure code.
	Code int `json:"code,omitempty"`
	// Seconds is how long the fault lasts (default an hour, at most a day).
	Seconds float64 `json:"seconds,omitempty"`
	// Count is how often it strikes; 0 is without limit.
	Count int `json:"count,omitempty"`
	// MS is the delay of slow, slow_login, late_ack and media_slow, in milliseconds.
	MS int `json:"ms,omitempty"`
	// JID narrows a fault of a login, pairing code or message down to a device or number.
	JID string `json:"jid,omitempty"`
	// To narrows a fault of a message down to a number or group that it is for.
	To string `json:"to,omitempty"`
	// Attrs are put into the failure; of the passkey's faults "step" is prologue, nonce or request;
	// of the media hosts' "way" is up or down, "host" a name, "result" a phone's answer.
	Attrs map[string]string `json:"attrs,omitempty"`

	until time.Time
}

type faultSet struct {
	mu    sync.Mutex
	items []*Fault
}

// codeRange is what Code may be, for the kinds that need one.
var codeRange = map[string][2]int{
	FaultPage: {200, 599}, FaultHTTP: {200, 599}, FaultFailure: {100, 999}, FaultFailurePair: {100, 999}, FaultPairCode: {100, 999},
	FaultAckError: {100, 999}, FaultMex: {100, 999},
	FaultPasskeyRefuse: {100, 999}, FaultMediaConn: {100, 999}, FaultMediaCode: {200, 599},
}

func (f *Fault) validate() error {
	if !slices.Contains(Faults, f.Kind) {
		return fmt.Errorf("%w: kind of fault %q, it must be one of %v", ErrInvalid, f.Kind, Faults)
	}
	if limits, needed := codeRange[f.Kind]; needed && (f.Code < limits[0] || f.Code > limits[1]) {
		return fmt.Errorf("%w: code %d of fault %s, it must be %d to %d", ErrInvalid, f.Code, f.Kind, limits[0], limits[1])
	}
	if f.Seconds < 0 || f.Seconds > 86400 {
		return fmt.Errorf("%w: seconds %v, it must be 0 to 86400", ErrInvalid, f.Seconds)
	}
	if f.Count < 0 {
		return fmt.Errorf("%w: count %d, it must not be negative", ErrInvalid, f.Count)
	}
	if f.MS < 0 || f.MS > 600_000 {
		return fmt.Errorf("%w: ms %d, it must be 0 to 600000", ErrInvalid, f.MS)
	}
	return f.validateMedia()
}

// AddFault adds a fault, which strikes from now on.
func (s *Server) AddFault(f Fault) error {
	if err := f.validate(); err != nil {
		return err
	}
	if f.Seconds == 0 {
		f.Seconds = 3600
	}
	lasting := time.Duration(f.Seconds * float64(time.Second))
	f.until = time.Now().Add(lasting)
	if f.Kind == FaultDown {
		s.Down(lasting)
		return nil
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.items = append(s.faults.items, &f)
	return nil
}

// ClearFaults ends every fault, but not an outage.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.items = nil
}

// LiveFaults lists the faults that can still strike.
func (s *Server) LiveFaults() []Fault {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	live := []Fault{}
	for _, f := range s.faults.items {
		if left := time.Until(f.until); left > 0 {
			shown := *f
			shown.Seconds = left.Seconds()
			live = append(live, shown)
		}
	}
	return live
}

// hit returns the first fault of a kind that is due for a device or number, nil if there is none.
func (s *Server) hit(kind, jid string) *Fault { return s.hitTo(kind, jid, types.EmptyJID) }

// hitTo returns the first fault of a kind that is due for a message of a device to someone.
func (s *Server) hitTo(kind, jid string, to types.JID) *Fault {
	target := to.ToNonAD().String()
	if a := s.accountNamed(to); a != nil {
		target = a.jid().String()
	}
	s.faults.mu.Lock()
	struck := s.faults.strike(kind, jid, target, time.Now())
	s.faults.mu.Unlock()
	if struck != nil {
		s.event(EventFault, jid, kind)
	}
	return struck
}

func (fs *faultSet) strike(kind, jid, to string, now time.Time) *Fault {
	return fs.strikeIf(kind, now, func(f *Fault) bool { return concerns(f.JID, jid) && concerns(f.To, to) })
}

// strikeIf returns the first fault of a kind that fits a condition.
func (fs *faultSet) strikeIf(kind string, now time.Time, fits func(*Fault) bool) *Fault {
	var struck *Fault
	fs.items = slices.DeleteFunc(fs.items, func(f *Fault) bool {
		if now.After(f.until) {
			return true
		}
		if struck != nil || f.Kind != kind || !fits(f) {
			return false
		}
		copied := *f
		struck = &copied
		if f.Count == 0 {
			return false
		}
		f.Count--
		return f.Count == 0
	})
	return struck
}

// concerns reports whether a fault that names an address strikes another one: no address means everyone, a
// bare number every device of that number.
func concerns(named, jid string) bool {
	return named == "" || named == jid || strings.HasPrefix(jid, named+":") || strings.HasPrefix(jid, named+"@")
}

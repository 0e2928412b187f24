package session

import (
	"strings"
	"testing"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/wasim/sim"
)

func TestCodesAreTheLinksThatPhonesExpect(t *testing.T) {
	wa := whatsapp(t, sim.Config{})
	s := begin(t, wa, t.TempDir(), nil)
	s.untilReason(bot.ReasonQRAvailable)
	code, current := s.Peek()
	if !current || !strings.HasPrefix(code.Code, "https://wa.me/settings/linked_devices#2@") || !strings.HasSuffix(code.Code, ",9") {
		t.Error("the code is not a link to the page of linked devices")
	}
	s.pair(wa, phone)
}

// TestASuccessBeforeThePairingIsIgnored: whatsmeow alone panics on it.
func TestASuccessBeforeThePairingIsIgnored(t *testing.T) {
	wa := whatsapp(t, sim.Config{})
	fault(t, wa, sim.Fault{Kind: sim.FaultEarlySuccess, Count: 1})
	s := begin(t, wa, t.TempDir(), nil)
	if snap := s.untilReason(bot.ReasonQRAvailable); snap.Connected || snap.Exists {
		t.Errorf("a <success> without a pairing counts: %+v", snap)
	}
	if snap := s.pair(wa, phone); !snap.Exists {
		t.Errorf("after the scan: %+v", snap)
	}
}

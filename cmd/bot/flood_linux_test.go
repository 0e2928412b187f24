package main

import (
	"fmt"
	"strings"
	"testing"

	"sesi.dev/sesi/test/wasim/sim"
)

// TestAFloodMakesRoom: a journal that many long messages fill is made smaller at once, while they still come, and a monitor
// can see it.
func TestAFloodMakesRoom(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, append(settings(wa, dir), "MESSAGES_MAX_SIZE=16"))
	own := jid(t, p.pair(wa).JID)
	friend := wa.Person("62899000001")
	for i := range 320 {
		id, err := friend.Send(own, sim.Text(fmt.Sprint(i)+strings.Repeat(" panjang", 7500)), sim.Delivery{})
		mustSend(t, id, err)
	}
	p.waitFor("room to be made", func() bool {
		evicted := p.metric("sesi_bot_journal_evicted_events")
		return evicted != "" && evicted != "0"
	})
}

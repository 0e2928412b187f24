package hook_test

import (
	"fmt"
	"testing"

	"sesi.dev/sesi/test/poll"
)

// More comes at once than whatsmeow's own queue has room for, as after days without the bot. It is handled in its order.
func TestManyUnreadMessagesKeepTheirOrder(t *testing.T) {
	h := holdWithSession(t)
	h.write("slow")
	poll.Receive(t, "message that is handled slowly", h.slow, patience)
	var texts []string
	for i := range 3000 {
		texts = append(texts, fmt.Sprint("text ", i))
	}
	h.write(texts...)
	// The answer comes behind all of them.
	if _, err := h.client.IsOnWhatsApp(t.Context(), []string{"+" + oldPhone}); err != nil {
		t.Fatal(err)
	}
	h.goOn <- struct{}{}
	for _, want := range append([]string{"slow"}, texts...) {
		text, let := h.next()
		if let(); text != want {
			t.Fatalf("%q came, want %q", text, want)
		}
		h.acknowledged()
	}
}

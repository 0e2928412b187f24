package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/bot/client"
)

// A program that reads what people write, from where it was the last time.
func ExampleClient_Follow() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { // stands for a bot
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = fmt.Fprint(w, frame(8), frame(9))
	}))
	defer server.Close()

	c := &client.Client{BaseURL: server.URL}
	cursor := client.Cursor(7) // kept with the program's data
	done := errors.New("two are enough for an example")
	err := c.Follow(context.Background(), client.EventQuery{After: cursor, Types: []bot.EventType{bot.EventMessage}}, func(e bot.Event) error {
		fmt.Println(e.Seq, e.Data.Message.Text)
		cursor = client.Cursor(e.Seq) // in the transaction that handles the event
		if e.Seq == 9 {
			return done
		}
		return nil
	})
	if !errors.Is(err, done) {
		fmt.Println(err)
	}
	// Output:
	// 8 t8
	// 9 t9
}

package httpapi

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
)

// The streams of messages end with the token that opened them, before they tell what happens then; a cursor of another
// journal is refused, and says where to go on.
func TestStreamsOfMessagesEndWithTheToken(t *testing.T) {
	config := testConfig(newFake(connectedSnapshot()))
	var token atomic.Value
	token.Store(testToken)
	config.Token = func() string { return token.Load().(string) }
	book, err := journal.Open(t.Context(), journal.Options{Directory: t.TempDir(), Session: "test", Retention: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = book.Close() })
	config.Journal = book
	api := New(config)
	url := doorsOf(t, api)["outer"]
	happen := func(id string) {
		t.Helper()
		err := book.Commit(t.Context(), func(tx *journal.Tx) error {
			_, err := tx.Append([]journal.Key{journal.KeyOf(id)}, bot.EventMessage, "628@s.whatsapp.net", bot.EventData{Message: &bot.Message{ID: id, Text: id}})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := send(t, "GET", url+bot.PathEvents+"?after=99", "", "X-Api-Key", testToken); got.StatusCode != http.StatusGone || got.Header.Get(bot.HeaderOldestCursor) == "" {
		t.Errorf("a cursor of another journal: %d %s", got.StatusCode, got.body)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, "GET", url+bot.PathEvents, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Api-Key", testToken)
	request.Header.Set("Accept", "text/event-stream")
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	socket, _, err := websocket.Dial(ctx, url+bot.PathWebSocket+"?x-api-key="+testToken, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer socket.CloseNow()
	heard := make(chan error, 1)
	go func() {
		_, _, err := socket.Read(ctx)
		heard <- err
	}()
	for waits, n := true, 0; waits; n++ { // the WebSocket tells of what happens once it is open
		happen("before" + strconv.Itoa(n))
		select {
		case err = <-heard:
			waits = false
		case <-time.After(10 * time.Millisecond):
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() && !strings.Contains(lines.Text(), "before0") {
	}
	token.Store("another-t0ken-of-the-bot")
	happen("afterwards")
	for lines.Scan() {
		if strings.Contains(lines.Text(), "afterwards") {
			t.Fatal("the stream tells what it must not")
		}
	}
	for err == nil {
		var data []byte
		if _, data, err = socket.Read(ctx); strings.Contains(string(data), "afterwards") {
			t.Fatal("the WebSocket tells what it must not")
		}
	}
	if ctx.Err() != nil {
		t.Error("a stream does not end")
	}
}

// A browser saves what could run as the bot's own page, and shows pictures, films and recordings.
func TestWhatABrowserShows(t *testing.T) {
	for kind, want := range map[string]string{
		"image/png": "inline", "video/mp4": "inline", "audio/ogg; codecs=opus": "inline", "image/svg+xml": "attachment", "IMAGE/SVG+XML": "attachment",
		"image/svg+xml; charset=utf-8": "attachment", "text/html": "attachment", "application/pdf": "attachment", "image": "attachment", "image/png/x": "attachment", "": "attachment",
	} {
		w := httptest.NewRecorder()
		(&call{w: w}).fileHeaders(&bot.Media{Mimetype: kind})
		if got := w.Header().Get("Content-Disposition"); got != want || !strings.Contains(w.Header().Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("%q: %q, %v", kind, got, w.Header())
		}
	}
}

// A part of a form that is too long is refused, and never cut: a cut caption would be sent.
func TestALongPartOfAForm(t *testing.T) {
	c := &call{gate: &gate{API: New(testConfig(newFake(connectedSnapshot())))}}
	for length, want := range map[int64]bool{c.limits.body: true, c.limits.body + 1: false, 2 * c.limits.body: false} {
		var about bot.SendFile
		err := c.formField(&bot.SendRequest{}, &about, "caption", strings.NewReader(strings.Repeat("x", int(length))))
		if (err == nil) != want || want && int64(len(about.Caption)) != length {
			t.Errorf("%d bytes: %v, kept %d", length, err, len(about.Caption))
		}
	}
}

package httpapi

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/coder/websocket"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/waha"
)

const (
	// socketBeat is the time between two pings.
	socketBeat = 10 * time.Second
	// socketInput bounds what a client may send at once; nothing that it sends is used.
	socketInput = 4 << 10
	// badSocket closes a WebSocket whose query is wrong, as WAHA does.
	badSocket websocket.StatusCode = 4001
)

// wahaSocket writes WAHA's events to a WebSocket as they happen, until the client leaves, its token ends or the bot
// stops. There is no cursor: what happens while nobody is connected is not told.
func (c *call) wahaSocket() error {
	book, err := c.journal()
	if err != nil {
		return err
	}
	by, err := c.pass()
	if err != nil {
		return err
	}
	select {
	case c.readers <- struct{}{}:
		defer func() { <-c.readers }()
	default:
		return faultStreams.retryAfter(5)
	}
	// Accept compares Origin with Host, and answers a refusal itself.
	socket, err := websocket.Accept(c.w, throughProxy(c.r), &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return nil // Accept has answered
	}
	defer socket.CloseNow()
	wanted, problem := c.socketQuery()
	if problem != "" {
		said, _ := json.Marshal(map[string]string{"error": problem}) // text can always be marshalled
		_ = socket.Close(badSocket, string(said))
		return nil
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(c.r.Context()))
	defer cancel()
	go drain(ctx, cancel, socket)
	c.socketEvents(ctx, book, socket, wanted, by)
	_ = socket.Close(websocket.StatusGoingAway, "")
	return nil
}

// drain reads what a client sends, and ends with the connection.
func drain(ctx context.Context, cancel func(), socket *websocket.Conn) {
	defer cancel()
	socket.SetReadLimit(socketInput)
	for {
		if _, _, err := socket.Read(ctx); err != nil {
			return
		}
	}
}

// socketQuery reads the events that the query names, or says what is wrong with it.
func (c *call) socketQuery() (wanted []string, problem string) {
	params := c.r.URL.Query()
	if name := params.Get("session"); name != "*" && c.wahaIsMine(name) != nil {
		return nil, "session: this bot has only " + c.ClientID
	}
	for _, some := range params["events"] {
		for name := range strings.SplitSeq(some, ",") {
			if name = strings.TrimSpace(name); name != "" {
				wanted = append(wanted, name)
			}
		}
	}
	if len(wanted) == 0 {
		wanted = []string{"*"}
	}
	if _, unknown := waha.Types(wanted); unknown != "" {
		return nil, "events: a name is not one of WAHA's events"
	}
	return wanted, ""
}

// socketEvents writes the events from now on.
func (c *call) socketEvents(ctx context.Context, book *journal.Journal, socket *websocket.Conn, wanted []string, by *pass) {
	types, _ := waha.Types(wanted)
	_, last := book.Range()
	q := journal.Query{After: last, Types: types, Limit: maxPage}
	beat := time.NewTicker(socketBeat)
	defer beat.Stop()
	for {
		_, changed := book.Changed()
		found, next, err := book.Events(ctx, q)
		if err != nil {
			return
		}
		if c.ended(by) {
			return
		}
		for _, e := range found {
			if !c.socketWrite(ctx, socket, e, wanted) {
				return
			}
		}
		if q.After = next; len(found) > 0 {
			continue
		}
		select {
		case <-changed:
		case <-beat.C:
			if !within(ctx, socket.Ping) {
				return
			}
		case <-c.streams.stop:
			return
		case <-ctx.Done():
			return
		}
	}
}

// socketWrite writes what one event becomes, and reports whether the client took it.
func (c *call) socketWrite(ctx context.Context, socket *websocket.Conn, e journal.Event, wanted []string) bool {
	event := bot.Event{ID: e.ID, Type: e.Type, Timestamp: bot.At(e.At)}
	if err := json.Unmarshal(e.Data, &event.Data); err != nil {
		return true // the journal wrote it itself
	}
	for _, told := range c.teller().Event(event, wanted, func(name string) string { return journal.KeyOf(e.ID, name).ID() }) {
		write := func(ctx context.Context) error { return socket.Write(ctx, websocket.MessageText, told.Body) }
		if !within(ctx, write) {
			return false
		}
	}
	return true
}

// within does something within readerSilence.
func within(ctx context.Context, do func(context.Context) error) bool {
	ctx, cancel := context.WithTimeout(ctx, readerSilence)
	defer cancel()
	return do(ctx) == nil
}

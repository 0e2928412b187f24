package sim

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/binary/token"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/util/keys"
)

var testKey = keys.NewKeyPair()

// clientFrame is a frame as a browser would send it, with an all-zero mask.
func clientFrame(head byte, payload string) string {
	return string([]byte{head, 0x80 | byte(len(payload)), 0, 0, 0, 0}) + payload
}

// pipeSocket is a websocket that reads a text; what it writes is discarded.
func pipeSocket(t testing.TB, input string, silent bool) *websocket {
	t.Helper()
	ours, theirs := net.Pipe()
	t.Cleanup(func() { _ = ours.Close() })
	go func() { _, _ = io.Copy(io.Discard, theirs) }()
	w := &websocket{conn: ours, in: bufio.NewReader(strings.NewReader(input)), silent: new(atomic.Bool)}
	w.silent.Store(silent)
	return w
}

func TestReadMessage(t *testing.T) {
	for name, c := range map[string]struct {
		input  string
		silent bool
		want   string
		err    error
	}{
		"whole":                  {input: clientFrame(0x82, "hello"), want: "hello"},
		"in parts":               {input: clientFrame(0x02, "he") + clientFrame(0x00, "l") + clientFrame(0x80, "lo"), want: "hello"},
		"ping between":           {input: clientFrame(0x02, "he") + clientFrame(0x89, "!") + clientFrame(0x80, "llo"), want: "hello"},
		"pong before":            {input: clientFrame(0x8a, "") + clientFrame(0x82, "hello"), want: "hello"},
		"masked":                 {input: "\x82\x82\x01\x02\x03\x04ij", want: "hh"},
		"empty":                  {input: clientFrame(0x82, ""), want: ""},
		"close":                  {input: clientFrame(0x88, "\x03\xe8"), err: io.EOF},
		"close while silent":     {input: clientFrame(0x88, "") + clientFrame(0x82, "hello"), silent: true, want: "hello"},
		"end":                    {input: "", err: io.EOF},
		"cut short":              {input: "\x82\x85", err: io.ErrUnexpectedEOF},
		"not masked":             {input: "\x82\x05hello", err: errBadFrame},
		"reserved bits":          {input: clientFrame(0xc2, "hello"), err: errBadFrame},
		"text":                   {input: clientFrame(0x81, "hello"), err: errBadFrame},
		"unknown opcode":         {input: clientFrame(0x83, "hello"), err: errBadFrame},
		"continues nothing":      {input: clientFrame(0x80, "hello"), err: errBadFrame},
		"starts twice":           {input: clientFrame(0x02, "a") + clientFrame(0x82, "b"), err: errBadFrame},
		"ping in parts":          {input: clientFrame(0x09, "a"), err: errBadFrame},
		"long ping":              {input: "\x89\xfe\x00\x7e\x00\x00\x00\x00", err: errBadFrame},
		"too long":               {input: "\x82\xff\x00\x00\x00\x01\x00\x00\x00\x00", err: errBadFrame},
		"longer than memory":     {input: "\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff", err: errBadFrame},
		"too long in many parts": {input: "\x02\xff\x00\x00\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00" + strings.Repeat("a", 1<<20) + clientFrame(0x80, "b"), err: errBadFrame},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := pipeSocket(t, c.input, c.silent).readMessage()
			if !errors.Is(err, c.err) || string(got) != c.want {
				t.Errorf("got %q, %v; want %q, %v", got, err, c.want, c.err)
			}
		})
	}
}

// FuzzReadMessage: whatever comes, reading ends with a bounded message or an error.
func FuzzReadMessage(f *testing.F) {
	for _, seed := range []string{
		"", clientFrame(0x82, "hello"), clientFrame(0x02, "he") + clientFrame(0x80, "llo"), clientFrame(0x89, "!"),
		clientFrame(0x88, "\x03\xe8"), "\x82\xfe\x00\x05\x01\x02\x03\x04hello", "\x82\xff\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00a",
	} {
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, input []byte, silent bool) {
		w := pipeSocket(t, string(input), silent)
		for range len(input) + 1 {
			message, err := w.readMessage()
			if err != nil {
				return
			}
			if len(message) > maxMessage {
				t.Fatalf("message of %d bytes", len(message))
			}
		}
		t.Fatal("more messages than bytes")
	})
}

// FuzzHandshake: whatever a client says, the responder answers or refuses.
func FuzzHandshake(f *testing.F) {
	id, err := newNoiseIdentity(testKey)
	if err != nil {
		f.Fatal(err)
	}
	hello := append([]byte{0x12, 0x22, 0x0a, 0x20}, testKey.Pub[:]...) // clientHello{ephemeral}
	f.Add(hello, []byte{})
	f.Add([]byte{}, []byte{})
	f.Add([]byte{0x12, 0x22, 0x0a, 0x20}, []byte{})
	f.Add(append([]byte{0x12, 0x22, 0x0a, 0x20}, make([]byte, 32)...), []byte{}) // a point of small order
	f.Add(hello, []byte{0x22, 0x06, 0x0a, 0x01, 0x00, 0x12, 0x01, 0x00})         // clientFinish of random bytes
	f.Fuzz(func(t *testing.T, first, second []byte) {
		frames := [][]byte{first, second}
		read := func() ([]byte, error) {
			if len(frames) == 0 {
				return nil, io.EOF
			}
			frame := frames[0]
			frames = frames[1:]
			return frame, nil
		}
		session, err := id.respond([]byte{'W', 'A', 6, 3}, read, func([]byte) error { return nil })
		if err == nil {
			t.Fatalf("a made-up client got in: %+v", session.payload)
		}
	})
}

// FuzzNode: whatever a client that got in sends, it is a node or an error, and handling it does not break
// the server.
func FuzzNode(f *testing.F) {
	for _, node := range []waBinary.Node{
		{Tag: "iq", Attrs: waBinary.Attrs{"id": "1", "xmlns": "w:p", "type": "get", "to": types.ServerJID}},
		{Tag: "iq", Attrs: waBinary.Attrs{"id": "1", "xmlns": "encrypt", "type": "set"}, Content: []waBinary.Node{{Tag: "list", Content: []waBinary.Node{{Tag: "key"}}}, {Tag: "rotate"}}},
		{Tag: "iq", Attrs: waBinary.Attrs{"id": "1", "xmlns": "encrypt", "type": "get"}, Content: []waBinary.Node{{Tag: "key", Content: []waBinary.Node{{Tag: "user"}}}}},
		{Tag: "iq", Attrs: waBinary.Attrs{"id": "1", "xmlns": "usync", "type": "get"}, Content: []waBinary.Node{{Tag: "usync", Content: []waBinary.Node{{Tag: "list", Content: []waBinary.Node{{Tag: "user"}}}}}}},
		{Tag: "iq", Attrs: waBinary.Attrs{"id": "1", "xmlns": "md", "type": "set"}, Content: []waBinary.Node{{Tag: "remove-companion-device"}}},
		{Tag: "iq", Attrs: waBinary.Attrs{"id": "1", "xmlns": "md", "type": "set"}, Content: []waBinary.Node{{Tag: "link_code_companion_reg", Attrs: waBinary.Attrs{"stage": "companion_hello"}}}},
		{Tag: "message", Attrs: waBinary.Attrs{"id": "1", "to": types.NewJID("4915112345678", types.DefaultUserServer)}, Content: []waBinary.Node{{Tag: "enc", Attrs: waBinary.Attrs{"type": "pkmsg"}, Content: []byte{0x33, 1, 2}}}},
		{Tag: "receipt", Attrs: waBinary.Attrs{"id": "1", "type": "retry"}},
		{Tag: "ack", Attrs: waBinary.Attrs{"class": "message"}},
	} {
		plain, err := waBinary.Marshal(node)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(plain, false)
	}
	f.Add([]byte{}, true)
	f.Add([]byte{0, 0xf8, 1, 0}, true)
	f.Add([]byte{2, 0x78, 0x9c}, false)
	f.Fuzz(func(t *testing.T, plain []byte, old bool) {
		var words *dictionary
		if old {
			words = dictionaries[2]
		}
		if len(plain) > 4096 {
			t.Skip("the decoder's memory grows with the claims of its input; the frame size bounds it")
		}
		node, err := decodeNode(plain, words)
		if err != nil {
			if !errors.Is(err, errBadNode) {
				t.Fatal(err)
			}
			return
		}
		s, c := fuzzServer(t)
		handled := func() (broke any) {
			defer func() { broke = recover() }()
			s.handle(c, node)
			return nil
		}()
		// libsignal may panic on a made-up message; Server.serve ends the connection then.
		if handled != nil && node.Tag != "message" {
			t.Fatalf("broke on %s: %v", brief(node), handled)
		}
	})
}

func fuzzServer(t testing.TB) (*Server, *conn) {
	t.Helper()
	cfg, err := Config{}.withDefaults()
	must(t, err)
	s := &Server{
		cfg: cfg, log: cfg.Logger, accounts: map[string]*account{}, lids: map[string]*account{}, state: &keeper{log: cfg.Logger},
		done: make(chan struct{}),
	}
	s.events.init()
	a := newAccount("5511900000001", testKey, testKey, s.state)
	d := &device{account: a, id: 1}
	a.devices[1], s.accounts[a.phone], s.lids[a.lid] = d, a, a
	aead, err := newGCM(make([]byte, 32))
	must(t, err)
	c := &conn{server: s, log: s.log, dev: d, ws: pipeSocket(t, "", false), write: aead}
	d.current = c
	return s, c
}

func TestDecodeNodeBounds(t *testing.T) {
	var bomb bytes.Buffer
	bomb.WriteByte(2)
	bomb.Write(deflated(t, make([]byte, 2*maxMessage)))
	if _, err := decodeNode(bomb.Bytes(), nil); !errors.Is(err, errBadNode) {
		t.Errorf("a node that inflates beyond all bounds: %v", err)
	}
	plain, err := waBinary.Marshal(waBinary.Node{Tag: "ack"})
	must(t, err)
	if node, err := decodeNode(append([]byte{2}, deflated(t, plain[1:])...), nil); err != nil || node.Tag != "ack" {
		t.Errorf("a compressed node: %v, %v", node, err)
	}
}

func TestClassifyHeader(t *testing.T) {
	for header, want := range map[[4]byte]bool{
		{'W', 'A', 6, 2}: true, {'W', 'A', 6, 3}: true, {'W', 'A', 6, 4}: false, {'W', 'A', 5, 3}: false, {'E', 'D', 6, 3}: false,
	} {
		if _, got := classifyHeader(header); got != want {
			t.Errorf("% x: %v", header, got)
		}
	}
}

func TestPad(t *testing.T) {
	for range 100 {
		padded := pad([]byte("hello"))
		plain, err := unpad(padded)
		if err != nil || string(plain) != "hello" || len(padded) > 20 {
			t.Fatalf("%x: %q, %v", padded, plain, err)
		}
	}
	for _, bad := range []string{"", "a\x00", "a\x03"} {
		if _, err := unpad([]byte(bad)); !errors.Is(err, errPadding) {
			t.Errorf("%x: %v", bad, err)
		}
	}
}

func deflated(t *testing.T, plain []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	_, err := w.Write(plain)
	must(t, err, w.Close())
	return out.Bytes()
}

// What one dictionary's words say must come through in another's.
func TestDictionariesSayTheSame(t *testing.T) {
	node := waBinary.Node{Tag: "iq", Attrs: waBinary.Attrs{
		"id": "12.34-5", "type": "set", "to": types.ServerJID, "from": types.NewJID("5511911112222", types.DefaultUserServer),
		"device": types.JID{User: "5511911112222", Device: 3, Server: types.DefaultUserServer}, "hex": "3A00FF", "page": "w:sync:app:state",
	}, Content: []waBinary.Node{
		{Tag: "pair-device", Content: []waBinary.Node{{Tag: "ref", Content: []byte("2@abc")}}},
		{Tag: "enc", Content: bytes.Repeat([]byte{7}, 70_000)},
		{Tag: "no word of any dictionary"},
	}}
	for version, words := range dictionaries {
		plain, err := encodeNode(node, words)
		must(t, err)
		got, err := decodeNode(plain, words)
		must(t, err)
		if got.XMLString() != node.XMLString() {
			t.Errorf("dictionary %d:\n%s\n%s", version, brief(got), brief(&node))
		}
	}
	short := []byte{0, token.List8, 1, 9} // <broadcast/> to a client of version 2
	if got, err := decodeNode(short, dictionaries[2]); err != nil || got.Tag != "broadcast" {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestSpellRefuses(t *testing.T) {
	for name, node := range map[string][]byte{
		"empty":         {},
		"cut short":     {token.List8, 2, 9},
		"long list":     {token.List16, 0xff, 0xff},
		"long text":     {token.Binary32, 0xff, 0xff, 0xff, 0xff, 1},
		"half a head":   {token.Binary20, 0},
		"no word":       {240},
		"half a word":   {token.Dictionary0},
		"half a JID":    {token.JIDPair, 9},
		"more follows":  {9, 9},
		"nested deep":   bytes.Repeat([]byte{token.List8, 1}, 100),
		"stream's end":  {token.List8, 1, 0xf3},
		"half a device": {token.ADJID, 0},
	} {
		if out, err := dictionaries[2].spell(node); !errors.Is(err, errSpelling) {
			t.Errorf("%s: %x, %v", name, out, err)
		}
	}
}

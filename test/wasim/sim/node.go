package sim

import (
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

var errBadNode = errors.New("bad node")

// decodeNode reads one node of a client with the given dictionary, nil for whatsmeow's own. whatsmeow's decoder
// trusts its server and may panic on what a client made up.
func decodeNode(plain []byte, words *dictionary) (node *waBinary.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			node, err = nil, fmt.Errorf("%w: %v", errBadNode, p)
		}
	}()
	if len(plain) == 0 {
		return nil, fmt.Errorf("%w: empty", errBadNode)
	}
	body := plain[1:]
	if plain[0]&2 != 0 {
		if body, err = inflate(body); err != nil {
			return nil, fmt.Errorf("%w: %w", errBadNode, err)
		}
	}
	if words != nil {
		if body, err = words.spell(body); err != nil {
			return nil, fmt.Errorf("%w: %w", errBadNode, err)
		}
	}
	if node, err = waBinary.Unmarshal(body); err != nil {
		return nil, fmt.Errorf("%w: %w", errBadNode, err)
	}
	return node, nil
}

func inflate(body []byte) ([]byte, error) {
	in, err := zlib.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(in, maxMessage+1))
	if err == nil && len(out) > maxMessage {
		err = fmt.Errorf("inflates to over %d bytes", maxMessage)
	}
	return out, err
}

// encodeNode marshals a node for a client with the given dictionary, nil for whatsmeow's own.
func encodeNode(node waBinary.Node, words *dictionary) ([]byte, error) {
	plain, err := waBinary.Marshal(node)
	if err != nil || words == nil {
		return plain, err
	}
	body, err := ownDictionary.spell(plain[1:])
	if err != nil {
		return nil, err
	}
	return append([]byte{0}, body...), nil
}

func debugging(log *slog.Logger) bool { return log.Enabled(context.Background(), slog.LevelDebug) }

// brief is a node for a log line.
func brief(node *waBinary.Node) string {
	text := node.XMLString()
	if len(text) > 400 {
		return text[:400] + "..."
	}
	return text
}

// answer is the result of an iq.
func answer(to *waBinary.Node, content ...waBinary.Node) waBinary.Node {
	out := waBinary.Node{Tag: "iq", Attrs: waBinary.Attrs{
		"from": types.ServerJID, "id": to.Attrs["id"], "type": "result", "t": time.Now().Unix(),
	}}
	if len(content) > 0 {
		out.Content = content
	}
	return out
}

// refusal is the error that answers an iq.
func refusal(to *waBinary.Node, code int, text string) waBinary.Node {
	return waBinary.Node{
		Tag:     "iq",
		Attrs:   waBinary.Attrs{"from": types.ServerJID, "id": to.Attrs["id"], "type": "error"},
		Content: []waBinary.Node{{Tag: "error", Attrs: waBinary.Attrs{"code": strconv.Itoa(code), "text": text}}},
	}
}

// notification is a node that the server sends unasked.
func notification(kind string, content ...waBinary.Node) waBinary.Node {
	return waBinary.Node{Tag: "notification", Attrs: waBinary.Attrs{
		"from": types.ServerJID, "type": kind, "id": nextID(), "t": time.Now().Unix(),
	}, Content: content}
}

// notice is an <ib>, information for one client.
func notice(tag string, attrs waBinary.Attrs) waBinary.Node {
	return waBinary.Node{Tag: "ib", Attrs: waBinary.Attrs{"from": types.ServerJID}, Content: []waBinary.Node{{Tag: tag, Attrs: attrs}}}
}

var lastID atomic.Uint64

// nextID names a node of the server, uniquely also over restarts.
func nextID() string { return fmt.Sprintf("%d-%d", time.Now().Unix(), lastID.Add(1)) }

// attrText returns an attribute as text, empty if it is missing.
func attrText(node *waBinary.Node, key string) string {
	switch value := node.Attrs[key].(type) {
	case nil:
		return ""
	case string:
		return value
	default:
		return fmt.Sprint(value)
	}
}

// attrInt returns an attribute that is a number, 0 for anything else.
func attrInt(node *waBinary.Node, key string) int {
	value, _ := strconv.Atoi(attrText(node, key))
	return value
}

// attrJID returns an attribute that is an address, empty for anything else.
func attrJID(node *waBinary.Node, key string) types.JID {
	jid, _ := node.Attrs[key].(types.JID)
	return jid
}

// childBytes returns the bytes in a child, nil if there are none.
func childBytes(node *waBinary.Node, tag string) []byte {
	child := node.GetChildByTag(tag)
	content, _ := child.Content.([]byte)
	return content
}

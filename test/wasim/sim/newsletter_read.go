package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// publication is a message in a newsletter.
type publication struct {
	number          int
	id, kind, media string
	plain           []byte
	at              time.Time
	views           int
	reactions       map[string]int
}

// keep remembers what was published in a newsletter.
func (n *newsletters) keep(jid types.JID, p publication) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if in := n.all[jid]; in != nil {
		if len(in.posts) >= maxArchive {
			in.posts = in.posts[1:]
		}
		in.posts = append(in.posts, p)
	}
}

// CountInNewsletter sets how often a message of a newsletter was seen, and which emojis people put at it.
func (s *Server) CountInNewsletter(jid types.JID, id string, views int, reactions map[string]int) error {
	s.newsletters.mu.Lock()
	defer s.newsletters.mu.Unlock()
	if in := s.newsletters.all[jid]; in != nil {
		for i := range in.posts {
			if in.posts[i].id == id {
				in.posts[i].views, in.posts[i].reactions = views, reactions
				return nil
			}
		}
	}
	return fmt.Errorf("%w: no message %s in the newsletter %s", ErrUnknown, id, jid)
}

// handleNewsletter answers with messages of a newsletter, for anyone who asks.
func (s *Server) handleNewsletter(c *conn, iq, request *waBinary.Node) {
	s.newsletters.mu.Lock()
	in := s.newsletters.all[attrJID(request, "jid")]
	var posts []publication
	if in != nil {
		posts = slices.Clone(in.posts)
	}
	s.newsletters.mu.Unlock()
	switch {
	case request.Tag != "messages" || attrText(request, "type") != "jid":
		c.send(refusal(iq, 400, "bad-request"))
		return
	case in == nil:
		c.send(refusal(iq, 404, "item-not-found"))
		return
	}
	if before := attrInt(request, "before"); before > 0 {
		posts = slices.DeleteFunc(posts, func(p publication) bool { return p.number >= before })
	}
	if count := attrInt(request, "count"); count > 0 && len(posts) > count {
		posts = posts[len(posts)-count:]
	}
	var messages []waBinary.Node
	for _, p := range posts {
		messages = append(messages, p.node())
	}
	c.send(answer(iq, waBinary.Node{Tag: "messages", Attrs: waBinary.Attrs{"jid": attrJID(request, "jid"), "t": time.Now().Unix()}, Content: messages}))
}

func (p publication) node() waBinary.Node {
	plain := waBinary.Node{Tag: "plaintext", Attrs: waBinary.Attrs{}, Content: p.plain}
	if p.media != "" {
		plain.Attrs["mediatype"] = p.media
	}
	content := []waBinary.Node{plain, {Tag: "views_count", Attrs: waBinary.Attrs{"count": p.views}}}
	if len(p.reactions) > 0 {
		var counts []waBinary.Node
		for code, count := range p.reactions {
			counts = append(counts, waBinary.Node{Tag: "reaction", Attrs: waBinary.Attrs{"code": code, "count": count}})
		}
		content = append(content, waBinary.Node{Tag: "reactions", Content: counts})
	}
	return waBinary.Node{Tag: "message", Attrs: waBinary.Attrs{"server_id": p.number, "id": p.id, "type": p.kind, "t": p.at.Unix()}, Content: content}
}

// directoryQuery is a search in the directory of newsletters.
type directoryQuery struct {
	Text   string `json:"search_text"`
	Limit  int    `json:"limit"`
	Cursor string `json:"start_cursor"`
}

// directory is a page of the newsletters whose name has a text, in the order of their addresses. What the viewer is in them
// is not told. The caller holds mu.
func (n *newsletters) directory(asked directoryQuery) map[string]any {
	var all []types.JID
	for jid, one := range n.all {
		if strings.Contains(strings.ToLower(one.name), strings.ToLower(asked.Text)) {
			all = append(all, jid)
		}
	}
	slices.SortFunc(all, func(a, b types.JID) int { return strings.Compare(a.User, b.User) })
	first, _ := strconv.Atoi(asked.Cursor) // the first page has no cursor
	first = min(max(first, 0), len(all))
	last := min(first+max(asked.Limit, 0), len(all))
	found := []any{}
	for _, jid := range all[first:last] {
		found = append(found, n.all[jid].metadata(jid, nil, false))
	}
	return map[string]any{"result": found, "page_info": map[string]any{
		"startCursor": asked.Cursor, "endCursor": strconv.Itoa(last), "hasNextPage": last < len(all), "hasPreviousPage": first > 0,
	}}
}

package gateway

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

// asked says whose messages a stream shows.
type asked struct {
	names  []sessionKey // empty for all that the filter lets through
	filter filter
	// types are those of the events, with commas; "" for all.
	types string
	// from is where the reader was, nil when it begins; fresh is where sessions begin that it had no cursor of.
	from  cursors
	fresh position

	// readable is the result of the last review.
	readable sight
}

// parseMessages reads which messages a request asks for; nil for none.
func (c *call) parseMessages(who *caller, f filter) (*asked, *problem) {
	query := c.r.URL.Query()
	given := query.Get("messages")
	if given == "" || given == "false" {
		return nil, nil //nolint:nilnil // none are asked for
	}
	a := &asked{filter: f, types: query.Get("types"), fresh: position{known: true}}
	if given != "true" {
		for name := range strings.SplitSeq(given, ",") {
			key, failure := c.named(who, strings.TrimSpace(name))
			if failure != nil {
				return nil, failure
			}
			if !slices.Contains(a.names, key) {
				a.names = append(a.names, key)
			}
		}
		if len(a.names) > maxFollowed {
			return nil, tooManyFollowed()
		}
	}
	for name := range strings.SplitSeq(a.types, ",") {
		if name != "" && !slices.Contains(bot.EventTypes, bot.EventType(name)) {
			return nil, badParameter("types", "message,message.state")
		}
	}
	switch query.Get("after") {
	case "", "latest":
		a.fresh = position{}
	case "oldest":
	default:
		return nil, badParameter("after", "oldest, latest")
	}
	if id := c.r.Header.Get("Last-Event-Id"); id != "" {
		var err error
		if a.from, err = parseCursors(id); err != nil {
			return nil, badParameter("Last-Event-ID", cursors{}.id())
		}
		// What the reader has no cursor of came after it began.
		a.fresh = position{known: true}
	}
	return a, nil
}

func tooManyFollowed() *problem {
	return &problem{status: http.StatusUnprocessableEntity, kind: bot.ProblemTooManyStreams, title: text{"Terlalu banyak sesi", "Too many sessions"},
		detail: text{"Satu aliran membawa pesan dari paling banyak 100 sesi: sebutkan namanya di messages=, atau persempit dengan namespace atau selector.",
			"One stream carries the messages of at most 100 sessions: name them in messages=, or narrow it by namespace or selector."}}
}

// review asks whose messages the caller may read. Sessions that are named must all be readable. Of all sessions the
// readable ones are shown, and it is a problem when none is.
func (a *asked) review(ctx context.Context, c *call, who *caller, seen sight) *problem {
	if len(a.names) > 0 {
		for _, key := range a.names {
			if failure := c.permit(ctx, who, actRead, key); failure != nil {
				return failure
			}
		}
		a.readable = func(s *v1alpha1.WhatsAppSession) bool {
			return slices.Contains(a.names, sessionKey{s.Namespace, s.Name}) && (who.key == nil || who.key.Covers(s.Namespace, s.Name, s.Labels))
		}
		return nil
	}
	may, none, failure := c.seen(ctx, who, actRead, a.filter.namespace)
	switch {
	case failure != nil:
		return failure
	case none != nil:
		return none
	}
	if visible := c.fleet.sessions(seen); len(visible) > 0 && !slices.ContainsFunc(visible, may) {
		return forbidden(who, actRead)
	}
	a.readable = may
	return nil
}

// wants reports whether the stream carries a session's messages.
func (a *asked) wants(s *v1alpha1.WhatsAppSession) bool {
	if !a.readable(s) {
		return false
	}
	if len(a.names) > 0 {
		return true
	}
	counted, _ := a.filter.matches(s)
	return counted
}

// begin is where a reader begins in a session's journal.
func (a *asked) begin(s *v1alpha1.WhatsAppSession) position {
	if at, found := a.from[sumOfUID(s.UID)]; found {
		return at
	}
	return a.fresh
}

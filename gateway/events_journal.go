package gateway

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"

	"sesi.dev/sesi/api/bot"
	botclient "sesi.dev/sesi/api/bot/client"
)

// eventName is what an event's type looks like.
var eventName = regexp.MustCompile(`^[a-z]+(\.[a-z]+)*$`)

// ownEvents are the names that only the gateway gives. A bot has events of the name GatewayEventSession too.
var ownEvents = []string{bot.GatewayEventGone, bot.GatewayEventGap}

// readJournal reads a bot's journal until its stream ends.
func readJournal(ctx context.Context, one *follower) time.Duration {
	err := one.journal(ctx)
	var refused *botclient.Error
	if !errors.As(err, &refused) {
		return followPause
	}
	switch refused.Problem.Status {
	case http.StatusGone:
		one.hand(ctx, &followed{from: one, cursor: refused.OldestCursor, gap: true})
	case http.StatusBadRequest: // from a bot of an earlier version: the journal is younger than the cursor
		one.hand(ctx, &followed{from: one, gap: true})
	case http.StatusNotFound, http.StatusConflict: // it keeps no messages
		return followLong
	}
	return max(followPause, refused.RetryAfter)
}

func (one *follower) journal(ctx context.Context) error {
	ctx = context.WithValue(ctx, routedContext{}, &routed{key: one.key})
	c := botclient.Client{BaseURL: "https://bot", UserAgent: "sesi-gateway", Transport: one.all.proxy.Transport}
	if !one.at.known {
		var page bot.Events
		if err := c.Do(ctx, http.MethodGet, bot.PathEvents+"?after=latest&limit=1", nil, &page); err != nil {
			return err
		}
		if !one.hand(ctx, &followed{from: one, cursor: page.Next}) {
			return ctx.Err()
		}
	}
	query, last := url.Values{}, ""
	if one.all.asked.types != "" {
		query.Set("types", one.all.asked.types)
	}
	if one.at.cursor == 0 {
		query.Set("after", "oldest")
	} else {
		last = strconv.FormatUint(one.at.cursor, 10)
	}
	events, err := c.Stream(ctx, bot.PathEvents+"?"+query.Encode(), last, 0)
	if err != nil {
		return err
	}
	defer events.Close()
	for {
		event, err := events.Next()
		if err != nil {
			return err
		}
		cursor, err := strconv.ParseUint(event.ID, 10, 62)
		if err != nil || !eventName.MatchString(event.Name) || slices.Contains(ownEvents, event.Name) {
			return problemStrange.about(problemStrange.detail)
		}
		told := &followed{from: one, cursor: cursor, name: event.Name, event: event.Data}
		if event.Name == string(bot.EventSession) {
			told.name, told.event = "", nil // the stream has the session's state from its resource
		}
		if !one.hand(ctx, told) {
			return ctx.Err()
		}
	}
}

package gateway

import (
	"context"
	"net/http"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

// serveSessions serves WAHA's paths of all sessions. segments are those after /api/sessions.
func (c *call) serveSessions(who *caller, segments []string) error {
	read := c.r.Method == http.MethodGet || c.r.Method == http.MethodHead
	switch {
	case len(segments) == 0 && read:
		return c.wahaList(who)
	case len(segments) == 0 && c.r.Method == http.MethodPost:
		return c.wahaCreate(who)
	case len(segments) == 0:
		return methods("GET, POST")
	}
	if len(segments) == 1 && c.r.Method == http.MethodPost {
		return c.wahaOld(who, segments[0])
	}
	key, failure := c.named(who, segments[0])
	if failure != nil {
		return failure
	}
	if len(segments) == 1 {
		switch {
		case read:
			return c.wahaShow(who, key, func(s *v1alpha1.WhatsAppSession) any { return c.wahaView(who, s) })
		case c.r.Method == http.MethodPut:
			return c.wahaChange(who, key)
		case c.r.Method == http.MethodDelete:
			return c.wahaDelete(who, key)
		}
		return methods("GET, PUT, DELETE")
	}
	if len(segments) > 2 {
		return problemNotFound.about(problemNotFound.detail)
	}
	toBot := func() error {
		return c.pass(who, key, bot.WAHAPath(bot.PathWAHASession, botName)+"/"+segments[1], c.r.URL.RawQuery)
	}
	post := c.r.Method == http.MethodPost
	switch segments[1] {
	case "me":
		if !read {
			return methods("GET")
		}
		return c.wahaShow(who, key, func(s *v1alpha1.WhatsAppSession) any { return wahaMe(s) })
	case "start", "restart":
		if !post {
			return methods("POST")
		}
		if session := c.fleet.session(key); session == nil || suspended(session) {
			return c.wahaSuspend(who, key, false)
		}
		return toBot()
	case "stop":
		if !post {
			return methods("POST")
		}
		return c.wahaSuspend(who, key, true)
	case "logout":
		if !post {
			return methods("POST")
		}
		return toBot()
	}
	return problemNotFound.about(problemNotFound.detail)
}

// serveOne serves a session's own path: what its status says.
func (c *call) serveOne(who *caller, key sessionKey) error {
	switch c.r.Method {
	case http.MethodGet, http.MethodHead:
		return c.wahaShow(who, key, func(s *v1alpha1.WhatsAppSession) any { return show(s) })
	case http.MethodDelete:
		return c.wahaDelete(who, key)
	}
	return methods("GET, DELETE")
}

// wahaList lists the sessions that the caller may see; stopped ones only if asked for.
func (c *call) wahaList(who *caller) error {
	return c.listed(who, func(seen sight, none *problem) error {
		if none != nil {
			return none
		}
		all := c.r.URL.Query().Get("all") == "true"
		out := []bot.GatewayWAHASession{}
		for _, s := range c.fleet.sessions(seen) {
			if view := c.wahaView(who, s); all || view.Status != bot.WAHAStopped {
				out = append(out, view)
			}
		}
		writeJSON(c.w, http.StatusOK, "application/json", out)
		return nil
	})
}

// wahaShow answers with a view of one session.
func (c *call) wahaShow(who *caller, key sessionKey, view func(*v1alpha1.WhatsAppSession) any) error {
	return c.account(who, actSee, key, false, func(context.Context) error {
		session := c.fleet.session(key)
		if session == nil {
			return problemNoSession.about(problemNoSession.detail)
		}
		writeJSON(c.w, http.StatusOK, "application/json", view(session))
		return nil
	})
}

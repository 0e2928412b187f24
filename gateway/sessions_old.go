package gateway

import (
	"net/http"

	"sesi.dev/sesi/api/bot"
)

// wahaOld serves the older forms of WAHA's API, which name the session in the body: start creates it where it is
// missing, logout also deletes it.
func (c *call) wahaOld(who *caller, what string) error {
	if what != "start" && what != "stop" && what != "logout" {
		return methods("GET, PUT, DELETE")
	}
	request, err := c.readRequest()
	if err != nil {
		return err
	}
	key, failure := c.named(who, request.Name)
	if failure != nil {
		return failure
	}
	switch {
	case what == "logout" || what == "stop" && request.Logout:
		return c.wahaRemove(who, key)
	case what == "stop":
		return c.wahaSuspend(who, key, true)
	case c.fleet.session(key) == nil:
		request.Start = nil
		return c.wahaMake(who, request)
	case !request.described:
		return c.wahaSuspend(who, key, false)
	}
	request.Start = new(true)
	return c.wahaUpdate(who, key, request, http.StatusCreated)
}

// wahaRemove unlinks a session and deletes it. One that cannot be unlinked now is not deleted: its device would stay at
// WhatsApp with nobody to remove it.
func (c *call) wahaRemove(who *caller, key sessionKey) error {
	if failure := c.permit(c.r.Context(), who, actDelete, key); failure != nil {
		return failure
	}
	if s := c.fleet.session(key); s != nil && s.Status.Session != nil && s.Status.Session.Exists {
		if err := c.order(who, key, order{right: actControl, path: bot.PathLogout}); err != nil {
			return err
		}
	}
	if err := c.remove(who, key); err != nil {
		return err
	}
	c.w.Header().Set("Cache-Control", "no-store")
	c.w.WriteHeader(http.StatusCreated)
	return nil
}

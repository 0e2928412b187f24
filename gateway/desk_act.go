package gateway

import (
	"encoding/json"
	"net/http"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

// deskAct does what a form asks for.
func (c *call) deskAct(who *caller, page *desk, key sessionKey, what string) error {
	form, err := c.form()
	if err != nil {
		return err
	}
	back := page.Link(bot.GatewaySession{Namespace: key.namespace, Name: key.name})
	switch what {
	case "restart":
		err = c.order(who, key, order{right: actControl, path: bot.PathRestart})
	case "logout":
		err = c.order(who, key, order{right: actControl, path: bot.PathLogout})
	case "start", "stop":
		err = c.suspendAs(who, key, what == "stop", func(*v1alpha1.WhatsAppSession) {})
	case "delete":
		if err = c.remove(who, key); err == nil {
			back = "/"
		}
	case "send":
		body, _ := json.Marshal(map[string]string{"to": form.Get("to"), "text": form.Get("text")}) // of strings: it does not fail
		err = c.order(who, key, order{right: actSend, path: bot.PathMessages, body: body, header: http.Header{"Idempotency-Key": {form.Get("key")}}})
	case "pause", "resume", "test", "redeliver":
		err = c.steerWebhook(who, key, what, form.Get("webhook"), form.Get("after"))
	default:
		return problemNotFound.about(problemNotFound.detail)
	}
	if err == nil {
		if back != "/" {
			back += "?done=" + what
		}
		return c.redirect(back)
	}
	session := c.fleet.session(key)
	known, ok := err.(*problem) //nolint:errorlint // problems are returned as they are
	if session == nil || !ok || c.permit(c.r.Context(), who, actSee, key) != nil {
		return err
	}
	c.describeSession(page, session)
	page.Failure = known.detail.in(page.Lang)
	return c.renderSession(c.r.Context(), who, page, session, known.status)
}

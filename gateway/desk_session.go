package gateway

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

// maxMessages is how many messages and webhooks a page shows.
const maxMessages = 10

// deskSession is the page of one session.
func (c *call) deskSession(who *caller, page *desk, key sessionKey, panel bool) error {
	return c.account(who, actSee, key, false, func(ctx context.Context) error {
		session := c.fleet.session(key)
		if session == nil {
			return problemNoSession.about(problemNoSession.detail)
		}
		c.describeSession(page, session)
		if panel {
			return c.render(http.StatusOK, "panel", page)
		}
		if said := deskTexts["done."+c.r.URL.Query().Get("done")].in(page.Lang); said != "" {
			page.Done = said
		}
		return c.renderSession(ctx, who, page, session, http.StatusOK)
	})
}

// renderSession adds what the reader may do, and what the bot tells them.
func (c *call) renderSession(ctx context.Context, who *caller, page *desk, session *v1alpha1.WhatsAppSession, status int) error {
	key := sessionKey{session.Namespace, session.Name}
	can := func(what action) bool {
		allowed, failure := c.may(ctx, who, what, key, session)
		return allowed && failure == nil
	}
	reachable := c.fleet.target(key) != nil
	page.Bot = bot.GatewayPath(key.namespace, key.name)
	page.MayLink, page.MaySend, page.MayRead = reachable && can(actLink), reachable && can(actSend), reachable && can(actRead)
	page.Key = newIdempotencyKey()
	add := func(name, tone string) {
		page.Actions = append(page.Actions, deskAction{Name: name, Tone: tone, Label: page.T("act." + name), Question: page.T("ask." + name), Yes: page.T("act." + name)})
	}
	if can(actControl) {
		if suspended(session) {
			add("start", "")
		} else {
			if reachable {
				add("restart", "")
				add("logout", "bad")
			}
			add("stop", "")
		}
	}
	if can(actDelete) {
		add("delete", "bad")
	}
	if page.MayRead {
		c.readMessages(ctx, page, key)
	}
	return c.render(status, "session", page)
}

// describeSession fills in what the resource says.
func (c *call) describeSession(page *desk, session *v1alpha1.WhatsAppSession) {
	page.S = show(session)
	page.Title = page.S.Name
	status := &session.Status
	addTime := func(label string, at *metav1.Time) {
		if at != nil && !at.IsZero() {
			page.Facts = append(page.Facts, fact{page.T(label), at.UTC().Format("2006-01-02 15:04 UTC")})
		}
	}
	if facts := status.Session; facts != nil {
		addTime("linkedAt", facts.LinkedAt)
		addTime("connectedAt", facts.LastConnectedAt)
	}
	addTime("restrictedUntil", status.RestrictedUntil)
	for label, value := range map[string]string{"node": status.NodeName, "version": status.WebVersion, "notice": status.Notice} {
		if value != "" {
			page.Facts = append(page.Facts, fact{page.T(label), value})
		}
	}
	slices.SortStableFunc(page.Facts, func(a, b fact) int { return strings.Compare(a.Label, b.Label) })
	for _, condition := range status.Conditions {
		page.Conditions = append(page.Conditions, fact{condition.Type + ": " + string(condition.Status), condition.Reason + ". " + condition.Message})
	}
}

// readMessages shows the newest messages and the webhooks. A bot that does not answer at once is not waited for.
func (c *call) readMessages(ctx context.Context, page *desk, key sessionKey) {
	ctx, cancel := context.WithTimeout(ctx, deskTime)
	defer cancel()
	get := func(path, query string, out any) bool {
		answer, err := c.askBot(ctx, key, http.MethodGet, path, query, nil, nil)
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		return answer.StatusCode == http.StatusOK && json.NewDecoder(io.LimitReader(answer.Body, maxBotAnswer)).Decode(out) == nil
	}
	var messages bot.Messages
	if get(bot.PathMessages, "limit=10", &messages) {
		for _, m := range messages.Messages[:min(len(messages.Messages), maxMessages)] {
			said := m.Text
			if said == "" {
				said = "[" + string(m.Kind) + "]"
			}
			who := m.From.Name
			if who == "" {
				who = m.From.Phone
			}
			if m.FromMe {
				who = page.T("me")
			}
			page.Messages = append(page.Messages, deskMessage{FromMe: m.FromMe, Who: who, Text: said, When: m.Timestamp.UTC().Format("2006-01-02 15:04")})
		}
	}
	var webhooks bot.Webhooks
	if get(bot.PathWebhooks, "", &webhooks) {
		page.Webhooks = webhooks.Webhooks[:min(len(webhooks.Webhooks), maxMessages)]
	}
}

package gateway

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

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
		page.Actions = append(page.Actions, page.action(name, tone))
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
	page.MayBackup, page.MaySteer = reachable && can(actBackup), reachable && can(actControl)
	if reachable {
		c.readBot(ctx, page, key)
	}
	c.readEvents(ctx, page, session)
	return c.render(status, "session", page)
}

// describeSession fills in what the resource says.
func (c *call) describeSession(page *desk, session *v1alpha1.WhatsAppSession) {
	page.S = show(session)
	page.Title = page.S.Name
	if ready := meta.FindStatusCondition(session.Status.Conditions, v1alpha1.ConditionReady); ready != nil {
		page.Said = say(ready.Reason, ready.Message, page.Lang)
	}
	status := &session.Status
	addTime := func(label string, at *metav1.Time) {
		if at != nil && !at.IsZero() {
			page.Facts = append(page.Facts, fact{page.T(label), moment(at.Time)})
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
	page.Conditions = deskConditions(page, status.Conditions)
}

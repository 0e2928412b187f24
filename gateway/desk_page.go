package gateway

import (
	"html/template"
	"net/url"
	"strconv"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

// desk is one page for a person.
type desk struct {
	Lang  string
	Title string
	Who   string
	// Proxied is true where a proxy in front signs people in, and out.
	Proxied bool
	// Failure and Done are shown at the top of the page.
	Failure, Done string

	MayCreate  bool
	Filter     struct{ Search string }
	Namespaces []option
	// StateOptions are for the filter, Counts for the chips.
	StateOptions, Counts []option
	Needy, Page          bot.GatewaySessions
	Next                 template.URL

	S                         bot.GatewaySession
	Bot                       string
	Said                      said
	Facts                     []fact
	Conditions                []deskCondition
	MayLink, MaySend, MayRead bool
	MayBackup, MaySteer       bool
	Actions                   []deskAction
	Messages                  []deskMessage
	Webhooks                  []deskWebhook
	Events                    []deskEvent
	Backup                    string
	Key                       string

	Namespace string
	Fixed     bool
	Form      url.Values
}

type option struct {
	Value, Label, Tone string
	Count              int
	Selected           bool
}

type fact struct{ Label, Value string }

type deskCondition struct {
	Label, Value string
	said
}

type deskAction struct{ Name, Label, Question, Yes, Tone string }

// action is something to do, in words.
func (d *desk) action(name, tone string) deskAction {
	return deskAction{Name: name, Tone: tone, Label: d.T("act." + name), Question: d.T("ask." + name), Yes: d.T("act." + name)}
}

type deskMessage struct {
	FromMe          bool
	Who, When, Text string
}

// T returns a text of the page.
func (d *desk) T(name string) string { return deskTexts[name].in(d.Lang) }

// Extension is the path of the browser's helper for passkeys, below a bot's.
func (d *desk) Extension() string { return bot.PathPasskeyExtension }

// StateWord returns the word for a state.
func (d *desk) StateWord(s bot.GatewaySession) string { return stateWord(s.State, d.Lang) }

func stateWord(state bot.State, language string) string {
	if word, known := stateTexts[state]; known {
		return word.in(language)
	}
	return string(state)
}

// Ask says what a person should do; empty for nothing.
func (d *desk) Ask(s bot.GatewaySession) string { return actionTexts[s.UserAction][0].in(d.Lang) }

// Act names the button that leads there.
func (d *desk) Act(s bot.GatewaySession) string {
	if word := actionTexts[s.UserAction][1].in(d.Lang); word != "" {
		return word
	}
	return d.T("open")
}

// Tone is the colour of a state; its word says the same.
func (d *desk) Tone(s bot.GatewaySession) string { return toneOf(s.State) }

func toneOf(state bot.State) string {
	switch state {
	case bot.StateConnected:
		return "ok"
	case bot.StatePairing, bot.StateReconnecting, bot.StateConnecting, bot.StateRestricted, bot.StateOutdated:
		return "warn"
	case bot.StateLoggedOut, bot.StateConflict, bot.StateFailed, v1alpha1.StateUnknown:
		return "bad"
	}
	return ""
}

// Link is the page of a session.
func (d *desk) Link(s bot.GatewaySession) string {
	return bot.PathDesk + "/sessions/" + s.Namespace + "/" + s.Name
}

// Since is how long a session has been in its state.
func (d *desk) Since(s bot.GatewaySession) string { return ago(time.Since(s.Since.Time), d.Lang) }

// Waiting is how long a session has waited for a person.
func (d *desk) Waiting(s bot.GatewaySession) string { return d.T("waits") + " " + d.Since(s) }

func ago(past time.Duration, language string) string {
	amount, unit := int(past/time.Minute), text{"menit", "min"}
	switch {
	case past >= 48*time.Hour:
		amount, unit = int(past/(24*time.Hour)), text{"hari", "days"}
	case past >= 2*time.Hour:
		amount, unit = int(past/time.Hour), text{"jam", "h"}
	case past < time.Minute:
		return text{"baru saja", "just now"}.in(language)
	}
	return strconv.Itoa(amount) + " " + unit.in(language)
}

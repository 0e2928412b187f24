package gateway

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

const (
	// defaultPage and maxPage are how many sessions a page has.
	defaultPage = 100
	maxPage     = 1000
)

// show returns a session as the gateway shows it.
func show(s *v1alpha1.WhatsAppSession) bot.GatewaySession {
	out := bot.GatewaySession{
		Namespace: s.Namespace, Name: s.Name, ClientID: naming.ClientID(s),
		State: s.Status.State, Reason: s.Status.Reason, UserAction: s.Status.UserAction, Suspended: suspended(s),
		CreatedAt: bot.At(s.CreationTimestamp.Time), Labels: s.Labels,
	}
	if facts := s.Status.Session; facts != nil {
		out.PhoneNumber, out.PushName = facts.PhoneNumber, facts.PushName
	}
	if ready := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.ConditionReady); ready != nil {
		out.Ready, out.Message = ready.Status == metav1.ConditionTrue, ready.Message
	}
	if connected := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.ConditionConnected); connected != nil {
		out.Connected, out.Since = connected.Status == metav1.ConditionTrue, bot.At(connected.LastTransitionTime.Time)
	}
	if out.Since.IsZero() {
		out.Since = out.CreatedAt
	}
	return out
}

// filter is what a query asks for.
type filter struct {
	namespace string
	states    []bot.State
	actions   []bot.UserAction
	attention bool // only those that need a person
	search    string
	selector  labels.Selector
	limit     int
	after     string // namespace/name of the last of the page before
	oldest    bool   // sort by how long they need a person
}

// allStates are the states that a session can be in.
var allStates = append(slices.Clone(bot.States), v1alpha1.StatePending, v1alpha1.StateSuspended, v1alpha1.StateUnknown)

// parseFilter reads a query.
func parseFilter(r *http.Request) (filter, *problem) {
	query := r.URL.Query()
	f := filter{namespace: query.Get("namespace"), search: strings.ToLower(strings.TrimSpace(query.Get("search"))), limit: defaultPage}
	for value := range strings.SplitSeq(query.Get("state"), ",") {
		if value != "" {
			f.states = append(f.states, bot.State(value))
			if !slices.Contains(allStates, bot.State(value)) {
				return filter{}, badParameter("state", "Connected,Pairing")
			}
		}
	}
	for value := range strings.SplitSeq(query.Get("userAction"), ",") {
		if value != "" {
			f.actions = append(f.actions, bot.UserAction(value))
			if !slices.Contains(bot.UserActions, bot.UserAction(value)) {
				return filter{}, badParameter("userAction", "ScanQR,CheckNetwork")
			}
		}
	}
	var err error
	if text := query.Get("attention"); text != "" {
		if f.attention, err = strconv.ParseBool(text); err != nil {
			return filter{}, badParameter("attention", "true")
		}
	}
	if text := query.Get("sort"); text != "" {
		if f.oldest = text == "since"; !f.oldest && text != "name" {
			return filter{}, badParameter("sort", "since")
		}
	}
	if text := query.Get("selector"); text != "" {
		if f.selector, err = labels.Parse(text); err != nil {
			return filter{}, badParameter("selector", "tier=gold,team!=test")
		}
	}
	if text := query.Get("limit"); text != "" {
		if f.limit, err = strconv.Atoi(text); err != nil || f.limit < 1 || f.limit > maxPage {
			return filter{}, badParameter("limit", "1 … "+strconv.Itoa(maxPage))
		}
	}
	if text := query.Get("continue"); text != "" {
		after, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			return filter{}, badParameter("continue", "…")
		}
		f.after = string(after)
	}
	return f, nil
}

func badParameter(name, example string) *problem {
	return problemBadRequest.about(text{"Parameter " + name + " tidak sah; contoh: " + example + ".", "The parameter " + name + " is not valid; for example: " + example + "."})
}

// needsPerson reports whether someone has to do something about a session.
func needsPerson(s *v1alpha1.WhatsAppSession) bool {
	if suspended(s) || s.DeletionTimestamp != nil {
		return false
	}
	return s.Status.UserAction != "" && s.Status.UserAction != bot.ActionNone && s.Status.UserAction != bot.ActionWaitUntil ||
		meta.IsStatusConditionTrue(s.Status.Conditions, v1alpha1.ConditionStalled)
}

// matches reports whether a session is asked for. The states are counted over the sessions that pass the other filters.
func (f *filter) matches(s *v1alpha1.WhatsAppSession) (counted, kept bool) {
	if f.namespace != "" && s.Namespace != f.namespace || f.selector != nil && !f.selector.Matches(labels.Set(s.Labels)) || !f.found(s) {
		return false, false
	}
	kept = (len(f.states) == 0 || slices.Contains(f.states, s.Status.State)) &&
		(len(f.actions) == 0 || slices.Contains(f.actions, s.Status.UserAction)) &&
		(!f.attention || needsPerson(s))
	return true, kept
}

// found reports whether a session's name, number or account name contains the text that is searched for.
func (f *filter) found(s *v1alpha1.WhatsAppSession) bool {
	if f.search == "" || strings.Contains(s.Name, f.search) || strings.Contains(s.Namespace+"/"+s.Name, f.search) {
		return true
	}
	facts := s.Status.Session
	return facts != nil && (strings.Contains(facts.PhoneNumber, f.search) || strings.Contains(strings.ToLower(facts.PushName), f.search) ||
		f.wholeNumber() && strings.TrimPrefix(facts.PhoneNumber, "+") == bot.MaskPhone(strings.TrimPrefix(f.search, "+")))
}

// wholeNumber reports whether the text may be a whole phone number. Where numbers are masked, it finds those that look the
// same.
func (f *filter) wholeNumber() bool {
	const shortest = 7
	digits := strings.TrimPrefix(f.search, "+")
	return len(digits) >= shortest && strings.Trim(digits, "0123456789") == ""
}

// page returns one page of the sessions that a caller may see.
func (g *Gateway) page(f filter, seen func(*v1alpha1.WhatsAppSession) bool) bot.GatewaySessions {
	out := bot.GatewaySessions{Items: []bot.GatewaySession{}, States: map[bot.State]int{}}
	all := g.fleet.sessions(func(s *v1alpha1.WhatsAppSession) bool {
		if !seen(s) {
			return false
		}
		counted, kept := f.matches(s)
		if counted {
			out.States[s.Status.State]++
		}
		return kept
	})
	out.Total = len(all)
	if f.oldest {
		slices.SortStableFunc(all, func(a, b *v1alpha1.WhatsAppSession) int { return show(a).Since.Compare(show(b).Since.Time) })
	}
	begin := 0
	if f.after != "" {
		begin = len(all)
		for i, s := range all {
			if key := s.Namespace + "/" + s.Name; f.oldest && key == f.after || !f.oldest && strings.Compare(key, f.after) > 0 {
				begin = i
				if f.oldest {
					begin++
				}
				break
			}
		}
	}
	end := min(begin+f.limit, len(all))
	for _, s := range all[begin:end] {
		out.Items = append(out.Items, show(s))
	}
	if end < len(all) && end > begin {
		last := all[end-1]
		out.Next = base64.RawURLEncoding.EncodeToString([]byte(last.Namespace + "/" + last.Name))
	}
	return out
}

// serveList answers with a page of sessions.
func (c *call) serveList() error {
	if c.r.Method != http.MethodGet && c.r.Method != http.MethodHead {
		return methods(http.MethodGet)
	}
	who, failure := c.identify(c.r)
	if failure != nil {
		return failure
	}
	return c.listed(who, func(seen sight, none *problem) error {
		f, failure := parseFilter(c.r)
		if failure == nil {
			failure = none
		}
		if failure != nil {
			return failure
		}
		writeJSON(c.w, http.StatusOK, "application/json", c.page(f, seen))
		return nil
	})
}

// listed does something with the sessions that a caller may list; none is as that of seen.
func (c *call) listed(who *caller, do func(seen sight, none *problem) error) error {
	if failure := c.paced(who); failure != nil {
		return failure
	}
	done, failure := c.ledger.admit(who.name, sessionKey{}, false, c.began)
	if failure != nil {
		return failure
	}
	defer done()
	defer func() { c.note(who, actList, sessionKey{}, false, c.w.status) }()
	seen, none, failure := c.seen(c.r.Context(), who, actList, c.r.URL.Query().Get("namespace"))
	if failure != nil {
		return failure
	}
	return do(seen, none)
}

func methods(allowed string) *problem {
	p := problemMethod
	p.allow = allowed
	return &p
}

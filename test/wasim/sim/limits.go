package sim

import (
	"crypto/hmac"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// The codes with which the server refuses a message: to a chat that the account may not begin, to an address that is
// not on WhatsApp. What the real server answers to the second is not known.
const (
	codeRestricted = 463
	codeNoAddress  = 400
)

// A privacy token is valid in the week of its issue and in the three weeks after.
const (
	tokenBucket  = 7 * 24 * time.Hour
	tokenBuckets = 4
)

// Limits are what the server does not allow an account to do. They concern people who never wrote to the account;
// replies and groups still work.
type Limits struct {
	// NeedToken demands a privacy token of the person, which Person.Trust hands out, or else one that is made of the
	// account's own salt, which Person.GiveSalt hands out.
	NeedToken bool `json:"needToken"`
	// TimelockedUntil is when the account may write to new people again, zero if it may now.
	TimelockedUntil time.Time `json:"timelockedUntil,omitzero"`
	// Enforcement is the reason of a timelock, RESTRICT_ALL_COMPANIONS by default.
	Enforcement string `json:"enforcement,omitempty"`
	// Quota is how many new people the account may write to until CycleEnd, 0 for no limit; Used how many it did.
	Quota    int       `json:"quota,omitempty"`
	Used     int       `json:"used"`
	CycleEnd time.Time `json:"cycleEnd,omitzero"`
}

func (l Limits) timelocked(now time.Time) bool { return now.Before(l.TimelockedUntil) }

// trust is what an account's number knows about other people.
type trust struct {
	mu     sync.Mutex
	limits Limits
	known  map[string]bool         // who wrote to the account, or whom it wrote to
	tokens map[string]privacyToken // by the number of the person that gave it
}

type privacyToken struct {
	value  string
	issued time.Time
}

// valid reports whether the token's last bucket is not over.
func (t privacyToken) valid(now time.Time) bool {
	buckets := now.Unix()/int64(tokenBucket.Seconds()) - t.issued.Unix()/int64(tokenBucket.Seconds())
	return buckets < tokenBuckets
}

// Limits returns the limits of a number.
func (p Person) Limits() (Limits, error) {
	a, err := p.server.account(p.phone)
	if err != nil {
		return Limits{}, err
	}
	a.trust.mu.Lock()
	defer a.trust.mu.Unlock()
	return a.trust.limits, nil
}

// SetLimits sets the limits of a number. Its bots are told when the timelock or the quota changes.
func (p Person) SetLimits(limits Limits) error {
	s := p.server
	a, err := s.account(p.phone)
	if err != nil {
		return err
	}
	if limits.Enforcement == "" {
		limits.Enforcement = "RESTRICT_ALL_COMPANIONS"
	}
	a.trust.mu.Lock()
	before := a.trust.limits
	a.trust.limits = limits
	a.trust.mu.Unlock()
	if before.TimelockedUntil != limits.TimelockedUntil {
		s.tellMex(a, "NotificationUserReachoutTimelockUpdate", "xwa2_notify_account_reachout_timelock", limits.timelock(time.Now()))
	}
	if before.Quota != limits.Quota || before.Used != limits.Used {
		s.tellMex(a, "MessageCappingInfoNotification", "xwa2_notify_new_chat_messages_capping_info_update", limits.capping())
	}
	return nil
}

func (l Limits) timelock(now time.Time) map[string]any {
	if !l.timelocked(now) {
		return map[string]any{"is_active": false, "enforcement_type": "DEFAULT"}
	}
	return map[string]any{
		"is_active": true, "time_enforcement_ends": strconv.FormatInt(l.TimelockedUntil.Unix(), 10), "enforcement_type": l.Enforcement,
	}
}

func (l Limits) capping() map[string]any {
	status := "NONE"
	switch {
	case l.Quota > 0 && l.Used >= l.Quota:
		status = "CAPPED"
	case l.Quota > 0 && l.Used*10 >= l.Quota*9:
		status = "SECOND_WARNING"
	case l.Quota > 0 && l.Used*4 >= l.Quota*3:
		status = "FIRST_WARNING"
	}
	info := map[string]any{
		"total_quota": l.Quota, "used_quota": l.Used, "capping_status": status, "ote_status": "NOT_ELIGIBLE", "mv_status": "NOT_ELIGIBLE",
	}
	if !l.CycleEnd.IsZero() {
		info["cycle_end_timestamp"] = strconv.FormatInt(l.CycleEnd.Unix(), 10)
	}
	return info
}

// tellMex sends the bots of an account a notification in the form of a GraphQL answer.
func (s *Server) tellMex(a *account, operation, field string, value any) {
	body, err := json.Marshal(map[string]any{"data": map[string]any{field: value}})
	if err != nil {
		s.log.Error("make a notification", "error", err)
		return
	}
	node := notification("mex", waBinary.Node{Tag: "update", Attrs: waBinary.Attrs{"op_name": operation}, Content: body})
	s.tell(a, node)
}

// The ids under which clients ask for limits.
const (
	queryTimelock = "23983697327930364"
	queryCapping  = "24503548349331633"
)

// handleMex answers a GraphQL query.
func (s *Server) handleMex(c *conn, iq, request *waBinary.Node) {
	if f := s.hit(FaultMex, c.dev.jid().String()); f != nil {
		c.send(refusal(iq, f.Code, "fault"))
		return
	}
	a := c.dev.account
	a.trust.mu.Lock()
	limits := a.trust.limits
	a.trust.mu.Unlock()
	var body map[string]any
	switch attrText(request, "query_id") {
	case queryTimelock:
		body = map[string]any{"data": map[string]any{"xwa2_fetch_account_reachout_timelock": limits.timelock(time.Now())}}
	case queryCapping:
		body = map[string]any{"data": map[string]any{"xwa2_message_capping_info": limits.capping()}}
	default:
		content, _ := request.Content.([]byte)
		var known bool
		if body, known = s.newsletterMex(a, attrText(request, "query_id"), content); !known {
			body = mexError(400, "unknown query")
		}
	}
	raw, err := json.Marshal(body)
	if err != nil {
		c.send(refusal(iq, 500, "internal-server-error"))
		return
	}
	c.send(answer(iq, waBinary.Node{Tag: "result", Content: raw}))
}

// Trust hands a privacy token for the person to the bots of a number, as if the person had done so at a time (zero:
// now). A token that is too old does not count.
func (p Person) Trust(number types.JID, issued time.Time) error {
	s := p.server
	person, err := s.account(p.phone)
	if err != nil {
		return err
	}
	holder, _, err := s.receivers(number)
	if err != nil {
		return err
	}
	if issued.IsZero() {
		issued = time.Now()
	}
	given := privacyToken{value: randomText(24), issued: issued}
	holder.trust.mu.Lock()
	if holder.trust.tokens == nil {
		holder.trust.tokens = map[string]privacyToken{}
	}
	holder.trust.tokens[person.phone] = given
	holder.trust.mu.Unlock()
	node := notification("privacy_token", waBinary.Node{Tag: "tokens", Content: []waBinary.Node{{
		Tag:     "token",
		Attrs:   waBinary.Attrs{"jid": holder.jid(), "t": issued.Unix(), "type": "trusted_contact"},
		Content: []byte(given.value),
	}}})
	node.Attrs["from"], node.Attrs["sender_lid"] = s.addressOf(person), person.lidJID()
	s.tell(holder, node)
	return nil
}

// handlePrivacy answers a request about privacy: the settings, or a token that the bot hands out.
func (s *Server) handlePrivacy(c *conn, iq, request *waBinary.Node) {
	if request.Tag != "tokens" {
		c.send(answer(iq, waBinary.Node{Tag: "privacy", Content: privacyDefaults}))
		return
	}
	for _, issued := range request.GetChildrenByTag("token") {
		s.signals.add(Signal{Bot: c.dev.jid().String(), Tag: "token", Type: attrText(&issued, "type"), To: attrText(&issued, "jid")})
	}
	c.send(answer(iq, waBinary.Node{Tag: "tokens"}))
}

// meet makes two accounts know each other: messages between them begin no new chat.
func meet(a, b *account) {
	for _, pair := range [][2]*account{{a, b}, {b, a}} {
		pair[0].trust.mu.Lock()
		if pair[0].trust.known == nil {
			pair[0].trust.known = map[string]bool{}
		}
		pair[0].trust.known[pair[1].phone] = true
		pair[0].trust.mu.Unlock()
	}
}

// classifyChat returns the code with which the server refuses a message to a person, 0 if it takes it. A message
// that begins a chat counts against the quota.
func (s *Server) classifyChat(from, to *account, node *waBinary.Node) int {
	if to == nil || to.isStranger() {
		s.event(EventStranger, from.jid().String(), attrText(node, "id"))
		return codeNoAddress
	}
	code := 0
	if from != to {
		made := from.appState.tokenFor(to.lidJID())
		own := made != nil && hmac.Equal(made, childBytes(node, "cstoken"))
		code = from.trust.begin(to, string(childBytes(node, "tctoken")), own)
	}
	if code == 0 {
		meet(from, to)
	}
	return code
}

// begin returns the code with which a chat with a person is refused, and counts a new one against the quota. own
// reports whether the message shows the token that is made of the account's salt.
func (t *trust) begin(to *account, shown string, own bool) int {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known[to.phone] {
		return 0
	}
	given := t.tokens[to.phone]
	trusted := given.value != "" && given.valid(now) && given.value == shown
	switch {
	case t.limits.timelocked(now), t.limits.Quota > 0 && t.limits.Used >= t.limits.Quota, t.limits.NeedToken && !trusted && !own:
		return codeRestricted
	}
	t.limits.Used++
	return 0
}

// aliases are numbers that lead to another one, as with the ninth digit of Brazil.
type aliases struct {
	mu    sync.Mutex
	phone map[string]string
}

// Alias makes a number that people write lead to the person: who asks for it is told the person's number. Messages
// to the alias itself reach no one.
func (p Person) Alias(number string) error {
	if _, err := p.server.account(p.phone); err != nil {
		return err
	}
	if !phonePattern.MatchString(number) || number == p.phone {
		return fmt.Errorf("%w: alias %q, it must be another phone number", ErrInvalid, number)
	}
	known := &p.server.aliases
	known.mu.Lock()
	defer known.mu.Unlock()
	if known.phone == nil {
		known.phone = map[string]string{}
	}
	known.phone[number] = p.phone
	return nil
}

// of returns the number that a number leads to, empty if it is no alias.
func (a *aliases) of(number string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.phone[number]
}

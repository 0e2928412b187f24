package messenger

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"go.mau.fi/whatsmeow"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
)

const (
	// limitsFresh is how long WhatsApp's answer about its limits is used. While a limit is in force, the bot then asks
	// again.
	limitsFresh = 10 * time.Minute
	// limitsShown is how old the answer may be that people see.
	limitsShown = 5 * time.Second
	// limitsTime bounds a query about limits, because messages wait for it.
	limitsTime = 10 * time.Second
	// The queries that WhatsApp's own clients ask. Their numbers can change: then the limits are not known.
	queryTimelock, queryCapping = "23983697327930364", "24503548349331633"
)

// limits are what WhatsApp does not allow the account to do with new people, as far as the bot knows.
type limits struct {
	// checked is when WhatsApp answered; zero when it never did.
	checked time.Time
	// timelockedUntil is when the account may write to new people again; zero when it may.
	timelockedUntil time.Time
	enforcement     string
	// cappedUntil is when the account gets a new quota of new people; zero while it has one.
	cappedUntil, quotaEnds time.Time
	quota, used            int
}

// hold returns why a first message to someone must wait; nil when it may be sent.
func (l limits) hold(now time.Time) *bot.Hold {
	switch {
	case now.Before(l.timelockedUntil):
		return &bot.Hold{Reason: bot.HoldTimelocked, Until: bot.At(l.timelockedUntil)}
	case now.Before(l.cappedUntil):
		return &bot.Hold{Reason: bot.HoldCapped, Until: bot.At(l.cappedUntil)}
	}
	return nil
}

// same reports whether two limits are equal, apart from the time of the answer.
func (l limits) same(other limits) bool {
	l.checked, other.checked = time.Time{}, time.Time{}
	return l == other
}

// known returns the limits as they were last found.
func (m *Messenger) knownLimits() limits {
	m.limitsMu.Lock()
	defer m.limitsMu.Unlock()
	return m.limits
}

// freshLimits asks WhatsApp for the limits if the last answer is older than most. If WhatsApp does not answer, the last
// known limits stay, because they may still be in force.
func (m *Messenger) freshLimits(ctx context.Context, client *whatsmeow.Client, most time.Duration) limits {
	m.askLimits.Lock()
	defer m.askLimits.Unlock()
	now := m.Journal.Now()
	was := m.knownLimits()
	// Those who waited for a question that failed do not each ask it again.
	if !was.checked.IsZero() && now.Sub(was.checked) < most || now.Sub(m.limitsFailed) < min(most, limitsShown) {
		return was
	}
	ctx, cancel := context.WithTimeout(ctx, limitsTime)
	defer cancel()
	found, err := fetchLimits(ctx, client, now)
	if err != nil {
		m.Log.Warn("WhatsApp did not say what the account may do", "cause", causeOf(err))
		m.limitsFailed = m.Journal.Now()
		return was
	}
	m.limitsMu.Lock()
	m.limits = found
	m.limitsMu.Unlock()
	if !found.same(was) && !was.checked.IsZero() || was.checked.IsZero() && found.hold(now) != nil {
		m.limitsChanged(found, now)
	}
	return found
}

// limitsChanged writes an event about new limits, and releases the messages that the old ones held.
func (m *Messenger) limitsChanged(found limits, now time.Time) {
	m.Log.Info("the limits of the account changed", "timelockedUntil", found.timelockedUntil, "cappedUntil", found.cappedUntil, "quota", found.quota, "used", found.used)
	ctx, cancel := commitContext()
	defer cancel()
	shown := m.shownLimits(found)
	err := m.Journal.Commit(ctx, func(t *journal.Tx) error {
		if found.hold(now) == nil {
			if err := t.ReleaseHeld(bot.HoldTimelocked, bot.HoldCapped); err != nil {
				return err
			}
		}
		key := journal.KeyOf(string(bot.EventAccountLimits), strconv.FormatInt(now.UnixNano(), 10))
		_, err := t.Append([]journal.Key{key}, bot.EventAccountLimits, "", bot.EventData{Limits: &shown})
		return err
	})
	if err != nil {
		m.Log.Error("the limits of the account could not be written to the journal", "error", err)
	}
	m.nudge()
}

func fetchLimits(ctx context.Context, client *whatsmeow.Client, now time.Time) (l limits, err error) {
	var lock struct {
		Found struct {
			Active      bool   `json:"is_active"`
			Ends        string `json:"time_enforcement_ends"`
			Enforcement string `json:"enforcement_type"`
		} `json:"xwa2_fetch_account_reachout_timelock"`
	}
	if err := query(ctx, client, queryTimelock, map[string]any{}, &lock); err != nil {
		return limits{}, err
	}
	var capping struct {
		Found struct {
			Quota  int    `json:"total_quota"`
			Used   int    `json:"used_quota"`
			Ends   string `json:"cycle_end_timestamp"`
			Status string `json:"capping_status"`
		} `json:"xwa2_message_capping_info"`
	}
	if err := query(ctx, client, queryCapping, map[string]any{"input": map[string]any{"type": "INDIVIDUAL_NEW_CHAT_MSG"}}, &capping); err != nil {
		return limits{}, err
	}
	l = limits{checked: now, quota: capping.Found.Quota, used: capping.Found.Used, quotaEnds: unix(capping.Found.Ends)}
	if lock.Found.Active {
		l.enforcement, l.timelockedUntil = lock.Found.Enforcement, orLater(unix(lock.Found.Ends), now)
	}
	if capping.Found.Status == "CAPPED" {
		l.cappedUntil = orLater(l.quotaEnds, now)
	}
	return l, nil
}

// orLater is when a limit ends, or when to ask again if WhatsApp does not say.
func orLater(ends, now time.Time) time.Time {
	if ends.After(now) {
		return ends
	}
	return now.Add(restrictedPause)
}

func unix(seconds string) time.Time {
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || n <= 0 {
		return time.Time{}
	}
	return time.Unix(n, 0)
}

// query asks WhatsApp one question in GraphQL. whatsmeow has no public call for it.
func query(ctx context.Context, client *whatsmeow.Client, id string, variables, into any) error {
	answer, err := client.DangerousInternals().SendMexIQ(ctx, id, variables) //nolint:staticcheck // there is no public call
	if err != nil {
		return err
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("read what WhatsApp says of limits: %w", err)
	}
	return nil
}

// Limits asks WhatsApp what the account may do, and returns what is known while it is not connected.
func (m *Messenger) Limits(ctx context.Context) (bot.AccountLimits, error) {
	found := m.knownLimits()
	if client, err := m.client(); err == nil {
		found = m.freshLimits(ctx, client, limitsShown)
	}
	shown := m.shownLimits(found)
	var err error
	shown.Pace.NewChatsToday, err = m.Journal.NewChats(ctx, m.today())
	return shown, err
}

func (m *Messenger) shownLimits(l limits) bot.AccountLimits {
	pace := m.pace.Load()
	return bot.AccountLimits{
		CheckedAt: bot.At(l.checked), TimelockedUntil: bot.At(l.timelockedUntil), Enforcement: l.enforcement,
		Quota: l.quota, QuotaUsed: l.used, QuotaEnds: bot.At(l.quotaEnds), CappedUntil: bot.At(l.cappedUntil),
		Pace: bot.Pace{PerMinute: pace.PerMinute, Burst: pace.Burst, NewChatsPerDay: pace.NewChats, QuietHours: pace.Quiet.String()},
	}
}

// today is the day that the budget of new chats counts.
func (m *Messenger) today() string { return m.pace.Load().clock(m.Journal.Now()).Format(time.DateOnly) }

package observer

import (
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

// Mirror copies into a session's status what it shows of a bot's snapshot. The state, reason and user action are not
// among it: the operator's own may take their place.
func Mirror(status *v1alpha1.WhatsAppSessionStatus, snapshot *bot.Snapshot) {
	before := status.Session
	if before == nil {
		before = &v1alpha1.SessionStatus{}
	}
	status.Session = &v1alpha1.SessionStatus{
		Exists: snapshot.Exists, Expired: snapshot.Expired,
		LastModified: moment(snapshot.LastModified), SizeBytes: snapshot.Size, Path: snapshot.Path,
		JID: snapshot.JID, LID: snapshot.LID, PhoneNumber: bot.PhoneNumber(snapshot.JID), PushName: snapshot.PushName,
		LinkedAt: moment(snapshot.LinkedAt), LastConnectedAt: moment(snapshot.ConnectedAt),
	}
	if status.Session.LastConnectedAt == nil {
		status.Session.LastConnectedAt = before.LastConnectedAt
	}
	status.QR = &v1alpha1.QRStatus{Needed: snapshot.QRRequired, ExpiresAt: moment(snapshot.QRExpiresAt)}
	mirrorMessages(status, snapshot.Messages)
	status.RestrictedUntil = moment(snapshot.RestrictedUntil)
	status.WebVersion = snapshot.WebVersion
	status.Notice = string(snapshot.Notice)
	status.Instance = snapshot.Instance
}

func mirrorMessages(status *v1alpha1.WhatsAppSessionStatus, messages *bot.MessagesSummary) {
	status.Webhooks, status.Sending = nil, nil
	if messages == nil {
		return
	}
	for _, w := range messages.Webhooks {
		status.Webhooks = append(status.Webhooks, v1alpha1.WebhookStatus{
			Name: w.Name, State: w.State, BacklogSince: moment(w.BacklogSince), DeadLetters: int64(w.DeadLetters), //nolint:gosec // decode bounds it
		})
	}
	if held := messages.Held; held != nil {
		status.Sending = &v1alpha1.SendingStatus{HeldFor: held.Reason, Until: moment(held.Until)}
	}
}

// moment is a bot's time as a status shows it, to the second; nil for none.
func moment(t bot.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	shown := metav1.NewTime(t.Truncate(time.Second))
	return &shown
}

// change says how much of a session's status a new snapshot changes.
type change int

const (
	// nothing: the status stays the same.
	nothing change = iota
	// minor: only the size and age of the session directory. They change with every message, so they are emitted rarely.
	minor
	// major: something that a person or an alert waits for.
	major
)

// shown is all of a snapshot that a status shows: what Mirror copies, and what the state and the conditions are derived
// from.
type shown struct {
	mirrored   v1alpha1.WhatsAppSessionStatus
	state      bot.State
	reason     bot.Reason
	userAction bot.UserAction
	message    string
	connected  bool
	// refused: the bot cannot read its webhooks.
	refused bool
	// summary: the bot reports about messages.
	summary bool
}

func shownOf(snapshot *bot.Snapshot) shown {
	s := shown{
		state: snapshot.State, reason: snapshot.Reason, userAction: snapshot.UserAction,
		message: snapshot.Message, connected: snapshot.Connected,
		summary: snapshot.Messages != nil, refused: snapshot.Messages != nil && snapshot.Messages.WebhooksRefused,
	}
	Mirror(&s.mirrored, snapshot)
	return s
}

// classifyChange compares two snapshots by what a status shows. It uses Mirror, so it cannot miss a field that a status
// has, nor emit an event for one that it has not.
func classifyChange(before, after *bot.Snapshot) change {
	if before == nil {
		return major
	}
	a, b := shownOf(before), shownOf(after)
	if a.state != b.state || a.reason != b.reason || a.userAction != b.userAction || a.message != b.message || a.connected != b.connected ||
		a.refused != b.refused || a.summary != b.summary {
		return major
	}
	if equality.Semantic.DeepEqual(a.mirrored, b.mirrored) {
		return nothing
	}
	a.mirrored.Session.SizeBytes, a.mirrored.Session.LastModified = b.mirrored.Session.SizeBytes, b.mirrored.Session.LastModified
	if equality.Semantic.DeepEqual(a.mirrored, b.mirrored) {
		return minor
	}
	return major
}

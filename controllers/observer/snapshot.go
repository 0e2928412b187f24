package observer

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"

	"sesi.dev/sesi/api/bot"
)

// Limits of what a bot reports, so that the API server accepts every status.
const (
	maxText    = 512
	maxWord    = 64
	maxAddress = 128
)

var word = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*$`)

// decode reads a snapshot. It refuses anything else, and the snapshot of another bot process. A word that this operator
// does not know is accepted, because the bot may be newer. Texts lose what is not printable and what exceeds their limit.
func decode(data []byte, instance string) (*bot.Snapshot, error) {
	snapshot := &bot.Snapshot{}
	if err := json.Unmarshal(data, snapshot); err != nil {
		return nil, errors.New("the bot sends an event that is not a snapshot")
	}
	if snapshot.Instance != instance {
		return nil, errors.New("another bot process answers at the bot's address")
	}
	for _, field := range []struct{ name, word string }{
		{"state", string(snapshot.State)}, {"reason", string(snapshot.Reason)}, {"user action", string(snapshot.UserAction)},
		{"notice", string(snapshot.Notice)},
	} {
		empty := field.word == "" && field.name == "notice"
		if !empty && (len(field.word) > maxWord || !word.MatchString(field.word)) {
			return nil, fmt.Errorf("the bot reports an invalid %s", field.name)
		}
	}
	if snapshot.Size < 0 {
		return nil, errors.New("the bot reports a negative size")
	}
	if err := checkMessages(snapshot.Messages); err != nil {
		return nil, err
	}
	snapshot.Message = bot.Printable(snapshot.Message, maxText)
	snapshot.Path = bot.Printable(snapshot.Path, maxText)
	snapshot.PushName = bot.Printable(snapshot.PushName, maxAddress)
	snapshot.JID = bot.Printable(snapshot.JID, maxAddress)
	snapshot.LID = bot.Printable(snapshot.LID, maxAddress)
	snapshot.WebVersion = bot.Printable(snapshot.WebVersion, maxWord)
	for _, field := range []struct {
		name  string
		value bot.Time
	}{
		{"linkedAt", snapshot.LinkedAt}, {"connectedAt", snapshot.ConnectedAt}, {"lastModified", snapshot.LastModified},
		{"qrExpiresAt", snapshot.QRExpiresAt}, {"restrictedUntil", snapshot.RestrictedUntil},
	} {
		if err := checkTime(field.name, field.value); err != nil {
			return nil, err
		}
	}
	return snapshot, nil
}

func checkTime(name string, value bot.Time) error {
	if year := value.Year(); !value.IsZero() && (year < 1970 || year > 9999) {
		return fmt.Errorf("the bot reports a %s outside the years 1970 to 9999", name)
	}
	return nil
}

// maxWebhooks is how many webhooks a status can show.
const maxWebhooks = 32

var (
	webhookName = regexp.MustCompile(`^[-a-z0-9]{1,63}$`)
	lowerWord   = regexp.MustCompile(`^[a-z][-a-z]{0,63}$`)
)

// checkMessages refuses a summary that no status can show.
func checkMessages(messages *bot.MessagesSummary) error {
	if messages == nil {
		return nil
	}
	if len(messages.Webhooks) > maxWebhooks {
		return fmt.Errorf("the bot reports more than %d webhooks", maxWebhooks)
	}
	names := map[string]bool{}
	for _, w := range messages.Webhooks {
		if !webhookName.MatchString(w.Name) || names[w.Name] || !lowerWord.MatchString(string(w.State)) || w.DeadLetters > math.MaxInt64 {
			return errors.New("the bot reports an invalid webhook")
		}
		names[w.Name] = true
		if err := checkTime("backlogSince", w.BacklogSince); err != nil {
			return err
		}
	}
	if held := messages.Held; held != nil {
		if !lowerWord.MatchString(string(held.Reason)) {
			return errors.New("the bot reports an invalid reason for holding messages")
		}
		return checkTime("end of holding messages", held.Until)
	}
	return nil
}

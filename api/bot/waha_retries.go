package bot

import "time"

// WAHARetries say how often WAHA would try an event of a webhook.
type WAHARetries struct {
	// Policy says how the pauses grow: linear, exponential or constant.
	Policy string `json:"policy,omitempty"`
	// DelaySeconds is the first pause.
	DelaySeconds float64 `json:"delaySeconds,omitempty"`
	// Attempts is how many tries there are; 0 for the bot's own patience.
	Attempts int `json:"attempts,omitempty"`
}

// Patience is how long WAHA would try an event, between a minute and a week; 0 for the bot's own patience.
func (r WAHARetries) Patience() time.Duration {
	if r.Attempts <= 0 {
		return 0
	}
	const longest = 7 * 24 * time.Hour
	pause, total := longest, time.Duration(0)
	if r.DelaySeconds < longest.Seconds() {
		pause = max(0, time.Duration(r.DelaySeconds*float64(time.Second)))
	}
	for i := range min(r.Attempts, 10_000) {
		switch r.Policy {
		case "linear":
			total += time.Duration(i+1) * pause
		case "exponential":
			total += pause
			pause = min(2*pause, longest)
		default:
			total += pause
		}
		if total >= longest {
			return longest
		}
	}
	return max(total, time.Minute)
}

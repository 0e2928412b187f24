package bot

// MessagesSummary says how deliveries and sending are going, in steps so coarse that it changes rarely however many
// messages there are. It never holds content.
type MessagesSummary struct {
	// Webhooks are the bot's webhooks, by name.
	Webhooks []WebhookSummary `json:"webhooks"`
	// WebhooksRefused is true while the bot cannot read its webhooks as they are now; those before stay in use.
	WebhooksRefused bool `json:"webhooksRefused,omitempty"`
	// Held is why messages that could be sent wait, and until when: with timelocked and capped only the first messages to
	// new people wait.
	Held *Hold `json:"held,omitempty"`
}

// WebhookSummary is one webhook in a MessagesSummary.
type WebhookSummary struct {
	Name string `json:"name"`
	// State is retrying only when an event has waited for half a minute.
	State WebhookState `json:"state"`
	// BacklogSince is about when the oldest event that waits came; null while none has waited for half a minute.
	BacklogSince Time `json:"backlogSince"`
	// DeadLetters is how many events were given up, rounded down to 1, 2 or 5 with zeros behind.
	DeadLetters uint64 `json:"deadLetters"`
}

package bot

// Activity says what came of messages since the bot started. It holds no content, number or name.
type Activity struct {
	// Since is when the bot started to count.
	Since Time `json:"since"`
	// Received counts messages that came, Sent those that WhatsApp took from the bot, Failed those that were given up.
	Received uint64 `json:"received"`
	Sent     uint64 `json:"sent"`
	Failed   uint64 `json:"failed"`
	// Waiting counts messages that are still to be sent.
	Waiting int `json:"waiting"`
	// Backlog counts events that webhooks have not taken yet, DeadLetters those that were given up.
	Backlog     uint64 `json:"backlog"`
	DeadLetters uint64 `json:"deadLetters"`
	// LastError says what went wrong last, in the caller's language, at LastErrorAt: a message that was given up, or a
	// delivery to a webhook.
	LastError   string `json:"lastError,omitempty"`
	LastErrorAt Time   `json:"lastErrorAt"`
}

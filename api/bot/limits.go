package bot

// MaxChecked bounds the contacts of one CheckRequest.
const MaxChecked = 50

// CheckRequest asks who is on WhatsApp.
type CheckRequest struct {
	// Contacts are numbers as people write them, with their country code, or addresses of people.
	Contacts []string `json:"contacts" required:"true" minItems:"1" maxItems:"50"`
}

// CheckedContacts answers a CheckRequest, in the order of the request.
type CheckedContacts struct {
	Contacts []CheckedContact `json:"contacts"`
}

// CheckedContact says what is known of one contact.
type CheckedContact struct {
	// Query is the contact as the request named it.
	Query      string `json:"query"`
	OnWhatsApp bool   `json:"onWhatsApp"`
	// Contact is the person under the address that WhatsApp uses: in Brazil and Mexico its number may be another.
	Contact *Party `json:"contact,omitempty"`
	// NewChat is true when no message went either way that the bot knows of.
	NewChat bool `json:"newChat"`
	// Sendable is true when a message would go now; else Hold says until when it would wait.
	Sendable bool  `json:"sendable"`
	Hold     *Hold `json:"hold,omitempty"`
}

// AccountLimits are what WhatsApp and the bot's own settings let the account do.
type AccountLimits struct {
	// CheckedAt is when WhatsApp last said so; null while it has not.
	CheckedAt Time `json:"checkedAt"`
	// TimelockedUntil is when the account may write to new people again; null when it may.
	TimelockedUntil Time `json:"timelockedUntil"`
	// Enforcement is WhatsApp's word for the reason of a timelock.
	Enforcement string `json:"enforcement,omitempty"`
	// Quota is how many new people the account may write to until QuotaEnds, 0 when WhatsApp names none; QuotaUsed
	// is how many it did.
	Quota     int  `json:"quota"`
	QuotaUsed int  `json:"quotaUsed"`
	QuotaEnds Time `json:"quotaEnds"`
	// CappedUntil is when the account gets its next quota; null while it has one.
	CappedUntil Time `json:"cappedUntil"`
	// Pace are the bot's own settings.
	Pace Pace `json:"pace"`
}

// Pace is how fast the bot sends.
type Pace struct {
	// PerMinute is how many messages the bot sends in a minute, 0 for no limit; Burst is how many go at once.
	PerMinute int `json:"perMinute"`
	Burst     int `json:"burst"`
	// NewChatsPerDay is how many new people the bot writes to in a day, 0 for no limit; NewChatsToday is how many it
	// wrote to today.
	NewChatsPerDay int `json:"newChatsPerDay"`
	NewChatsToday  int `json:"newChatsToday"`
	// QuietHours is the time of day at which nothing is sent, such as 21:00-07:00; empty for none.
	QuietHours string `json:"quietHours,omitempty"`
}

// Starred answers a request to put a star at a message, or to take it away.
type Starred struct {
	ID      string `json:"id"`
	Starred bool   `json:"starred"`
}

// MarkedRead answers a request to mark a message as read.
type MarkedRead struct {
	ID string `json:"id"`
}

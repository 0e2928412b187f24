package bot

// WAHASendEvent sends an appointment, which WAHA calls an event as WhatsApp does.
type WAHASendEvent struct {
	ChatID  string        `json:"chatId" required:"true"`
	ReplyTo string        `json:"reply_to,omitempty"`
	Event   WAHAEventBody `json:"event" required:"true"`
}

// WAHAEventBody is an appointment; its times are in seconds.
type WAHAEventBody struct {
	Name        string  `json:"name" required:"true"`
	Description string  `json:"description,omitempty"`
	StartTime   float64 `json:"startTime" required:"true"`
	// EndTime may be null.
	EndTime            float64        `json:"endTime,omitempty"`
	Location           *WAHAEventSite `json:"location,omitempty"`
	ExtraGuestsAllowed bool           `json:"extraGuestsAllowed,omitempty"`
}

// WAHAEventSite names where an appointment is.
type WAHAEventSite struct {
	Name string `json:"name" required:"true"`
}

// WAHAEventResponse is the payload of event.response and event.response.failed.
type WAHAEventResponse struct {
	ID               string       `json:"id"`
	Timestamp        int64        `json:"timestamp"`
	From             string       `json:"from"`
	FromMe           bool         `json:"fromMe"`
	Source           string       `json:"source"`
	To               string       `json:"to"`
	Participant      string       `json:"participant"`
	EventCreationKey WAHAVotePoll `json:"eventCreationKey"`
	// EventResponse is missing in event.response.failed.
	EventResponse *WAHAAnswer `json:"eventResponse,omitempty"`
	Data          struct{}    `json:"_data"`
}

// WAHAAnswer says whether someone comes: GOING, NOT_GOING, MAYBE or UNKNOWN.
type WAHAAnswer struct {
	Response string `json:"response"`
	// TimestampMs is in milliseconds.
	TimestampMs     int64 `json:"timestampMs"`
	ExtraGuestCount int   `json:"extraGuestCount"`
}

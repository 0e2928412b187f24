package bot

// The bounds of an appointment.
const (
	// MaxAppointmentName and MaxAppointmentText bound the characters of a name and of a description.
	MaxAppointmentName = 100
	MaxAppointmentText = 2048
)

// Appointment has a time and a place, and people answer whether they come. WhatsApp calls it an event.
type Appointment struct {
	Name        string `json:"name" required:"true" minLength:"1" maxLength:"100"`
	Description string `json:"description,omitempty" maxLength:"2048"`
	StartsAt    Time   `json:"startsAt" required:"true"`
	EndsAt      Time   `json:"endsAt,omitzero"`
	// Location may have a name only: without coordinates both are 0.
	Location *Location `json:"location,omitempty"`
	// GuestsAllowed lets those who come say that they bring others.
	GuestsAllowed bool `json:"guestsAllowed,omitempty"`
	// CallLink leads to a call at that time. The bot cannot send one.
	CallLink string `json:"callLink,omitempty"`
	// Cancelled is true when it was called off. The bot cannot do that.
	Cancelled bool `json:"cancelled,omitempty"`
}

// Coming says whether a person comes.
type Coming string

// The answers to an appointment.
const (
	ComingYes   Coming = "yes"
	ComingNo    Coming = "no"
	ComingMaybe Coming = "maybe"
	// ComingUnknown: the person took the answer back, or it cannot be read.
	ComingUnknown Coming = "unknown"
)

// AppointmentAnswer is someone's answer to an appointment. It replaces an earlier one.
type AppointmentAnswer struct {
	// ID is the answer's own message id.
	ID string `json:"id"`
	// MessageID is the appointment.
	MessageID string `json:"messageId"`
	Chat      Party  `json:"chat"`
	From      Party  `json:"from"`
	FromMe    bool   `json:"fromMe"`
	At        Time   `json:"at"`
	Coming    Coming `json:"coming"`
	// Guests is how many others the person brings.
	Guests int `json:"guests"`
	// Unreadable is true for an answer to an appointment that the bot does not have, or whose key does not fit.
	Unreadable bool `json:"unreadable,omitempty"`
}

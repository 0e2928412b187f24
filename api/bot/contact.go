package bot

// The paths of contacts. {id} is a phone number or an address.
const (
	// PathContacts answers with Contacts, PathBlocked with BlockedContacts. With the query contactId the first is WAHA's
	// path of one contact.
	PathContacts = "/api/contacts"
	PathBlocked  = "/api/contacts/blocked"
	// PathContact answers with one Contact; PUT takes a NameContactRequest and answers with a Party. PathContactAbout
	// answers with an About.
	PathContact      = "/api/contacts/{id}"
	PathContactAbout = "/api/contacts/{id}/about"
	// PathContactPicture answers with the picture, or for Accept: application/json with a Picture.
	PathContactPicture = "/api/contacts/{id}/picture"
	// PathContactBlock blocks with PUT and unblocks with DELETE; both answer with a Blocked.
	PathContactBlock = "/api/contacts/{id}/block"
)

// Contact is a person as the account knows them.
type Contact struct {
	Party
	// ContactName is the name in the phone's address book.
	ContactName string `json:"contactName,omitempty"`
	// PushName is the name that the person chose.
	PushName string `json:"pushName,omitempty"`
	// BusinessName is the verified name of a business.
	BusinessName string `json:"businessName,omitempty"`
	// OnWhatsApp is null where WhatsApp was not asked.
	OnWhatsApp *bool `json:"onWhatsApp,omitempty"`
	// Blocked is null where WhatsApp was not asked.
	Blocked *bool `json:"blocked,omitempty"`
	// About is the person's own text; empty also when the person hides it.
	About string `json:"about,omitempty"`
	// PictureID changes with the person's picture.
	PictureID string `json:"pictureId,omitempty"`
	// Changed lists, in an event, the fields that changed.
	Changed []string `json:"changed,omitempty"`
}

// NumberChange says that a person has another phone number. WhatsApp tells it of contacts, and in each group of the
// person. The event is in the chat with the new number, or in the group.
type NumberChange struct {
	// Old is the person until now, New the same person from now on.
	Old Party `json:"old"`
	New Party `json:"new"`
	// Group is the group that tells it; missing where it is told of a contact.
	Group *Party `json:"group,omitempty"`
	At    Time   `json:"at"`
}

// About is the text that a person shows below the name.
type About struct {
	Party
	// About is empty also when the person hides it.
	About string `json:"about"`
}

// NameContactRequest puts a person into the account's address book.
type NameContactRequest struct {
	FirstName string `json:"firstName" required:"true" minLength:"1" maxLength:"100"`
	// FullName is FirstName where it is missing.
	FullName string `json:"fullName,omitempty" maxLength:"100"`
}

// Contacts answers GET /api/contacts.
type Contacts struct {
	Contacts []Contact `json:"contacts"`
	// After is the cursor for the next page: after=AFTER. It is empty on the last page.
	After string `json:"after"`
}

// Picture is the picture of a person or a group.
type Picture struct {
	// ID changes with the picture.
	ID string `json:"id"`
	// URL is at WhatsApp's media host. It works for some days and needs no login. It is missing after a change.
	URL string `json:"url,omitempty"`
}

// Blocked answers a request to block or unblock someone.
type Blocked struct {
	Party
	Blocked bool `json:"blocked"`
}

// BlockedContacts answers GET /api/contacts/blocked.
type BlockedContacts struct {
	Contacts []Party `json:"contacts"`
}

package bot

// The paths of WAHA's API about contacts. One contact has a second path: PathContacts with the query contactId.
const (
	// PathWAHAContacts lists WAHAContactInfo, PathWAHAContact answers with one.
	PathWAHAContacts = "/api/contacts/all"
	PathWAHAContact  = "/api/{name}/contacts/{id}"
	// PathWAHAAbout answers with WAHAAbout; contactId names the contact.
	PathWAHAAbout = "/api/contacts/about"
	// PathWAHAProfilePicture answers with WAHAProfilePicture; contactId names the contact. The others answer with
	// WAHAPicture.
	PathWAHAProfilePicture = "/api/contacts/profile-picture"
	PathWAHAChatPicture    = "/api/{name}/chats/{chat}/picture"
	PathWAHAGroupPicture   = "/api/{name}/groups/{id}/picture"
	// PathWAHABlock and PathWAHAUnblock take a WAHAContactID.
	PathWAHABlock   = "/api/contacts/block"
	PathWAHAUnblock = "/api/contacts/unblock"
)

// WAHAContactInfo is a contact as WAHA shows it.
type WAHAContactInfo struct {
	ID     string `json:"id"`
	Number string `json:"number"`
	// LID is the hidden address, where both are known.
	LID       string `json:"lid,omitempty"`
	Name      string `json:"name"`
	PushName  string `json:"pushname"`
	ShortName string `json:"shortName"`
	IsMe      bool   `json:"isMe"`
	IsGroup   bool   `json:"isGroup"`
	// IsWAContact says whether someone on WhatsApp has the number; in a list it is true.
	IsWAContact bool `json:"isWAContact"`
	// IsMyContact is true for a name in the phone's address book.
	IsMyContact bool `json:"isMyContact"`
	IsBusiness  bool `json:"isBusiness"`
	// IsBlocked is false in a list, where WhatsApp is not asked.
	IsBlocked bool `json:"isBlocked"`
}

// WAHAAbout is the text below a person's name.
type WAHAAbout struct {
	About string `json:"about"`
}

// WAHAProfilePicture says where the picture of a person is; null where there is none that the account may see.
type WAHAProfilePicture struct {
	URL *string `json:"profilePictureURL"`
}

// WAHAPicture says where the picture of a chat is; null where there is none that the account may see.
type WAHAPicture struct {
	URL *string `json:"url"`
}

// WAHAContactID names a contact.
type WAHAContactID struct {
	Session   string `json:"session" default:"default"`
	ContactID string `json:"contactId" required:"true"`
}

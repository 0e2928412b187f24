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

// WAHAProfilePicture has the address of a person's picture; null when the account may see no picture.
type WAHAProfilePicture struct {
	URL *string `json:"profilePictureURL"`
}

// WAHAPicture has the address of a chat's picture; null when the account may see no picture.
type WAHAPicture struct {
	URL *string `json:"url"`
}

// WAHAContactID names a contact.
type WAHAContactID struct {
	Session   string `json:"session" default:"default"`
	ContactID string `json:"contactId" required:"true"`
}

// The paths of WAHA's API about the account's profile.
const (
	// PathWAHAProfile answers with WAHAProfile.
	PathWAHAProfile      = "/api/{name}/profile"
	PathWAHAProfileName  = "/api/{name}/profile/name"
	PathWAHAProfileAbout = "/api/{name}/profile/status"
	PathWAHAProfileImage = "/api/{name}/profile/picture"
)

// WAHAProfile is the account's own.
type WAHAProfile struct {
	ID string `json:"id"`
	// Picture is the address of the account's picture; null when it has no picture.
	Picture *string `json:"picture"`
	Name    string  `json:"name"`
}

// WAHAName changes the name of the account.
type WAHAName struct {
	Name string `json:"name" required:"true"`
}

// WAHAStatusText changes the text below the account's name.
type WAHAStatusText struct {
	Status string `json:"status"`
}

// WAHAPicturePart is a picture in a request.
type WAHAPicturePart struct {
	// URL is where the bot fetches the picture; Data is a JPEG in base64.
	URL      string `json:"url,omitempty"`
	Data     []byte `json:"data,omitempty"`
	Mimetype string `json:"mimetype,omitempty"`
}

// WAHAPictureFile is a picture to set.
type WAHAPictureFile struct {
	File WAHAPicturePart `json:"file" required:"true"`
}

// WAHAContactName puts a person into the account's address book.
type WAHAContactName struct {
	FirstName string `json:"firstName" required:"true"`
	LastName  string `json:"lastName"`
}

// The paths of WAHA's API that change a chat on the account's devices.
const (
	PathWAHAChat          = "/api/{name}/chats/{chat}"
	PathWAHAChatArchive   = "/api/{name}/chats/{chat}/archive"
	PathWAHAChatUnarchive = "/api/{name}/chats/{chat}/unarchive"
	PathWAHAChatUnread    = "/api/{name}/chats/{chat}/unread"
)

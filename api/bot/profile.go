package bot

// The paths of the account's own profile.
const (
	// PathProfile answers with Profile, and takes a ChangeProfileRequest.
	PathProfile = "/api/account/profile"
	// PathProfilePicture is the account's picture, as PathGroupPicture is a group's.
	PathProfilePicture = "/api/account/profile/picture"
)

// PictureAddress says where the bot fetches a picture to set.
type PictureAddress struct {
	// URL is http or https, at a public address or one that MEDIA_ALLOW names. The picture there is as one in a request.
	URL string `json:"url" required:"true"`
}

// MaxPicture is the largest picture that can be set, in bytes.
const MaxPicture = 1 << 20

// Profile is what the account shows of itself. Name is the name that it chose.
type Profile struct {
	Party
	// About is the text below the name.
	About string `json:"about"`
	// PictureID changes with the picture; it is missing when the account has no picture.
	PictureID string `json:"pictureId,omitempty"`
}

// ChangeProfileRequest changes what it names.
type ChangeProfileRequest struct {
	Name *string `json:"name,omitempty" minLength:"1" maxLength:"25"`
	// About is removed by an empty text.
	About *string `json:"about,omitempty" maxLength:"139"`
}

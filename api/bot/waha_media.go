package bot

// The paths of WAHA's API that send files, and that convert them.
const (
	// PathWAHASendImage, PathWAHASendFile, PathWAHASendVoice and PathWAHASendVideo take a WAHASendFile.
	PathWAHASendImage = "/api/sendImage"
	PathWAHASendFile  = "/api/sendFile"
	PathWAHASendVoice = "/api/sendVoice"
	PathWAHASendVideo = "/api/sendVideo"
	// PathWAHAStatusImage, PathWAHAStatusVoice and PathWAHAStatusVideo take a WAHAFileStatus.
	PathWAHAStatusImage = "/api/{name}/status/image"
	PathWAHAStatusVoice = "/api/{name}/status/voice"
	PathWAHAStatusVideo = "/api/{name}/status/video"
	// PathWAHAConvertVoice and PathWAHAConvertVideo take a WAHAConvert, and answer with the file, or with a WAHABase64File
	// where only JSON is accepted.
	PathWAHAConvertVoice = "/api/{name}/media/convert/voice"
	PathWAHAConvertVideo = "/api/{name}/media/convert/video"
)

// WAHAFile is a file: its address, or itself in Base64.
type WAHAFile struct {
	URL      string `json:"url,omitempty"`
	Data     string `json:"data,omitempty"`
	Mimetype string `json:"mimetype,omitempty"`
	Filename string `json:"filename,omitempty"`
}

// WAHASendFile asks to send a file.
type WAHASendFile struct {
	Session string   `json:"session" default:"default"`
	ChatID  string   `json:"chatId" required:"true"`
	File    WAHAFile `json:"file" required:"true"`
	Caption string   `json:"caption,omitempty"`
	// AsNote shows a video as a circle.
	AsNote bool `json:"asNote,omitempty"`
	// Convert is read by nobody: a file that WhatsApp would not show is always converted.
	Convert  bool     `json:"convert,omitempty"`
	ReplyTo  string   `json:"reply_to,omitempty"`
	Mentions []string `json:"mentions,omitempty"`
	ID       string   `json:"id,omitempty"`
}

// WAHAFileStatus posts a file to the account's status.
type WAHAFileStatus struct {
	ID       string   `json:"id,omitempty"`
	File     WAHAFile `json:"file" required:"true"`
	Caption  string   `json:"caption,omitempty"`
	Contacts []string `json:"contacts,omitempty"`
	// Convert is read by nobody: a file that WhatsApp would not show is always converted.
	Convert bool `json:"convert,omitempty"`
}

// WAHAConvert asks for a file in the form that WhatsApp shows.
type WAHAConvert struct {
	URL  string `json:"url,omitempty"`
	Data string `json:"data,omitempty"`
}

// WAHABase64File is a file in Base64.
type WAHABase64File struct {
	Mimetype string `json:"mimetype"`
	Data     string `json:"data"`
}

package bot

import (
	"net/url"
	"strings"
)

// PathMessageMedia answers with the bytes of a message's file.
const PathMessageMedia = "/api/messages/{id}/media"

// MediaPath is the path of the file of a message.
func MediaPath(id string) string {
	return strings.Replace(PathMessageMedia, "{id}", url.PathEscape(id), 1)
}

// The bounds of what comes with a file.
const (
	// MaxFilename bounds the bytes of a file's name, MaxMimetype those of its type.
	MaxFilename = 255
	MaxMimetype = 255
	// MaxURL bounds the bytes of an address that the bot fetches a file from.
	MaxURL = 4096
	// WaveformBars is how many bars the waveform of a voice message has.
	WaveformBars = 64
)

// Media describes a file; its bytes are never part of a message or an event.
type Media struct {
	Mimetype string `json:"mimetype"`
	// Size is in bytes.
	Size uint64 `json:"size"`
	// SHA256 is the hash of the file, in hexadecimal.
	SHA256 string `json:"sha256"`
	// Path is where the bot serves the file.
	Path     string `json:"path,omitempty"`
	Filename string `json:"filename,omitempty"`
	Seconds  uint32 `json:"seconds,omitempty"`
	Width    uint32 `json:"width,omitempty"`
	Height   uint32 `json:"height,omitempty"`
	// Waveform is how loud a voice message is from its begin to its end: up to 64 numbers, 0 to 100.
	Waveform []int `json:"waveform,omitempty"`
	// Animated is true for a sticker that moves, and for a video that plays as a GIF does.
	Animated bool `json:"animated,omitempty"`
	// Note is true for a video that is shown as a circle.
	Note bool `json:"note,omitempty"`
}

// SendFile is a file to send. It comes from an address, in the request, or as a part of a multipart request.
type SendFile struct {
	// URL is where the bot fetches the file: http or https, at a public address or one that MEDIA_ALLOW names.
	URL string `json:"url,omitempty"`
	// Data is the file itself, in Base64.
	Data []byte `json:"data,omitempty"`
	// Caption is the text below an image, a video or a document.
	Caption string `json:"caption,omitempty"`
	// Filename is the name of a document. Without it the address or the part names the file.
	Filename string `json:"filename,omitempty"`
	// Mimetype is the type of the file, such as application/pdf. Without it the bot looks at the first bytes.
	Mimetype string `json:"mimetype,omitempty"`
	// ViewOnce lets the recipient see an image or a video, or hear a voice message, once.
	ViewOnce bool `json:"viewOnce,omitempty"`
	// Note shows a video as a circle.
	Note bool `json:"note,omitempty"`
	// Animated plays a video as a GIF does.
	Animated bool `json:"animated,omitempty"`
}

// File is the file of a request, and what kind of message it makes; nil when it has none.
func (r *SendRequest) File() (MessageKind, *SendFile) {
	for _, kind := range FileKinds {
		if file := *r.fileOf(kind); file != nil {
			return kind, file
		}
	}
	return "", nil
}

// SetFile makes a request one for a file of that kind; another kind changes nothing.
func (r *SendRequest) SetFile(kind MessageKind, file *SendFile) {
	if at := r.fileOf(kind); at != nil {
		*at = file
	}
}

// fileOf is the field of the kind's file; nil for a kind without a file.
func (r *SendRequest) fileOf(kind MessageKind) **SendFile {
	switch kind {
	case KindImage:
		return &r.Image
	case KindVideo:
		return &r.Video
	case KindAudio:
		return &r.Audio
	case KindVoice:
		return &r.Voice
	case KindDocument:
		return &r.Document
	case KindSticker:
		return &r.Sticker
	}
	return nil
}

// FileKinds are the kinds of messages that have a file.
var FileKinds = []MessageKind{KindImage, KindVideo, KindAudio, KindVoice, KindDocument, KindSticker}

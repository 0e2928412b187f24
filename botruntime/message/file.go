package message

import (
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/proto"

	"sesi.dev/sesi/api/bot"
)

// File is a message with a file. Where the file is at WhatsApp is put in later, by Upload.Put.
type File struct {
	Context
	Kind     bot.MessageKind
	Caption  string
	ViewOnce bool
	Media    bot.Media
	// Thumbnail is a small JPEG; it may be missing.
	Thumbnail []byte
}

// Compose makes the message that WhatsApp gets.
func (f File) Compose() (*waE2E.Message, error) {
	context, err := f.compose()
	if err != nil {
		return nil, err
	}
	sum, err := hex.DecodeString(f.Media.SHA256)
	if err != nil {
		return nil, fmt.Errorf("read the hash of a file: %w", err)
	}
	about, out := f.Media, &waE2E.Message{}
	var caption, name *string
	if f.Caption != "" {
		caption = &f.Caption
	}
	if about.Filename != "" {
		name = &about.Filename
	}
	switch f.Kind {
	case bot.KindImage:
		out.ImageMessage = &waE2E.ImageMessage{
			Mimetype: &about.Mimetype, FileSHA256: sum, FileLength: &about.Size, Caption: caption, Width: optional(about.Width),
			Height: optional(about.Height), JPEGThumbnail: f.Thumbnail, ContextInfo: context, ViewOnce: flag(f.ViewOnce),
		}
	case bot.KindVideo:
		video := &waE2E.VideoMessage{
			Mimetype: &about.Mimetype, FileSHA256: sum, FileLength: &about.Size, Caption: caption, Width: optional(about.Width),
			Height: optional(about.Height), Seconds: optional(about.Seconds), JPEGThumbnail: f.Thumbnail, ContextInfo: context,
			GifPlayback: flag(about.Animated), ViewOnce: flag(f.ViewOnce),
		}
		if about.Note {
			out.PtvMessage = video
		} else {
			out.VideoMessage = video
		}
	case bot.KindAudio, bot.KindVoice:
		out.AudioMessage = &waE2E.AudioMessage{
			Mimetype: &about.Mimetype, FileSHA256: sum, FileLength: &about.Size, Seconds: optional(about.Seconds),
			PTT: proto.Bool(f.Kind == bot.KindVoice), Waveform: toWaveform(about.Waveform), ContextInfo: context, ViewOnce: flag(f.ViewOnce),
		}
	case bot.KindDocument:
		out.DocumentMessage = &waE2E.DocumentMessage{
			Mimetype: &about.Mimetype, FileSHA256: sum, FileLength: &about.Size, Caption: caption, FileName: name, Title: name,
			JPEGThumbnail: f.Thumbnail, ContextInfo: context,
		}
	case bot.KindSticker:
		out.StickerMessage = &waE2E.StickerMessage{
			Mimetype: &about.Mimetype, FileSHA256: sum, FileLength: &about.Size, Width: optional(about.Width), Height: optional(about.Height),
			IsAnimated: flag(about.Animated), ContextInfo: context,
		}
	default:
		return nil, fmt.Errorf("a message of kind %s has no file", f.Kind)
	}
	return wrap(out, f), nil
}

// wrap puts a message into the envelope that WhatsApp's clients expect of its kind.
func wrap(m *waE2E.Message, f File) *waE2E.Message {
	switch {
	case f.ViewOnce && f.Kind == bot.KindVoice:
		return &waE2E.Message{ViewOnceMessageV2Extension: &waE2E.FutureProofMessage{Message: m}}
	case f.ViewOnce:
		return &waE2E.Message{ViewOnceMessageV2: &waE2E.FutureProofMessage{Message: m}}
	case f.Kind == bot.KindDocument && f.Caption != "":
		return &waE2E.Message{DocumentWithCaptionMessage: &waE2E.FutureProofMessage{Message: m}}
	}
	return m
}

func isViewOnce(m *waE2E.Message) bool {
	flagged, _ := attachment(inner(m)).(interface{ GetViewOnce() bool })
	return m.ViewOnceMessage != nil || m.ViewOnceMessageV2 != nil || m.ViewOnceMessageV2Extension != nil || flagged != nil && flagged.GetViewOnce()
}

func optional(n uint32) *uint32 {
	if n == 0 {
		return nil
	}
	return &n
}

func flag(on bool) *bool {
	if !on {
		return nil
	}
	return &on
}

func toWaveform(bars []int) (out []byte) {
	for _, bar := range bars {
		out = append(out, byte(min(max(bar, 0), 100)))
	}
	return out
}

func fromWaveform(bars []byte) (out []int) {
	for _, bar := range bars[:min(len(bars), bot.WaveformBars)] {
		out = append(out, min(int(bar), 100))
	}
	return out
}

// Attachment is the part of a message that has a file.
type Attachment interface {
	proto.Message
	GetMimetype() string
	GetFileLength() uint64
	GetFileSHA256() []byte
	GetFileEncSHA256() []byte
	GetMediaKey() []byte
	GetDirectPath() string
	GetContextInfo() *waE2E.ContextInfo
}

// AttachmentOf finds the file of a message in its bytes; nil when it has none.
func AttachmentOf(raw []byte) (Attachment, error) {
	var m waE2E.Message
	if err := proto.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("read a message: %w", err)
	}
	return attachment(inner(&m)), nil
}

func attachment(m *waE2E.Message) Attachment {
	switch {
	case m.ImageMessage != nil:
		return m.ImageMessage
	case m.VideoMessage != nil:
		return m.VideoMessage
	case m.PtvMessage != nil:
		return m.PtvMessage
	case m.AudioMessage != nil:
		return m.AudioMessage
	case m.DocumentMessage != nil:
		return m.DocumentMessage
	case m.StickerMessage != nil:
		return m.StickerMessage
	}
	return nil
}

// Upload is where a file is at WhatsApp, and its key. A file of a channel is not encrypted: it has a handle in place of
// the key.
type Upload struct {
	URL, DirectPath string
	Key, EncSHA256  []byte
	Handle          string
	At              time.Time
}

var errNoFile = errors.New("the message has no file")

// Put returns the bytes of a message whose file is there.
func (u Upload) Put(raw []byte) ([]byte, error) {
	return changed(raw, func(a Attachment) {
		var at *int64
		if u.Key != nil {
			at = proto.Int64(u.At.Unix())
		}
		switch a := a.(type) {
		case *waE2E.ImageMessage:
			a.URL, a.DirectPath, a.MediaKey, a.FileEncSHA256, a.MediaKeyTimestamp = &u.URL, &u.DirectPath, u.Key, u.EncSHA256, at
		case *waE2E.VideoMessage:
			a.URL, a.DirectPath, a.MediaKey, a.FileEncSHA256, a.MediaKeyTimestamp = &u.URL, &u.DirectPath, u.Key, u.EncSHA256, at
		case *waE2E.AudioMessage:
			a.URL, a.DirectPath, a.MediaKey, a.FileEncSHA256, a.MediaKeyTimestamp = &u.URL, &u.DirectPath, u.Key, u.EncSHA256, at
		case *waE2E.DocumentMessage:
			a.URL, a.DirectPath, a.MediaKey, a.FileEncSHA256, a.MediaKeyTimestamp = &u.URL, &u.DirectPath, u.Key, u.EncSHA256, at
		case *waE2E.StickerMessage:
			a.URL, a.DirectPath, a.MediaKey, a.FileEncSHA256, a.MediaKeyTimestamp = &u.URL, &u.DirectPath, u.Key, u.EncSHA256, at
		}
	})
}

// Moved returns the bytes of a message whose file is now at another place, under the same key.
func Moved(raw []byte, directPath string) ([]byte, error) {
	return changed(raw, func(a Attachment) {
		switch a := a.(type) {
		case *waE2E.ImageMessage:
			a.URL, a.DirectPath = nil, &directPath
		case *waE2E.VideoMessage:
			a.URL, a.DirectPath = nil, &directPath
		case *waE2E.AudioMessage:
			a.URL, a.DirectPath = nil, &directPath
		case *waE2E.DocumentMessage:
			a.URL, a.DirectPath = nil, &directPath
		case *waE2E.StickerMessage:
			a.URL, a.DirectPath = nil, &directPath
		}
	})
}

func changed(raw []byte, change func(Attachment)) ([]byte, error) {
	var m waE2E.Message
	if err := proto.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("read a message: %w", err)
	}
	part := attachment(inner(&m))
	if part == nil {
		return nil, errNoFile
	}
	change(part)
	return proto.Marshal(&m)
}

// Locate puts the path of a message's file into it.
func Locate(m *bot.Message) {
	if m.Media != nil {
		m.Media.Path = bot.MediaPath(m.ID)
	}
}

// fileContent reads a message with a file; it reports false for another message.
func fileContent(m *waE2E.Message, out *bot.Message) (*waE2E.ContextInfo, bool) {
	media := &bot.Media{}
	part := attachment(m)
	switch a := part.(type) {
	case *waE2E.ImageMessage:
		out.Kind, out.Text, out.ViewOnce = bot.KindImage, a.GetCaption(), a.GetViewOnce()
		media.Width, media.Height = a.GetWidth(), a.GetHeight()
	case *waE2E.VideoMessage:
		out.Kind, out.Text, out.ViewOnce = bot.KindVideo, a.GetCaption(), a.GetViewOnce()
		media.Width, media.Height, media.Seconds, media.Animated = a.GetWidth(), a.GetHeight(), a.GetSeconds(), a.GetGifPlayback()
		media.Note = m.VideoMessage == nil
	case *waE2E.AudioMessage:
		out.Kind, out.ViewOnce, media.Seconds, media.Waveform = bot.KindAudio, a.GetViewOnce(), a.GetSeconds(), fromWaveform(a.GetWaveform())
		if a.GetPTT() {
			out.Kind = bot.KindVoice
		}
	case *waE2E.DocumentMessage:
		out.Kind, out.Text, media.Filename = bot.KindDocument, a.GetCaption(), a.GetFileName()
	case *waE2E.StickerMessage:
		out.Kind, media.Width, media.Height, media.Animated = bot.KindSticker, a.GetWidth(), a.GetHeight(), a.GetIsAnimated() || a.GetIsLottie()
	default:
		return nil, false
	}
	media.Mimetype, media.Size, media.SHA256 = part.GetMimetype(), part.GetFileLength(), hex.EncodeToString(part.GetFileSHA256())
	out.Media = media
	return part.GetContextInfo(), true
}

// albumContent reads the message that announces an album.
func albumContent(m *waE2E.Message, out *bot.Message) (*waE2E.ContextInfo, bool) {
	album := m.AlbumMessage
	if album == nil {
		return nil, false
	}
	out.Kind, out.Album = bot.KindAlbum, &bot.Album{Images: album.GetExpectedImageCount(), Videos: album.GetExpectedVideoCount()}
	return album.ContextInfo, true
}

// albumOf is the id of the album that a message belongs to; "" for none.
func albumOf(m *waE2E.Message) string {
	for _, part := range []*waE2E.Message{m, inner(m)} {
		link := part.GetMessageContextInfo().GetMessageAssociation()
		if link.GetAssociationType() == waE2E.MessageAssociation_MEDIA_ALBUM {
			return link.GetParentMessageKey().GetID()
		}
	}
	return ""
}

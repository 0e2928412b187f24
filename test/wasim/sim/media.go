package sim

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/proto"

	"sesi.dev/sesi/test/wasim/mediahost"
)

// Media is a file that a person sends.
type Media struct {
	// Kind is image, video, videonote, audio, voice, document or sticker.
	Kind mediahost.Kind `json:"kind"`
	// Data is the file. Without it, one of Size bytes (20,000 by default) is made up, which costs no memory.
	Data []byte `json:"data"`
	Size int64  `json:"size"`
	// Mimetype is by default the usual one of the kind.
	Mimetype string `json:"mimetype"`
	Caption  string `json:"caption"`
	Filename string `json:"filename"`
	// Seconds is how long it plays, Waveform 64 loudnesses from 0 to 100.
	Seconds  uint32 `json:"seconds"`
	Waveform []byte `json:"waveform"`
	Width    uint32 `json:"width"`
	Height   uint32 `json:"height"`
	// Thumbnail is a small JPEG inside of the message.
	Thumbnail []byte `json:"thumbnail"`
	// ViewOnce hides it after it was seen, GIF plays a video again and again without sound.
	ViewOnce bool `json:"viewOnce"`
	GIF      bool `json:"gif"`
	// Plain is a file that is not encrypted, as those of newsletters are.
	Plain bool `json:"plain"`
}

// maxMedia bounds what is made up.
const maxMedia = 2 << 30

// Attach puts a file onto the media host, encrypted as a phone does it, and returns the message that carries it, to
// be sent with Person.Send or Person.Post.
func (s *Server) Attach(m Media) (*waE2E.Message, error) {
	if !m.sendable() {
		return nil, fmt.Errorf("%w: kind of media %q, it must be image, video, videonote, audio, voice, document or sticker", ErrInvalid, m.Kind)
	}
	if m.Size < 0 || m.Size > maxMedia {
		return nil, fmt.Errorf("%w: size %d, it must be at most %d", ErrInvalid, m.Size, maxMedia)
	}
	plain, err := m.file()
	if err != nil {
		return nil, err
	}
	part := filePart{length: uint64(plain.Size), sum: plain.SHA256[:]}
	hosted := plain
	if !m.Plain {
		part.key = make([]byte, 32)
		_, _ = rand.Read(part.key)
		if hosted, err = mediahost.Seal(plain, m.Kind, part.key); err != nil {
			return nil, err
		}
		part.sealedSum = hosted.SHA256[:]
	}
	part.path = s.media.Put(m.Kind, hosted)
	return m.message(part), nil
}

func (m Media) sendable() bool {
	switch m.Kind {
	case mediahost.Image, mediahost.Video, mediahost.VideoNote, mediahost.Audio, mediahost.Voice, mediahost.Document, mediahost.Sticker:
		return true
	}
	return false
}

func (m Media) file() (*mediahost.File, error) {
	if m.Data != nil {
		return mediahost.Bytes(m.Data), nil
	}
	size := m.Size
	if size == 0 {
		size = 20_000
	}
	var seed [8]byte
	_, _ = rand.Read(seed[:])
	return mediahost.MadeUp(m.Kind, binary.BigEndian.Uint64(seed[:]), size)
}

// message is the message that carries a file.
func (m Media) message(f filePart) *waE2E.Message {
	mimetype := m.Mimetype
	if mimetype == "" {
		mimetype = m.Kind.Mimetype()
	}
	address, at := mediahost.URL(mediahost.Fallback, f.path)+"&mms3=true", proto.Int64(time.Now().Unix())
	viewOnce := given(m.ViewOnce)
	whole := &waE2E.Message{}
	switch m.Kind {
	case mediahost.Image:
		whole.ImageMessage = &waE2E.ImageMessage{
			URL: &address, Mimetype: &mimetype, Caption: given(m.Caption), FileSHA256: f.sum, FileLength: &f.length, Height: given(m.Height),
			Width: given(m.Width), MediaKey: f.key, FileEncSHA256: f.sealedSum, DirectPath: &f.path, MediaKeyTimestamp: at,
			JPEGThumbnail: m.Thumbnail, ViewOnce: viewOnce,
		}
	case mediahost.Video, mediahost.VideoNote:
		video := &waE2E.VideoMessage{
			URL: &address, Mimetype: &mimetype, Caption: given(m.Caption), FileSHA256: f.sum, FileLength: &f.length, Seconds: given(m.Seconds),
			Height: given(m.Height), Width: given(m.Width), MediaKey: f.key, FileEncSHA256: f.sealedSum, DirectPath: &f.path,
			MediaKeyTimestamp: at, JPEGThumbnail: m.Thumbnail, ViewOnce: viewOnce, GifPlayback: given(m.GIF),
		}
		if m.Kind == mediahost.VideoNote {
			whole.PtvMessage = video
		} else {
			whole.VideoMessage = video
		}
	case mediahost.Audio, mediahost.Voice:
		whole.AudioMessage = &waE2E.AudioMessage{
			URL: &address, Mimetype: &mimetype, FileSHA256: f.sum, FileLength: &f.length, Seconds: given(m.Seconds),
			PTT: proto.Bool(m.Kind == mediahost.Voice), MediaKey: f.key, FileEncSHA256: f.sealedSum, DirectPath: &f.path, MediaKeyTimestamp: at,
			Waveform: m.Waveform, ViewOnce: viewOnce,
		}
	case mediahost.Document:
		whole.DocumentMessage = &waE2E.DocumentMessage{
			URL: &address, Mimetype: &mimetype, Title: given(m.Filename), FileName: given(m.Filename), Caption: given(m.Caption),
			FileSHA256: f.sum, FileLength: &f.length, MediaKey: f.key, FileEncSHA256: f.sealedSum, DirectPath: &f.path, MediaKeyTimestamp: at,
			JPEGThumbnail: m.Thumbnail,
		}
	case mediahost.Sticker:
		whole.StickerMessage = &waE2E.StickerMessage{
			URL: &address, Mimetype: &mimetype, FileSHA256: f.sum, FileLength: &f.length, Height: given(m.Height), Width: given(m.Width),
			MediaKey: f.key, FileEncSHA256: f.sealedSum, DirectPath: &f.path, MediaKeyTimestamp: at, PngThumbnail: m.Thumbnail,
		}
	}
	return m.wrapped(whole)
}

// wrapped puts a message into the envelope that phones use for it.
func (m Media) wrapped(whole *waE2E.Message) *waE2E.Message {
	inner := &waE2E.FutureProofMessage{Message: whole}
	switch {
	case m.ViewOnce && whole.AudioMessage != nil:
		return &waE2E.Message{ViewOnceMessageV2Extension: inner}
	case m.ViewOnce:
		return &waE2E.Message{ViewOnceMessageV2: inner}
	case m.Caption != "" && whole.DocumentMessage != nil:
		return &waE2E.Message{DocumentWithCaptionMessage: inner}
	default:
		return whole
	}
}

// given is a field of a message; an empty one is not there.
func given[T comparable](value T) *T {
	var empty T
	if value == empty {
		return nil
	}
	return &value
}

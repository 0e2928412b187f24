package sim

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"go.mau.fi/whatsmeow/proto/waE2E"

	"sesi.dev/sesi/test/wasim/mediahost"
)

// FileInfo is a file that a bot sent, as the phone found it on the media host.
type FileInfo struct {
	// Kind is image, video, videonote, audio, voice, document or sticker.
	Kind     mediahost.Kind `json:"kind"`
	Mimetype string         `json:"mimetype"`
	Filename string         `json:"filename,omitempty"`
	// Size and SHA256 are those of the file that the phone decrypted.
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	// The rest is what the message says.
	Seconds   uint32 `json:"seconds,omitempty"`
	Waveform  []byte `json:"waveform,omitempty"`
	Width     uint32 `json:"width,omitempty"`
	Height    uint32 `json:"height,omitempty"`
	Thumbnail []byte `json:"thumbnail,omitempty"`
	ViewOnce  bool   `json:"viewOnce,omitempty"`
	GIF       bool   `json:"gif,omitempty"`
	Plain     bool   `json:"plain,omitempty"`
	// Err says why the phone cannot show the file, empty if it can.
	Err string `json:"err,omitempty"`

	part filePart
}

// filePart is where a file is and how it is opened.
type filePart struct {
	kind           mediahost.Kind
	path           string
	key            []byte
	sum, sealedSum []byte
	length         uint64
}

// carrier is what the messages with a file have in common.
type carrier interface {
	GetDirectPath() string
	GetMediaKey() []byte
	GetFileSHA256() []byte
	GetFileEncSHA256() []byte
	GetFileLength() uint64
	GetMimetype() string
}

func partOf(c carrier, kind mediahost.Kind) filePart {
	return filePart{kind, c.GetDirectPath(), c.GetMediaKey(), c.GetFileSHA256(), c.GetFileEncSHA256(), c.GetFileLength()}
}

// envelopes are the messages inside of which a message can be, each with whether it is to be seen once.
func envelopes(m *waE2E.Message) (inner *waE2E.Message, once bool) {
	for _, one := range []*waE2E.FutureProofMessage{m.ViewOnceMessage, m.ViewOnceMessageV2, m.ViewOnceMessageV2Extension} {
		if one.GetMessage() != nil {
			return one.GetMessage(), true
		}
	}
	for _, one := range []*waE2E.FutureProofMessage{m.DocumentWithCaptionMessage, m.EphemeralMessage, m.EditedMessage} {
		if one.GetMessage() != nil {
			return one.GetMessage(), false
		}
	}
	return nil, false
}

// carried is the part of a message that carries a file, its kind, and whether it is to be seen once; nil without one.
func carried(m *waE2E.Message) (c carrier, kind mediahost.Kind, once bool) {
	for range 5 {
		inner, seenOnce := envelopes(m)
		if inner == nil {
			break
		}
		m, once = inner, once || seenOnce
	}
	switch {
	case m.ImageMessage != nil:
		return m.ImageMessage, mediahost.Image, once || m.ImageMessage.GetViewOnce()
	case m.VideoMessage != nil:
		return m.VideoMessage, mediahost.Video, once || m.VideoMessage.GetViewOnce()
	case m.PtvMessage != nil:
		return m.PtvMessage, mediahost.VideoNote, once
	case m.AudioMessage.GetPTT():
		return m.AudioMessage, mediahost.Voice, once || m.AudioMessage.GetViewOnce()
	case m.AudioMessage != nil:
		return m.AudioMessage, mediahost.Audio, once || m.AudioMessage.GetViewOnce()
	case m.DocumentMessage != nil:
		return m.DocumentMessage, mediahost.Document, once
	case m.StickerMessage != nil:
		return m.StickerMessage, mediahost.Sticker, once
	}
	return nil, "", false
}

// describeFile says what a message says of its file; nil without one.
func describeFile(m *waE2E.Message) *FileInfo {
	c, kind, once := carried(m)
	if c == nil {
		return nil
	}
	f := &FileInfo{Kind: kind, Mimetype: c.GetMimetype(), ViewOnce: once, part: partOf(c, kind), Plain: len(c.GetMediaKey()) == 0}
	switch m := c.(type) {
	case *waE2E.ImageMessage:
		f.Width, f.Height, f.Thumbnail = m.GetWidth(), m.GetHeight(), m.GetJPEGThumbnail()
	case *waE2E.VideoMessage:
		f.Width, f.Height, f.Thumbnail = m.GetWidth(), m.GetHeight(), m.GetJPEGThumbnail()
		f.Seconds, f.GIF = m.GetSeconds(), m.GetGifPlayback()
	case *waE2E.AudioMessage:
		f.Seconds, f.Waveform = m.GetSeconds(), m.GetWaveform()
	case *waE2E.DocumentMessage:
		f.Filename, f.Thumbnail = m.GetFileName(), m.GetJPEGThumbnail()
	case *waE2E.StickerMessage:
		f.Width, f.Height, f.Thumbnail = m.GetWidth(), m.GetHeight(), m.GetPngThumbnail()
	}
	return f
}

// summarizeFile names the kind of a message with a file, its caption, and the message that it answers.
func summarizeFile(m *waE2E.Message) (summary, bool) {
	c, kind, _ := carried(m)
	if c == nil {
		return summary{}, false
	}
	told := summary{kind: string(kind)}
	if with, ok := c.(interface{ GetCaption() string }); ok {
		told.text = with.GetCaption()
	}
	if in, ok := c.(interface{ GetContextInfo() *waE2E.ContextInfo }); ok {
		told.ref = in.GetContextInfo().GetStanzaID()
	}
	return told, true
}

// view makes the phone load the file of a message, and note what it found.
func (s *Server) view(m *waE2E.Message) *FileInfo {
	f := describeFile(unwrapped(m))
	if f == nil {
		return nil
	}
	sum := sha256.New()
	size, err := s.unseal(f, sum)
	if err == nil {
		f.Size, f.SHA256 = size, hex.EncodeToString(sum.Sum(nil))
		err = f.check()
	}
	if err != nil {
		f.Err = err.Error()
	}
	return f
}

// What is wrong with a file that a bot sent, besides what the media host's package says.
var (
	errFileHash   = errors.New("the file's hash is not the one in the message")
	errSealedHash = errors.New("the encrypted file's hash is not the one in the message")
	errFileLength = errors.New("the file's length is not the one in the message")
	errHandle     = errors.New("the message to a newsletter does not name the handle that its file's upload was given")
	errMimetype   = errors.New("the message names no type of the file")
)

func (f *FileInfo) check() error {
	switch {
	case f.SHA256 != hex.EncodeToString(f.part.sum):
		return errFileHash
	case uint64(f.Size) != f.part.length:
		return fmt.Errorf("%w: %d, not %d", errFileLength, f.Size, f.part.length)
	case f.Mimetype == "":
		return errMimetype
	}
	return nil
}

// unseal writes what a file holds.
func (s *Server) unseal(f *FileInfo, out io.Writer) (int64, error) {
	hosted, err := s.media.Find(f.part.path)
	if err != nil {
		return 0, err
	}
	in, err := hosted.Open()
	if err != nil {
		return 0, err
	}
	defer in.Close()
	if f.Plain {
		return io.Copy(out, in)
	}
	if !bytes.Equal(hosted.SHA256[:], f.part.sealedSum) {
		return 0, errSealedHash
	}
	return mediahost.Unseal(in, hosted.Size, f.Kind, f.part.key, out)
}

// WriteFile writes the file of a message of the outbox, decrypted as the phone sees it.
func (s *Server) WriteFile(seq int64, out io.Writer) error {
	f, err := s.fileOf(seq)
	if err == nil {
		_, err = s.unseal(f, out)
	}
	return err
}

func (s *Server) fileOf(seq int64) (*FileInfo, error) {
	for _, m := range s.Outbox(seq - 1) {
		switch {
		case m.Seq != seq:
		case m.File == nil:
			return nil, fmt.Errorf("%w: message %d has no file", ErrUnknown, seq)
		case m.File.Err != "":
			return nil, fmt.Errorf("%w: %s", ErrRefused, m.File.Err)
		default:
			return m.File, nil
		}
	}
	return nil, fmt.Errorf("%w: no message %d", ErrUnknown, seq)
}

// mediaType is what a sender tells the server of a message with a file; empty for another message.
func mediaType(m *waE2E.Message) string {
	f := describeFile(m)
	switch {
	case f == nil:
		return ""
	case f.GIF:
		return "gif"
	case f.Kind == mediahost.Voice:
		return "ptt"
	case f.Kind == mediahost.VideoNote:
		return "ptv"
	default:
		return string(f.Kind)
	}
}

package media

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.mau.fi/whatsmeow"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/message"
)

const (
	// slowest is the pace, in bytes a second, below which a file is given up; patience is added to its time.
	slowest  = 16 << 10
	patience = 2 * time.Minute
	// sealBytes is what encryption adds to a file at most: padding and a code.
	sealBytes = 32
)

// The errors of a download.
var (
	// ErrGone says that WhatsApp no longer has the file, or another one in its place. The phone may still have it.
	ErrGone = errors.New("WhatsApp no longer has the file")
	// ErrDamaged says that what WhatsApp has is not the file that the message describes.
	ErrDamaged = errors.New("the file at WhatsApp is not the one that the message describes")
	// ErrTooLargeForWhatsApp says that WhatsApp does not take a file of this size.
	ErrTooLargeForWhatsApp = errors.New("WhatsApp does not take a file of this size")
)

// transferTime bounds the way of a file.
func transferTime(size int64) time.Duration {
	return patience + time.Duration(size/slowest)*time.Second
}

// types are whatsmeow's types of files, by kind of message.
var types = map[bot.MessageKind]whatsmeow.MediaType{
	bot.KindImage: whatsmeow.MediaImage, bot.KindVideo: whatsmeow.MediaVideo, bot.KindAudio: whatsmeow.MediaAudio, bot.KindVoice: whatsmeow.MediaAudio,
	bot.KindDocument: whatsmeow.MediaDocument, bot.KindSticker: whatsmeow.MediaImage,
}

// places are the names of the types in an address at WhatsApp's media hosts.
var places = map[whatsmeow.MediaType]string{
	whatsmeow.MediaImage: "image", whatsmeow.MediaVideo: "video", whatsmeow.MediaAudio: "audio", whatsmeow.MediaDocument: "document",
}

// Upload encrypts a file and gives it to WhatsApp. What people publish in a channel is not encrypted.
func (s *Store) Upload(ctx context.Context, client *whatsmeow.Client, kind bot.MessageKind, file *Held, channel bool) (up message.Upload, err error) {
	once := s.uploadOnce
	if channel {
		once = s.publishOnce
	}
	defer func() { s.count("upload", err, file.Size) }()
	done, err := s.move(ctx)
	if err != nil {
		return up, err
	}
	defer done()
	ctx, cancel := context.WithTimeout(ctx, transferTime(file.Size))
	defer cancel()
	for fresh := false; ; fresh = true {
		up, err = once(ctx, client, kind, file)
		if code := uploadCode(err); fresh || code != http.StatusUnauthorized && code != http.StatusForbidden {
			if code == http.StatusRequestEntityTooLarge {
				err = ErrTooLargeForWhatsApp
			}
			return up, err
		}
		// The permission to upload ends before its time when WhatsApp wants it to.
		if _, err := client.DangerousInternals().RefreshMediaConn(ctx, true); err != nil { //nolint:staticcheck // there is no public call
			return up, err
		}
	}
}

func (s *Store) uploadOnce(ctx context.Context, client *whatsmeow.Client, kind bot.MessageKind, file *Held) (up message.Upload, err error) {
	plain, err := file.Open()
	if err != nil {
		return up, err
	}
	defer plain.Close()
	sealed, err := s.Create(ctx, file.Size+sealBytes)
	if err != nil {
		return up, err
	}
	defer sealed.Discard()
	got, err := client.UploadReader(ctx, plain, sealed, types[kind])
	if sealed.err != nil {
		return up, sealed.err
	}
	return s.uploaded(got, err, file)
}

// publishOnce uploads a file as it is.
func (s *Store) publishOnce(ctx context.Context, client *whatsmeow.Client, kind bot.MessageKind, file *Held) (up message.Upload, err error) {
	plain, err := file.Open()
	if err != nil {
		return up, err
	}
	defer plain.Close()
	got, err := client.UploadNewsletterReader(ctx, plain, types[kind])
	return s.uploaded(got, err, file)
}

func (s *Store) uploaded(got whatsmeow.UploadResponse, err error, file *Held) (message.Upload, error) {
	if err == nil && hex.EncodeToString(got.FileSHA256) != file.SHA256 {
		err = errors.New("the file changed on the bot's disk")
	}
	if err != nil {
		return message.Upload{}, err
	}
	return message.Upload{
		URL: got.URL, DirectPath: got.DirectPath, Key: got.MediaKey, EncSHA256: got.FileEncSHA256, Handle: got.Handle, At: s.Now(),
	}, nil
}

// uploadCode is the status with which a media host refused a file, 0 for another error. whatsmeow has it in the text
// only.
func uploadCode(err error) int {
	if err == nil {
		return 0
	}
	_, text, found := strings.Cut(err.Error(), "upload failed with status code ")
	if !found {
		return 0
	}
	code, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return code
}

// Download gets the file of a message from WhatsApp, and keeps it once its hash is what the message says.
func (s *Store) Download(ctx context.Context, client *whatsmeow.Client, of message.Attachment) (held *Held, err error) {
	defer func() {
		size := int64(0)
		if held != nil {
			size = held.Size
		}
		s.count("download", err, size)
	}()
	most := s.Bounds().File
	if of.GetFileLength() > uint64(most) { //nolint:gosec // a limit is not negative
		return nil, &TooLargeError{most}
	}
	done, err := s.move(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	ctx, cancel := context.WithTimeout(ctx, transferTime(int64(of.GetFileLength()))) //nolint:gosec // bounded above
	defer cancel()
	in, err := s.Create(ctx, most+sealBytes)
	if err != nil {
		return nil, err
	}
	defer in.Discard()
	if err := download(ctx, client, of, in); err != nil {
		if in.err != nil {
			return nil, in.err
		}
		return nil, downloadError(err)
	}
	held, err = in.Keep()
	if err == nil && held.SHA256 != hex.EncodeToString(of.GetFileSHA256()) {
		held.Release()
		return nil, ErrDamaged
	}
	return held, err
}

// download tries one media host after the other. whatsmeow's own loop writes the second try behind the first.
func download(ctx context.Context, client *whatsmeow.Client, of message.Attachment, in *Incoming) error {
	path, kind := of.GetDirectPath(), whatsmeow.GetMediaType(of)
	if !strings.HasPrefix(path, "/") || len(of.GetFileSHA256()) == 0 {
		return ErrGone
	}
	inner := client.DangerousInternals() //nolint:staticcheck // there is no public call
	conn, err := inner.RefreshMediaConn(ctx, false)
	if err != nil {
		return err
	}
	err = errors.New("WhatsApp names no media host")
	for _, host := range conn.Hosts {
		if err := in.restart(); err != nil {
			return err
		}
		address := fmt.Sprintf("https://%s%s&hash=%s&mms-type=%s&__wa-mms=", host.Hostname, path,
			base64.URLEncoding.EncodeToString(of.GetFileEncSHA256()), places[kind])
		// The length is not compared: the hash decides.
		err = inner.DownloadAndDecryptToFile(ctx, address, of.GetMediaKey(), kind, -1, of.GetFileEncSHA256(), of.GetFileSHA256(), in)
		if err == nil || in.err != nil || ctx.Err() != nil || isGone(err) || errors.Is(err, whatsmeow.ErrInvalidMediaSHA256) {
			return err
		}
	}
	return err
}

func isGone(err error) bool {
	return errors.Is(err, whatsmeow.ErrMediaDownloadFailedWith403) || errors.Is(err, whatsmeow.ErrMediaDownloadFailedWith404) ||
		errors.Is(err, whatsmeow.ErrMediaDownloadFailedWith410)
}

func downloadError(err error) error {
	switch {
	case isGone(err), errors.Is(err, whatsmeow.ErrInvalidMediaEncSHA256), errors.Is(err, whatsmeow.ErrTooShortFile):
		return fmt.Errorf("%w: %w", ErrGone, err)
	case errors.Is(err, whatsmeow.ErrInvalidMediaSHA256), errors.Is(err, whatsmeow.ErrInvalidMediaHMAC):
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

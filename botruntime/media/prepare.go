package media

import (
	"context"
	"errors"
	"strings"

	"sesi.dev/sesi/api/bot"
)

// UnfitError says that a kind of message cannot have a file of this type.
type UnfitError struct {
	Kind bot.MessageKind
	// Type is what the file is, Want what it must be.
	Type, Want string
}

// Error implements error.
func (e *UnfitError) Error() string {
	return "a message of kind " + string(e.Kind) + " cannot have a file of type " + e.Type
}

// Given is what a request says of a file.
type Given struct {
	Kind           bot.MessageKind
	Name, Mimetype string
	// Served is the type that the file's server named.
	Served string
}

// Ready is a file that can be sent.
type Ready struct {
	*Held
	Media     bot.Media
	Thumbnail []byte
}

// Prepare looks at a file, converts it where its kind of message needs that, and describes it. It takes the file over:
// the caller releases what Prepare returns, and nothing when it fails.
func (s *Store) Prepare(ctx context.Context, file *Held, given Given) (Ready, error) {
	about, err := file.Describe()
	if err != nil {
		file.Release()
		return Ready{}, err
	}
	converted := false
	if want := unfit(given.Kind, about); want != "" {
		next, err := s.Convert(ctx, given.Kind, file)
		file.Release()
		if errors.Is(err, ErrNoConverter) || errors.Is(err, ErrNotConverted) {
			err = &Unready{UnfitError{given.Kind, about.Mimetype, want}, err}
		}
		if err != nil {
			return Ready{}, err
		}
		file, converted = next, true
		if about, err = file.Describe(); err != nil {
			file.Release()
			return Ready{}, err
		}
		if want := unfit(given.Kind, about); want != "" {
			file.Release()
			return Ready{}, &Unready{UnfitError{given.Kind, about.Mimetype, want}, ErrNotConverted}
		}
	}
	out := bot.Media{
		Size: uint64(file.Size), SHA256: file.SHA256, Seconds: about.Seconds, Width: about.Width, Height: about.Height, //nolint:gosec // a size is not negative
		Animated: about.Animated, Mimetype: typeOf(given.Mimetype, about.Mimetype, given.Name, given.Served),
	}
	switch given.Kind {
	case bot.KindDocument:
		if out.Filename = given.Name; out.Filename == "" {
			out.Filename = "file"
		}
	case bot.KindVoice:
		out.Mimetype, out.Waveform = typeOpus, about.Waveform
	case bot.KindImage, bot.KindSticker:
		out.Mimetype = about.Mimetype // WhatsApp's clients believe it
	default:
		if converted {
			out.Mimetype = about.Mimetype
		}
	}
	return Ready{file, out, about.Thumbnail}, nil
}

// Unready says that a file does not fit, and why it was not converted.
type Unready struct {
	UnfitError
	Cause error
}

// Unwrap returns why it was not converted.
func (u *Unready) Unwrap() error { return u.Cause }

// unfit says what a file must be for a kind of message, "" when it is that.
func unfit(kind bot.MessageKind, about About) (want string) {
	switch kind {
	case bot.KindImage:
		if about.Mimetype != "image/jpeg" && about.Mimetype != "image/png" && about.Mimetype != typeWebP {
			return "a JPEG, a PNG or a WebP"
		}
	case bot.KindVideo:
		if about.Mimetype != typeMP4 && about.Mimetype != "video/3gpp" {
			return "an MP4"
		}
	case bot.KindVoice:
		if !about.Opus {
			return "Ogg with Opus"
		}
	case bot.KindAudio:
		if !strings.HasPrefix(about.Mimetype, "audio/") && about.Mimetype != typeMP4 {
			return "a recording such as MP3, M4A or Ogg"
		}
	case bot.KindSticker:
		if about.Mimetype != typeWebP {
			return "a WebP"
		}
	}
	return ""
}

package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"

	"sesi.dev/sesi/api/bot"
)

// convertTime bounds one conversion.
const convertTime = 2 * time.Minute

// The errors of a file that a kind of message cannot have.
var (
	// ErrNoConverter says that the file must be converted, and that the bot has no converter.
	ErrNoConverter = errors.New("the file must be converted, and no converter is set")
	// ErrNotConverted says that the converter could not read the file, or took too long.
	ErrNotConverted = errors.New("the file could not be converted")
)

// recipes are what the converter is told, by kind of message.
var recipes = map[bot.MessageKind][]string{
	bot.KindVoice: {"-vn", "-map_metadata", "-1", "-ac", "1", "-ar", "48000", "-c:a", "libopus", "-b:a", "32k", "-application", "voip", "-f", "ogg"},
	bot.KindVideo: {"-map_metadata", "-1", "-c:v", "libx264", "-preset", "veryfast", "-profile:v", "main", "-pix_fmt", "yuv420p",
		"-vf", "scale=trunc(iw/2)*2:trunc(ih/2)*2", "-c:a", "aac", "-b:a", "128k", "-movflags", "+faststart", "-f", "mp4"},
	bot.KindSticker: {"-vf", "scale=512:512:force_original_aspect_ratio=decrease,format=rgba,pad=512:512:(ow-iw)/2:(oh-ih)/2:color=0x00000000",
		"-c:v", "libwebp", "-frames:v", "1", "-f", "webp"},
}

// readable are the formats that the converter may read: none of them names other files or addresses.
const readable = "mov,mp3,ogg,wav,flac,aac,amr,matroska,avi,mpeg,mpegts,gif,png_pipe,jpeg_pipe,webp_pipe,bmp_pipe,tiff_pipe"

// Convert makes a file one that a kind of message can have.
func (s *Store) Convert(ctx context.Context, kind bot.MessageKind, from *Held) (held *Held, err error) {
	recipe := recipes[kind]
	if s.Converter == "" || recipe == nil {
		return nil, ErrNoConverter
	}
	defer func() { s.count("convert", err, from.Size) }()
	done, err := s.move(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	bounded, cancel := context.WithTimeout(ctx, convertTime)
	defer cancel()
	most := s.Bounds().File
	if err := s.reserve(ctx, most); err != nil {
		return nil, err
	}
	defer s.unreserve(most)
	// A name of its own: another request may have the same file converted now.
	begun, err := os.CreateTemp(s.dir, newPrefix+"converted-*")
	if err != nil {
		return nil, full(err)
	}
	out := begun.Name()
	defer os.Remove(out)
	if err := begun.Close(); err != nil {
		return nil, full(err)
	}
	arguments := []string{"-nostdin", "-hide_banner", "-loglevel", "error", "-y", "-protocol_whitelist", "file", "-format_whitelist", readable,
		"-i", from.Path()}
	arguments = append(arguments, recipe...)
	arguments = append(arguments, "-threads", "1", "-fs", strconv.FormatInt(most, 10), out)
	command := exec.CommandContext(bounded, s.Converter, arguments...)
	command.Env, command.WaitDelay = []string{"PATH=" + os.Getenv("PATH")}, 5*time.Second
	said := &tail{}
	command.Stderr = said
	if err := command.Run(); err != nil {
		if ctx.Err() != nil { // nobody waits for it, and the file may be good
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%w: %w: %s", ErrNotConverted, err, said)
	}
	made, err := os.Open(out)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotConverted, err)
	}
	defer made.Close()
	return s.Stage(ctx, made)
}

// tail keeps the begin of what a program says.
type tail struct{ bytes.Buffer }

const maxSaid = 500

func (t *tail) Write(p []byte) (int, error) {
	if room := maxSaid - t.Len(); room > 0 {
		t.Buffer.Write(p[:min(len(p), room)])
	}
	return len(p), nil
}

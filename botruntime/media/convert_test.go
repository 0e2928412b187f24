package media

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/poll"
)

// wave is a second of sound as a WAV file: 8,000 samples of 16 bits.
func wave() []byte {
	const rate = 8000
	head := []byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x10\x00data\x00\x00\x00\x00")
	binary.LittleEndian.PutUint32(head[4:], 36+2*rate)
	binary.LittleEndian.PutUint32(head[24:], rate)
	binary.LittleEndian.PutUint32(head[28:], 2*rate)
	binary.LittleEndian.PutUint32(head[40:], 2*rate)
	sound := make([]byte, 2*rate)
	for i := range rate {
		binary.LittleEndian.PutUint16(sound[2*i:], uint16(i%40*500))
	}
	return append(head, sound...)
}

// program writes a shell script that can be run. No other test may start a program meanwhile: its process would hold the
// script open for writing, and the system runs no such script.
func program(t *testing.T, path, script string) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
}

// The real ffmpeg makes of a file what WhatsApp shows; what it cannot read is refused, and leaves nothing.
func TestFilesAreConverted(t *testing.T) {
	t.Parallel()
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("ffmpeg is not installed; what a bot does without it is tested elsewhere")
	}
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewNRGBA(image.Rect(0, 0, 300, 101))); err != nil {
		t.Fatal(err)
	}
	gif := []byte("GIF89a\x02\x00\x02\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x02\x00\x02\x00\x00\x02\x03\x0c\x10\x05\x00;")
	for name, test := range map[string]struct {
		kind    bot.MessageKind
		content []byte
		want    string
	}{
		"voice":   {bot.KindVoice, wave(), "audio/ogg; codecs=opus"},
		"video":   {bot.KindVideo, gif, "video/mp4"},
		"sticker": {bot.KindSticker, picture.Bytes(), "image/webp"},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, func(o *Options) { o.Converter = ffmpeg })
			ready, err := s.Prepare(t.Context(), stage(t, s, test.content), Given{Kind: test.kind})
			if err != nil {
				t.Fatal(err)
			}
			defer ready.Release()
			if ready.Media.Mimetype != test.want {
				t.Errorf("it became %+v", ready.Media)
			}
			if test.kind == bot.KindVoice && ready.Media.Seconds != 1 {
				t.Errorf("it lasts %d s", ready.Media.Seconds)
			}
		})
	}
	for name, content := range map[string]string{
		"noise": strings.Repeat("noise", 1000),
		// A list that names files of the machine: the formats that do so are not read.
		"list":     "ffconcat version 1.0\nfile /etc/hostname\n",
		"playlist": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, func(o *Options) { o.Converter = ffmpeg })
			_, err := s.Prepare(t.Context(), stage(t, s, []byte(content)), Given{Kind: bot.KindVideo})
			if !errors.Is(err, ErrNotConverted) {
				t.Errorf("got %v", err)
			}
			if _, files := s.Usage(); files > 1 {
				t.Errorf("%d files are left", files)
			}
		})
	}
}

// Two requests can have the same file converted at the same time; each gets the whole of it.
func TestTheSameFileIsConvertedTwiceAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	// The first conversion is not ready before the second one is: it writes half of the file, and waits for it.
	script := `#!/bin/sh
for out; do :; done
if mkdir "` + dir + `/first" 2>/dev/null; then
	printf 'half' >"$out"
	while [ ! -e "` + dir + `/second" ]; do sleep 0.01; done
	printf ' and half' >>"$out"
else
	printf 'half and half' >"$out"
	: >"` + dir + `/second"
fi
`
	converter := filepath.Join(dir, "converter")
	program(t, converter, script)
	s := open(t, func(o *Options) {
		o.Converter, o.Limits = converter, Limits{File: 1 << 10, Total: 1 << 20, Age: time.Hour}
	})
	file := stage(t, s, []byte("GIF89a"))
	defer file.Release()
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			made, err := s.Convert(t.Context(), bot.KindVideo, file)
			if err != nil {
				t.Error(err)
				return
			}
			defer made.Release()
			if content, err := os.ReadFile(made.Path()); err != nil || string(content) != "half and half" {
				t.Errorf("%q, %v", content, err)
			}
		})
	}
	group.Wait()
}

// The converter reads files that strangers send: it knows no secret of the bot's, opens no address, and reads no format
// that names other files.
func TestTheConverterGetsNoMoreThanItNeeds(t *testing.T) {
	t.Setenv("API_TOKEN", "a-secret-of-the-bot")
	converter := filepath.Join(t.TempDir(), "converter")
	script := "#!/bin/sh\nfor out; do :; done\n{ env; printf 'given %s\\n' \"$*\"; } >\"$out\"\n"
	program(t, converter, script)
	s := open(t, func(o *Options) { o.Converter = converter })
	file := stage(t, s, []byte("GIF89a"))
	defer file.Release()
	made, err := s.Convert(t.Context(), bot.KindVideo, file)
	if err != nil {
		t.Fatal(err)
	}
	defer made.Release()
	content, err := os.ReadFile(made.Path())
	if err != nil {
		t.Fatal(err)
	}
	said := string(content)
	if strings.Contains(said, "a-secret") {
		t.Errorf("it has the bot's environment: %s", said)
	}
	_, given, _ := strings.Cut(said, "given ")
	before, _, _ := strings.Cut(given, " -i ")
	for _, want := range []string{"-protocol_whitelist file ", "-format_whitelist " + readable} {
		if !strings.Contains(before+" ", want) {
			t.Errorf("before the file it is not told %q: %s", want, before)
		}
	}
	if !strings.Contains(given, " -fs 4194304 ") {
		t.Errorf("what it writes has no bound: %s", given)
	}
	for _, names := range []string{"concat", "hls", "dash", "image2", "subtitle", "tee"} {
		if strings.Contains(readable, names) {
			t.Errorf("it may read %s, which names other files", names)
		}
	}
}

// A stop, or a caller who went away, says nothing of the file: it is not told as one that nobody can read.
func TestAConversionThatIsCutOffSaysNothingOfTheFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	converter, begun := filepath.Join(dir, "converter"), filepath.Join(dir, "begun")
	program(t, converter, "#!/bin/sh\n: >'"+begun+"'\nexec sleep 60\n")
	s := open(t, func(o *Options) { o.Converter = converter })
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		poll.Until(func() bool {
			_, err := os.Stat(begun)
			return err == nil
		}, time.Minute, nil)
	}()
	_, err := s.Prepare(ctx, stage(t, s, []byte("GIF89a")), Given{Kind: bot.KindVideo})
	var unready *Unready
	if !errors.Is(err, context.Canceled) || errors.As(err, &unready) {
		t.Errorf("got %v", err)
	}
}

// A disk without room is not the file's fault either.
func TestAConversionWithoutRoomSaysNothingOfTheFile(t *testing.T) {
	t.Parallel()
	s := open(t, func(o *Options) { o.Converter = "unused" })
	file := stage(t, s, []byte("GIF89a"))
	s.SetLimits(Limits{File: 1 << 20, Total: 1, Age: time.Hour})
	_, err := s.Prepare(t.Context(), file, Given{Kind: bot.KindVideo})
	var unready *Unready
	if !errors.Is(err, ErrFull) || errors.As(err, &unready) {
		t.Errorf("got %v", err)
	}
}

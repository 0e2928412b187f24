package media

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"path"
	"strings"

	"sesi.dev/sesi/api/bot"
)

// About is what a file says of itself.
type About struct {
	// Mimetype is what its first bytes say; typeUnknown when they say nothing.
	Mimetype               string
	Width, Height, Seconds uint32
	Waveform               []int
	Animated               bool
	Thumbnail              []byte
	// Opus is true for Ogg with Opus, which a voice message needs.
	Opus bool
}

const (
	typeUnknown = "application/octet-stream"
	typeOpus    = "audio/ogg; codecs=opus"
	typeMP4     = "video/mp4"
	typeWebP    = "image/webp"
)

// sniffed is how many of the first bytes are looked at.
const sniffed = 512

// Describe reads what a file says of itself. What it cannot read stays empty.
func (h *Held) Describe() (About, error) {
	file, err := h.Open()
	if err != nil {
		return About{}, err
	}
	defer file.Close()
	head := make([]byte, sniffed)
	n, err := io.ReadFull(file, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return About{}, err
	}
	about := About{Mimetype: sniff(head[:n])}
	whole := func() *io.SectionReader { return io.NewSectionReader(file, 0, h.Size) }
	switch kind := about.Mimetype; {
	case kind == typeOpus:
		about.Opus = true
		about.Seconds, about.Waveform = readOpus(whole())
	case strings.HasPrefix(kind, "image/"):
		readPicture(whole(), &about)
	case kind == typeMP4, kind == "audio/mp4", kind == "video/3gpp", kind == "video/quicktime":
		readMovie(whole(), &about)
	}
	return about, nil
}

// sniff says what type a file is by its first bytes.
func sniff(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte("OggS")):
		if bytes.Contains(head, []byte("OpusHead")) {
			return typeOpus
		}
		return "audio/ogg"
	case len(head) >= 12 && string(head[4:8]) == "ftyp":
		switch brand := string(head[8:12]); {
		case strings.HasPrefix(brand, "M4A"), strings.HasPrefix(brand, "M4B"):
			return "audio/mp4"
		case strings.HasPrefix(brand, "3g"):
			return "video/3gpp"
		case strings.HasPrefix(brand, "qt"):
			return "video/quicktime"
		case brand == "heic", brand == "heix", brand == "mif1":
			return "image/heic"
		case strings.HasPrefix(brand, "avif"):
			return "image/avif"
		}
		return typeMP4
	case bytes.HasPrefix(head, []byte("#!AMR")):
		return "audio/amr"
	case bytes.HasPrefix(head, []byte("fLaC")):
		return "audio/flac"
	case len(head) >= 2 && head[0] == 0xff && head[1]&0xf6 == 0xf0:
		return "audio/aac"
	case len(head) >= 2 && head[0] == 0xff && head[1]&0xe0 == 0xe0 && head[1]&0x06 != 0:
		return "audio/mpeg"
	}
	kind := http.DetectContentType(head)
	if bare, _, err := mime.ParseMediaType(kind); err == nil && bare != "text/plain" {
		return bare
	}
	return kind
}

// byExtension are types that a file's first bytes do not tell.
var byExtension = map[string]string{
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	".doc":  "application/msword", ".xls": "application/vnd.ms-excel", ".ppt": "application/vnd.ms-powerpoint",
	".odt": "application/vnd.oasis.opendocument.text", ".ods": "application/vnd.oasis.opendocument.spreadsheet",
	".csv": "text/csv", ".json": "application/json", ".vcf": "text/vcard", ".ics": "text/calendar", ".md": "text/markdown",
	".svg": "image/svg+xml", ".apk": "application/vnd.android.package-archive", ".epub": "application/epub+zip",
}

// typeOf decides the type of a file: what the caller says, else its first bytes, else its name, else what its server
// said.
func typeOf(given, sniffed, name, served string) string {
	if given != "" {
		return given
	}
	byName := byExtension[strings.ToLower(path.Ext(name))]
	general := sniffed == typeUnknown || sniffed == "application/zip" || strings.HasPrefix(sniffed, "text/")
	switch {
	case !general:
		return sniffed
	case byName != "":
		return byName
	case sniffed == typeUnknown && served != "":
		return served
	}
	return sniffed
}

// IsType reports whether a text is a type of files, such as application/pdf.
func IsType(text string) bool {
	kind, _, err := mime.ParseMediaType(text)
	return err == nil && len(text) <= bot.MaxMimetype && strings.Count(kind, "/") == 1
}

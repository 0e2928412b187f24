package httpapi

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/media"
)

var titleFileTooLarge = text{"Berkas terlalu besar", "The file is too large"}

// Faults of files, but for those of messages, which sendFaults has.
var (
	faultFileTooLarge = fault{status: http.StatusRequestEntityTooLarge, kind: bot.ProblemFileTooLarge,
		title: titleFileTooLarge}
	faultUnfit = fault{status: http.StatusUnprocessableEntity, kind: bot.ProblemUnfitFile,
		title: text{"Jenis berkas tidak cocok", "The file does not fit"}}
	faultFetch = fault{status: http.StatusUnprocessableEntity, kind: bot.ProblemFetchFailed,
		title: text{"Berkas tidak dapat diambil", "The file cannot be fetched"}}
	faultAddressRefused = fault{status: http.StatusUnprocessableEntity, kind: bot.ProblemAddressRefused,
		title: text{"Alamat berkas ditolak", "The address of the file is refused"}}
	faultNoRoom = fault{status: http.StatusInsufficientStorage, kind: bot.ProblemNoRoom,
		title: text{"Tidak ada tempat untuk berkas", "No room for the file"},
		detail: text{"Tidak ada yang dikirim: disk bot penuh, atau MEDIA_MAX_SIZE tercapai oleh berkas yang masih menunggu.",
			"Nothing was sent: the bot's disk is full, or files that wait take all of MEDIA_MAX_SIZE."}}
	faultMultipart = fault{status: http.StatusBadRequest, kind: bot.ProblemBadRequest,
		title: text{"Formulir tidak valid", "Invalid form"},
		detail: text{"Kirim formulir dengan satu berkas, yang nama bagiannya jenis pesan (image, video, audio, voice, document atau sticker), dan bagian to, caption atau message (JSON).",
			"Send a form with one file, whose part is named by the kind of message (image, video, audio, voice, document or sticker), and parts to, caption or message (JSON)."}}
)

const (
	// fileSilence is how long a client that sends or gets a file may pause.
	fileSilence = 30 * time.Second
	// formParts bounds the parts of a form.
	formParts = 16
)

// bodyLimit bounds the body of a request. A file in JSON takes four bytes for three, and each line break one more.
func (a *API) bodyLimit(r route) int64 {
	if takesPicture[r.path] {
		return bot.MaxPicture*3/2 + a.limits.body
	}
	if a.Files == nil || r.method != http.MethodPost || !filePaths[r.path] {
		return a.limits.body
	}
	return a.Files.Bounds().File/2*3 + a.limits.body
}

// filePaths are the paths whose requests can have a file.
var filePaths = map[string]bool{
	bot.PathMessages: true, bot.PathWAHASendImage: true, bot.PathWAHASendFile: true, bot.PathWAHASendVoice: true, bot.PathWAHASendVideo: true,
	bot.PathWAHAStatusImage: true, bot.PathWAHAStatusVoice: true, bot.PathWAHAStatusVideo: true, bot.PathWAHAConvertVoice: true,
	bot.PathWAHAConvertVideo: true,
}

// patientBody lets a body take its time as long as it comes.
type patientBody struct {
	io.Reader
	control *http.ResponseController
}

func (b patientBody) Read(p []byte) (int, error) {
	if err := b.control.SetReadDeadline(time.Now().Add(fileSilence)); err != nil {
		return 0, err
	}
	return b.Reader.Read(p)
}

// patiently returns the request's body, and gives the answer its time again when the body has ended.
func (c *call) patiently() (body io.Reader, ended func()) {
	return patientBody{c.r.Body, http.NewResponseController(c.w)}, c.allowFetch
}

// allowFetch gives the answer the time that it takes where a file is fetched or converted first.
func (c *call) allowFetch() {
	_ = http.NewResponseController(c.w).SetWriteDeadline(time.Now().Add(c.limits.responseTime + fetchTime))
}

// fetchTime is added to an answer's time where the bot may fetch or convert a file first.
const fetchTime = 5 * time.Minute

// readWithFile decodes a JSON body, and keeps the file in it on the disk; the file is nil when the body has no file.
// decode gets the text without the file, which is a member of the object at that depth.
func (c *call) readWithFile(depth int, decode func([]byte) error) (*media.Held, error) {
	kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return nil, faultMediaType
	}
	body, ended := c.patiently()
	defer ended()
	var into *media.Incoming
	defer func() {
		if into != nil {
			into.Discard()
		}
	}()
	l := lifter{most: int(c.limits.body), depth: depth, file: func() (io.Writer, error) {
		if c.Files == nil {
			return nil, faultMessagesOff
		}
		var err error
		into, err = c.Files.Create(c.r.Context(), 0)
		return into, err
	}}
	rest, err := l.lift(body)
	if err != nil {
		return nil, classifyLift(err)
	}
	if err := decode(rest); err != nil || into == nil {
		return nil, err
	}
	held, err := into.Keep()
	if err != nil {
		return nil, classifyFile(err)
	}
	return held, nil
}

func classifyLift(err error) error {
	switch {
	case errors.Is(err, errTwoFiles):
		return badParameter("data", "given once")
	case errors.Is(err, errNotBase64):
		return badParameter("data", "Base64")
	case errors.Is(err, errLongJSON):
		return faultTooLarge
	}
	return classifyBody(err)
}

// classifyBody tells what went wrong with a body from what went wrong with the disk.
func classifyBody(err error) error {
	var known fault
	var most *http.MaxBytesError
	if errors.As(err, &known) {
		return known
	}
	if errors.As(err, &most) {
		return tooLarge(most.Limit / 3 * 2)
	}
	if classified := classifyFile(err); classified != err { //nolint:errorlint // whether it was changed
		return classified
	}
	return faultBody
}

func tooLarge(most int64) error {
	size := strconv.FormatInt(most>>20, 10)
	return faultFileTooLarge.about(text{"Berkas dibatasi " + size + " MiB (MEDIA_MAX_FILE).", "A file may have at most " + size + " MiB (MEDIA_MAX_FILE)."})
}

// classifyFile turns an error of media into a fault; another error stays as it is.
func classifyFile(err error) error {
	var large *media.TooLargeError
	var fetch *media.FetchError
	var unready *media.Unready
	switch {
	case errors.As(err, &large):
		return tooLarge(large.Most)
	case errors.As(err, &fetch) && fetch.Refused:
		return faultAddressRefused.about(text{fetch.Reason, fetch.Reason})
	case errors.As(err, &fetch):
		return faultFetch.about(text{fetch.Reason, fetch.Reason})
	case errors.As(err, &unready):
		return faultUnfit.about(unfitText(unready))
	case errors.Is(err, media.ErrFull):
		return faultNoRoom
	case errors.Is(err, media.ErrDamaged):
		return sendFault(bot.ProblemFileDamaged)
	}
	return err
}

func unfitText(u *media.Unready) text {
	id := string(u.Kind) + ": berkas ini " + u.Type + ", padahal harus " + u.Want + ". "
	en := string(u.Kind) + ": this file is " + u.Type + ", and must be " + u.Want + ". "
	switch {
	case errors.Is(u.Cause, media.ErrNoConverter) && u.Kind == bot.KindImage, errors.Is(u.Cause, media.ErrNoConverter) && u.Kind == bot.KindAudio:
		return text{id + "Kirim sebagai document.", en + "Send it as a document."}
	case errors.Is(u.Cause, media.ErrNoConverter):
		return text{id + "Konversikan dahulu, atau pasang ffmpeg dan atur MEDIA_FFMPEG.", en + "Convert it first, or install ffmpeg and set MEDIA_FFMPEG."}
	}
	return text{id + "Konverter tidak dapat membacanya.", en + "The converter could not read it."}
}

// readSend decodes a request to send, from JSON or from a form.
func (c *call) readSend() (request bot.SendRequest, file *media.Held, err error) {
	kind, params, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err == nil && kind == "multipart/form-data" && c.Files != nil {
		return c.readForm(params["boundary"])
	}
	file, err = c.readWithFile(2, func(body []byte) error { return exactly(body, &request) })
	return request, file, err
}

// readForm decodes a form: its file, and the rest of the request.
func (c *call) readForm(boundary string) (request bot.SendRequest, file *media.Held, err error) {
	body, ended := c.patiently()
	defer ended()
	defer func() {
		if err != nil {
			file.Release()
			file = nil
		}
	}()
	form := multipart.NewReader(body, boundary)
	var kind bot.MessageKind
	var about bot.SendFile
	for range formParts {
		part, err := form.NextRawPart()
		if errors.Is(err, io.EOF) {
			return request, file, finishForm(&request, kind, about)
		}
		if err != nil {
			return request, file, formFault(err)
		}
		switch name := part.FormName(); {
		case part.FileName() != "" && isFileKind(name) && file == nil:
			kind, about.Filename = bot.MessageKind(name), media.CleanName(part.FileName())
			if file, err = c.Files.Stage(c.r.Context(), part); err != nil {
				return request, nil, classifyBody(err)
			}
		case part.FileName() != "":
			return request, file, faultMultipart
		default:
			if err := c.formField(&request, &about, name, part); err != nil {
				return request, file, err
			}
		}
	}
	return request, file, faultMultipart
}

func formFault(err error) error {
	var most *http.MaxBytesError
	if errors.As(err, &most) {
		return classifyBody(err)
	}
	return faultMultipart
}

func isFileKind(name string) bool {
	for _, kind := range bot.FileKinds {
		if string(kind) == name {
			return true
		}
	}
	return false
}

// formField reads a part that is no file.
func (c *call) formField(request *bot.SendRequest, about *bot.SendFile, name string, part io.Reader) error {
	value, err := io.ReadAll(io.LimitReader(part, c.limits.body+1))
	switch {
	case err != nil:
		return formFault(err)
	case int64(len(value)) > c.limits.body:
		return faultTooLarge
	}
	switch name {
	case "to":
		request.To = string(value)
	case "caption":
		about.Caption = string(value)
	case "message":
		to := request.To
		if err := exactly(value, request); err != nil {
			return err
		}
		if request.To == "" {
			request.To = to
		}
	default:
		return badParameter(name, "left out; a form has to, caption, message and one file")
	}
	return nil
}

// finishForm joins the file's part with what the message says of the file.
func finishForm(request *bot.SendRequest, kind bot.MessageKind, about bot.SendFile) error {
	said, file := request.File()
	switch {
	case kind == "":
		return faultMultipart
	case file == nil:
		request.SetFile(kind, &about)
		return nil
	case said != kind:
		return badParameter(string(said), "the name of the file's part, too")
	}
	if about.Caption != "" {
		file.Caption = about.Caption
	}
	if file.Filename == "" {
		file.Filename = about.Filename
	}
	return nil
}

// exactly decodes JSON, and refuses a field that v does not have.
func exactly(body []byte, v any) error {
	if !json.Valid(body) {
		return faultJSON
	}
	return decodeExactly(body, v)
}

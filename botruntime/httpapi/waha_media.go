package httpapi

import (
	"encoding/base64"
	"io"
	"net/http"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/media"
)

func wahaFileRoutes() []route {
	return []route{
		{"POST", bot.PathWAHASendImage, withToken, (*call).wahaSendImage},
		{"POST", bot.PathWAHASendFile, withToken, (*call).wahaSendDocument},
		{"POST", bot.PathWAHASendVoice, withToken, (*call).wahaSendVoice},
		{"POST", bot.PathWAHASendVideo, withToken, (*call).wahaSendVideo},
		{"POST", bot.PathWAHAStatusImage, withToken, inSession((*call).wahaImageStatus)},
		{"POST", bot.PathWAHAStatusVoice, withToken, inSession((*call).wahaVoiceStatus)},
		{"POST", bot.PathWAHAStatusVideo, withToken, inSession((*call).wahaVideoStatus)},
		{"POST", bot.PathWAHAConvertVoice, withToken, inSession((*call).wahaConvertVoice)},
		{"POST", bot.PathWAHAConvertVideo, withToken, inSession((*call).wahaConvertVideo)},
	}
}

// wahaReadFile is wahaRead for a body that can have a file.
func (c *call) wahaReadFile(depth int, v any) (*media.Held, error) {
	return c.readWithFile(depth, func(body []byte) error { return c.wahaDecode(body, v) })
}

func (c *call) wahaSendImage() error    { return c.wahaSendKind(bot.KindImage) }
func (c *call) wahaSendDocument() error { return c.wahaSendKind(bot.KindDocument) }
func (c *call) wahaSendVoice() error    { return c.wahaSendKind(bot.KindVoice) }
func (c *call) wahaSendVideo() error    { return c.wahaSendKind(bot.KindVideo) }

func (c *call) wahaSendKind(kind bot.MessageKind) error {
	var asked bot.WAHASendFile
	file, err := c.wahaReadFile(2, &asked)
	if err != nil {
		return err
	}
	reply, err := c.wahaReply(asked.ReplyTo)
	if err != nil {
		file.Release()
		return err
	}
	request := bot.SendRequest{To: asked.ChatID, ReplyTo: reply, ID: asked.ID, Mentions: asked.Mentions}
	about := wahaFileOf(kind, asked.File, asked.Caption)
	about.Note = asked.AsNote && kind == bot.KindVideo
	request.SetFile(kind, about)
	return c.wahaSendFile(request, file)
}

// wahaFileOf is a file as the bot's own requests have it. WAHA's clients name a type for each, also a wrong one; what
// is no document says itself what it is.
func wahaFileOf(kind bot.MessageKind, f bot.WAHAFile, caption string) *bot.SendFile {
	out := &bot.SendFile{URL: f.URL, Filename: f.Filename}
	if kind != bot.KindVoice {
		out.Caption = caption
	}
	if kind == bot.KindDocument && media.IsType(f.Mimetype) {
		out.Mimetype = f.Mimetype
	}
	return out
}

// wahaSendFile sends a message with a file, waits for WhatsApp's server, and answers as WAHA does.
func (c *call) wahaSendFile(request bot.SendRequest, file *media.Held) error {
	sender, err := c.wahaWorking()
	if err == nil && request.To == "" {
		err = badParameter("chatId", "given")
	}
	if _, about := request.File(); err == nil && file == nil && about.URL == "" {
		err = badParameter("file", "given, with url or data")
	}
	if err != nil {
		file.Release()
		return err
	}
	queued, err := c.send(sender, request, file)
	return c.wahaSent(sender, queued, err, http.StatusCreated)
}

func (c *call) wahaImageStatus() error { return c.wahaStatusKind(bot.KindImage) }
func (c *call) wahaVoiceStatus() error { return c.wahaStatusKind(bot.KindVoice) }
func (c *call) wahaVideoStatus() error { return c.wahaStatusKind(bot.KindVideo) }

func (c *call) wahaStatusKind(kind bot.MessageKind) error {
	var asked bot.WAHAFileStatus
	file, err := c.wahaReadFile(2, &asked)
	if err != nil {
		return err
	}
	request := bot.SendRequest{To: "status", ID: asked.ID, StatusOptions: &bot.StatusOptions{Contacts: asked.Contacts}}
	request.SetFile(kind, wahaFileOf(kind, asked.File, asked.Caption))
	return c.wahaSendFile(request, file)
}

func (c *call) wahaConvertVoice() error { return c.wahaConvert(bot.KindVoice) }
func (c *call) wahaConvertVideo() error { return c.wahaConvert(bot.KindVideo) }

// wahaConvert answers with a file in the form that WhatsApp shows.
func (c *call) wahaConvert(kind bot.MessageKind) error {
	var asked bot.WAHAConvert
	file, err := c.wahaReadFile(1, &asked)
	if err != nil {
		return err
	}
	if c.Files == nil {
		return faultMessagesOff
	}
	if file == nil {
		if asked.URL == "" {
			return badParameter("url", "given, or else the file as data")
		}
		got, err := c.Files.Fetch(c.r.Context(), asked.URL)
		if err != nil {
			return classifyFile(err)
		}
		file = got.Held
	}
	ready, err := c.Files.Prepare(c.r.Context(), file, media.Given{Kind: kind})
	if err != nil {
		return classifyFile(err)
	}
	defer ready.Release()
	if c.r.Header.Get("Accept") == "application/json" {
		return c.base64File(ready)
	}
	c.fileHeaders(&ready.Media)
	return c.serveFile(ready.Held)
}

// base64File answers with a file in JSON, piece by piece.
func (c *call) base64File(ready media.Ready) error {
	file, err := ready.Open()
	if err != nil {
		return err
	}
	defer file.Close()
	c.w.Header().Set("Content-Type", "application/json")
	out := &patientWriter{ResponseWriter: c.w, control: http.NewResponseController(c.w)}
	_, _ = io.WriteString(out, `{"mimetype":"`+ready.Media.Mimetype+`","data":"`)
	encoder := base64.NewEncoder(base64.StdEncoding, out)
	_, err = io.Copy(encoder, file)
	_ = encoder.Close()
	if err != nil {
		panic(http.ErrAbortHandler) // only a broken connection tells the client that the file is incomplete
	}
	_, _ = io.WriteString(out, "\"}\n")
	return nil
}

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"image"
	"image/color"
	"image/png"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/bot/client"
	"sesi.dev/sesi/test/wasim/mediahost"
	"sesi.dev/sesi/test/wasim/sim"
)

// chart is a picture as programs draw them.
func chart(t testing.TB) []byte {
	picture := image.NewRGBA(image.Rect(0, 0, 320, 200))
	for x := range 320 {
		for y := range 200 {
			picture.Set(x, y, color.RGBA{uint8(x), uint8(y), 128, 255})
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// postForm sends a form with one file.
func (p *process) postForm(kind, name string, file []byte, fields map[string]string) (int, []byte) {
	p.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, value := range fields {
		if err := form.WriteField(name, value); err != nil {
			p.t.Fatal(err)
		}
	}
	part, err := form.CreateFormFile(kind, name)
	if err == nil {
		_, err = part.Write(file)
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		p.t.Fatal(err)
	}
	answer, err := direct.Post("http://"+p.plain+bot.PathMessages, form.FormDataContentType(), &body)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return answer.StatusCode, text
}

func TestFilesGoOut(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	picture := chart(t)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/laporan.pdf":
			_, _ = w.Write([]byte("%PDF-1.7 laporan"))
		case "/moved":
			http.Redirect(w, r, "http://127.0.0.9:1/", http.StatusFound)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(web.Close)
	p := start(t, settings(wa, dir, "MEDIA_ALLOW=127.0.0.1", "MEDIA_MAX_FILE=1"))
	p.pair(wa)

	m := p.sends(http.StatusOK, bot.SendRequest{To: "+62899000001", Image: &bot.SendFile{Data: picture, Caption: "bulan ini"}})
	if m.Kind != bot.KindImage || m.Text != "bulan ini" || m.Media == nil || m.Media.Width != 320 || m.Media.Height != 200 ||
		m.Media.SHA256 != hashOf(picture) || m.Media.Mimetype != "image/png" || m.Media.Path != bot.MediaPath(m.ID) {
		t.Errorf("%+v %+v", m, m.Media)
	}
	got := p.onPhone(wa, m.ID)
	if f := got.File; got.Kind != "image" || got.Text != "bulan ini" || f == nil || f.Err != "" || f.SHA256 != hashOf(picture) || len(f.Thumbnail) == 0 || f.Width != 320 {
		t.Errorf("the phone got %+v: %+v", got, f)
	}
	// The same file is on the disk, and is served from there.
	status, body := p.call(http.MethodGet, m.Media.Path)
	if status != http.StatusOK || !bytes.Equal(body, picture) {
		t.Errorf("status %d, %d bytes", status, len(body))
	}

	m = p.sends(http.StatusOK, bot.SendRequest{To: "+62899000001", Document: &bot.SendFile{URL: web.URL + "/laporan.pdf", Caption: "laporan"}})
	if f := p.onPhone(wa, m.ID).File; m.Media.Filename != "laporan.pdf" || f.Filename != "laporan.pdf" || f.Mimetype != "application/pdf" || f.Err != "" {
		t.Errorf("%+v, the phone got %+v", m.Media, f)
	}
	status, body = p.postForm("image", "foto.png", picture, map[string]string{"to": "+62899000001", "caption": "foto"})
	if status != http.StatusOK || !strings.Contains(string(body), `"text":"foto"`) {
		t.Errorf("status %d: %s", status, body)
	}
	m = p.sends(http.StatusOK, bot.SendRequest{To: "status", Image: &bot.SendFile{Data: picture, Caption: "buka"}, StatusOptions: &bot.StatusOptions{Contacts: []string{"+62899000001"}}})
	if f := p.onPhone(wa, m.ID).File; f == nil || f.Err != "" {
		t.Errorf("the phone got %+v", f)
	}
	m = p.sends(http.StatusOK, bot.SendRequest{To: "+62899000001", Image: &bot.SendFile{Data: picture, ViewOnce: true}})
	if f := p.onPhone(wa, m.ID).File; !m.ViewOnce || f == nil || !f.ViewOnce || f.Err != "" {
		t.Errorf("the phone got %+v", f)
	}

	for _, c := range []struct {
		want    bot.ProblemKind
		says    string
		request bot.SendRequest
	}{
		{bot.ProblemFetchFailed, "404", bot.SendRequest{Image: &bot.SendFile{URL: web.URL + "/nothing"}}},
		{bot.ProblemFetchFailed, "http", bot.SendRequest{Image: &bot.SendFile{URL: "file:///etc/passwd"}}},
		{bot.ProblemAddressRefused, "MEDIA_ALLOW", bot.SendRequest{Image: &bot.SendFile{URL: web.URL + "/moved"}}},
		{bot.ProblemAddressRefused, "MEDIA_ALLOW", bot.SendRequest{Image: &bot.SendFile{URL: "http://127.0.0.8/x"}}},
		{bot.ProblemUnfitFile, "JPEG", bot.SendRequest{Image: &bot.SendFile{Data: []byte("no picture")}}},
		{bot.ProblemUnfitFile, "MEDIA_FFMPEG", bot.SendRequest{Voice: &bot.SendFile{Data: []byte("ID3 music")}}},
		{bot.ProblemBadParameter, "caption", bot.SendRequest{Voice: &bot.SendFile{Data: []byte("x"), Caption: "x"}}},
		{bot.ProblemBadParameter, "image.url", bot.SendRequest{Image: &bot.SendFile{}}},
		{bot.ProblemFileTooLarge, "1 MiB", bot.SendRequest{Document: &bot.SendFile{Data: make([]byte, 1<<20+1)}}},
		{bot.ProblemUnsupported, "", bot.SendRequest{To: "status", Document: &bot.SendFile{Data: []byte("x")}}},
	} {
		if c.request.To == "" {
			c.request.To = "+62899000001"
		}
		if problem := p.refuses(c.want, c.request); !strings.Contains(problem.Detail, c.says) {
			t.Errorf("%s: %s", c.want, problem.Detail)
		}
	}
	api := client.Client{BaseURL: "http://" + p.plain, Transport: direct.Transport}
	m, err := api.SendFile(t.Context(), "chart", bot.KindImage, "chart.png", bytes.NewReader(picture), bot.SendRequest{To: "+62899000001", Image: &bot.SendFile{Caption: "grafik"}})
	if err != nil || m.Kind != bot.KindImage || m.Text != "grafik" {
		t.Errorf("%+v %v", m, err)
	}
	file, kind, err := api.File(t.Context(), m.ID, "")
	if err != nil || kind != "image/png" {
		t.Fatal(kind, err)
	}
	read, err := io.ReadAll(file)
	if err := file.Close(); err != nil {
		t.Error(err)
	}
	if err != nil || !bytes.Equal(read, picture) {
		t.Errorf("%d bytes, %v", len(read), err)
	}

	same := []string{bot.HeaderIdempotencyKey, "month-11"}
	first := p.sends(http.StatusOK, bot.SendRequest{To: "+62899000001", Image: &bot.SendFile{Data: picture}}, same...)
	if again := p.sends(http.StatusOK, bot.SendRequest{To: "+62899000001", Image: &bot.SendFile{Data: picture}}, same...); again.ID != first.ID {
		t.Error("the same key sent twice")
	}
	p.refuses(bot.ProblemKeyReused, bot.SendRequest{To: "+62899000001", Image: &bot.SendFile{Data: append([]byte{}, picture[:len(picture)-1]...)}}, same...)
}

func TestFilesComeIn(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir, "MEDIA_MAX_FILE=1"))
	own := jid(t, p.pair(wa).JID)
	content := bytes.Repeat([]byte("a receipt "), 5_000)
	receipt, err := wa.Attach(sim.Media{Kind: mediahost.Document, Data: content, Filename: "nota.pdf", Mimetype: "application/pdf", Caption: "makan 25rb"})
	if err != nil {
		t.Fatal(err)
	}
	id, err := wa.Person("62899000001").Send(own, receipt, sim.Delivery{})
	mustSend(t, id, err)
	came := p.waitForEvent("a document", ofType(bot.EventMessage)).Data.Message
	if came.Kind != bot.KindDocument || came.Text != "makan 25rb" || came.Media.SHA256 != hashOf(content) || came.Media.Path != bot.MediaPath(id) {
		t.Fatalf("%+v %+v", came, came.Media)
	}
	answer, body := p.download(came.Media.Path)
	if answer.StatusCode != http.StatusOK || !bytes.Equal(body, content) || answer.Header.Get("Etag") != `"`+hashOf(content)+`"` ||
		answer.Header.Get("Content-Type") != "application/pdf" || answer.Header.Get("Content-Disposition") != `attachment; filename=nota.pdf` {
		t.Errorf("%d bytes, %v", len(body), answer.Header)
	}
	answer, body = p.download(came.Media.Path, "Range", "bytes=2-8")
	if answer.StatusCode != http.StatusPartialContent || string(body) != "receipt" {
		t.Errorf("%s: %q", answer.Status, body)
	}
	if answer, _ = p.download(came.Media.Path, "If-None-Match", answer.Header.Get("Etag")); answer.StatusCode != http.StatusNotModified {
		t.Error(answer.Status)
	}
	large, err := wa.Attach(sim.Media{Kind: mediahost.Video, Size: 1<<20 + 1})
	if err != nil {
		t.Fatal(err)
	}
	id, err = wa.Person("62899000001").Send(own, large, sim.Delivery{})
	mustSend(t, id, err)
	p.waitForEvent("a video", func(e bot.Event) bool { return e.Type == bot.EventMessage && e.Data.Message.Kind == bot.KindVideo })
	if answer, body := p.download(bot.MediaPath(id)); answer.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(string(body), "MEDIA_MAX_FILE") {
		t.Errorf("%s: %s", answer.Status, body)
	}
	// WAHA's address of the file leads to the same bytes.
	if _, body := p.download("/api/files/default/" + came.ID + ".pdf"); !bytes.Equal(body, content) {
		t.Errorf("%d bytes", len(body))
	}
}

// download gets a path, with its answer's header.
func (p *process) download(path string, header ...string) (*http.Response, []byte) {
	p.t.Helper()
	r, err := http.NewRequest(http.MethodGet, "http://"+p.plain+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := direct.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return answer, body
}

func TestWAHAsClientsSendFiles(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir))
	p.pair(wa)
	picture := chart(t)
	file := map[string]any{"mimetype": "image/jpeg", "filename": "a.jpg", "data": base64.StdEncoding.EncodeToString(picture)}
	var m bot.WAHAMessage
	p.waha(http.StatusCreated, http.MethodPost, bot.PathWAHASendImage, map[string]any{
		"session": "default", "chatId": "62899000001@c.us", "file": file, "caption": "bulan ini",
	}, &m)
	if !m.HasMedia || m.Media == nil || !strings.HasPrefix(m.Media.URL, "http://"+p.plain+"/api/files/") || m.Body != "bulan ini" {
		t.Errorf("%+v %+v", m, m.Media)
	}
	if _, body := p.download(strings.TrimPrefix(m.Media.URL, "http://"+p.plain)); !bytes.Equal(body, picture) {
		t.Errorf("%d bytes", len(body))
	}
	p.waha(http.StatusCreated, http.MethodPost, bot.PathWAHASendFile, map[string]any{
		"session": "default", "chatId": "62899000001@c.us", "file": file,
	}, &m)
	if m.Media.Filename != "a.jpg" {
		t.Errorf("%+v", m.Media)
	}
	p.waha(http.StatusCreated, http.MethodPost, strings.Replace(bot.PathWAHAStatusImage, "{name}", "default", 1), map[string]any{
		"file": file, "contacts": []string{"62899000001@c.us"},
	}, &m)
	p.waha(http.StatusUnprocessableEntity, http.MethodPost, bot.PathWAHASendVoice, map[string]any{
		"session": "default", "chatId": "62899000001@c.us", "file": file, "convert": true,
	}, nil)
}

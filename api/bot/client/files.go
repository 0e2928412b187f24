package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"

	"sesi.dev/sesi/api/bot"
)

// SendFile is Send for a message with a file, of one of bot.FileKinds. The file is read once, while it is sent; name is
// its name. request may have a SendFile of that kind, for example with a caption, but no url and no data.
func (c *Client) SendFile(ctx context.Context, key string, kind bot.MessageKind, name string, file io.Reader, request bot.SendRequest) (m bot.Message, err error) {
	if said, _ := request.File(); said == "" {
		request.SetFile(kind, &bot.SendFile{})
	}
	message, err := json.Marshal(request)
	if err != nil {
		return m, fmt.Errorf("encode the request: %w", err)
	}
	reader, writer := io.Pipe()
	form := multipart.NewWriter(writer)
	go func() { // it ends when the request does, which closes the reader
		err := form.WriteField("message", string(message))
		if err == nil {
			var part io.Writer
			if part, err = form.CreateFormFile(string(kind), name); err == nil {
				_, err = io.Copy(part, file)
			}
		}
		_ = writer.CloseWithError(errors.Join(err, form.Close()))
	}()
	defer reader.Close()
	header := http.Header{"Content-Type": {form.FormDataContentType()}}
	if key != "" {
		header.Set(bot.HeaderIdempotencyKey, key)
	}
	return m, c.do(ctx, http.MethodPost, bot.PathMessages, reader, &m, header, maxAnswer)
}

// File returns the file of a message, and its type; the caller closes it. chat may be empty where one chat only holds
// that id. The bot may have to fetch the file from WhatsApp first, or to ask the phone for it.
func (c *Client) File(ctx context.Context, id, chat string) (file io.ReadCloser, mimetype string, err error) {
	answer, err := c.Request(ctx, http.MethodGet, withChat(bot.MediaPath(id), chat), nil, nil)
	if err != nil {
		return nil, "", err
	}
	return answer.Body, answer.Header.Get("Content-Type"), nil
}

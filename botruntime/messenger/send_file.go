package messenger

import (
	"context"
	"fmt"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/media"
	"sesi.dev/sesi/botruntime/message"
)

// file makes a message of a file that is on the disk.
func (d *draft) file(ctx context.Context, request bot.SendRequest, kind bot.MessageKind, asked bot.SendFile, ready media.Ready) error {
	about := ready.Media
	about.Animated = about.Animated || asked.Animated
	about.Note = asked.Note
	out := message.File{Kind: kind, Caption: asked.Caption, ViewOnce: asked.ViewOnce, Media: about, Thumbnail: ready.Thumbnail}
	var err error
	if out.Context, err = d.context(ctx, request); err != nil {
		return err
	}
	d.upload = ready.SHA256
	return d.set(out.Compose())
}

// checkFile refuses what a request for a file cannot have.
func checkFile(kind bot.MessageKind, f bot.SendFile, inRequest bool) error {
	name := string(kind)
	moves := kind == bot.KindVideo
	switch {
	case inRequest && f.URL != "":
		return badField(name+".url", "left out, because the request has the file itself")
	case !inRequest && f.URL == "":
		return badField(name+".url", "given, or else the file as "+name+".data or as a part of the request")
	case len(f.Caption) > bot.MaxTextBytes:
		return badField(name+".caption", fmt.Sprintf("at most %d bytes of UTF-8", bot.MaxTextBytes))
	case f.Caption != "" && (kind == bot.KindAudio || kind == bot.KindVoice || kind == bot.KindSticker):
		return badField(name+".caption", "left out: WhatsApp shows none here")
	case f.Mimetype != "" && !media.IsType(f.Mimetype):
		return badField(name+".mimetype", "a type such as application/pdf")
	case len(f.Filename) > bot.MaxFilename:
		return badField(name+".filename", fmt.Sprintf("at most %d bytes", bot.MaxFilename))
	case f.ViewOnce && kind != bot.KindImage && kind != bot.KindVideo && kind != bot.KindVoice:
		return badField(name+".viewOnce", "left out: only an image, a video or a voice message can be seen once")
	case f.Note && !moves || f.Animated && !moves && kind != bot.KindSticker:
		return badField(name+".note", "left out, and animated too, unless it is a video")
	}
	return nil
}

// SendFile is Send for a request whose file came with it. The file is released.
func (m *Messenger) SendFile(ctx context.Context, key string, request bot.SendRequest, given *media.Held) (bot.Message, error) {
	kind, asked := request.File()
	if asked == nil {
		given.Release()
		return bot.Message{}, badField("image", "given, or another kind of message with a file")
	}
	asked.Data = nil
	stamp := fileRequest{SendRequest: request}
	if given != nil {
		stamp.SHA256 = given.SHA256
	}
	return m.sendWith(ctx, key, request, stamp, func(ctx context.Context, d *draft) error {
		if err := checkFile(kind, *asked, given != nil); err != nil {
			return err
		}
		ready, err := m.ready(ctx, kind, *asked, given)
		given = nil
		if err != nil {
			return err
		}
		d.held = ready.Held
		return d.file(ctx, request, kind, *asked, ready)
	}, func() { given.Release() })
}

// fileRequest stands for a request with a file where a repeat is recognised: the hash stands for the file.
type fileRequest struct {
	bot.SendRequest
	SHA256 string
}

// ready gets the file of a request, and makes it one that the kind of message can have.
func (m *Messenger) ready(ctx context.Context, kind bot.MessageKind, asked bot.SendFile, given *media.Held) (media.Ready, error) {
	about := media.Given{Kind: kind, Name: media.CleanName(asked.Filename), Mimetype: asked.Mimetype}
	if given == nil {
		got, err := m.Files.Fetch(ctx, asked.URL)
		if err != nil {
			return media.Ready{}, err
		}
		given, about.Served = got.Held, got.Mimetype
		if about.Name == "" {
			about.Name = got.Name
		}
	}
	return m.Files.Prepare(ctx, given, about)
}

package messenger

import (
	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
)

// channel refuses what a channel does not have. People publish texts and files there, for everyone to see: nothing is
// encrypted, and nobody answers.
func (d *draft) channel(request bot.SendRequest) error {
	if d.to.Server != types.NewsletterServer {
		return nil
	}
	kind, file := request.File()
	switch {
	case request.Text == "" && file == nil:
		return &Refusal{Kind: bot.ProblemUnsupported}
	case request.ReplyTo != "":
		return badField("replyTo", "left out in a channel")
	case len(request.Mentions) > 0:
		return badField("mentions", "left out in a channel")
	case request.ExpiresIn > 0:
		return badField("expiresIn", "left out in a channel")
	case file != nil && file.ViewOnce:
		return badField(string(kind)+".viewOnce", "left out in a channel")
	}
	return nil
}

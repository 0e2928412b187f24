package httpapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/directory"
)

// Directory knows the account's groups and contacts. A refusal is a *directory.Refusal.
type Directory interface {
	Contacts(ctx context.Context, after string, limit int) (contacts []bot.Contact, next string, err error)
	Contact(ctx context.Context, id string) (bot.Contact, error)
	About(ctx context.Context, id string) (bot.About, error)
	Block(ctx context.Context, id string, block bool) (bot.Blocked, error)
	Blocked(ctx context.Context) ([]bot.Party, error)
	Picture(ctx context.Context, id, known string) (bot.Picture, error)
	OpenPicture(ctx context.Context, id, known string) (bot.Picture, io.ReadCloser, error)
	SetPicture(ctx context.Context, id string, picture []byte) (bot.Picture, error)
	Profile(ctx context.Context) (bot.Profile, error)
	ChangeProfile(ctx context.Context, request bot.ChangeProfileRequest) (bot.Profile, error)
	NameContact(ctx context.Context, id string, request bot.NameContactRequest) (bot.Party, error)
	ChangeChat(ctx context.Context, chat string, request bot.ChangeChatRequest) (bot.Party, error)
	DeleteChat(ctx context.Context, chat string) (bot.Party, error)
	Channels(ctx context.Context) ([]bot.Channel, error)
	Channel(ctx context.Context, id string) (bot.Channel, error)
	CreateChannel(ctx context.Context, request bot.CreateChannelRequest) (bot.Channel, error)
	Follow(ctx context.Context, id string, follow bool) (bot.Channel, error)
	MuteChannel(ctx context.Context, id string, mute bool) (bot.Channel, error)
	DeleteChannel(ctx context.Context, id string) (bot.Channel, error)
	ChannelMessages(ctx context.Context, id string, before, limit int) (bot.ChannelMessages, error)
	SearchChannels(ctx context.Context, search bot.ChannelSearch) (bot.FoundChannels, error)
	ClearChat(ctx context.Context, chat string) (bot.Party, error)
	Star(ctx context.Context, m bot.Message, star bool) error
	Labels(ctx context.Context) ([]bot.Label, error)
	SaveLabel(ctx context.Context, id string, request bot.LabelRequest) (bot.Label, error)
	DeleteLabel(ctx context.Context, id string) (bot.Label, error)
	LabelChats(ctx context.Context, id string) ([]bot.Party, error)
	ChatLabels(ctx context.Context, chat string) ([]bot.Label, error)
	SetChatLabels(ctx context.Context, chat string, ids []string) ([]bot.Label, error)
	Groups(ctx context.Context) (*directory.Joined, error)
	Group(ctx context.Context, id string) (bot.Group, error)
	CreateGroup(ctx context.Context, request bot.CreateGroupRequest) (bot.CreatedGroup, error)
	ChangeGroup(ctx context.Context, id string, request bot.ChangeGroupRequest) (bot.Group, error)
	ChangeParticipants(ctx context.Context, id string, request bot.ParticipantsRequest) ([]bot.ParticipantOutcome, error)
	Invite(ctx context.Context, id string, renew bool) (bot.GroupInvite, error)
	InviteInfo(ctx context.Context, code string) (bot.Group, error)
	Join(ctx context.Context, code string) (bot.JoinedGroup, error)
	Leave(ctx context.Context, id string) error
	Requests(ctx context.Context, id string) ([]bot.GroupRequest, error)
	AnswerRequests(ctx context.Context, id string, request bot.AnswerRequests) ([]bot.ParticipantOutcome, error)
}

// directoryFaults say each refusal of the directory in both languages.
var directoryFaults = []fault{
	faultParameter,
	faultRecipient,
	faultNotReady,
	faultNoGroup,
	{kind: bot.ProblemNotAdmin, status: http.StatusForbidden,
		title:  text{"Hanya untuk admin", "Only for admins"},
		detail: text{"Hanya admin grup, atau pemilik saluran, yang boleh melakukan ini.", "Only an admin of the group, or the owner of the channel, may do this."}},
	{kind: bot.ProblemBadInvite, status: http.StatusNotFound,
		title:  text{"Undangan tidak berlaku", "The invite does not work"},
		detail: text{"Kode undangan ini salah, atau sudah diganti dengan yang baru.", "This invite is wrong, or a new one took its place."}},
	{kind: bot.ProblemNoSuchChannel, status: http.StatusNotFound,
		title:  text{"Saluran tidak ditemukan", "No such channel"},
		detail: text{"Tidak ada saluran dengan alamat atau undangan ini.", "There is no channel with this address or invite."}},
	{kind: bot.ProblemNoSuchLabel, status: http.StatusNotFound,
		title:  text{"Label tidak ditemukan", "Label not found"},
		detail: text{"Akun ini tidak punya label dengan id ini.", "The account has no label with this id."}},
	{kind: bot.ProblemNoPicture, status: http.StatusNotFound,
		title:  text{"Tidak ada foto", "No picture"},
		detail: text{"Tidak ada foto, atau akun ini tidak boleh melihatnya.", "There is no picture, or the account may not see it."}},
	{kind: bot.ProblemBadPicture, status: http.StatusUnprocessableEntity,
		title:  text{"Foto tidak valid", "Invalid picture"},
		detail: text{"Kirim foto JPEG dengan sisi 192 sampai 4096 piksel, paling besar 1 MiB.", "Send a JPEG with sides of 192 to 4096 pixels and at most 1 MiB."}},
	{kind: bot.ProblemNotOnWhatsApp, status: http.StatusNotFound,
		title:  text{"Tidak ada di WhatsApp", "Not on WhatsApp"},
		detail: text{"Nomor ini tidak terdaftar di WhatsApp.", "Nobody has this number at WhatsApp."}},
	{kind: bot.ProblemRateLimited, status: http.StatusTooManyRequests,
		title:  text{"Terlalu sering", "Too many requests"},
		detail: text{"WhatsApp meminta jeda; coba lagi nanti.", "WhatsApp asks for a pause; try again later."}},
	{kind: bot.ProblemRefused, status: http.StatusBadGateway,
		title:  text{"Ditolak oleh WhatsApp", "Refused by WhatsApp"},
		detail: text{"Server WhatsApp menolak permintaan ini.", "WhatsApp's server refused this request."}},
}

// classifyDirectory turns an error of the directory into a fault.
func classifyDirectory(err error) error {
	var refused *directory.Refusal
	if !errors.As(err, &refused) {
		return err
	}
	if refused.Field != "" {
		return badParameter(refused.Field, refused.Want)
	}
	f, known := findFault(directoryFaults, refused.Kind)
	if !known {
		return faultInternal
	}
	switch refused.Kind {
	case bot.ProblemRefused:
		code := " (" + strconv.Itoa(refused.Code) + ")"
		return f.about(text{f.detail.id + code, f.detail.en + code})
	case bot.ProblemNotReady:
		return f.retryAfter(2)
	case bot.ProblemRateLimited:
		return f.retryAfter(60)
	}
	return f
}

// withDirectory answers a request from the directory. It fails while messages are off.
func (c *call) withDirectory(status int, do func(context.Context, Directory) (any, error)) error {
	if c.Directory == nil {
		return faultMessagesOff
	}
	ctx, cancel := c.sessionContext()
	defer cancel()
	answer, err := do(ctx, c.Directory)
	if err != nil {
		return classifyDirectory(err)
	}
	if long, is := answer.(parts); is {
		return c.inParts(status, long)
	}
	return c.json(status, answer)
}

// change reads the JSON of a request and answers it from the directory.
func change[Request any](c *call, status int, do func(context.Context, Directory, Request) (any, error)) error {
	request := new(Request)
	return c.changeAs(status, request, func(ctx context.Context, d Directory) (any, error) { return do(ctx, d, *request) })
}

// changeAs is change for a request that is read into a pointer: Go compiles it once, and not for each type.
func (c *call) changeAs(status int, request any, do func(context.Context, Directory) (any, error)) error {
	if c.Directory == nil {
		return faultMessagesOff
	}
	if err := c.readExactly(request); err != nil {
		return err
	}
	return c.withDirectory(status, do)
}

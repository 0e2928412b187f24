package waha

import (
	"mime"
	"net/url"
	"strconv"
	"strings"

	"sesi.dev/sesi/api/bot"
)

// Engine is the name by which WAHA's clients know a server that runs whatsmeow.
const Engine = "GOWS"

// Teller tells what WAHA's clients are told of one session.
type Teller struct {
	// Session is the session's name.
	Session string
	// Base is the address of the API, without a slash at its end; it begins the addresses of files.
	Base string
	// Version is the bot's.
	Version string
	// Me is the linked account; nil when there is none.
	Me *bot.WAHAMe
	// Find returns a message that the bot keeps; nil finds none.
	Find func(chat, id string) (bot.Message, bool)
}

// Me is the linked account of a snapshot; nil when there is none.
func Me(s *bot.Snapshot) *bot.WAHAMe {
	if !s.Exists || s.JID == "" {
		return nil
	}
	lid := bot.Account(s.LID)
	return &bot.WAHAMe{ID: ChatID(bot.Account(s.JID)), LID: lid, JID: s.JID, PushName: s.PushName}
}

// Environment describes the program.
func Environment(version string) bot.WAHAEnvironment {
	return bot.WAHAEnvironment{Version: version, Engine: Engine, Tier: "PLUS", Platform: "sesi", Worker: bot.WAHAWorker{ID: "sesi"}}
}

// ack is WAHA's number and name of how far a message has come.
func ack(m bot.Message) (number int, name string) {
	switch {
	case m.FromMe && m.Origin == bot.OriginAPI && m.State != "":
		return ackOf(m.State)
	case m.FromMe:
		return 1, "SERVER"
	}
	return 2, "DEVICE"
}

// ackOf translates a state.
func ackOf(state bot.MessageState) (number int, name string) {
	switch state {
	case bot.MessageSent:
		return 1, "SERVER"
	case bot.MessageDelivered:
		return 2, "DEVICE"
	case bot.MessageRead:
		return 3, "READ"
	case bot.MessagePlayed:
		return 4, "PLAYED"
	case bot.MessageFailed, bot.MessageCancelled:
		return -1, "ERROR"
	}
	return 0, "PENDING"
}

// States are the states that WAHA calls by the name of an ack; nil for another name.
func States(ackName string) []bot.MessageState {
	var out []bot.MessageState
	for _, state := range bot.MessageStates {
		if _, name := ackOf(state); name == ackName {
			out = append(out, state)
		}
	}
	return out
}

// place is who wrote what to whom, in WAHA's fields.
type place struct {
	from, to, participant, author string
	source                        string
}

func (t Teller) place(chat, from bot.Party, fromMe bool, origin bot.Origin) place {
	p := place{from: ChatID(chat.ID), to: ChatID(chat.ID), source: "app"}
	if !fromMe && t.Me != nil {
		p.to = t.Me.ID
	}
	if manyWrite(chat.Kind) {
		p.participant, p.author = ChatID(from.ID), ChatID(from.ID)
		p.to = p.participant
	}
	if fromMe && origin == bot.OriginAPI {
		p.source = "api"
	}
	return p
}

// Message is a message as WAHA shows it.
func (t Teller) Message(m bot.Message) bot.WAHAMessage {
	p := t.place(m.Chat, m.From, m.FromMe, m.Origin)
	out := bot.WAHAMessage{
		ID: MessageID(m.FromMe, m.Chat, m.ID, m.From), Timestamp: m.Timestamp.Unix(), From: p.from, FromMe: m.FromMe, Source: p.source,
		To: p.to, Participant: p.participant, Author: p.author, Body: m.Text, HasMedia: m.Media != nil, Hold: m.Hold, Data: data(m),
	}
	out.Ack, out.AckName = ack(m)
	if m.Chat.LID != m.Chat.ID {
		out.FromLID = m.Chat.LID
	}
	if p.participant != "" && m.From.LID != m.From.ID {
		out.ParticipantLID = m.From.LID
	}
	if m.Media != nil {
		address := t.Base + strings.NewReplacer("{name}", t.Session, "{file}", url.PathEscape(m.ID+Extension(m.Media.Mimetype))).Replace(bot.PathWAHAFile)
		out.Media = &bot.WAHAMedia{URL: address, Mimetype: m.Media.Mimetype, Filename: m.Media.Filename}
		out.MediaURL = address
	}
	if l := m.Location; l != nil {
		out.Location = &bot.WAHALocation{Latitude: decimal(l.Latitude), Longitude: decimal(l.Longitude), Live: l.Live, Name: l.Name, Address: l.Address, URL: l.URL}
	}
	for _, card := range m.Contacts {
		out.VCards = append(out.VCards, card.VCard)
	}
	if m.Poll != nil && out.Body == "" {
		out.Body = m.Poll.Name
	}
	if m.Appointment != nil && out.Body == "" {
		out.Body = m.Appointment.Name
	}
	if q := m.ReplyTo; q != nil {
		out.ReplyTo = &bot.WAHAReplyTo{ID: q.ID, Participant: ChatID(q.From.ID), Body: q.Text, HasMedia: hasFile(q.Kind)}
	}
	return out
}

func decimal(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

func hasFile(kind bot.MessageKind) bool {
	switch kind {
	case bot.KindImage, bot.KindVideo, bot.KindAudio, bot.KindVoice, bot.KindDocument, bot.KindSticker:
		return true
	}
	return false
}

// extensions are those that WAHA's clients know; the system's list differs from machine to machine.
var extensions = map[string]string{
	"image/jpeg": ".jpeg", "image/png": ".png", "image/webp": ".webp", "image/gif": ".gif", "video/mp4": ".mp4",
	"video/3gpp": ".3gp", "audio/ogg": ".oga", "audio/mpeg": ".mp3", "audio/mp4": ".m4a", "audio/aac": ".aac",
	"application/pdf": ".pdf", "text/plain": ".txt", "text/csv": ".csv", "text/vcard": ".vcf", "application/zip": ".zip",
	"application/msword": ".doc", "application/vnd.ms-excel": ".xls",
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document":   ".docx",
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":         ".xlsx",
	"application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
}

// Extension ends the name of a file of that type.
func Extension(mimetype string) string {
	kind, _, err := mime.ParseMediaType(mimetype)
	if err == nil && extensions[kind] != "" {
		return extensions[kind]
	}
	return ".bin"
}

// data is what scripts read of the library's own form of a message.
func data(m bot.Message) bot.WAHAData {
	info := bot.WAHAInfo{
		ID: m.ID, Chat: m.Chat.ID, Sender: m.From.ID, IsFromMe: m.FromMe, IsGroup: m.Chat.Kind == bot.PartyGroup,
		PushName: m.From.Name, Timestamp: m.Timestamp, Type: "text",
	}
	if m.From.LID != m.From.ID {
		info.SenderAlt = m.From.LID
	}
	if m.Media != nil {
		info.Type = "media"
	}
	return bot.WAHAData{Info: info, NotifyName: m.From.Name}
}

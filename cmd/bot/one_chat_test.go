package main

import (
	"database/sql"
	"errors"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
)

const (
	sariNumber = "62899000001@s.whatsapp.net"
	sariLID    = "111111111111111@lid"
)

// written writes messages into the journal of a bot that does not run, each with its event. Texts are the ids.
func written(t *testing.T, dir string, messages ...bot.Message) {
	t.Helper()
	book, err := journal.Open(t.Context(), journal.Options{Directory: filepath.Join(dir, "session-default"), Session: "default", Retention: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		m.Text, m.Kind, m.Timestamp, m.Chat.Kind, m.From.Kind = m.ID, bot.KindText, bot.At(time.Now()), bot.PartyPerson, bot.PartyPerson
		if err := book.Commit(t.Context(), func(tx *journal.Tx) error {
			if _, err := tx.Append([]journal.Key{journal.KeyOf(m.ID)}, bot.EventMessage, m.Chat.ID, bot.EventData{Message: &m}); err != nil {
				return err
			}
			return tx.PutMessage(m, nil)
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := book.Close(); err != nil {
		t.Fatal(err)
	}
}

func from(id, who string) bot.Message {
	return bot.Message{ID: id, Chat: bot.Party{ID: who}, From: bot.Party{ID: who}}
}

// learn tells a bot that does not run that a LID and a number are one person's.
func learn(t *testing.T, dir, lid, number string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "session-default", "session.db"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), `INSERT INTO whatsmeow_lid_map (lid, pn) VALUES (?, ?)`, lid, number)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// A person writes under a LID, and under a number that becomes known later to be the same person's: that is one chat.
func TestAPersonWhoseNumberBecomesKnownIsOneChat(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		messages []bot.Message
		order    []string // of the ids of the newest messages, once the number is known
	}{
		"the number is newer": {[]bot.Message{from("L1", sariLID), from("X1", "62899000009@s.whatsapp.net"), from("L2", sariLID), from("N1", sariNumber), from("Y1", "62899000008@s.whatsapp.net")},
			[]string{"Y1", "N1", "X1"}},
		"the LID is newer": {[]bot.Message{from("N1", sariNumber), from("X1", "62899000009@s.whatsapp.net"), from("L1", sariLID), from("L2", sariLID), from("Y1", "62899000008@s.whatsapp.net")},
			[]string{"Y1", "L2", "X1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			start(t, settings(nil, dir)).terminate()
			written(t, dir, c.messages...)
			p := start(t, settings(nil, dir))
			if got := p.chats(2); len(got) != 4 {
				t.Fatalf("before the number is known: %+v", got)
			}
			p.terminate()
			learn(t, dir, "111111111111111", "62899000001")
			p = start(t, settings(nil, dir))
			for _, limit := range []int{1, 2, 3, 50} {
				var order []string
				for _, chat := range p.chats(limit) {
					order = append(order, chat.LastMessage.ID)
					if chat.LastMessage.Chat.ID != chat.ID {
						t.Errorf("the chat %s has a last message of the chat %s", chat.ID, chat.LastMessage.Chat.ID)
					}
					if chat.ID == sariNumber && (chat.Unread != 3 || chat.Phone != "+62899000001" || chat.LID != sariLID) {
						t.Errorf("limit %d: %+v", limit, chat)
					}
				}
				if !slices.Equal(order, c.order) {
					t.Errorf("limit %d: the chats are those of %v, want %v", limit, order, c.order)
				}
			}
			for _, address := range []string{sariLID, sariNumber, "+62899000001"} {
				of := "?chat=" + url.QueryEscape(address)
				var list bot.Messages
				if p.get(bot.PathMessages+of, &list); len(list.Messages) != 3 || list.Messages[0].ID != c.order[1] || list.Messages[0].Chat.ID != sariNumber {
					t.Errorf("%s: %+v", address, list.Messages)
				}
				var found bot.Events
				if p.get(bot.PathEvents+of, &found); len(found.Events) != 3 || found.Events[0].Seq > found.Events[1].Seq {
					t.Errorf("%s: %+v", address, found.Events)
				}
				for _, id := range []string{"L1", "N1"} {
					var m bot.Message
					if status := p.get(bot.PathMessages+"/"+id+of, &m); status != http.StatusOK || m.ID != id || m.Chat.ID != sariNumber || m.From.Phone != "+62899000001" {
						t.Errorf("%s in %s: status %d, %+v", id, address, status, m)
					}
				}
				var waha []bot.WAHAMessage
				if status := p.get("/api/default/chats/"+address+"/messages", &waha); status != http.StatusOK || len(waha) != 3 {
					t.Errorf("WAHA's list of %s: status %d, %+v", address, status, waha)
				}
			}
			var overview []bot.WAHAChatSummary
			if p.get("/api/default/chats/overview?ids="+sariLID, &overview); len(overview) != 1 || overview[0].Chat.UnreadCount != 3 {
				t.Errorf("WAHA's overview: %+v", overview)
			}
			if status, _ := p.call(http.MethodDelete, "/api/chats/"+sariLID+"/messages"); status != http.StatusOK || len(p.chats(50)) != 2 {
				t.Errorf("erase: status %d, %+v", status, p.chats(50))
			}
		})
	}
}

// Sends to the number and to the LID of a person are in one chat, whatever WhatsApp told when.
func TestSendsToEitherAddressAreInOneChat(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir))
	p.pair(wa)
	first := p.sends(http.StatusOK, textTo("+62899000001", "satu"))
	if first.Chat.LID == "" {
		t.Fatalf("the LID is not known: %+v", first.Chat)
	}
	second := p.sends(http.StatusOK, textTo(first.Chat.LID, "dua"))
	for _, m := range []bot.Message{first, second} {
		if m.Chat.ID != first.Chat.ID || p.onPhone(wa, m.ID).Phone != "62899000001" {
			t.Errorf("%+v", m)
		}
	}
	if chats := p.chats(50); len(chats) != 1 || chats[0].LastMessage.ID != second.ID {
		t.Errorf("%+v", chats)
	}
}

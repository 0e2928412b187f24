package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
)

const (
	longText = 64_000
	// mostPage is what a page may have: about 1 MiB, and one row more.
	mostPage = 1<<20 + 2*longText
)

// longMessages writes a journal of long messages in chats of a size, and of dead letters that say a lot. It returns the ids
// of the messages, the newest first.
func longMessages(t *testing.T, dir string, chats, each int) (ids []string) {
	t.Helper()
	directory := filepath.Join(dir, "session-default")
	if err := os.MkdirAll(directory, 0o700); err != nil {
		t.Fatal(err)
	}
	book, err := journal.Open(t.Context(), journal.Options{Directory: directory, Session: "default", Retention: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	for i := range chats * each {
		chat := bot.Party{ID: fmt.Sprintf("6289900%04d@s.whatsapp.net", i%chats), Kind: bot.PartyPerson}
		m := bot.Message{ID: fmt.Sprint("M", i), Chat: chat, From: chat, Kind: bot.KindText, Text: strings.Repeat("x", longText), Timestamp: bot.At(time.Now())}
		if err := book.Commit(t.Context(), func(tx *journal.Tx) error { return tx.PutMessage(m, nil) }); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, m.ID)
	}
	var dead []bot.DeadLetter
	for i := range 100 {
		dead = append(dead, bot.DeadLetter{Seq: uint64(i + 1), Events: 1, Error: strings.Repeat("e", 16<<10)})
	}
	if err := book.SaveWebhook(t.Context(), "default", journal.Webhook{}, dead); err != nil {
		t.Fatal(err)
	}
	slices.Reverse(ids)
	return ids
}

// pages reads a list page by page, and returns what its pages have: of each the bytes are bounded.
func pages[Page any](p *process, path string, limit int, split func(Page) (ids []string, before uint64)) (all []string) {
	p.t.Helper()
	for before := uint64(0); ; {
		status, body := p.call(http.MethodGet, path+"limit="+strconv.Itoa(limit)+"&before="+strconv.FormatUint(before, 10))
		var page Page
		if err := json.Unmarshal(body, &page); err != nil || status != http.StatusOK {
			p.t.Fatalf("%s: status %d, %v", path, status, err)
		}
		ids, next := split(page)
		if len(body) > mostPage || len(ids) > limit || len(ids) == 0 && next > 0 {
			p.t.Errorf("%s: a page of %d rows has %d bytes", path, len(ids), len(body))
		}
		all = append(all, ids...)
		if before = next; before == 0 {
			return all
		}
	}
}

// A page ends before it fills the bot's memory, and the next one goes on there.
func TestPagesAreBoundedByBytes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const chats, each = 25, 2
	ids := longMessages(t, dir, chats, each)
	p := start(t, settings(nil, dir, "WEBHOOK_URL=http://127.0.0.1:1"))
	messages := func(page bot.Messages) (ids []string, before uint64) {
		for _, m := range page.Messages {
			ids = append(ids, m.ID)
		}
		return ids, page.Before
	}
	for _, limit := range []int{500, 7} {
		if got := pages(p, bot.PathMessages+"?", limit, messages); !slices.Equal(got, ids) {
			t.Errorf("limit %d: %v, want %v", limit, got, ids)
		}
	}
	if got := pages(p, bot.PathMessages+"?chat="+url.QueryEscape("+62899000003")+"&", 500, messages); len(got) != each {
		t.Errorf("one chat: %v", got)
	}
	last := pages(p, bot.PathChats+"?", 100, func(page bot.Chats) (ids []string, before uint64) {
		for _, c := range page.Chats {
			ids = append(ids, c.LastMessage.ID)
		}
		return ids, page.Before
	})
	if !slices.Equal(last, ids[:chats]) {
		t.Errorf("chats: %v, want %v", last, ids[:chats])
	}
	letters := pages(p, at(bot.PathWebhookDead, "default")+"?", 500, func(page bot.DeadLetters) (ids []string, before uint64) {
		for _, l := range page.DeadLetters {
			ids = append(ids, fmt.Sprint(l.Seq))
		}
		return ids, page.Before
	})
	if len(letters) != 100 || letters[0] != "100" || letters[99] != "1" {
		t.Errorf("dead letters: %v", letters)
	}
	// WAHA's lists have no cursor, so they are whole.
	var list []bot.WAHAMessage
	if status := p.get("/api/default/chats/all/messages?limit=500", &list); status != http.StatusOK || len(list) != chats*each {
		t.Errorf("WAHA's messages: status %d, %d of them", status, len(list))
	}
	for i, m := range list {
		if !strings.HasSuffix(m.ID, ids[i]) || len(m.Body) != longText {
			t.Errorf("message %d is %s", i, m.ID)
		}
	}
	var overview []bot.WAHAChatSummary
	if status := p.get("/api/default/chats/overview?limit=20&offset=3", &overview); status != http.StatusOK || len(overview) != 20 {
		t.Errorf("WAHA's chats: status %d, %d of them", status, len(overview))
	}
}

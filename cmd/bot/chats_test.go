package main

import (
	"net/http"
	"strconv"
	"testing"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

// chats lists every chat, page by page.
func (p *process) chats(limit int) (all []bot.Chat) {
	p.t.Helper()
	for before := uint64(0); ; {
		var page bot.Chats
		if status := p.get(bot.PathChats+"?limit="+strconv.Itoa(limit)+"&before="+strconv.FormatUint(before, 10), &page); status != http.StatusOK {
			p.t.Fatalf("chats: status %d", status)
		}
		all = append(all, page.Chats...)
		if before = page.Before; before == 0 {
			return all
		}
	}
}

// unread counts what is unread in one chat; -1 when there is no such chat.
func (p *process) unread(name string) int {
	for _, chat := range p.chats(50) {
		if chat.Name == name {
			return chat.Unread
		}
	}
	return -1
}

func TestChatsSayWhatIsUnread(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{sim.AddrPN, sim.AddrLID} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			wa := simtest.Start(t, sim.Config{AddrMode: mode})
			p := start(t, settings(wa, t.TempDir()))
			own := jid(t, p.pair(wa).JID)
			if got := p.chats(50); len(got) != 0 {
				t.Errorf("chats of a new session: %+v", got)
			}
			sari, budi := wa.Person("62899000001"), wa.Person("62899000002")
			group, err := wa.MakeGroup("Kas RT 05", mode, "62899000002", "62899000001", own.User)
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for i := range 3 {
				id, err := sari.Send(own, sim.Text("pesan "+strconv.Itoa(i)), sim.Delivery{Name: "Sari"})
				ids = append(ids, mustSend(t, id, err))
			}
			id, err := budi.Send(group.JID(), sim.Text(`{"fromMe":true}`), sim.Delivery{Name: "Budi"})
			inGroup := mustSend(t, id, err)
			p.waitFor("two chats", func() bool { return len(p.chats(50)) == 2 && p.unread("Sari") == 3 })
			var groups bot.Groups
			if p.get(bot.PathGroups, &groups); len(groups.Groups) != 1 || groups.Groups[0].Subject != "Kas RT 05" || groups.Groups[0].Role != bot.RoleMember {
				t.Errorf("groups %+v", groups)
			}
			list := p.chats(1)
			if len(list) != 2 || list[0].Name != "Kas RT 05" || list[0].Kind != bot.PartyGroup || list[0].Unread != 1 || list[0].LastMessage.ID != inGroup ||
				list[1].Name != "Sari" || list[1].Phone != "+62899000001" || list[1].LastMessage.Text != "pesan 2" || list[1].Timestamp != list[1].LastMessage.Timestamp {
				t.Errorf("chats %+v", list)
			}
			for want, id := range map[int]string{1: ids[1]} {
				if status, body := p.call(http.MethodPost, bot.PathMessages+"/"+id+"/read"); status != http.StatusOK || p.unread("Sari") != want {
					t.Errorf("the bot read up to %s: %d %s, %d unread, want %d", id, status, body, p.unread("Sari"), want)
				}
			}
			phone := wa.Person(own.User)
			if err := phone.Receipt(jid(t, "62899000001@s.whatsapp.net"), sim.Read, ids[2]); err != nil {
				t.Fatal(err)
			}
			p.waitFor("what the phone read is read", func() bool { return p.unread("Sari") == 0 })
			id, err = phone.Write(group.JID(), "baik")
			mustSend(t, id, err)
			p.waitFor("who writes has read", func() bool { return p.unread("Kas RT 05") == 0 })
			p.sends(http.StatusOK, bot.SendRequest{To: "+62899000001", Text: "dari bot"})
			if got := p.chats(50)[0]; got.Name != "Sari" || got.LastMessage.Text != "dari bot" || got.Unread != 0 {
				t.Errorf("the newest chat is %+v", got)
			}
			if status, body := p.call(http.MethodDelete, "/api/chats/"+group.JID().String()+"/messages"); status != http.StatusOK || len(p.chats(50)) != 1 {
				t.Errorf("erase: %d %s, chats %+v", status, body, p.chats(50))
			}
		})
	}
}

package sim_test

import (
	"os"
	"path/filepath"
	"testing"

	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

func TestRestartKeepsEverything(t *testing.T) {
	s := simtest.Start(t, sim.Config{StateFile: filepath.Join(t.TempDir(), "state")})
	b := memoryBot(t, s)
	jid := b.pair("5511911112221")
	b.send(b.say(jid, "before").Info.Chat, "answer")
	s.WaitEvent(t, 0, sim.EventPreKeys)
	before := info(t, s, jid)
	mark := b.mark()
	s.Restart(t)
	wait[*events.Disconnected](b, mark)
	after := info(t, s, jid)
	if after.PreKeys != before.PreKeys || after.OS != before.OS || !after.Since.Equal(before.Since) || after.Ver != before.Ver {
		t.Errorf("device was %+v, is %+v", before, after)
	}
	if _, err := s.Say(jid, anna, "while you were away", "Anna"); err != nil {
		t.Fatalf("say: %v", err)
	}
	s.Restart(t)
	mark = b.mark()
	b.connect()
	if got := wait[*events.Message](b, mark).Message.GetConversation(); got != "while you were away" {
		t.Errorf("read %q", got)
	}
	wait[*events.Connected](b, mark)
	b.send(b.say(jid, "after").Info.Chat, "answer")
	sent(t, s)
	if err := s.Unlink(jid); err != nil {
		t.Fatalf("unlink: %v", err)
	}
	s.Restart(t)
	if devices := s.Devices(); len(devices) != 0 {
		t.Errorf("an unlinked device is back: %v", devices)
	}
}

// A kill leaves the file as it is at that moment; the test uses a copy of the file.
func TestKillLosesNoConfirmedLink(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state")
	s := simtest.Start(t, sim.Config{StateFile: file})
	for _, phone := range []string{"5511911112221", "5511911112222", "5511911112223"} {
		code := memoryBot(t, s).code()
		jid, err := s.Scan(t.Context(), code, phone)
		if err != nil {
			t.Fatalf("scan: %v", err)
		}
		if killed := restore(t, file); info(t, killed, jid).Phone != phone {
			t.Errorf("%s is lost", jid)
		}
		if phone == "5511911112222" {
			if err = s.Unlink(jid); err != nil {
				t.Fatalf("unlink: %v", err)
			}
			for _, d := range restore(t, file).Devices() {
				if d.Phone == phone {
					t.Errorf("%s is back", jid)
				}
			}
		}
	}
}

// restore starts a simulator from a copy of a state file that is cut off inside its last line.
func restore(t *testing.T, file string) *simtest.Sim {
	t.Helper()
	state, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "copy")
	if err = os.WriteFile(cut, append(state, `{"k":"account/5511`...), 0o600); err != nil {
		t.Fatal(err)
	}
	return simtest.Start(t, sim.Config{StateFile: cut})
}

func TestKeysOutliveTheProcess(t *testing.T) {
	dir := t.TempDir()
	first, err := sim.LoadKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	second, err := sim.LoadKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	if first.NoiseRoot() != second.NoiseRoot() || string(first.CAPEM) != string(second.CAPEM) {
		t.Error("the keys changed")
	}
	for _, name := range []string{sim.CAFile, "noise-root.key"} {
		path := filepath.Join(dir, name)
		if err = os.WriteFile(path, []byte("not a key\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err = sim.LoadKeys(dir); err == nil {
			t.Errorf("a damaged %s was taken", name)
		}
	}
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"sesi.dev/sesi/test/campaign"
)

func init() {
	// Each of these repeats one change until it is killed, and prints a line after each.
	helpers["keep writing facts"] = func(auth string, say func(string)) error {
		s, err := Open(context.Background(), options(auth))
		if err != nil {
			return err
		}
		say("open")
		for n := s.Facts().OutdatedAt.Unix() + 1; ; n++ {
			if err := s.UpdateFacts(func(f *Facts) { f.OutdatedAt = time.Unix(n, 0) }); err != nil {
				return err
			}
			say(strconv.FormatInt(n, 10))
		}
	}
	helpers["keep taking backups"] = func(auth string, say func(string)) error {
		s, err := Open(context.Background(), options(auth))
		if err != nil {
			return err
		}
		say("open")
		for {
			backup, _, err := s.Backup(context.Background(), "test")
			if err != nil {
				return err
			}
			say(backup.Path)
		}
	}
	helpers["keep clearing"] = func(auth string, say func(string)) error {
		s, err := Open(context.Background(), options(auth))
		if err != nil {
			return err
		}
		say("open")
		for n := 0; ; n++ {
			if _, err := pair(s, fmt.Sprint(6281200000000+n)); err != nil {
				return err
			}
			say("linked")
			if err := s.Clear(context.Background()); err != nil {
				return err
			}
			say("cleared")
		}
	}
	helpers["keep restoring"] = func(auth string, say func(string)) error {
		say("open")
		for {
			file, err := os.Open(filepath.Join(auth, "input.zst"))
			if err != nil {
				return err
			}
			if _, err := Restore(context.Background(), options(auth), file); err != nil {
				return err
			}
			if err := file.Close(); err != nil {
				return err
			}
			say("restored")
		}
	}
	helpers["keep mending"] = func(auth string, say func(string)) error {
		say("open")
		for {
			path := filepath.Join(sessionDir(auth), databaseName)
			if err := os.WriteFile(path, []byte("damaged again"), 0o600); err != nil {
				return err
			}
			s, err := Open(context.Background(), options(auth))
			if err != nil {
				return err
			}
			if err := s.Close(); err != nil {
				return err
			}
			say("mended")
		}
	}
	helpers["keep storing messages"] = func(auth string, say func(string)) error {
		s, err := Open(context.Background(), options(auth))
		if err != nil {
			return err
		}
		device, err := s.Device(context.Background())
		if err != nil {
			return err
		}
		say("open")
		for n := 0; ; n++ {
			if err := device.Sessions.PutSession(context.Background(), "peer", fmt.Appendf(nil, "%08d%1000d", n, 0)); err != nil {
				return err
			}
			say(strconv.Itoa(n))
		}
	}
}

// kills is how often each kind of work is killed; SESI_SOAK multiplies it.
const kills = 6

// killed starts a helper on auth several times and kills it at a random moment; check gets the lines that the helper
// printed after it opened the session.
func killed(t *testing.T, helper, auth string, check func(said []string)) {
	t.Helper()
	dice := rand.New(rand.NewPCG(campaign.Seed(t), 0))
	for range campaign.Rounds(t, kills) {
		p := start(t, helper, auth)
		if got := p.read(); got != "open" {
			t.Fatal(got)
		}
		// The moment must be random, so there is no event to wait for.
		<-time.After(time.Duration(dice.Int64N(int64(40 * time.Millisecond))))
		said := p.kill()
		for _, line := range said {
			if strings.HasPrefix(line, "error:") {
				t.Fatal(line)
			}
		}
		check(said)
		if left := temps(t, auth); left != nil {
			t.Errorf("left behind: %v", left)
		}
		if t.Failed() {
			return
		}
	}
}

func linkedFolder(t *testing.T) (auth, id string) {
	t.Helper()
	auth = t.TempDir()
	s := open(t, auth)
	id = link(t, s, "6281200000001")
	closeStore(t, s)
	return auth, id
}

// reopen opens the session after a kill and checks that it needs no person.
func reopen(t *testing.T, auth string) *Store {
	t.Helper()
	s := open(t, auth)
	var verdict string
	if err := s.db.QueryRow(`PRAGMA integrity_check`).Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("integrity = %q, %v", verdict, err)
	}
	if o := s.Opening(); o.FactsSetAside != "" {
		t.Errorf("the facts were torn: %+v", o)
	}
	return s
}

func TestKilledWhileWritingFacts(t *testing.T) {
	auth, _ := linkedFolder(t)
	last := time.Time{}.Unix()
	killed(t, "keep writing facts", auth, func(said []string) {
		if len(said) > 0 {
			n, err := strconv.ParseInt(said[len(said)-1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			last = n
		}
		s := reopen(t, auth)
		// The one that was said is there; the one after it may be.
		if got := s.Facts().OutdatedAt.Unix(); got != last && got != last+1 {
			t.Errorf("facts say %d, want %d or the next", got, last)
		}
		last = s.Facts().OutdatedAt.Unix()
		closeStore(t, s)
	})
}

func TestKilledWhileBackingUp(t *testing.T) {
	auth, id := linkedFolder(t)
	killed(t, "keep taking backups", auth, func(said []string) {
		s := reopen(t, auth)
		defer closeStore(t, s)
		backups, err := listBackups(s.layout)
		if err != nil {
			t.Fatal(err)
		}
		if len(said) > 0 && (len(backups) == 0 || backups[0].Path < said[len(said)-1]) {
			t.Errorf("%s was said to be there, and there is %v", said[len(said)-1], backups)
		}
		for _, backup := range backups {
			temp, device, err := prepareFile(t.Context(), s.layout, backup)
			if err != nil || device != id {
				t.Errorf("%s: device %q, %v", backup.Path, device, err)
				continue
			}
			if err := os.Remove(filepath.Join(s.layout.dir, temp)); err != nil {
				t.Error(err)
			}
		}
	})
	// Kills may leave one more each; the next backup that lives to its end removes them.
	s := open(t, auth)
	backUp(t, s)
	if backups, err := listBackups(s.layout); err != nil || len(backups) > len(decideKept(backups, 3)) {
		t.Errorf("%d backups, %v", len(backups), err)
	}
}

func TestKilledWhileClearing(t *testing.T) {
	auth := t.TempDir()
	killed(t, "keep clearing", auth, func(said []string) {
		s := reopen(t, auth)
		got := rows(t, s.db)
		if o := s.Opening(); o.Damage != "" {
			t.Errorf("damage: %+v", o)
		}
		whole := map[string]int{"whatsmeow_device": 1, "whatsmeow_pre_keys": preKeys, "whatsmeow_lid_map": 1}
		switch {
		case len(said) > 0 && said[len(said)-1] == "linked":
			// The clear behind it has not come to its end, or it has.
			if len(got) > 0 && !maps.Equal(got, whole) {
				t.Errorf("half a clear: %v", got)
			}
		default:
			// A link may have begun, and be as far as it got; without its device there is nothing.
			if got["whatsmeow_device"] == 0 && len(got) > 0 {
				t.Errorf("without a device there is %v", got)
			}
		}
		if r := s.record; (r.Device != "") != exists(t, s) {
			t.Errorf("the facts know device %q, the database has one: %v", r.Device, exists(t, s))
		}
		if err := s.Clear(t.Context()); err != nil {
			t.Error(err)
		}
		closeStore(t, s)
	})
}

func TestKilledWhileRestoring(t *testing.T) {
	auth, id := linkedFolder(t)
	s := open(t, auth)
	if err := os.WriteFile(filepath.Join(auth, "input.zst"), streamed(t, s), 0o600); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	asides := 0
	killed(t, "keep restoring", auth, func(said []string) {
		s := reopen(t, auth)
		if o := s.Opening(); !exists(t, s) || o.Damage != "" || s.record.Device != id {
			t.Errorf("no session: %+v", o)
		}
		closeStore(t, s)
		// Nothing that was replaced is lost: each restore left one database, whole.
		found := asideDatabases(t, auth)
		if n := len(found) - asides; n < len(said) || n > len(said)+1 {
			t.Errorf("%d restores set aside %d databases", len(said), n)
		}
		asides = len(found)
	})
	for _, path := range asideDatabases(t, auth) {
		if found, err := inspect(t.Context(), path); err != nil || found.condition != conditionSound || found.device != id {
			t.Errorf("%s is %+v, %v", path, found, err)
		}
	}
}

func asideDatabases(t *testing.T, auth string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(sessionDir(auth), databaseName+".*-*Z"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestKilledWhileMending(t *testing.T) {
	auth, id := linkedFolder(t)
	s := open(t, auth)
	backUp(t, s)
	closeStore(t, s)
	killed(t, "keep mending", auth, func([]string) {
		s := reopen(t, auth)
		if !exists(t, s) || s.record.Device != id {
			t.Errorf("no session: %+v", s.Opening())
		}
		closeStore(t, s)
	})
}

func TestKilledWhileStoringMessages(t *testing.T) {
	auth, _ := linkedFolder(t)
	killed(t, "keep storing messages", auth, func(said []string) {
		s := reopen(t, auth)
		defer closeStore(t, s)
		if o := s.Opening(); !exists(t, s) || o.Damage != "" {
			t.Fatalf("no session: %+v", o)
		}
		if len(said) == 0 {
			return
		}
		last, err := strconv.Atoi(said[len(said)-1])
		if err != nil {
			t.Fatal(err)
		}
		var stored []byte
		err = s.db.QueryRow(`SELECT session FROM whatsmeow_sessions WHERE their_id = 'peer'`).Scan(&stored)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			t.Fatal(err)
		}
		got, err := strconv.Atoi(string(stored[:8]))
		if err != nil || got < last || got > last+1 {
			t.Errorf("the ratchet stands at %d, %v; %d was stored", got, err, last)
		}
	})
}

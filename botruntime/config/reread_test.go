package config

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// messagesFile loads settings whose MESSAGES_FILE has a content.
func messagesFile(t *testing.T, content string, environ ...string) (Config, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "messages.env")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := load(t, "", append(environ, "MESSAGES_FILE="+file)...)
	if err != nil {
		t.Fatal(err)
	}
	return c.Reread()
}

func TestReread(t *testing.T) {
	c, err := messagesFile(t, "# by the operator\nMESSAGES_RETENTION=72h0m0s\nMESSAGES_PACE=20\nMESSAGES_RECEIPTS=none\nMESSAGES_QUIET_HOURS=off\nMESSAGES_TIME_ZONE=UTC\n",
		"MESSAGES_QUIET_HOURS=21:00-07:00", "MESSAGES_PACE=5", "MESSAGES_BURST=3")
	if err != nil {
		t.Fatal(err)
	}
	if c.MessagesRetention != 72*time.Hour || c.MessagesPace != 20 || c.MessagesQuiet != [2]int{} || c.MessagesZone != time.UTC {
		t.Errorf("the file's settings are not in force: %+v", c)
	}
	if c.MessagesReceipts {
		t.Error("people see receipts")
	}
	if c.MessagesBurst != 3 {
		t.Errorf("burst = %d; what the file leaves out is the environment's, 3", c.MessagesBurst)
	}
}

func TestRereadOfFiles(t *testing.T) {
	c, err := messagesFile(t, "MEDIA_MAX_FILE=8\nMEDIA_MAX_SIZE=16\nMEDIA_ALLOW=10.0.0.0/8\n", "MEDIA_RETENTION=1h", "MEDIA_ALLOW=files.example.com")
	if err != nil {
		t.Fatal(err)
	}
	if c.MediaMaxFile != 8<<20 || c.MediaMaxSize != 16<<20 || c.MediaRetention != time.Hour || c.MediaAllow != "10.0.0.0/8" {
		t.Errorf("the file's settings are not in force: %+v", c)
	}
}

func TestRereadWithoutAFile(t *testing.T) {
	c, err := load(t, "", "MESSAGES_PACE=5")
	if err != nil {
		t.Fatal(err)
	}
	if next, err := c.Reread(); err != nil || next.MessagesPace != 5 {
		t.Errorf("Reread() = pace %d, %v; want 5", next.MessagesPace, err)
	}
}

func TestRereadRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ content, want string }{
		"a bad value":        {"\nMESSAGES_PACE=fast\n", `MESSAGES_PACE "fast" in `},
		"its line":           {"\nMESSAGES_PACE=fast\n", "line 2: want a number, 0 to 6000"},
		"an unknown zone":    {"MESSAGES_TIME_ZONE=Jakarta\n", "want a name such as Asia/Jakarta"},
		"a fixed setting":    {"MESSAGES=off\n", "MESSAGES in "},
		"the way out of it":  {"MESSAGES=off\n", "set it in the environment"},
		"a misspelt setting": {"MESSAGES_PACES=1\n", "did you mean MESSAGES_PACE?"},
		"files without room": {"MEDIA_MAX_FILE=128\n", "MEDIA_MAX_SIZE 160: must be at least twice MEDIA_MAX_FILE (128)"},
		"a program":          {"MEDIA_FFMPEG=sh\n", "set it in the environment"},
		"another program's":  {"COLOUR=red\n", "COLOUR is ignored"},
		"no lines":           {"{}", "not NAME=value"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := messagesFile(t, tc.content)
			wantProblem(t, err, tc.want)
		})
	}
	c, err := load(t, "", "MESSAGES_FILE=/nowhere/messages.env")
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Reread()
	wantProblem(t, err, "MESSAGES_FILE: cannot be read")
}

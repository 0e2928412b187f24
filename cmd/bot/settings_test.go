package main

import (
	"testing"
	"time"

	"sesi.dev/sesi/botruntime/config"
)

// Without its message nobody can ask for a file, so no file stays longer than messages do.
func TestFilesDoNotOutliveMessages(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings []string
		want     time.Duration
	}{
		"defaults":           {nil, 24 * time.Hour},
		"messages for a day": {[]string{"MESSAGES_RETENTION=24h", "MEDIA_RETENTION=48h"}, 24 * time.Hour},
		"files for an hour":  {[]string{"MEDIA_RETENTION=1h"}, time.Hour},
		"messages delivered": {[]string{"MESSAGES_RETENTION=0"}, 10 * time.Minute},
		"files for less":     {[]string{"MESSAGES_RETENTION=0", "MEDIA_RETENTION=1m"}, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			given, err := config.Load(c.settings, "")
			if err != nil {
				t.Fatal(err)
			}
			set, err := openSettings(given)
			if err != nil {
				t.Fatal(err)
			}
			if got := set.files().Age; got != c.want {
				t.Errorf("files stay %v, want %v", got, c.want)
			}
		})
	}
}

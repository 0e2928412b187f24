package main

import (
	"errors"
	"fmt"
	"os/exec"

	"sesi.dev/sesi/botruntime/config"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/media"
	"sesi.dev/sesi/botruntime/store"
)

// openFiles opens the folder of files in the session directory.
func openFiles(cfg config.Config, set *messageSettings, book *journal.Journal, meter media.Meter) (*media.Store, error) {
	converter := cfg.MediaFFmpeg
	if converter != "" {
		var err error
		if converter, err = exec.LookPath(converter); err != nil {
			return nil, errors.Join(errSettings, fmt.Errorf("MEDIA_FFMPEG: %w", err))
		}
	}
	return media.Open(media.Options{
		Directory: store.SessionPath(cfg.AuthPath, cfg.ClientID), Needed: book.NeededFiles, Converter: converter, Meter: meter,
		Fetcher: media.NewFetcher(set.guard, "Sesi/"+version), Limits: set.files(),
	})
}

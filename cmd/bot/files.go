package main

import (
	"errors"
	"fmt"
	"os/exec"

	"sesi.dev/sesi/botruntime/config"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/media"
	"sesi.dev/sesi/botruntime/reach"
	"sesi.dev/sesi/botruntime/store"
)

// openFiles opens the folder of files in the session directory.
func openFiles(cfg config.Config, book *journal.Journal, meter media.Meter) (*media.Store, error) {
	guard, err := reach.New("MEDIA_ALLOW", cfg.MediaAllow, false)
	if err != nil {
		return nil, errors.Join(errSettings, err)
	}
	converter := cfg.MediaFFmpeg
	if converter != "" {
		if converter, err = exec.LookPath(converter); err != nil {
			return nil, errors.Join(errSettings, fmt.Errorf("MEDIA_FFMPEG: %w", err))
		}
	}
	return media.Open(media.Options{
		Directory: store.SessionPath(cfg.AuthPath, cfg.ClientID), Needed: book.NeededFiles, Converter: converter, Meter: meter,
		Fetcher: media.NewFetcher(guard, "Sesi/"+version),
		Limits:  media.Limits{File: cfg.MediaMaxFile, Total: cfg.MediaMaxSize, Age: cfg.MediaRetention},
	})
}

package main

import (
	"context"
	"strings"
	"time"

	"sesi.dev/sesi/botruntime/config"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/media"
	"sesi.dev/sesi/botruntime/messenger"
	"sesi.dev/sesi/botruntime/reach"
	"sesi.dev/sesi/internal/reread"
)

// settingsTime is how often MESSAGES_FILE is looked at.
const settingsTime = 2 * time.Second

// messageSettings are the settings of messages and their files, which MESSAGES_FILE may change while the bot runs.
type messageSettings struct {
	given config.Config
	now   config.Config
	guard *reach.Guard // of MEDIA_ALLOW
	file  *reread.Files
}

// openSettings reads MESSAGES_FILE for the first time.
func openSettings(given config.Config) (*messageSettings, error) {
	s := &messageSettings{given: given}
	if given.MessagesFile == "" {
		return s, s.read()
	}
	var err error
	s.file, err = reread.New(s.read, given.MessagesFile)
	return s, err
}

func (s *messageSettings) read() error {
	next, err := s.given.Reread()
	if err != nil {
		return err
	}
	guard, err := reach.New("MEDIA_ALLOW", next.MediaAllow, false)
	if err != nil {
		return err
	}
	s.now, s.guard = next, guard
	return nil
}

// files bound what is kept of files. None stays longer than the messages: without its message nobody can ask for it.
func (s *messageSettings) files() media.Limits {
	return media.Limits{File: s.now.MediaMaxFile, Total: s.now.MediaMaxSize, Age: min(s.now.MediaRetention, journal.Kept(s.now.MessagesRetention))}
}

// pace is how fast the bot may send.
func (s *messageSettings) pace() messenger.Pace {
	return messenger.Pace{
		PerMinute: s.now.MessagesPace, Burst: s.now.MessagesBurst, NewChats: s.now.MessagesNewChats, Zone: s.now.MessagesZone,
		Quiet: messenger.QuietHours{From: s.now.MessagesQuiet[0], To: s.now.MessagesQuiet[1]},
	}
}

// follow takes over what changes in the settings, until ctx ends.
func (m *messages) follow(ctx context.Context) error {
	if m.settings.file == nil {
		return nil
	}
	tick := time.NewTicker(settingsTime)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		was := m.settings.now
		if err := m.settings.file.Refresh(); err != nil {
			m.log.Error("the settings of messages were not read again; those before stay", "error", strings.ReplaceAll(err.Error(), "\n", "; "))
			continue
		}
		now := m.settings.now
		if was.MessagesRetention != now.MessagesRetention || was.MessagesMaxSize != now.MessagesMaxSize {
			m.journal.SetLimits(now.MessagesRetention, now.MessagesMaxSize)
		}
		m.files.SetLimits(m.settings.files())
		m.files.Fetcher.SetGuard(m.settings.guard)
		m.messenger.SetReceipts(now.MessagesReceipts)
		if err := m.messenger.SetPace(m.settings.pace()); err != nil {
			m.log.Error("messages that the former pace held stay held until their time", "error", err)
		}
	}
}

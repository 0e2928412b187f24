package store

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	wastore "go.mau.fi/whatsmeow/store"
)

// WebVersion is a WhatsApp Web version and when it was fetched.
type WebVersion struct {
	Version   wastore.WAVersionContainer
	FetchedAt time.Time
}

const (
	webVersionName = "web-version.json"
	maxWebVersion  = 4096
)

type webVersionFile struct {
	Version   string    `json:"version"`
	FetchedAt time.Time `json:"fetchedAt"`
}

// ReadWebVersion reads the version that is cached in dir. Without one the error is fs.ErrNotExist; an invalid one is an
// error too. The caller continues without it.
func ReadWebVersion(dir string) (WebVersion, error) {
	path := filepath.Join(dir, webVersionName)
	data, err := readBounded(path, maxWebVersion)
	var cached WebVersion
	if err == nil {
		cached, err = parseWebVersion(data)
	}
	if err != nil {
		return WebVersion{}, fmt.Errorf("web version cache %s: %w", path, err)
	}
	return cached, nil
}

func parseWebVersion(data []byte) (WebVersion, error) {
	var file webVersionFile
	if err := json.Unmarshal(data, &file); err != nil {
		return WebVersion{}, err
	}
	version, err := wastore.ParseVersion(file.Version)
	if err != nil {
		return WebVersion{}, err
	}
	if version.String() != file.Version || version[0] == 0 || file.FetchedAt.IsZero() {
		return WebVersion{}, fmt.Errorf("invalid version %q of %s", file.Version, file.FetchedAt)
	}
	return WebVersion{Version: version, FetchedAt: file.FetchedAt.UTC()}, nil
}

// WriteWebVersion caches v in dir, and makes dir if it is missing. Several bots may share dir.
func WriteWebVersion(dir string, v WebVersion) error {
	if err := makeDirs(dir); err != nil {
		return describe(dir, err)
	}
	data, err := json.Marshal(webVersionFile{Version: v.Version.String(), FetchedAt: v.FetchedAt.UTC()})
	if err != nil {
		return err
	}
	return writeAtomic(dir, webVersionName, append(data, '\n'))
}

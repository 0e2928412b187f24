package mediahost

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
)

// Kind is what a file is to WhatsApp.
type Kind string

// The kinds of files.
const (
	Image     Kind = "image"
	Video     Kind = "video"
	VideoNote Kind = "videonote" // a short round video
	Audio     Kind = "audio"
	Voice     Kind = "voice"
	Document  Kind = "document"
	Sticker   Kind = "sticker"
	Picture   Kind = "picture" // of a profile or group, which is not encrypted
	Thumbnail Kind = "thumbnail"
	History   Kind = "history"
	AppState  Kind = "appstate"
)

// details are what WhatsApp knows a kind by: the text from which its keys are made, the folder in its paths, what a
// file of it begins with, and its usual type.
type details struct {
	keys, folder, magic, mimetype string
}

var kinds = map[Kind]details{
	Image:     {"WhatsApp Image Keys", "v/t62.7118-24", "\xff\xd8\xff\xe0\x00\x10JFIF\x00", "image/jpeg"},
	Sticker:   {"WhatsApp Image Keys", "v/t62.15575-24", "RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"},
	Video:     {"WhatsApp Video Keys", "v/t62.7161-24", "\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom", "video/mp4"},
	VideoNote: {"WhatsApp Video Keys", "v/t62.7161-24", "\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom", "video/mp4"},
	Audio:     {"WhatsApp Audio Keys", "v/t62.7117-24", "\xff\xfb\x90\x00", "audio/mpeg"},
	Voice:     {"WhatsApp Audio Keys", "v/t62.7117-24", "OggS\x00\x02", "audio/ogg; codecs=opus"},
	Document:  {"WhatsApp Document Keys", "v/t62.7119-24", "%PDF-1.7\n", "application/pdf"},
	Thumbnail: {"WhatsApp Link Thumbnail Keys", "v/t62.36144-24", "\xff\xd8\xff\xe0\x00\x10JFIF\x00", "image/jpeg"},
	History:   {"WhatsApp History Keys", "v/t62.7118-24", "", "application/octet-stream"},
	AppState:  {"WhatsApp App State Keys", "v/t62.7118-24", "", "application/octet-stream"},
	Picture:   {"", "v/t61.24694-24", "\xff\xd8\xff\xe0\x00\x10JFIF\x00", "image/jpeg"},
}

// uploads are the kinds by the name that an upload's address has.
var uploads = map[string]Kind{
	"image": Image, "gif": Video, "video": Video, "ptv": VideoNote, "audio": Audio, "ptt": Voice, "document": Document,
	"sticker": Sticker, "thumbnail-link": Thumbnail, "thumbnail-image": Thumbnail, "thumbnail-video": Thumbnail,
	"thumbnail-document": Thumbnail, "md-msg-hist": History, "md-app-state": AppState,
}

// Mimetype is the usual type of a kind.
func (k Kind) Mimetype() string { return kinds[k].mimetype }

// Known reports whether there is such a kind.
func (k Kind) Known() bool { _, known := kinds[k]; return known }

// keySize is the size of a file's key, macSize that of the seal at the end of an encrypted file.
const (
	keySize = 32
	macSize = 10
)

// keys are what a file is encrypted and sealed with.
type keys struct{ iv, cipher, mac []byte }

func (k Kind) expand(key []byte) (keys, error) {
	info := kinds[k].keys
	if info == "" {
		return keys{}, fmt.Errorf("files of kind %q are not encrypted", k)
	}
	if len(key) != keySize {
		return keys{}, fmt.Errorf("the key has %d bytes, it must have %d", len(key), keySize)
	}
	all, err := hkdf.Key(sha256.New, key, nil, info, 112)
	if err != nil {
		return keys{}, err
	}
	return keys{iv: all[:16], cipher: all[16:48], mac: all[48:80]}, nil
}

package message

import (
	"bytes"
	"fmt"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/util/gcmutil"
	"go.mau.fi/whatsmeow/util/hkdfutil"
	"google.golang.org/protobuf/proto"
)

// NonceBytes is the length of the nonce of what is sealed with a message's secret.
const NonceBytes = 12

// sealing is how people encrypt what they say about a message, such as a vote: with a key that is derived from the
// message's secret.
type sealing struct {
	// id is the message.
	id     string
	secret []byte
	// use is WhatsApp's word for what is sealed.
	use string
}

// key derives the key between the message's author and who writes about it, and the data that it vouches for.
func (s sealing) key(author, writer types.JID) (key, vouched []byte) {
	author, writer = author.ToNonAD(), writer.ToNonAD()
	return hkdfutil.SHA256(s.secret, nil, []byte(s.id+author.String()+writer.String()+s.use), 32),
		fmt.Appendf(nil, "%s\x00%s", s.id, writer)
}

// open decrypts under every address of the author and of the writer: which of them the writer's phone took cannot be
// seen. read says whether the plain bytes make sense. It reports whether any did.
func (s sealing) open(payload, nonce []byte, authors, writers []types.JID, read func(plain []byte) bool) bool {
	if len(nonce) != NonceBytes {
		return false
	}
	for _, author := range authors {
		for _, writer := range writers {
			key, vouched := s.key(author, writer)
			plain, err := gcmutil.Decrypt(key, nonce, bytes.Clone(payload), vouched)
			if err == nil && read(plain) {
				return true
			}
		}
	}
	return false
}

// readSecret reads a message's bytes: its secret, which may be gone, and the message without its wrappers.
func readSecret(raw []byte) (secret []byte, m *waE2E.Message, err error) {
	whole := &waE2E.Message{}
	if err := proto.Unmarshal(raw, whole); err != nil {
		return nil, nil, err
	}
	m = inner(whole)
	for _, part := range []*waE2E.Message{whole, m} {
		if found := part.GetMessageContextInfo().GetMessageSecret(); len(found) > 0 {
			secret = found
		}
	}
	return secret, m, nil
}

package passkey

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"slices"
	"sync"

	"go.mau.fi/whatsmeow"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waAdv"
	"google.golang.org/protobuf/proto"

	"sesi.dev/sesi/botruntime/hook"
)

// shown is the ADV secret in the QR codes of a client's connection. whatsmeow replaces the client's secret as soon as
// somebody types a pairing code, before it is known whether the code is right. A phone that scans a QR code after a
// wrong one proves itself with the secret that it read there.
type shown struct {
	client *whatsmeow.Client
	mu     sync.Mutex
	secret []byte
}

// watch keeps the secret when codes come, and makes it the client's again when a phone has used it.
func (s *shown) watch(found hook.Handlers) error {
	return found.Wrap("iq", func(inner hook.Handler) hook.Handler {
		return func(ctx context.Context, node *waBinary.Node) {
			if _, codes := node.GetOptionalChildByTag("pair-device"); codes {
				s.set(s.client.Store.AdvSecretKey)
			} else if success, ok := node.GetOptionalChildByTag("pair-success"); ok {
				s.restore(childBytes(&success, "device-identity"))
			}
			inner(ctx, node)
		}
	})
}

// set keeps a secret; nil forgets it, so that no phone can be linked with it any more.
func (s *shown) set(secret []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secret = slices.Clone(secret)
}

func (s *shown) restore(identity []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var signed waAdv.ADVSignedDeviceIdentityHMAC
	if s.secret == nil || proto.Unmarshal(identity, &signed) != nil {
		return
	}
	mac := hmac.New(sha256.New, s.secret)
	if signed.GetAccountType() == waAdv.ADVEncryptionType_HOSTED {
		mac.Write(whatsmeow.AdvHostedAccountSignaturePrefix)
	}
	mac.Write(signed.GetDetails())
	if hmac.Equal(mac.Sum(nil), signed.GetHMAC()) {
		s.client.Store.AdvSecretKey = s.secret
	}
}

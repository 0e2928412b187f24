package passkey

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.mau.fi/whatsmeow/proto/waCompanionReg"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/util/hkdfutil"
	"go.mau.fi/whatsmeow/util/keys"
	"google.golang.org/protobuf/proto"
)

// handOffLife is how long the proof may be sent that this client showed the code which the phone read.
const handOffLife = 5 * time.Minute

// handOff proves that this client showed the code which the phone read. Without it a person compares two codes.
type handOff struct {
	key   []byte
	until time.Time
}

func newHandOff(secret []byte, now time.Time) *handOff {
	return &handOff{hkdfutil.SHA256(secret, nil, []byte("shortcake-passkey-handoff-v1"), 32), now.Add(handOffLife)}
}

// proof returns nil when it is too late for one.
func (h *handOff) proof(payload []byte, now time.Time) []byte {
	if now.After(h.until) {
		return nil
	}
	mac := hmac.New(sha256.New, h.key)
	mac.Write(payload)
	return mac.Sum(nil)
}

// companion is this client's side of the key exchange with the phone.
type companion struct {
	keys       *keys.KeyPair
	nonce      []byte
	ref        string
	deviceType waCompanionReg.DeviceProps_PlatformType
	identity   []byte
	proven     bool

	shared []byte // with the phone, once its key came
	code   string
}

func newCompanion(ref string) (*companion, error) {
	if ref == "" {
		return nil, errors.New("WhatsApp gave no reference for the passkey")
	}
	c := &companion{keys: keys.NewKeyPair(), nonce: make([]byte, 32), ref: ref, deviceType: store.DeviceProps.GetPlatformType()}
	_, _ = rand.Read(c.nonce)
	var err error
	c.identity, err = proto.Marshal(&waCompanionReg.CompanionEphemeralIdentity{
		PublicKey: c.keys.Pub[:], DeviceType: c.deviceType.Enum(), Ref: &c.ref,
	})
	return c, err
}

// prologue commits to the nonce, so that it cannot be chosen once the phone's is known.
func (c *companion) prologue() ([]byte, error) {
	hash := sha256.Sum256(slices.Concat(c.identity, c.nonce))
	return proto.Marshal(&waCompanionReg.ProloguePayload{
		CompanionEphemeralIdentity: c.identity, Commitment: &waCompanionReg.CompanionCommitment{Hash: hash[:]},
	})
}

var alphabet = base32.NewEncoding("123456789ABCDEFGHJKLMNPQRSTVWXYZ")

// meet takes the phone's ephemeral key and makes the verification code.
func (c *companion) meet(raw []byte) error {
	var phone waCompanionReg.PrimaryEphemeralIdentity
	if err := proto.Unmarshal(raw, &phone); err != nil || len(phone.GetPublicKey()) != 32 || len(phone.GetNonce()) != 32 {
		return errors.New("the phone's answer to the passkey cannot be read")
	}
	shared, err := exchange(c.keys, phone.GetPublicKey())
	if err != nil {
		return fmt.Errorf("the phone's key is not usable: %w", err)
	}
	mask := sha256.Sum256(slices.Concat(c.nonce, phone.GetPublicKey()))
	short := make([]byte, 5)
	for i := range short {
		short[i] = phone.GetNonce()[i] ^ mask[i]
	}
	text := alphabet.EncodeToString(short)
	c.shared, c.code = shared, text[:4]+"-"+text[4:]
	return nil
}

// seal encrypts the keys of the device, and its new ADV secret, for the phone.
func (c *companion) seal(device *store.Device) ([]byte, error) {
	plain, err := proto.Marshal(&waCompanionReg.PairingRequest{
		CompanionPublicKey: device.NoiseKey.Pub[:], CompanionIdentityKey: device.IdentityKey.Pub[:], AdvSecret: device.AdvSecretKey,
	})
	if err != nil {
		return nil, fmt.Errorf("encode the pairing request: %w", err)
	}
	salt := fmt.Sprintf("Companion Pairing %d with ref %s", c.deviceType, c.ref)
	block, err := aes.NewCipher(hkdfutil.SHA256(c.shared, []byte(salt), []byte("Pairing Information Encryption Key"), 32))
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	iv := make([]byte, aead.NonceSize())
	_, _ = rand.Read(iv)
	return proto.Marshal(&waCompanionReg.EncryptedPairingRequest{EncryptedPayload: aead.Seal(nil, iv, plain, nil), IV: iv})
}

// exchange is X25519. It refuses a key that would make the secret known to everyone.
func exchange(own *keys.KeyPair, theirs []byte) ([]byte, error) {
	private, err := ecdh.X25519().NewPrivateKey(own.Priv[:])
	if err != nil {
		return nil, err
	}
	public, err := ecdh.X25519().NewPublicKey(theirs)
	if err != nil {
		return nil, err
	}
	return private.ECDH(public)
}

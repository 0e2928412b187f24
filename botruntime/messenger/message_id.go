package messenger

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"go.mau.fi/whatsmeow"

	"sesi.dev/sesi/api/bot"
)

// idKey begins the key of a request that names its message's id.
const idKey = "id:"

func validID(id string) bool {
	return len(id) >= 8 && len(id) <= 64 && strings.Trim(id, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// messageID is the id that the caller chose, else a new one.
func (d *draft) messageID() string {
	if d.id != "" {
		return d.id
	}
	return NewMessageID(d.account.String())
}

// NewMessageID makes a message id as WhatsApp's web client does for a JID.
func NewMessageID(account string) string {
	user, _, _ := strings.Cut(bot.Account(account), "@")
	data := fmt.Appendf(nil, "%08d%s@c.us", time.Now().Unix(), user)
	random := make([]byte, 16)
	_, _ = rand.Read(random) // it never fails
	sum := sha256.Sum256(append(data, random...))
	return whatsmeow.WebMessageIDPrefix + strings.ToUpper(hex.EncodeToString(sum[:9]))
}

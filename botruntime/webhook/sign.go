package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sesi.dev/sesi/api/bot"
)

// sign sets the headers that identify and sign a delivery: those of Standard Webhooks with every secret, and WAHA's
// with the first. request is the id of this attempt.
func sign(header http.Header, secrets []string, id, request string, at time.Time, body []byte) {
	seconds := strconv.FormatInt(at.Unix(), 10)
	header.Set(bot.HeaderWebhookID, id)
	header.Set(bot.HeaderWebhookTimestamp, seconds)
	header.Set(bot.HeaderWAHARequestID, request)
	header.Set(bot.HeaderWAHATimestamp, strconv.FormatInt(at.UnixMilli(), 10))
	if len(secrets) == 0 {
		return
	}
	signatures := make([]string, 0, len(secrets))
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, bot.WebhookKey(secret))
		for _, part := range [][]byte{[]byte(id), []byte("."), []byte(seconds), []byte("."), body} {
			_, _ = mac.Write(part) // a hash takes everything
		}
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	header.Set(bot.HeaderWebhookSignature, strings.Join(signatures, " "))
	mac := hmac.New(sha512.New, []byte(secrets[0]))
	_, _ = mac.Write(body)
	header.Set(bot.HeaderWAHAHmac, hex.EncodeToString(mac.Sum(nil)))
	header.Set(bot.HeaderWAHAAlgorithm, "sha512")
}

package sim

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waMmsRetry"
	"google.golang.org/protobuf/proto"
)

// What a phone answers to a companion that asks it for a file which the media host no longer has. The fault
// media_retry names one of them in its attribute "result"; without a fault a phone that has the file puts it onto the
// host again, under a new path.
const (
	RetryNotFound = "not_found" // the phone no longer has the file
	RetryError    = "error"     // the phone could not put it onto the host
	RetryUnread   = "unread"    // the phone could not decrypt the request
	RetryBare     = "bare"      // the answer is an error that is not encrypted
)

var retryResults = map[string]waMmsRetry.MediaRetryNotification_ResultType{
	RetryNotFound: waMmsRetry.MediaRetryNotification_NOT_FOUND,
	RetryError:    waMmsRetry.MediaRetryNotification_GENERAL_ERROR,
	RetryUnread:   waMmsRetry.MediaRetryNotification_DECRYPTION_ERROR,
}

// bareNotFound is the code of an answer that is not encrypted: the phone does not have the file.
const bareNotFound = 2

// handleMediaRetry takes a companion's request to its own phone to put a file onto the media host again. The phone
// answers when it is online.
func (s *Server) handleMediaRetry(d *device, receipt *waBinary.Node) {
	id := attrText(receipt, "id")
	s.event(EventMediaRetry, d.jid().String(), id)
	if s.hit(FaultPhoneSilent, d.jid().String()) != nil {
		return
	}
	d.account.whenOnline(func() {
		result := ""
		if f := s.hit(FaultMediaRetry, d.jid().String()); f != nil {
			result = f.Attrs["result"]
		}
		rmr := receipt.GetChildByTag("rmr")
		answer := notification("mediaretry")
		answer.Attrs["id"], answer.Attrs["from"], answer.Attrs["t"] = id, receipt.Attrs["to"], time.Now().Unix()
		answer.Content = append([]waBinary.Node{{Tag: "rmr", Attrs: rmr.Attrs}}, s.retryAnswer(d.account, receipt, result)...)
		s.deliver(d, &queued{node: answer})
	})
}

// retryAnswer is what a phone answers.
func (s *Server) retryAnswer(phone *account, receipt *waBinary.Node, result string) []waBinary.Node {
	id := attrText(receipt, "id")
	part, known := phone.archive.file(id)
	if !known || result == RetryBare {
		return []waBinary.Node{{Tag: "error", Attrs: waBinary.Attrs{"code": bareNotFound}}}
	}
	told := &waMmsRetry.MediaRetryNotification{StanzaID: &id}
	failed, unlucky := retryResults[result]
	hosted, err := s.media.Find(part.path)
	switch {
	case unlucky:
		told.Result = failed.Enum()
	case openRetry(part.key, id, receipt) != nil:
		told.Result = waMmsRetry.MediaRetryNotification_DECRYPTION_ERROR.Enum()
	case err != nil:
		told.Result = waMmsRetry.MediaRetryNotification_NOT_FOUND.Enum()
	default:
		part.path = s.media.Put(part.kind, hosted)
		phone.archive.move(id, part)
		told.Result, told.DirectPath = waMmsRetry.MediaRetryNotification_SUCCESS.Enum(), &part.path
	}
	plain, err := proto.Marshal(told)
	if err != nil {
		s.log.Error("answer a media retry", "error", err)
		return nil
	}
	iv := make([]byte, 12)
	_, _ = rand.Read(iv)
	box, err := retryBox(part.key)
	if err != nil {
		s.log.Error("answer a media retry", "error", err)
		return nil
	}
	return []waBinary.Node{{Tag: "encrypt", Content: []waBinary.Node{
		{Tag: "enc_p", Content: box.Seal(nil, iv, plain, []byte(id))},
		{Tag: "enc_iv", Content: iv},
	}}}
}

// retryBox encrypts requests and answers about a file with the file's own key.
func retryBox(key []byte) (cipher.AEAD, error) {
	own, err := hkdf.Key(sha256.New, key, nil, "WhatsApp Media Retry Notification", 32)
	if err != nil {
		return nil, err
	}
	return newGCM(own)
}

var errRetry = errors.New("the request for a file is not about this message")

// openRetry checks that a companion's request is about a message, and that the companion knows its file's key.
func openRetry(key []byte, id string, receipt *waBinary.Node) error {
	box, err := retryBox(key)
	if err != nil {
		return err
	}
	request := receipt.GetChildByTag("encrypt")
	sealed, iv := childBytes(&request, "enc_p"), childBytes(&request, "enc_iv")
	if len(iv) != box.NonceSize() {
		return errRetry
	}
	plain, err := box.Open(nil, iv, sealed, []byte(id))
	if err != nil {
		return err
	}
	var asked waMmsRetry.ServerErrorReceipt
	if err = proto.Unmarshal(plain, &asked); err != nil {
		return err
	}
	if asked.GetStanzaID() != id {
		return errRetry
	}
	return nil
}

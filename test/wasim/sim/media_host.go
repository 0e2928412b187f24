package sim

import (
	"fmt"

	waBinary "go.mau.fi/whatsmeow/binary"

	"sesi.dev/sesi/test/wasim/mediahost"
)

// handleMediaConn tells a companion the media hosts, and gives it a permission to upload.
func (s *Server) handleMediaConn(c *conn, iq *waBinary.Node) {
	if f := s.hit(FaultMediaConn, c.dev.jid().String()); f != nil {
		c.send(refusal(iq, f.Code, "refused"))
		return
	}
	hosts := []waBinary.Node{}
	for i, name := range mediahost.Names {
		kind := "primary"
		if i > 0 {
			kind = "fallback"
		}
		hosts = append(hosts, waBinary.Node{Tag: "host", Attrs: waBinary.Attrs{"hostname": name, "type": kind}})
	}
	c.send(answer(iq, waBinary.Node{
		Tag: "media_conn",
		Attrs: waBinary.Attrs{
			"auth": s.media.Grant(), "ttl": int(mediahost.ConnTTL.Seconds()), "auth_ttl": int(mediahost.AuthTTL.Seconds()), "max_buckets": 12,
		},
		Content: hosts,
	}))
}

// ServePicture serves a picture that is not encrypted, as those of profiles and groups are, and returns its URL.
func (s *Server) ServePicture(raw []byte) string {
	return mediahost.URL(mediahost.Pictures, s.media.Put(mediahost.Picture, mediahost.Bytes(raw)))
}

// EndPicture makes the host refuse a picture's URL from now on, with a status.
func (s *Server) EndPicture(url string, status int) error {
	path, err := mediahost.PathOf(url)
	if err == nil {
		err = s.media.End(path, status)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	return nil
}

// EndMedia makes the host refuse the file of a message from now on, with a status: 403, 404 or 410, as for
// a file that is too old; 0 brings it back. The phones still have the file.
func (s *Server) EndMedia(id string, status int) error {
	if status != 0 && (status < 400 || status > 599) {
		return fmt.Errorf("%w: status %d, it must be 0 or 400 to 599", ErrInvalid, status)
	}
	ended := false
	for _, a := range s.allAccounts() {
		if part, known := a.archive.file(id); known {
			ended = true
			if err := s.media.End(part.path, status); err != nil {
				return fmt.Errorf("%w: %w", ErrUnknown, err)
			}
		}
	}
	if !ended {
		return fmt.Errorf("%w: no message %q with a file", ErrUnknown, id)
	}
	return nil
}

// EndUploads makes the hosts refuse the permissions to upload that clients have; they must ask for new ones.
func (s *Server) EndUploads() { s.media.Revoke("") }

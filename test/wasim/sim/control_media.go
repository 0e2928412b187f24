package sim

import (
	"fmt"
	"net/http"
	"strconv"
)

// maxMediaBody bounds a request that may hold a file; larger ones are made up.
const maxMediaBody = 8 << 20

// getFile answers with the file of a message of the outbox.
func (s *Server) getFile(w http.ResponseWriter, r *http.Request) {
	seq, err := strconv.ParseInt(r.PathValue("seq"), 10, 64)
	if err != nil {
		replyError(w, fmt.Errorf("%w: message %q, it must be a number of the outbox", ErrInvalid, r.PathValue("seq")))
		return
	}
	m, err := s.fileOf(seq)
	if err != nil {
		replyError(w, err)
		return
	}
	w.Header().Set("Content-Type", m.Mimetype)
	w.Header().Set("Content-Length", strconv.FormatInt(m.Size, 10))
	_, _ = s.unseal(m, w)
}

type pictureBody struct {
	// Data is a picture that gets a URL.
	Data []byte `json:"data"`
	// URL is a picture that is refused with Status from now on.
	URL    string `json:"url"`
	Status int    `json:"status"`
}

func (s *Server) postPicture(_ *http.Request, body *pictureBody) (any, error) {
	switch {
	case body.URL != "":
		return done, s.EndPicture(body.URL, body.Status)
	case len(body.Data) == 0:
		return nil, fmt.Errorf("%w: a picture needs data, or url and status to end one", ErrInvalid)
	default:
		return map[string]string{"url": s.ServePicture(body.Data)}, nil
	}
}

type endMediaBody struct {
	// ID is the message whose file is refused with Status, 0 to bring it back.
	ID     string `json:"id"`
	Status int    `json:"status"`
	// Uploads ends every client's permission to upload.
	Uploads bool `json:"uploads"`
}

func (s *Server) postEndMedia(_ *http.Request, body *endMediaBody) (any, error) {
	if body.Uploads {
		s.EndUploads()
	}
	if body.ID == "" && body.Uploads {
		return done, nil
	}
	return done, s.EndMedia(body.ID, body.Status)
}

type newsletterBody struct {
	// By is the number of the owner of a new newsletter, Followers those of people whose bots get what is published.
	By        string   `json:"by"`
	Followers []string `json:"followers"`
	// JID is a newsletter in which Text, Message or Media is published.
	JID     string  `json:"jid"`
	Text    string  `json:"text"`
	Message Content `json:"message"`
	Media   *Media  `json:"media"`
}

func (s *Server) postNewsletter(_ *http.Request, body *newsletterBody) (any, error) {
	if body.JID == "" {
		jid, err := s.Person(parsePhone(body.By)).Newsletter(parsePhones(body.Followers)...)
		return map[string]string{"jid": jid.String()}, err
	}
	jid, err := parseDevice(body.JID)
	if err != nil {
		return nil, err
	}
	m := body.Message.Message
	switch {
	case body.Media != nil:
		body.Media.Plain = true
		if m, err = s.Attach(*body.Media); err != nil {
			return nil, err
		}
	case m == nil:
		m = Text(body.Text)
	}
	id, err := s.Publish(jid, m, Delivery{})
	return map[string]string{"id": id}, err
}

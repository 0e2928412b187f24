package sim

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"sesi.dev/sesi/test/wasim/mediahost"
)

// The faults of the media hosts. The attribute "way" (up or down) narrows them to uploads or downloads, "host" to one
// host by its name.
const (
	FaultMediaConn  = "media_conn"  // a companion that asks for the hosts is refused with Code
	FaultMediaDown  = "media_down"  // TCP to a media host is reset; the proxy answers 502
	FaultMediaCode  = "media_code"  // a request is answered with status Code
	FaultMediaAuth  = "media_auth"  // an upload's permission ends: 401, until the companion asks for the hosts again
	FaultMediaHang  = "media_hang"  // a request is never answered
	FaultMediaSlow  = "media_slow"  // MS milliseconds pass before each 64 KiB of a file
	FaultMediaCut   = "media_cut"   // the connection ends in the middle of a file
	FaultMediaWrong = "media_wrong" // a download has other content
	FaultMediaShort = "media_short" // a download lacks the last quarter
	FaultMediaRetry = "media_retry" // a phone that is asked for a file answers what the attribute "result" says
)

// mediaFaults are the faults of the media hosts that strike requests.
var mediaFaults = []string{
	FaultMediaCode, FaultMediaAuth, FaultMediaHang, FaultMediaSlow, FaultMediaCut, FaultMediaWrong, FaultMediaShort,
}

// mediaFault asks the faults how a request to a media host goes wrong.
func (s *Server) mediaFault(r *http.Request) (wrong mediahost.Fault) {
	way := "down"
	if r.Method == http.MethodPost || r.Method == http.MethodPut {
		way = "up"
	}
	for _, kind := range mediaFaults {
		if way == "up" && (kind == FaultMediaWrong || kind == FaultMediaShort) || way == "down" && kind == FaultMediaAuth {
			continue
		}
		f := s.hitMedia(kind, way, r.Host)
		if f == nil {
			continue
		}
		switch kind {
		case FaultMediaCode:
			wrong.Code = f.Code
		case FaultMediaAuth:
			wrong.Auth = true
		case FaultMediaHang:
			wrong.Hang = true
		case FaultMediaSlow:
			wrong.Pause = time.Duration(f.MS) * time.Millisecond
		case FaultMediaCut:
			wrong.Cut = true
		case FaultMediaWrong:
			wrong.Wrong = true
		case FaultMediaShort:
			wrong.Short = true
		}
	}
	return wrong
}

// hitMedia returns the first fault of a kind that is due for a request to a host, nil if there is none.
func (s *Server) hitMedia(kind, way, host string) *Fault {
	s.faults.mu.Lock()
	struck := s.faults.strikeIf(kind, time.Now(), func(f *Fault) bool {
		return (f.Attrs["way"] == "" || f.Attrs["way"] == way) && (f.Attrs["host"] == "" || f.Attrs["host"] == host)
	})
	s.faults.mu.Unlock()
	if struck != nil {
		s.event(EventFault, "", kind)
	}
	return struck
}

// mediaHostDown reports whether a connection to a media host is refused.
func (s *Server) mediaHostDown(host string) bool {
	return mediahost.Serves(host) && s.hitMedia(FaultMediaDown, "", host) != nil
}

// validateMedia checks the attributes of a fault of the media hosts.
func (f *Fault) validateMedia() error {
	if f.Kind != FaultMediaDown && f.Kind != FaultMediaRetry && !slices.Contains(mediaFaults, f.Kind) {
		return nil
	}
	if way := f.Attrs["way"]; way != "" && way != "up" && way != "down" {
		return fmt.Errorf("%w: way %q of fault %s, it must be up or down", ErrInvalid, way, f.Kind)
	}
	if host := f.Attrs["host"]; host != "" && !mediahost.Serves(host) {
		return fmt.Errorf("%w: host %q of fault %s, it must be one of %v or %s", ErrInvalid, host, f.Kind, mediahost.Names, mediahost.Pictures)
	}
	if f.Kind != FaultMediaRetry {
		return nil
	}
	if result := f.Attrs["result"]; result != RetryBare && retryResults[result] == 0 && result != RetryError {
		return fmt.Errorf("%w: result %q of fault %s, it must be %s, %s, %s or %s", ErrInvalid, result, f.Kind, RetryNotFound, RetryError, RetryUnread, RetryBare)
	}
	return nil
}

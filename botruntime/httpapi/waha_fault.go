package httpapi

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"sesi.dev/sesi/api/bot"
)

// wahaFault returns what WAHA's clients are told of a failure: its status, and a body that has both a problem's fields
// and those that clients read.
func (c *call) wahaFault(err error, f fault, p bot.Problem) (status int, body any) {
	var wrong wrongStatus
	switch {
	case errors.As(err, &wrong):
		return http.StatusUnprocessableEntity, bot.WAHAWrongStatus{
			Error: bot.WAHAWrongStatusText, Session: c.ClientID, Status: bot.WAHAStatus(wrong),
			Expected: []bot.WAHAStatus{bot.WAHAWorking}, Type: bot.ProblemNotReady.Type(), Detail: describeStatus(c.snapshot()).in(c.lang),
		}
	case f.code != 0:
		p.Status, p.StatusCode, p.Error = http.StatusInternalServerError, http.StatusInternalServerError, http.StatusText(http.StatusInternalServerError)
		p.Message = "server returned error " + strconv.Itoa(f.code)
		return p.Status, bot.WAHAException{
			Problem: p, Timestamp: time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
			Exception: bot.WAHAExceptionText{Message: p.Message, Code: f.code},
			Request:   bot.WAHARequest{Path: c.r.URL.Path, Method: c.r.Method}, Until: bot.At(f.until),
		}
	}
	p.StatusCode, p.Error, p.Message = f.status, http.StatusText(f.status), p.Detail
	if f.status == http.StatusUnauthorized {
		p.Message = http.StatusText(f.status) // clients compare it
	}
	return f.status, p
}

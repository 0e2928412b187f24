package messenger

import (
	"context"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"go.mau.fi/whatsmeow"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
)

// verdict is what an attempt to send means for the message.
type verdict struct {
	state bot.MessageState
	// due is when to try again; zero when the attempts are over, or when the connection decides.
	due time.Time
	// attempt is true when the attempt counts.
	attempt bool
	hold    *bot.Hold
	problem *bot.SendProblem
}

// The answers of WhatsApp's server that the bot knows. What others mean is not known.
const (
	codeBadRequest   = 400
	codeForbidden    = 403
	codeNotFound     = 404
	codeTooFast      = 429
	codeRestricted   = 463
	codeDeviceList   = 479
	firstServerFault = 500
)

const (
	// maxRefusals is how often the bot tries again after the server refused a message for a temporary reason.
	maxRefusals = 3
	// maxFailures is how often the bot tries a message that fails before it reaches the server.
	maxFailures = 8
	// firstPause and longestPause bound the pauses between attempts.
	firstPause, longestPause = time.Second, 5 * time.Minute
	// slowPause is the first pause after the server asked for a slower pace.
	slowPause = 30 * time.Second
	// restrictedPause is how long new chats wait when WhatsApp does not say until when.
	restrictedPause = time.Hour
)

// attempted is what is known when an attempt ended.
type attempted struct {
	err      error
	attempts int       // that counted before this one
	now      time.Time //
	dice     float64   // 0 to 1
	limits   limits    // of the account, as far as they are known
}

// errNoLID says that WhatsApp knows nobody by a number.
var errNoLID = errors.New("WhatsApp has no LID of this number")

// classify says what the end of an attempt means.
func (a attempted) classify() verdict {
	code := serverCode(a.err)
	switch {
	case a.err == nil:
		return verdict{state: bot.MessageSent}
	case code != 0:
		return a.refused(code)
	case errors.Is(a.err, whatsmeow.ErrNotConnected), errors.Is(a.err, whatsmeow.ErrNotLoggedIn), errors.Is(a.err, whatsmeow.ErrClientIsNil):
		return verdict{state: bot.MessageQueued} // it never left; the next connection sends it
	case isUnanswered(a.err):
		return verdict{state: bot.MessageUnknown, due: a.again(firstPause), attempt: true}
	case errors.Is(a.err, whatsmeow.ErrGroupNotFound), errors.Is(a.err, whatsmeow.ErrNotInGroup):
		return failed(bot.ProblemNoSuchGroup, "There is no such group, or the account is not in it.", 0, false)
	case errors.Is(a.err, whatsmeow.ErrUnknownServer), errors.Is(a.err, whatsmeow.ErrBroadcastListUnsupported):
		return failed(bot.ProblemUnsupported, "The bot cannot send to an address of this kind.", 0, false)
	case errors.Is(a.err, errNoLID), strings.HasPrefix(a.err.Error(), "no LID found"): // the second one is whatsmeow's
		return notOnWhatsApp(0)
	case a.attempts+1 >= maxFailures:
		return failed(bot.ProblemInternal, "The message could not be encrypted or handed to WhatsApp; the bot's log says why.", 0, true)
	}
	return verdict{state: bot.MessageQueued, due: a.again(firstPause), attempt: true}
}

// refused classifies an answer of the server.
func (a attempted) refused(code int) verdict {
	switch {
	case code == codeRestricted:
		if hold := a.limits.hold(a.now); hold != nil {
			return verdict{state: bot.MessageHeld, due: hold.Until.Time, hold: hold, attempt: true}
		}
		return failed(bot.ProblemRestricted, "WhatsApp does not let this account write first to this person. Once the person has written, it works.", code, true)
	case code == codeTooFast:
		due := a.again(slowPause)
		return verdict{state: bot.MessageHeld, due: due, hold: &bot.Hold{Reason: bot.HoldRateLimited, Until: bot.At(due)}, attempt: true}
	case code == codeForbidden:
		return failed(bot.ProblemNotAllowed, "The account may not write in this chat.", code, false)
	case code == codeNotFound:
		return failed(bot.ProblemNoSuchGroup, "There is no such group, or the account is not in it.", code, false)
	case (code == codeBadRequest || code == codeDeviceList || code >= firstServerFault) && a.attempts+1 < maxRefusals:
		// The list of devices may have been old, or the server may have had a fault.
		return verdict{state: bot.MessageQueued, due: a.again(firstPause), attempt: true}
	}
	return failed(bot.ProblemRefused, "WhatsApp's server refused the message with code "+strconv.Itoa(code)+".", code, code >= firstServerFault)
}

// again returns when to try again: pauses double, and half of each is random.
func (a attempted) again(first time.Duration) time.Time {
	pause := float64(first) * math.Pow(2, float64(min(a.attempts, 16)))
	pause = min(pause, float64(max(longestPause, first)))
	return a.now.Add(time.Duration(pause * (0.5 + a.dice/2)))
}

func failed(kind bot.ProblemKind, detail string, code int, retryable bool) verdict {
	return verdict{state: bot.MessageFailed, problem: &bot.SendProblem{Type: kind.Type(), Detail: detail, Retryable: retryable, Code: code}}
}

// notKept is for a message that the journal cannot keep while it is sent. It is not sent: nobody could say what became
// of it.
func notKept() verdict {
	return failed(bot.ProblemInternal, "The journal cannot keep the message; the bot's log says why.", 0, false)
}

// unreadable is for an entry of the outbox whose content cannot be read. It is not sent again, whether it was sent or not.
func unreadable(s *journal.Send) verdict {
	v := failed(bot.ProblemUnreadable, "The outbox cannot read the message any more, so it was not sent.", 0, true)
	if s.Attempts > 0 || s.Message.State == bot.MessageSending || s.Message.State == bot.MessageUnknown {
		v.state, v.problem.Retryable = bot.MessageUnknown, false
		v.problem.Detail = "The outbox cannot read the message any more. It may have been sent; it is not sent again."
	}
	return v
}

func notOnWhatsApp(code int) verdict {
	return failed(bot.ProblemNotOnWhatsApp, "Nobody has this number at WhatsApp. Nothing was sent.", code, false)
}

// serverCode is the code with which the server refused a message, 0 for another error. whatsmeow has it in the text
// only.
func serverCode(err error) int {
	if !errors.Is(err, whatsmeow.ErrServerReturnedError) {
		return 0
	}
	text := err.Error()
	code, convErr := strconv.Atoi(text[strings.LastIndexByte(text, ' ')+1:])
	if convErr != nil || code == 0 {
		return -1
	}
	return code
}

// isUnanswered reports whether WhatsApp may have accepted the message although no answer came.
func isUnanswered(err error) bool {
	var disconnected *whatsmeow.DisconnectedError
	return errors.Is(err, whatsmeow.ErrMessageTimedOut) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) ||
		errors.As(err, &disconnected) || errors.Is(err, whatsmeow.ErrIQTimedOut)
}

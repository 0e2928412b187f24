package gateway

import (
	"encoding/json"
	"net/http"
	"strconv"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

// problem is an error that a caller reads.
type problem struct {
	status int
	kind   bot.ProblemKind
	title  text
	detail text
	// retryAfter is in seconds; 0 says nothing.
	retryAfter int
	// allow lists methods, for 405.
	allow string
	// session is what the answer tells the state of; nil for none.
	session *v1alpha1.WhatsAppSession
}

// Error implements error, for logs.
func (p *problem) Error() string { return p.detail.en }

// about is the problem with another detail.
func (p *problem) about(detail text) *problem {
	other := *p
	other.detail = detail
	return &other
}

// after is the problem with a time to wait.
func (p *problem) after(seconds int) *problem {
	other := *p
	other.retryAfter = seconds
	return &other
}

var (
	problemBadPath = problem{status: http.StatusBadRequest, kind: bot.ProblemBadPath, title: text{"Alamat tidak sah", "Bad path"},
		detail: text{"Alamat ini berisi bagian yang tidak boleh dikodekan: tulis tanpa %2F, %2E, \\, // dan ..", "The path has parts that must not be encoded: write it without %2F, %2E, \\, // and .."}}
	problemNotFound = problem{status: http.StatusNotFound, kind: bot.ProblemNotFound, title: text{"Tidak ditemukan", "Not found"},
		detail: text{"Tidak ada apa-apa di alamat ini.", "Nothing is served at this path."}}
	problemNoSession = problem{status: http.StatusNotFound, kind: bot.ProblemNotFound, title: text{"Sesi tidak ditemukan", "No such session"},
		detail: text{"Sesi ini tidak ada, atau Anda tidak boleh melihatnya.", "There is no such session, or you may not see it."}}
	problemMethod = problem{status: http.StatusMethodNotAllowed, kind: bot.ProblemMethodNotAllowed, title: text{"Metode tidak didukung", "Method not allowed"},
		detail: text{"Alamat ini tidak menerima metode tersebut.", "This path does not support that method."}}
	problemNoCredential = problem{status: http.StatusUnauthorized, kind: bot.ProblemTokenNeeded, title: text{"Perlu masuk", "Credential needed"},
		detail: text{"Kirim kunci API di X-Api-Key, atau token Kubernetes di Authorization: Bearer.", "Send an API key in X-Api-Key, or a Kubernetes token in Authorization: Bearer."}}
	problemWrongCredential = problem{status: http.StatusUnauthorized, kind: bot.ProblemTokenWrong, title: text{"Kunci salah", "Wrong credential"},
		detail: text{"Kunci atau token ini tidak dikenal, dicabut atau kedaluwarsa.", "This key or token is unknown, revoked or expired."}}
	problemTooManyAttempts = problem{status: http.StatusTooManyRequests, kind: bot.ProblemTooManyAttempts, title: text{"Terlalu banyak percobaan", "Too many attempts"},
		detail: text{"Terlalu banyak kunci salah dari alamat ini.", "Too many wrong credentials came from this address."}}
	problemForbidden = problem{status: http.StatusForbidden, kind: bot.ProblemForbidden, title: text{"Tidak diizinkan", "Forbidden"},
		detail: text{"Anda tidak berhak melakukan ini.", "You may not do this."}}
	problemCrossSite = problem{status: http.StatusForbidden, kind: bot.ProblemCrossSite, title: text{"Dari situs lain", "From another site"},
		detail: text{"Peramban mengirim permintaan ini untuk halaman situs lain.", "A browser sent this request for a page of another site."}}
	problemTooMany = problem{status: http.StatusTooManyRequests, kind: bot.ProblemTooManyRequests, title: text{"Terlalu banyak permintaan", "Too many requests"},
		detail: text{"Tunggu sebentar, lalu coba lagi.", "Wait a moment, then try again."}, retryAfter: 1}
	problemTooManyStreams = problem{status: http.StatusTooManyRequests, kind: bot.ProblemTooManyStreams, title: text{"Terlalu banyak aliran", "Too many streams"},
		detail: text{"Terlalu banyak aliran peristiwa terbuka; tutup salah satu.", "Too many event streams are open; close one."}, retryAfter: 5}
	problemTooLarge = problem{status: http.StatusRequestEntityTooLarge, kind: bot.ProblemTooLarge, title: text{"Terlalu besar", "Too large"},
		detail: text{"Isi permintaan lebih besar dari yang diterima.", "The body is larger than the gateway accepts."}}
	problemSlowBody = problem{status: http.StatusRequestTimeout, kind: bot.ProblemTimeout, title: text{"Terlalu lambat", "Too slow"},
		detail: text{"Isi permintaan datang terlalu lambat.", "The body came too slowly."}}
	problemBadRequest = problem{status: http.StatusBadRequest, kind: bot.ProblemBadRequest, title: text{"Permintaan tidak sah", "Bad request"},
		detail: text{"Permintaan ini tidak dapat dibaca.", "The request cannot be read."}}
	problemBadJSON = problem{status: http.StatusBadRequest, kind: bot.ProblemBadJSON, title: text{"JSON tidak sah", "Bad JSON"},
		detail: text{"Isi permintaan bukan JSON yang diminta.", "The body is not the JSON that this path expects."}}
	problemAway = problem{status: http.StatusServiceUnavailable, kind: bot.ProblemSessionAway, title: text{"Bot sedang tidak ada", "The bot is away"},
		detail: text{"Bot sesi ini belum dapat dihubungi.", "The session's bot cannot be reached yet."}}
	problemSuspended = problem{status: http.StatusConflict, kind: bot.ProblemSessionSuspended, title: text{"Sesi ditangguhkan", "The session is suspended"},
		detail: text{"Sesi ini ditangguhkan; mulai lebih dulu.", "The session is suspended; start it first."}}
	problemGoing = problem{status: http.StatusConflict, kind: bot.ProblemSessionSuspended, title: text{"Sesi sedang dihapus", "The session is being deleted"},
		detail: text{"Sesi ini sedang dihapus.", "The session is being deleted."}}
	problemBroke = problem{status: http.StatusBadGateway, kind: bot.ProblemBotFailed, title: text{"Bot terputus", "The bot disconnected"},
		detail: text{"Bot terputus sebelum menjawab, jadi belum tentu permintaan ini sudah dilakukan. Dengan Idempotency-Key permintaan dapat diulang dengan aman.",
			"The bot disconnected before it answered, so it is not known whether it did this. With an Idempotency-Key the request can be repeated safely."}}
	problemSlow = problem{status: http.StatusGatewayTimeout, kind: bot.ProblemTimeout, title: text{"Bot tidak menjawab", "The bot does not answer"},
		detail: text{"Bot tidak menjawab tepat waktu, jadi belum tentu permintaan ini sudah dilakukan.", "The bot did not answer in time, so it is not known whether it did this."}}
	problemStrange = problem{status: http.StatusBadGateway, kind: bot.ProblemBotFailed, title: text{"Jawaban bot tidak sah", "Invalid answer"},
		detail: text{"Jawaban bot bukan jawaban yang sah.", "The bot sent an answer that is not valid."}}
	problemCluster = problem{status: http.StatusServiceUnavailable, kind: bot.ProblemInternal, title: text{"Kluster tidak menjawab", "The cluster does not answer"},
		detail: text{"API Kubernetes sedang tidak dapat dihubungi.", "The Kubernetes API cannot be reached now."}, retryAfter: 2}
)

// document is the problem as its caller reads it.
func (p *problem) document(language string) bot.GatewayProblem {
	detail := p.detail.in(language)
	document := bot.GatewayProblem{Problem: bot.Problem{
		Type: p.kind.Type(), Title: p.title.in(language), Status: p.status, Detail: detail,
		StatusCode: p.status, Error: http.StatusText(p.status), Message: detail,
	}}
	if p.session != nil {
		document.State, document.UserAction = p.session.Status.State, p.session.Status.UserAction
		document.Reason = bot.Reason(p.session.Status.Reason)
	}
	return document
}

// write sends the problem.
func (p *problem) write(w http.ResponseWriter, language string) {
	if p.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(p.retryAfter))
	}
	if p.allow != "" {
		w.Header().Set("Allow", p.allow)
	}
	if p.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="sesi"`)
	}
	w.Header().Set("Content-Language", language)
	writeJSON(w, p.status, "application/problem+json", p.document(language))
}

// writeJSON sends a value.
func writeJSON(w http.ResponseWriter, status int, kind string, value any) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // it is no failure when the caller has gone
}

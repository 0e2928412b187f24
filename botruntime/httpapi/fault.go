package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/session"
)

// fault is an error with an HTTP status and a text in both languages.
type fault struct {
	status        int
	kind          bot.ProblemKind
	title, detail text
	reason        bot.Reason
	header        http.Header
	message       string // that was not sent
	retryable     *bool  // whether sending it again may help
	code          int    // that WhatsApp's server answered, on WAHA's paths
	until         time.Time
}

// Error implements error.
func (f fault) Error() string { return string(f.kind) + ": " + f.detail.en }

// about returns a copy of f with another detail.
func (f fault) about(detail text) fault {
	f.detail = detail
	return f
}

// because returns a copy of f with the cause at the end of its detail.
func (f fault) because(cause error) fault {
	return f.about(text{f.detail.id + " (" + cause.Error() + ")", f.detail.en + " (" + cause.Error() + ")"})
}

// retryAfter returns a copy of f with a Retry-After header, in seconds.
func (f fault) retryAfter(seconds int) fault {
	f.header = http.Header{"Retry-After": {strconv.Itoa(seconds)}}
	return f
}

// findFault returns the fault of a kind.
func findFault(faults []fault, kind bot.ProblemKind) (fault, bool) {
	for i := range faults {
		if faults[i].kind == kind {
			return faults[i], true
		}
	}
	return fault{}, false
}

var titleInternal = text{"Kesalahan di bot", "Internal error"}

// Faults of the request itself, not of the session.
var (
	faultNotFound = fault{status: http.StatusNotFound, kind: bot.ProblemNotFound,
		title:  text{"Tidak ditemukan", "Not found"},
		detail: text{"Alamat ini tidak ada; lihat " + bot.PathOpenAPI + ".", "This address does not exist; see " + bot.PathOpenAPI + "."}}
	faultMethod = fault{status: http.StatusMethodNotAllowed, kind: bot.ProblemMethodNotAllowed,
		title:  text{"Metode tidak didukung", "Method not allowed"},
		detail: text{"Gunakan salah satu metode pada header Allow.", "Use one of the methods in the Allow header."}}
	faultAccept = fault{status: http.StatusNotAcceptable, kind: bot.ProblemNotAcceptable,
		title:  text{"Format tidak tersedia", "Not acceptable"},
		detail: text{"Tersedia: application/json, image/png dan image/svg+xml.", "Available: application/json, image/png and image/svg+xml."}}
	faultMediaType = fault{status: http.StatusUnsupportedMediaType, kind: bot.ProblemUnsupportedMediaType,
		title:  text{"Jenis isi tidak didukung", "Unsupported media type"},
		detail: text{"Kirim JSON dengan header Content-Type: application/json.", "Send JSON with the header Content-Type: application/json."}}
	faultTooLarge = fault{status: http.StatusRequestEntityTooLarge, kind: bot.ProblemTooLarge,
		title:  text{"Permintaan terlalu besar", "Request too large"},
		detail: text{"Isi permintaan dibatasi 64 KiB.", "The request body may have at most 64 KiB."}}
	faultBody = fault{status: http.StatusBadRequest, kind: bot.ProblemBadRequest,
		title:  text{"Permintaan tidak lengkap", "Incomplete request"},
		detail: text{"Isi permintaan tidak terbaca sampai akhir.", "The request body ended too early."}}
	faultJSON = fault{status: http.StatusBadRequest, kind: bot.ProblemBadJSON,
		title:  text{"JSON tidak valid", "Invalid JSON"},
		detail: text{"Isi permintaan bukan JSON yang diharapkan.", "The request body is not the JSON that this address expects."}}
	faultPhone = fault{status: http.StatusUnprocessableEntity, kind: bot.ProblemBadPhoneNumber,
		title: text{"Nomor telepon tidak valid", "Invalid phone number"},
		detail: text{"phoneNumber harus dalam format internasional dengan kode negara, misalnya +6281234567890.",
			"phoneNumber must be in international form with its country code, such as +6281234567890."}}
	faultHost = fault{status: http.StatusForbidden, kind: bot.ProblemForeignHost,
		title: text{"Host ditolak", "Host refused"},
		detail: text{"Alamat ini hanya menjawab untuk localhost, 127.0.0.1 dan [::1]. Untuk nama lain, atur API_TOKEN dan kirim token itu.",
			"This listener answers only as localhost, 127.0.0.1 and [::1]. For any other name, set API_TOKEN and send the token."}}
	faultForwarded = fault{status: http.StatusForbidden, kind: bot.ProblemForwarded,
		title: text{"Permintaan lewat proxy ditolak", "Forwarded request refused"},
		detail: text{"Permintaan ini diteruskan oleh proxy, jadi dapat berasal dari mana saja. Atur API_TOKEN pada bot dan kirim token itu.",
			"A proxy forwarded this request, so it can come from anywhere. Set API_TOKEN for the bot, and send the token."}}
	faultCrossSite = fault{status: http.StatusForbidden, kind: bot.ProblemCrossSite,
		title:  text{"Permintaan lintas situs ditolak", "Cross-site request refused"},
		detail: text{"Peramban mengirim permintaan ini dari situs lain.", "A browser sent this request from another site."}}
	faultNoToken = fault{status: http.StatusUnauthorized, kind: bot.ProblemTokenNeeded,
		title: text{"Token diperlukan", "Token needed"},
		detail: text{"Kirim token API: header Authorization: Bearer TOKEN atau X-Api-Key: TOKEN.",
			"Send the API token: header Authorization: Bearer TOKEN, or X-Api-Key: TOKEN."},
		header: http.Header{"Www-Authenticate": {`Bearer realm="sesi"`}}}
	faultWrongToken = fault{status: http.StatusUnauthorized, kind: bot.ProblemTokenWrong,
		title:  text{"Token salah", "Wrong token"},
		detail: text{"Token ini bukan API_TOKEN milik bot.", "This token is not the bot's API_TOKEN."},
		header: http.Header{"Www-Authenticate": {`Bearer realm="sesi", error="invalid_token"`}}}
	faultThrottled = fault{status: http.StatusTooManyRequests, kind: bot.ProblemTooManyAttempts,
		title:  text{"Terlalu banyak percobaan", "Too many attempts"},
		detail: text{"Terlalu banyak token salah dari alamat ini; tunggu sebentar, atau kirim token yang benar.", "Too many wrong tokens came from this address; wait a moment, or send the right one."}}
	faultTokenUnset = fault{status: http.StatusForbidden, kind: bot.ProblemTokenUnset,
		title: text{"Token belum diatur", "No token is set"},
		detail: text{"Backup lewat HTTP selalu memerlukan token: atur API_TOKEN, atau jalankan `bot backup`.",
			"A backup over HTTP always needs a token: set API_TOKEN, or run `bot backup`."}}
	faultStreams = fault{status: http.StatusServiceUnavailable, kind: bot.ProblemTooManyStreams,
		title:  text{"Terlalu banyak pengamat", "Too many watchers"},
		detail: text{"Batas jumlah event stream tercapai; coba lagi nanti.", "The limit of open event streams is reached; try again later."}}
	faultBackupBusy = fault{status: http.StatusServiceUnavailable, kind: bot.ProblemBackupBusy,
		title:  text{"Backup sedang berjalan", "A backup is running"},
		detail: text{"Satu backup sedang dikirim; coba lagi sesudahnya.", "Another backup is being sent; try again when it has finished."}}
	faultSlow = fault{status: http.StatusGatewayTimeout, kind: bot.ProblemTimeout,
		title:  text{"Terlalu lama", "Took too long"},
		detail: text{"Sesi tidak selesai tepat waktu; periksa statusnya, lalu coba lagi.", "The session did not finish in time; check its status, then try again."}}
	faultStopping = fault{status: http.StatusServiceUnavailable, kind: bot.ProblemStopping,
		title:  text{"Bot sedang berhenti", "The bot is stopping"},
		detail: text{"Bot sedang berhenti; coba lagi setelah bot berjalan kembali.", "The bot is stopping; try again when it is running again."}}
	faultNotCleared = fault{status: http.StatusInsufficientStorage, kind: bot.ProblemNotCleared,
		title:  text{"Sesi tidak terhapus", "The session was not deleted"},
		detail: text{"Tidak ada yang dihapus, karena disk menolak perubahan.", "Nothing was deleted, because the disk refuses changes."}}
	faultDataLeft = fault{status: http.StatusInsufficientStorage, kind: bot.ProblemDataLeft,
		title: text{"Sesi berakhir, datanya belum terhapus", "The session has ended, and its data is left"},
		detail: text{"Perangkat sudah dikeluarkan dari WhatsApp. Datanya masih di disk dan dihapus begitu disk dapat ditulis.",
			"The device was unlinked at WhatsApp. Its data is still on the disk, and is deleted once the disk takes writes."}}
	faultNotReady = fault{status: http.StatusConflict, kind: bot.ProblemNotReady,
		title:  text{"Sesi belum siap", "The session is not ready"},
		detail: text{"Permintaan ini belum dapat diproses sekarang; coba lagi sebentar lagi.", "The session cannot do this now; try again in a moment."}}
	faultInternal = fault{status: http.StatusInternalServerError, kind: bot.ProblemInternal,
		title:  titleInternal,
		detail: text{"Lihat log bot.", "See the bot's log."}}
)

// refusals gives the fault for each refusal of the session, whose kinds are those of problems.
var refusals = []fault{
	{kind: bot.ProblemNoCode, status: http.StatusConflict, title: text{"Belum ada kode QR", "No QR code yet"},
		detail: text{"Belum ada kode QR yang aktif; coba lagi sebentar lagi.", "There is no current QR code yet; try again in a moment."}},
	{kind: bot.ProblemAlreadyLinked, status: http.StatusConflict, title: text{"Sesi sudah tertaut", "The session is already linked"},
		detail: text{"Sesi sudah tertaut ke ponsel; kode QR tidak diperlukan.", "The session is already linked to a phone; no QR code is needed."}},
	{kind: bot.ProblemNotLinked, status: http.StatusConflict, title: text{"Sesi belum tertaut", "The session is not linked"},
		detail: text{"Sesi belum tertaut ke ponsel; pindai kode QR lebih dulu.", "The session is not linked to a phone; scan the QR code first."}},
	{kind: bot.ProblemBackupFailed, status: http.StatusConflict, title: text{"Backup gagal", "The backup failed"},
		detail: text{"Tidak ada yang dihapus: backup gagal, dan perangkat tidak dapat dikeluarkan dari WhatsApp. Perbaiki itu, atau hapus tanpa backup dengan DELETE " + bot.PathClear + "?force=true.",
			"Nothing was deleted: the backup failed, and the device could not be unlinked at WhatsApp. Repair that, or delete the session without a backup with DELETE " + bot.PathClear + "?force=true."}},
	{kind: bot.ProblemNoPasskey, status: http.StatusConflict, title: text{"Passkey tidak diminta", "No passkey is asked for"},
		detail: text{"WhatsApp tidak menunggu passkey saat ini.", "WhatsApp does not wait for a passkey now."}},
	{kind: bot.ProblemPasskeyInvalid, status: http.StatusUnprocessableEntity, title: text{"Tanda tangan passkey tidak cocok", "Not a signature for this"},
		detail: text{"Ini bukan jawaban untuk permintaan passkey yang sekarang. Salin ulang seluruh teksnya, atau tanda tangani lagi.", "This does not answer the current passkey request. Copy the whole text again, or sign again."}},
	{kind: bot.ProblemPasskeyRefused, status: http.StatusUnprocessableEntity, title: text{"WhatsApp menolak passkey", "WhatsApp refused the passkey"},
		detail: text{"WhatsApp menolak passkey ini. Tanda tangani lagi dengan passkey milik akun yang memindai kode.", "WhatsApp refused this passkey. Sign again with the passkey of the account that scanned the code."}},
	faultNotReady,
}

// classifyError turns any error into a fault.
func classifyError(err error) fault {
	var f fault
	var refused *session.Refusal
	var unclean *session.ClearError
	var wrong wrongStatus
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &wrong):
		f = faultNotReady
		f.status = http.StatusUnprocessableEntity
		return f
	case errors.As(err, &unclean) && unclean.AtWhatsApp:
		return faultDataLeft.because(unclean.Err)
	case errors.As(err, &unclean):
		return faultNotCleared.because(unclean.Err)
	case errors.As(err, &refused):
		kind := bot.ProblemKind(refused.Kind)
		known, found := findFault(refusals, kind)
		if f = known; !found {
			f = faultNotReady
		}
		f.kind, f.reason = kind, refused.Reason
		if refused.Detail != "" {
			switch refused.Kind {
			case session.RefusedLinked: // the detail is the state's sentence, such as "Connected."
			case session.RefusedNoBackup:
				f = f.because(errors.New(refused.Detail))
			default:
				f.detail = text{indonesianDetail(f.detail.id, refused), refused.Detail}
			}
		}
		if refused.Kind == session.RefusedNoCode || refused.Kind == session.RefusedNotReady {
			f = f.retryAfter(2)
		}
		return f
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return faultSlow
	case errors.Is(err, session.ErrStopping):
		return faultStopping.retryAfter(5)
	}
	f = faultInternal
	return f.about(text{err.Error(), err.Error()})
}

// indonesianDetail says in Indonesian what the session refused; the session's own words are English.
func indonesianDetail(general string, refused *session.Refusal) string {
	if refused.Reason == bot.ReasonPasskeyRequired && (refused.Kind == session.RefusedNotReady || refused.Kind == session.RefusedNoCode) {
		return "WhatsApp sedang meminta passkey akun ini. Selesaikan itu dulu, atau sambungkan ulang sesi."
	}
	return general
}

// fail answers with a problem document.
func (c *call) fail(err error) {
	f := classifyError(err)
	if f.status >= http.StatusInternalServerError && f.status != http.StatusServiceUnavailable && f.status != http.StatusNotImplemented && c.r.Context().Err() == nil {
		c.Log.Error("request failed", "method", c.r.Method, "path", c.r.URL.Path, "error", err)
	}
	p := bot.Problem{
		Type: f.kind.Type(), Title: f.title.in(c.lang), Status: f.status,
		Detail: f.detail.in(c.lang), Reason: f.reason, MessageID: f.message, Retryable: f.retryable,
	}
	status, answer := f.status, any(p)
	if c.waha {
		status, answer = c.wahaFault(err, f, p)
	}
	h := c.w.Header()
	for name, values := range f.header {
		h[name] = values
	}
	h.Set("Content-Language", c.lang.tag())
	body, err := json.Marshal(answer)
	if err != nil {
		body = nil // a Problem can always be marshalled
	}
	_ = c.bytes(status, "application/problem+json", append(body, '\n'))
}

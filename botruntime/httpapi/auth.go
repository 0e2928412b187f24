package httpapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sesi.dev/sesi/api/bot"
)

// pass records why a caller was let in where a token is needed. It is no longer valid when the token changes.
type pass struct {
	token tokenSum
	until int64 // Unix seconds when the presented cookie expires; 0 without a cookie
}

// tokenSum is the hash of a token. It saves memory where many callers have the same token.
type tokenSum [sha256.Size]byte

func sumOf(token string) tokenSum { return sha256.Sum256([]byte(token)) }

// holds reports whether the caller with this pass would be let in again.
func (p *pass) holds(token tokenSum, now time.Time) bool {
	return p.token == token && (p.until == 0 || now.Unix() < p.until)
}

// pass says why the caller of a stream is let in; nil where no token is needed.
func (c *call) pass() (*pass, error) {
	if !c.token {
		return nil, nil //nolint:nilnil // no token is needed
	}
	by, err := c.letIn(withToken)
	return &by, err
}

// ended reports whether a caller with this pass would be let in no more.
func (c *call) ended(by *pass) bool { return by != nil && !by.holds(sumOf(c.Token()), time.Now()) }

// authorize decides whether a caller may use a route with this access.
func (c *call) authorize(need access) error {
	if need == forAll || need == forPeople || !c.token && need == withToken {
		return nil
	}
	_, err := c.letIn(need)
	return err
}

// letIn looks for the token, or a cookie derived from it, in the request.
func (c *call) letIn(need access) (pass, error) {
	token := c.Token()
	given := presentedToken(c.r)
	if token == "" && !c.token {
		return pass{}, faultTokenUnset
	}
	if given == "" {
		until, ok := c.cookie(token)
		if !ok || need != withToken {
			return pass{}, faultNoToken
		}
		return pass{sumOf(token), until}, nil
	}
	if err := c.checkToken(given, token); err != nil {
		return pass{}, err
	}
	return pass{token: sumOf(token)}, nil
}

// checkToken compares in constant time. It always accepts the right token: many callers can share an address, and one
// of them with an old token must not lock the others out. Answers to wrong tokens are rate-limited.
func (c *call) checkToken(given, token string) error {
	if sameSecret(given, token) {
		return nil
	}
	now := time.Now()
	who := throttleKey(c.r.RemoteAddr)
	if wait := c.failures.wait(who, now); wait > 0 {
		return faultThrottled.retryAfter(int(wait/time.Second) + 1)
	}
	c.failures.failed(who, now)
	return faultWrongToken
}

// sameSecret takes the same time whatever differs, the length included. It never accepts an empty token.
func sameSecret(given, token string) bool {
	a, b := sumOf(given), sumOf(token)
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && token != ""
}

// presentedToken returns the token in the request's headers, on some of WAHA's paths also that in the query, or "".
func presentedToken(r *http.Request) string {
	if key := r.Header.Get("X-Api-Key"); key != "" {
		return key
	}
	if key := r.URL.Query().Get("x-api-key"); key != "" && queryKey(r.URL.Path) {
		return key
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	return ""
}

// queryKey reports whether the token may be in the query: where a browser or a picture's address cannot send a header.
func queryKey(path string) bool {
	files, _, _ := strings.Cut(bot.PathWAHAFile, "{")
	return path == bot.PathWebSocket || strings.HasPrefix(path, files)
}

// cookieName includes the client ID, so that two bots on one host do not overwrite each other's cookie. The __Host-
// prefix makes a browser refuse such a cookie from another host, or without TLS.
func (c *call) cookieName() string {
	switch {
	case !c.overTLS():
		return "sesi-" + c.ClientID
	case c.prefix() != "":
		return "__Secure-sesi-" + c.ClientID
	}
	return "__Host-sesi-" + c.ClientID
}

// setCookie lets the page call the API without holding the token. The cookie is derived from the token, which cannot
// be computed from it. It expires after a time, and when the token changes.
func (c *call) setCookie(token string) {
	until := strconv.FormatInt(time.Now().Add(c.limits.cookieLifetime).Unix(), 10)
	http.SetCookie(c.w, &http.Cookie{
		Name: c.cookieName(), Value: until + "." + cookieSignature(token, c.ClientID, until),
		Path: c.prefix() + "/", MaxAge: int(c.limits.cookieLifetime / time.Second),
		HttpOnly: true, Secure: c.overTLS(), SameSite: http.SameSiteStrictMode,
	})
}

// holdsCookie reports whether the request has a valid cookie derived from this token.
func (c *call) holdsCookie(token string) bool {
	_, ok := c.cookie(token)
	return ok
}

// cookie returns when the request's cookie expires, in Unix seconds. It returns false if it has expired or is not
// derived from this token.
func (c *call) cookie(token string) (end int64, ok bool) {
	cookie, err := c.r.Cookie(c.cookieName())
	if err != nil || token == "" {
		return 0, false
	}
	until, signature, _ := strings.Cut(cookie.Value, ".")
	end, err = strconv.ParseInt(until, 10, 64)
	return end, err == nil && time.Now().Unix() < end &&
		hmac.Equal([]byte(signature), []byte(cookieSignature(token, c.ClientID, until)))
}

func cookieSignature(token, clientID, until string) string {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte("sesi page cookie\n" + clientID + "\n" + until))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

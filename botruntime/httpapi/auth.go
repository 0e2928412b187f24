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
)

// authorize decides whether a caller may have what needs that access.
func (c *call) authorize(need access) error {
	if need == forAll || need == forPeople || !c.token && need == withToken {
		return nil
	}
	token := c.Token()
	given := presentedToken(c.r)
	switch {
	case token == "" && !c.token:
		return faultTokenUnset
	case given == "" && need == withToken && c.holdsCookie(token):
		return nil
	case given == "":
		return faultNoToken
	}
	return c.checkToken(given, token)
}

// checkToken compares in constant time, and bounds how often a caller may be wrong.
func (c *call) checkToken(given, token string) error {
	now := time.Now()
	who := throttleKey(c.r.RemoteAddr)
	if wait := c.failures.wait(who, now); wait > 0 {
		return faultThrottled.retryAfter(int(wait/time.Second) + 1)
	}
	if !sameSecret(given, token) {
		c.failures.failed(who, now)
		return faultWrongToken
	}
	return nil
}

// sameSecret takes the same time whatever differs, the length too. An empty token is never right.
func sameSecret(given, token string) bool {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && token != ""
}

// presentedToken is the token of a request's headers, "" when there is none.
func presentedToken(r *http.Request) string {
	if key := r.Header.Get("X-Api-Key"); key != "" {
		return key
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	return ""
}

// cookieName is the session's own: two bots on one host do not overwrite each other's cookie.
func (c *call) cookieName() string {
	if c.secure {
		return "__Host-sesi-" + c.ClientID
	}
	return "sesi-" + c.ClientID
}

// setCookie lets the page call the API without holding the token. The value is derived from the token: it
// cannot be turned back, it ends by itself, and it ends with the token.
func (c *call) setCookie(token string) {
	until := strconv.FormatInt(time.Now().Add(c.limits.cookieLifetime).Unix(), 10)
	http.SetCookie(c.w, &http.Cookie{
		Name: c.cookieName(), Value: until + "." + cookieSignature(token, c.ClientID, until),
		Path: "/", MaxAge: int(c.limits.cookieLifetime / time.Second),
		HttpOnly: true, Secure: c.secure, SameSite: http.SameSiteStrictMode,
	})
}

// holdsCookie tells whether the request has a cookie that this token made.
func (c *call) holdsCookie(token string) bool {
	cookie, err := c.r.Cookie(c.cookieName())
	if err != nil || token == "" {
		return false
	}
	until, signature, _ := strings.Cut(cookie.Value, ".")
	end, err := strconv.ParseInt(until, 10, 64)
	return err == nil && time.Now().Unix() < end &&
		hmac.Equal([]byte(signature), []byte(cookieSignature(token, c.ClientID, until)))
}

func cookieSignature(token, clientID, until string) string {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte("sesi page cookie\n" + clientID + "\n" + until))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

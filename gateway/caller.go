package gateway

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/authenticatorfactory"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	authenticationv1 "k8s.io/client-go/kubernetes/typed/authentication/v1"
	authorizationv1 "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/client-go/rest"

	"sesi.dev/sesi/api/apikey"
	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

const (
	// reviewCache is how long the API server's answers about tokens and rights are cached.
	reviewCache   = 10 * time.Second
	reviewTimeout = 5 * time.Second
	// maxCredential bounds a key or token.
	maxCredential = 8 << 10
)

// caller is who sent a request.
type caller struct {
	// name is for the audit log: the user, or the namespace and name of the key's Secret.
	name string
	// namespace is where the sessions are that the caller names without one; empty for users.
	namespace string
	// proxied is true for a person whom a proxy in front signed in.
	proxied bool
	key     *apikey.Key // nil for a Kubernetes user
	user    user.Info
}

// reviewer asks the API server whose a token is, and what that user may do.
type reviewer struct {
	tokens authenticator.Token
	rights authorizer.Authorizer
}

func newReviewer(config *rest.Config, client *http.Client) (*reviewer, error) {
	tokens, err := authenticationv1.NewForConfigAndClient(config, client)
	if err != nil {
		return nil, err
	}
	access, err := authorizationv1.NewForConfigAndClient(config, client)
	if err != nil {
		return nil, err
	}
	backoff := &wait.Backoff{Duration: 200 * time.Millisecond, Factor: 1.5, Jitter: 0.2, Steps: 3}
	authenticate, _, err := authenticatorfactory.DelegatingAuthenticatorConfig{
		Anonymous: &apiserver.AnonymousAuthConfig{Enabled: false}, CacheTTL: reviewCache,
		TokenAccessReviewClient: tokens, TokenAccessReviewTimeout: reviewTimeout, WebhookRetryBackoff: backoff,
	}.New()
	if err != nil {
		return nil, err
	}
	authorize, err := authorizerfactory.DelegatingAuthorizerConfig{
		SubjectAccessReviewClient: access, AllowCacheTTL: reviewCache, DenyCacheTTL: reviewCache, WebhookRetryBackoff: backoff,
	}.New()
	if err != nil {
		return nil, err
	}
	return &reviewer{tokens: tokenOf{authenticate}, rights: authorize}, nil
}

// tokenOf asks about a token alone.
type tokenOf struct{ request authenticator.Request }

func (t tokenOf) AuthenticateToken(ctx context.Context, token string) (*authenticator.Response, bool, error) {
	return t.request.AuthenticateRequest((&http.Request{Header: http.Header{"Authorization": {"Bearer " + token}}}).WithContext(ctx))
}

// credentialOf is the key or token of a request; empty for none. fromCookie is true where a browser sent it
// automatically.
func credentialOf(r *http.Request) (credential string, fromCookie bool) {
	if key := r.Header.Get("X-Api-Key"); key != "" {
		return key, false
	}
	if scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token), false
	}
	if takesQueryKey(r.URL.Path) {
		if key := r.URL.Query().Get(queryKey); key != "" {
			return key, false
		}
	}
	if cookie, err := r.Cookie(cookieName(r)); err == nil && cookie.Value != "" {
		return cookie.Value, true
	}
	return "", false
}

// queryKey is the query parameter with a key.
const queryKey = "x-api-key"

// takesQueryKey reports whether the key may be in the query: where a browser cannot send a header, and WAHA's clients do
// so. These are the WebSocket and the address of a file, as at a bot.
func takesQueryKey(path string) bool {
	if segments := segmentsOf(path); len(segments) > 4 && segments[0] == "v1" {
		path = "/" + strings.Join(segments[4+1:], "/") // behind /v1/namespaces/NAMESPACE/sessions/NAME
	}
	return path == bot.PathWebSocket || strings.HasPrefix(path, "/api/files/")
}

// identify returns who sent a request.
func (g *Gateway) identify(r *http.Request) (*caller, *problem) {
	credential, fromCookie := credentialOf(r)
	if credential == "" || fromCookie {
		who, failure := g.proxied(r)
		if who != nil && fromOtherSite(r) {
			return nil, problemCrossSite.about(problemCrossSite.detail)
		}
		if who != nil || failure != nil {
			return who, failure
		}
	}
	if credential == "" {
		return nil, problemNoCredential.about(problemNoCredential.detail)
	}
	if fromCookie && fromOtherSite(r) {
		return nil, problemCrossSite.about(problemCrossSite.detail)
	}
	return g.recognize(r.Context(), credential, g.address(r))
}

// recognize returns the caller that a credential belongs to. A right API key works from every address. Wrong
// credentials from one address are answered at a limited rate; above it, the API server is not asked about tokens, but for
// those that it recognized lately: callers can share an address, and one of them must not lock the others out.
func (g *Gateway) recognize(ctx context.Context, credential string, from netip.Addr) (*caller, *problem) {
	if len(credential) > maxCredential {
		return nil, problemWrongCredential.about(problemWrongCredential.detail)
	}
	now := g.now()
	if apikey.Looks(credential) {
		sum := apikey.SumOf(credential)
		if key, found := g.fleet.key(sum); found && subtle.ConstantTimeCompare(key.Sum[:], sum[:]) == 1 && !key.Expired(now) {
			return &caller{name: "key:" + key.Namespace + "/" + key.Name, namespace: key.Namespace, key: &key}, nil
		}
		return nil, g.wrong(from, now)
	}
	token := sha256.Sum256([]byte(credential))
	if wait := g.throttle.wait(from, now); wait > 0 && !g.welcome.has(token, now) {
		return nil, problemTooManyAttempts.after(int(wait/time.Second) + 1)
	}
	answer, ok, err := g.reviews.tokens.AuthenticateToken(ctx, credential)
	switch {
	case ok:
		g.welcome.add(token, now)
		who := &caller{name: answer.User.GetName(), user: answer.User}
		if rest, found := strings.CutPrefix(who.name, "system:serviceaccount:"); found {
			who.namespace, _, _ = strings.Cut(rest, ":")
		}
		return who, nil
	case err != nil && ctx.Err() == nil && strings.Contains(err.Error(), "tokenreviews"): // the request failed, not the token
		g.log.Error("ask the API server about a token", "error", err.Error())
		return nil, problemCluster.about(problemCluster.detail)
	}
	return nil, g.wrong(from, now)
}

func (g *Gateway) wrong(from netip.Addr, now time.Time) *problem {
	if wait := g.throttle.wait(from, now); wait > 0 {
		return problemTooManyAttempts.after(int(wait/time.Second) + 1)
	}
	g.throttle.failed(from, now)
	return problemWrongCredential.about(problemWrongCredential.detail)
}

// address is where a request comes from: the last address that a trusted proxy did not add.
func (g *Gateway) address(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	from := at.Addr().Unmap()
	if len(g.options.TrustedProxies) == 0 {
		return from
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !slices.ContainsFunc(g.options.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(from) }) {
			return from
		}
		hop = strings.TrimSpace(hop)
		if host, _, err := net.SplitHostPort(hop); err == nil {
			hop = host
		}
		next, err := netip.ParseAddr(hop)
		if err != nil {
			return from
		}
		from = next.Unmap()
	}
	return from
}

// may reports whether a caller may do something to a session. session is nil for one that does not exist, and for all
// sessions of a namespace; there are then no labels to compare.
func (g *Gateway) may(ctx context.Context, who *caller, what action, key sessionKey, session *v1alpha1.WhatsAppSession) (bool, *problem) {
	need := rights[what]
	if who.key != nil {
		if !who.key.Allows(need.key) {
			return false, nil
		}
		var labels map[string]string
		if session != nil {
			labels = session.Labels
		}
		return who.key.Covers(key.namespace, key.name, labels), nil
	}
	decision, _, err := g.reviews.rights.Authorize(ctx, authorizer.AttributesRecord{
		User: who.user, Verb: need.verb, APIGroup: v1alpha1.GroupVersion.Group, APIVersion: v1alpha1.GroupVersion.Version,
		Resource: "whatsappsessions", Subresource: need.subresource, Namespace: key.namespace, Name: key.name, ResourceRequest: true,
	})
	if err != nil && decision != authorizer.DecisionAllow {
		if ctx.Err() == nil {
			g.log.Error("ask the API server about a right", "error", err.Error())
		}
		return false, problemCluster.about(problemCluster.detail)
	}
	return decision == authorizer.DecisionAllow, nil
}

// permit returns nil if the caller may do it. A caller who may not see the session is only told that it is not found.
func (g *Gateway) permit(ctx context.Context, who *caller, what action, key sessionKey) *problem {
	session := g.fleet.session(key)
	allowed, failure := g.may(ctx, who, what, key, session)
	if failure != nil {
		return failure
	}
	if allowed && session != nil {
		return nil
	}
	visible := who.key != nil && session != nil && who.key.Covers(key.namespace, key.name, session.Labels)
	if who.key == nil && !allowed { // asked for a session that does not exist, too: the time it takes would tell
		if visible, failure = g.may(ctx, who, actSee, key, session); failure != nil {
			return failure
		}
	}
	if session == nil || !visible {
		return problemNoSession.about(problemNoSession.detail)
	}
	return forbidden(who, what)
}

// forbidden says which right is missing, in the terms of the caller's credential.
func forbidden(who *caller, what action) *problem {
	need := rights[what]
	if who.key != nil {
		return problemForbidden.about(text{
			"Kunci ini tidak memiliki izin \"" + string(need.key) + "\".", "This key does not have the verb \"" + string(need.key) + "\"."})
	}
	return problemForbidden.about(text{"Peran Anda tidak memiliki hak " + need.words("atas") + ".", "Your role does not have " + need.words("on") + "."})
}

// seen returns a filter for the sessions that a caller may list or watch. none says that a user's rights show no session
// at all: an empty answer would look like a namespace without sessions. A namespace that is asked for, "" for none, counts
// also when it has no session yet.
func (g *Gateway) seen(ctx context.Context, who *caller, what action, namespace string) (seen sight, none, failure *problem) {
	if who.key != nil {
		if !who.key.Allows(rights[what].key) {
			return nil, nil, forbidden(who, what)
		}
		return func(s *v1alpha1.WhatsAppSession) bool { return who.key.Covers(s.Namespace, s.Name, s.Labels) }, nil, nil
	}
	all, failure := g.may(ctx, who, what, sessionKey{}, nil)
	if failure != nil {
		return nil, nil, failure
	}
	if all {
		return func(*v1alpha1.WhatsAppSession) bool { return true }, nil, nil
	}
	open, some := map[string]bool{}, false
	for _, name := range append(g.fleet.namespaces(), who.namespace, namespace) {
		if _, asked := open[name]; asked || !namespacePattern.MatchString(name) {
			continue
		}
		if open[name], failure = g.may(ctx, who, what, sessionKey{namespace: name}, nil); failure != nil {
			return nil, nil, failure
		}
		some = some || open[name]
	}
	if len(open) > 0 && !some {
		need := rights[what]
		none = problemForbidden.about(text{
			"Peran Anda tidak memiliki hak " + need.words("atas") + " di namespace mana pun yang punya sesi. Minta hak itu, atau sebut namespace Anda: ?namespace=.",
			"Your role does not have " + need.words("on") + " in any namespace that has sessions. Ask for that right, or name your namespace: ?namespace=."})
	}
	return func(s *v1alpha1.WhatsAppSession) bool { return open[s.Namespace] }, none, nil
}

// crossOrigin compares Origin with Host.
var crossOrigin = http.NewCrossOriginProtection()

// fromOtherSite reports whether a browser sent a request for a page of another site. Opening the desk by a link is
// allowed.
func fromOtherSite(r *http.Request) bool {
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return false
	case "":
		if r.Header.Get("Upgrade") != "" { // opening a WebSocket is a GET that no rule of the browser prevents
			origin := r.Header.Get("Origin")
			_, host, _ := strings.Cut(origin, "://")
			return origin != "" && host != r.Host
		}
		return crossOrigin.Check(r) != nil
	}
	return !read || r.Header.Get("Sec-Fetch-Mode") != "navigate" || r.Header.Get("Sec-Fetch-Dest") != "document"
}

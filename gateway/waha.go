package gateway

import (
	"mime"
	"net/http"
	"net/url"
	"strings"

	"sesi.dev/sesi/api/bot"
)

// botName is the name under which every bot knows its session in WAHA's API.
const botName = "default"

// sessionless are the first parts of WAHA's paths after which no session's name follows: it is in the query or the body.
// A session with one of these names is reached as namespace.name.
var sessionless = map[string]bool{
	"chats": true, "contacts": true, "events": true, "files": true, "messages": true, "send": true, "webhooks": true,
}

// serveWAHA serves WAHA's paths: those of all sessions itself, those of one by its bot.
func (c *call) serveWAHA(segments []string) error {
	who, failure := c.identify(c.r)
	if failure != nil {
		return failure
	}
	if c.path == bot.PathWebSocket {
		return c.serveSocket(who)
	}
	switch rest := segments[1:]; {
	case len(rest) == 0, rest[0] == "session", rest[0] == "health":
		return problemNotFound.about(text{
			"Di gateway, alamat bot ada di bawah " + bot.GatewayPath("NAMESPACE", "NAMA") + ".",
			"On the gateway, a bot's own paths are below " + bot.GatewayPath("NAMESPACE", "NAME") + "."})
	case rest[0] == "sessions":
		return c.serveSessions(who, rest[1:])
	case rest[0] == "server" || rest[0] == "version":
		return c.serveServer(rest)
	case rest[0] == "keys" || rest[0] == "apps":
		return problemUnserved.about(problemUnserved.detail)
	case rest[0] == "files" && len(rest) > 2:
		key, failure := c.named(who, rest[1])
		if failure != nil {
			return failure
		}
		return c.pass(who, key, "/api/files/"+botName+"/"+strings.Join(rest[2:], "/"), c.r.URL.RawQuery)
	case len(rest) == 1 || sessionless[rest[0]]:
		return c.passNamed(who, c.path)
	default:
		key, failure := c.named(who, rest[0])
		if failure != nil {
			return failure
		}
		return c.pass(who, key, "/api/"+strings.Join(append([]string{botName}, rest[1:]...), "/"), c.r.URL.RawQuery)
	}
}

// named reads a session's name. "default", which WAHA's clients send unless they are told another, is the only session
// of a key that opens one.
func (c *call) named(who *caller, given string) (sessionKey, *problem) {
	if (given == "" || given == botName) && who.key != nil && len(who.key.Sessions) == 1 {
		return sessionKey{who.key.Namespace, who.key.Sessions[0]}, nil
	}
	if given == "" {
		given = botName
	}
	key, ok := parseName(given, who.namespace)
	if !ok {
		if who.namespace == "" && !strings.Contains(given, ".") {
			return key, problemNoSession.about(text{"Anda tidak terikat pada satu namespace: tulis sesi sebagai namespace.nama.",
				"You have no namespace of your own: write the session as namespace.name."})
		}
		return key, problemNoSession.about(problemNoSession.detail)
	}
	return key, nil
}

// passNamed passes on a request that names its session in the query or the body. The bot reads its own name there.
func (c *call) passNamed(who *caller, path string) error {
	query, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil || len(query[fieldSession]) > 1 {
		return badParameter(fieldSession, "shop")
	}
	name, asked := query.Get(fieldSession), query.Has(fieldSession)
	query.Del(queryKey)
	if asked {
		query.Set(fieldSession, botName)
	}
	media, _, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if c.r.Body != nil && c.r.Body != http.NoBody && (media == "application/json" || strings.HasSuffix(media, "+json")) {
		inBody, done, err := c.takeName()
		if err != nil {
			return err
		}
		defer done()
		if asked && inBody != "" && inBody != name {
			return problemBadRequest.about(text{"Alamat dan isi menyebut sesi yang berbeda.", "The query and the body name different sessions."})
		}
		if inBody != "" {
			name = inBody
		}
	}
	key, failure := c.named(who, name)
	if failure != nil {
		return failure
	}
	return c.pass(who, key, path, query.Encode())
}

package httpapi

import "time"

// limits bound what a caller can use of the bot.
type limits struct {
	connections    int           // open at once, on each listener; event streams are counted apart
	strangerTime   time.Duration // how long a connection without the token may keep a place that others wait for
	header         int           // bytes of request header
	body           int64         // bytes of request body
	headerTime     time.Duration // to send the header, and to finish a TLS handshake
	requestTime    time.Duration // to send the whole request
	responseTime   time.Duration // from the header to the end of the response
	idleTime       time.Duration // between two requests of a connection
	sessionTime    time.Duration // for the session to do what was requested
	backupSilence  time.Duration // between two writes of a backup that a client accepts
	cookieLifetime time.Duration // of the page's cookie
}

var defaultLimits = limits{
	connections:    1024,
	strangerTime:   time.Second,
	header:         16 << 10,
	body:           64 << 10,
	headerTime:     5 * time.Second,
	requestTime:    15 * time.Second,
	responseTime:   60 * time.Second,
	idleTime:       60 * time.Second,
	sessionTime:    40 * time.Second,
	backupSilence:  30 * time.Second,
	cookieLifetime: 12 * time.Hour,
}

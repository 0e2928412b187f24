package bot

import "strings"

// The paths of the gateway, which serves the bots of all sessions at one address.
const (
	// PathGatewaySessions lists sessions as GatewaySessions. PathGatewayEvents is the stream of their changes, and of
	// their messages where these are asked for.
	PathGatewaySessions = "/v1/sessions"
	PathGatewayEvents   = "/v1/events"
	// PathGatewaySession answers with one GatewaySession. Below it is all of the session's bot: its API with or
	// without /api before it. GatewayPath fills it in.
	PathGatewaySession = "/v1/namespaces/{namespace}/sessions/{session}"
	// PathDesk is the page for people, and the beginning of its parts' paths.
	PathDesk = "/desk"
	// PathWebSocket is WAHA's WebSocket.
	PathWebSocket = "/ws"
)

// WAHA's paths that only the gateway serves.
const (
	// These are about the server, which the gateway is here.
	PathGatewayVersion  = "/api/server/version"
	PathGatewayVersion1 = "/api/version"
	PathGatewayStatus   = "/api/server/status"
)

// GatewayPath is where the gateway serves a session; a bot's own path may follow it.
func GatewayPath(namespace, name string) string {
	return strings.NewReplacer("{namespace}", namespace, "{session}", name).Replace(PathGatewaySession)
}

// The problems that only a gateway has.
const (
	// ProblemBadPath: the path has parts that a proxy and a bot could read differently.
	ProblemBadPath ProblemKind = "bad-path"
	// ProblemForbidden: the caller may see the session, and may not do this.
	ProblemForbidden ProblemKind = "forbidden"
	// ProblemSessionAway: the session's bot cannot be reached now. State, Reason and UserAction say how it stands.
	ProblemSessionAway ProblemKind = "session-away"
	// ProblemSessionSuspended: the session's bot does not run, and starts only if someone asks for it.
	ProblemSessionSuspended ProblemKind = "session-suspended"
	// ProblemBotFailed: the bot disconnected, or its answer is not valid.
	ProblemBotFailed ProblemKind = "bot-failed"
	// ProblemTooManyRequests: the caller or the session has as many requests as the gateway allows.
	ProblemTooManyRequests ProblemKind = "too-many-requests"
	// ProblemConflict: a session of this name exists, or was changed by someone else meanwhile.
	ProblemConflict ProblemKind = "conflict"
	// ProblemUnprocessable: the cluster refuses the session as it was asked for.
	ProblemUnprocessable ProblemKind = "unprocessable"
)

// GatewayProblem is a problem of the gateway. State and UserAction are those of the session, where it cannot be
// reached.
type GatewayProblem struct {
	Problem
	// State is the session's state.
	State State `json:"state,omitempty"`
	// UserAction is what a person should do about the session.
	UserAction UserAction `json:"userAction,omitempty"`
}

// GatewaySessions is one page of sessions.
type GatewaySessions struct {
	// Items are the sessions of the page, by namespace and name.
	Items []GatewaySession `json:"items"`
	// Total is how many sessions the filters let through.
	Total int `json:"total"`
	// States counts the sessions that the caller may see and the namespace and the selector let through, by state.
	States map[State]int `json:"states"`
	// Next is the value of "continue" for the next page; empty on the last.
	Next string `json:"continue,omitempty"`
}

// GatewaySession is a session as the gateway shows it: the resource's status in brief.
type GatewaySession struct {
	// Namespace and Name are the resource's.
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// ClientID is the session's name inside its claim.
	ClientID string `json:"clientId"`
	// State, Reason and UserAction are the status's; Message is that of its condition Ready.
	State      State      `json:"state"`
	Reason     string     `json:"reason,omitempty"`
	UserAction UserAction `json:"userAction,omitempty"`
	Message    string     `json:"message,omitempty"`
	// Ready and Connected are the conditions of that name.
	Ready     bool `json:"ready"`
	Connected bool `json:"connected"`
	// Suspended is what the spec asks for.
	Suspended bool `json:"suspended"`
	// PhoneNumber and PushName are the linked account's; empty when none is.
	PhoneNumber string `json:"phoneNumber,omitempty"`
	PushName    string `json:"pushName,omitempty"`
	// Since is when the session became, or ceased to be, connected.
	Since Time `json:"since"`
	// CreatedAt is when the resource was created.
	CreatedAt Time `json:"createdAt"`
	// Labels are the resource's.
	Labels map[string]string `json:"labels,omitempty"`
}

// The names of the gateway's own events. Those of messages have the type of their Event as name.
const (
	// GatewayEventSession: a session is there, or changed. The data is a GatewaySession.
	GatewayEventSession = "session"
	// GatewayEventGone: a session was deleted, or may no longer be seen. The data is a GatewaySession with its name.
	GatewayEventGone = "gone"
	// GatewayEventGap: events of a session were deleted before they could be read. The data is a GatewayGap.
	GatewayEventGap = "gap"
)

// GatewayEvent is an event of a session's journal in the gateway's stream.
type GatewayEvent struct {
	// Namespace and Name are the session's.
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Event is the bot's.
	Event Event `json:"event"`
}

// GatewayGap says that a reader missed events of a session: they are not in its journal any more.
type GatewayGap struct {
	// Namespace and Name are the session's.
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Oldest is the cursor from which the stream goes on.
	Oldest uint64 `json:"oldest"`
}

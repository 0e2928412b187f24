package bot

// MaxClientID is the longest CLIENT_ID, in the bot's settings and in a WhatsAppSession's spec.
const MaxClientID = 64

// Identity says which session a bot runs, and which process of that bot this is. The settings fill it once; every part
// of the bot gets it whole.
type Identity struct {
	// ClientID names the session. It has been checked, because it becomes part of a path.
	ClientID string
	// AuthPath is the folder of the session directories, as configured.
	AuthPath string
	// Instance names the process, for the lock and the snapshot; in a pod it is the pod's UID.
	Instance string
}

// SessionDirectory is the name of a session's directory in AUTH_PATH. It is the same as in whatsapp-web.js, so that a
// profile left there is found.
func SessionDirectory(clientID string) string { return "session-" + clientID }

package session

import "sesi.dev/sesi/api/bot"

// sentence tells a person what a reason means and what to do.
type sentence struct {
	text   string
	action bot.UserAction
}

// comparePasskeyCodes replaces the sentence of ReasonPasskeyConfirmation where a person is needed.
const comparePasskeyCodes = "Open the page of this session, compare its code with the one on the phone, and say that they are equal."

var sentences = map[bot.Reason]sentence{
	bot.ReasonNotLinked:             {"Not linked to a phone yet; fetching a QR code.", bot.ActionScanQR},
	bot.ReasonStarting:              {"Logging in with the saved session.", bot.ActionNone},
	bot.ReasonQRAvailable:           {"Scan the QR code with the phone: WhatsApp, Linked devices, Link a device.", bot.ActionScanQR},
	bot.ReasonQRTimeout:             {"The QR codes ran out unscanned; fetching fresh ones.", bot.ActionScanQR},
	bot.ReasonQRIdle:                {"No code was scanned; open the QR page to get a new one.", bot.ActionScanQR},
	bot.ReasonPaired:                {"The phone is linked; logging in for the first time.", bot.ActionNone},
	bot.ReasonPairError:             {"The scan failed; a new code follows.", bot.ActionScanQR},
	bot.ReasonMultideviceNotEnabled: {"The phone that scanned does not allow linked devices; update WhatsApp on it and scan again.", bot.ActionScanQR},
	bot.ReasonPasskeyRequired:       {"WhatsApp asks for this account's passkey. Open the page of this session on a computer and sign.", bot.ActionSignPasskey},
	bot.ReasonPasskeyConfirmation:   {"WhatsApp took the passkey; the phone finishes the linking.", bot.ActionNone},
	bot.ReasonPasskeyFailed:         {"The linking with the passkey ended before it was done; scan a new QR code.", bot.ActionScanQR},
	bot.ReasonLoggedIn:              {"Connected.", bot.ActionNone},
	bot.ReasonKeepAliveTimeout:      {"The connection stopped answering; reconnecting.", bot.ActionNone},
	bot.ReasonConnectionLost:        {"No connection to WhatsApp; trying again.", bot.ActionNone},
	bot.ReasonStreamReplaced:        {"Another client uses this session. Stop it, then restart this session.", bot.ActionResolveConflict},
	bot.ReasonLoggedOut:             {"The session expired: the phone unlinked this device. Scan a new QR code.", bot.ActionScanQR},
	bot.ReasonPrimaryDeviceGone:     {"WhatsApp locked the account or the phone is gone. Open WhatsApp on the phone, then ask for a new code.", bot.ActionOpenPhone},
	bot.ReasonAccountBanned:         {"WhatsApp rejected this account; it may be banned. Open WhatsApp on the phone, then ask for a new code.", bot.ActionOpenPhone},
	bot.ReasonTemporaryBan:          {"WhatsApp restricts this account for a while. The session is kept; wait.", bot.ActionWaitUntil},
	bot.ReasonClientOutdated:        {"WhatsApp rejected this bot's web version; looking for a newer one.", bot.ActionUpgradeClient},
	bot.ReasonConnectFailure:        {"WhatsApp refused the login; trying again later.", bot.ActionNone},
	bot.ReasonClearedByUser:         {"The session was ended through the API. Scan a QR code to link a phone.", bot.ActionScanQR},
	bot.ReasonStoreUnwritable:       {"The disk refuses writes. The bot left WhatsApp, which keeps the messages, and comes back when it can write.", bot.ActionFixStorage},
	bot.ReasonStoppedByUser:         {"This session was stopped. Its data is kept; restart it to connect again.", bot.ActionNone},
}

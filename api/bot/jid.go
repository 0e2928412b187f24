package bot

import "strings"

// Account is the account of a JID: the JID without its device number ("628123456789:12@s.whatsapp.net" is device 12 of
// "628123456789@s.whatsapp.net"). It is empty for anything that is not a JID.
func Account(jid string) string {
	user, server, found := strings.Cut(jid, "@")
	user, _, _ = strings.Cut(user, ":")
	if !found || user == "" || server == "" {
		return ""
	}
	return user + "@" + server
}

// PhoneNumber is the phone number of a JID, with its leading +. It is empty if the JID is not a phone number's.
func PhoneNumber(jid string) string {
	user, server, _ := strings.Cut(Account(jid), "@")
	if server != "s.whatsapp.net" || user == "" || strings.Trim(user, "0123456789") != "" {
		return ""
	}
	return "+" + user
}

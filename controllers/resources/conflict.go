package resources

import (
	"cmp"
	"strings"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

// DecideHolder returns the session that holds this one's claim and clientId: the oldest of all sessions that name both.
// It is nil when this session is the holder. A session that is being deleted stays the holder until it is gone, because
// its bot may still run.
func DecideHolder(session *v1alpha1.WhatsAppSession, others []v1alpha1.WhatsAppSession) *v1alpha1.WhatsAppSession {
	key := naming.DirectoryKey(session)
	holder := session
	for i := range others {
		other := &others[i]
		if naming.DirectoryKey(other) == key && older(other, holder) {
			holder = other
		}
	}
	if holder == session {
		return nil
	}
	return holder
}

// older orders sessions by their creation. Of two created in the same second the one with the lower name counts as
// older, so that both decide alike.
func older(a, b *v1alpha1.WhatsAppSession) bool {
	if !a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.CreationTimestamp.Before(&b.CreationTimestamp)
	}
	return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name)) < 0
}

// SameAccount returns another session that is linked to this session's account: the oldest of several, or nil. Each of
// them takes one of the account's few linked devices; if one has a copy of the other's keys, they disconnect each other.
// Only sessions of the same namespace count. A bot chooses the JID that it reports, so across namespaces a tenant could
// ask who has a number, and mark the resource that has it. accountOf returns a session's account, empty for none.
func SameAccount(session *v1alpha1.WhatsAppSession, others []v1alpha1.WhatsAppSession, accountOf func(*v1alpha1.WhatsAppSession) string) *v1alpha1.WhatsAppSession {
	account := accountOf(session)
	if account == "" {
		return nil
	}
	var found *v1alpha1.WhatsAppSession
	for i := range others {
		other := &others[i]
		if other.UID == session.UID || other.Namespace != session.Namespace || accountOf(other) != account {
			continue
		}
		if found == nil || older(other, found) {
			found = other
		}
	}
	return found
}

// LinkedAccount is the account that a session's status shows. It is empty unless a device is linked now: the last JID of a
// logged-out session does not count.
func LinkedAccount(session *v1alpha1.WhatsAppSession) string {
	if session.Status.Session == nil || !session.Status.Session.Exists {
		return ""
	}
	return bot.Account(session.Status.Session.JID)
}

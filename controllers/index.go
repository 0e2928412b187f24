package controllers

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/resources"
)

// Indexes over the cached sessions.
const (
	// indexDirectory finds the sessions of one claim and clientId.
	indexDirectory = "directory"
	// indexClaim finds the sessions of one claim.
	indexClaim = "claim"
	// indexAccount finds the sessions of one namespace that are linked to one account. A bot of another namespace may
	// report any account: compared with it, a session would show what others hold.
	indexAccount = "account"
)

// indexes map each index to the key of a session; an empty key leaves the session out.
var indexes = map[string]func(*v1alpha1.WhatsAppSession) string{
	indexDirectory: naming.DirectoryKey, indexClaim: naming.ClaimKey, indexAccount: accountKey,
}

func accountKey(session *v1alpha1.WhatsAppSession) string {
	account := resources.LinkedAccount(session)
	if account == "" {
		return ""
	}
	return session.Namespace + "/" + account
}

// sessionsBy lists the sessions under one key of an index, in every watched namespace. They belong to the cache and must
// not be changed.
func sessionsBy(ctx context.Context, r client.Reader, index, key string) ([]v1alpha1.WhatsAppSession, error) {
	var list v1alpha1.WhatsAppSessionList
	if err := r.List(ctx, &list, client.MatchingFields{index: key}, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("find sessions by their %s: %w", index, err)
	}
	return list.Items, nil
}

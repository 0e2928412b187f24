package controllers

import (
	"context"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/resources"
)

// maskStatus masks what a status says of the account's owner: also what an operator without the mask wrote there, and a
// number that a bot puts into a message. Events and printed columns are made from the status, so they are masked too.
func maskStatus(status *v1alpha1.WhatsAppSessionStatus) {
	facts := status.Session
	if facts == nil {
		return
	}
	for _, jid := range []string{facts.JID, facts.LID} {
		user, _, _ := strings.Cut(bot.Account(jid), "@")
		masked := bot.MaskPhone(user)
		if user == "" || user == masked {
			continue
		}
		for i := range status.Conditions {
			message := &status.Conditions[i].Message
			*message = strings.ReplaceAll(*message, user, masked)
		}
	}
	facts.JID, facts.LID = bot.MaskJID(facts.JID), bot.MaskJID(facts.LID)
	facts.PhoneNumber, facts.PushName = bot.MaskPhone(facts.PhoneNumber), bot.MaskName(facts.PushName)
}

// loadSameAccount finds another session of the same account. Different accounts can look the same when they are masked, so
// then the bots' reports decide.
func (r *Reconciler) loadSameAccount(ctx context.Context, in *input) error {
	key := accountKey(in.session)
	if key == "" {
		return nil
	}
	others, err := sessionsBy(ctx, r, indexAccount, key)
	if err != nil {
		return err
	}
	if !in.masked {
		in.sameAccount = resources.SameAccount(in.session, others, resources.LinkedAccount)
		return nil
	}
	in.sameAccount = resources.SameAccount(in.session, others, r.reportedAccount)
	if in.sameAccount != nil {
		if !meta.IsStatusConditionTrue(in.sameAccount.Status.Conditions, v1alpha1.ConditionConflict) {
			// Its masked status may not change when its account is known, so nothing else starts its pass.
			r.bots.Notify(client.ObjectKeyFromObject(in.sameAccount))
		}
		return nil
	}
	for i := range others {
		in.accountUnsure = in.accountUnsure || r.reportedAccount(&others[i]) == ""
	}
	return nil
}

// reportedAccount is the account that the session's bot reported; empty before its first report to this operator.
func (r *Reconciler) reportedAccount(session *v1alpha1.WhatsAppSession) string {
	observed, _ := r.bots.Observed(client.ObjectKeyFromObject(session))
	if observed.Snapshot == nil || !observed.Snapshot.Exists {
		return ""
	}
	return bot.Account(observed.Snapshot.JID)
}

package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/printers"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

// shownEvents is how many of a session's events status shows.
const shownEvents = 8

func (t *tool) status() *cobra.Command {
	print := genericclioptions.NewPrintFlags("").WithTypeSetter(scheme)
	cmd := t.forSession("status", "Show one session: account, conditions, last events, what to do", func(ctx context.Context, c *cluster, s *v1alpha1.WhatsAppSession) error {
		if *print.OutputFormat != "" {
			return t.print(print, s)
		}
		events, err := c.events(ctx, s)
		if err != nil {
			return err
		}
		return describe(t.out, s, events)
	})
	print.AddFlags(cmd)
	return cmd
}

// events are a session's last events, the newest last.
func (c *cluster) events(ctx context.Context, s *v1alpha1.WhatsAppSession) ([]corev1.Event, error) {
	list := &corev1.EventList{}
	err := c.client.List(ctx, list, client.InNamespace(s.Namespace), client.MatchingFieldsSelector{
		Selector: fields.SelectorFromSet(fields.Set{"involvedObject.kind": "WhatsAppSession", "involvedObject.name": s.Name}),
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list.Items, func(a, b corev1.Event) int { return lastSeen(&a).Compare(lastSeen(&b).Time) })
	return list.Items[max(0, len(list.Items)-shownEvents):], nil
}

func lastSeen(e *corev1.Event) *metav1.Time {
	switch {
	case e.Series != nil:
		return &metav1.Time{Time: e.Series.LastObservedTime.Time}
	case !e.LastTimestamp.IsZero():
		return &e.LastTimestamp
	default:
		return &metav1.Time{Time: e.EventTime.Time}
	}
}

func describe(w io.Writer, s *v1alpha1.WhatsAppSession, events []corev1.Event) error {
	out := printers.GetNewTabWriter(w)
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(out, "%s:\t%s\n", name, cell(value))
		}
	}
	row("Session", s.Namespace+"/"+s.Name)
	row("Client ID", s.Status.ClientID)
	row("State", strings.TrimSuffix(string(s.Status.State)+" ("+s.Status.Reason+")", " ()"))
	row("What to do", advice(s))
	if account := s.Status.Session; account != nil {
		row("Account", strings.TrimSpace(account.PushName+" "+account.JID))
		row("Linked", ago(account.LinkedAt))
		row("Last connected", ago(account.LastConnectedAt))
	}
	row("Notice", s.Status.Notice)
	row("Pod", strings.TrimSuffix(s.Status.PodName+" on "+s.Status.NodeName, " on "))
	fmt.Fprintln(out, "\nCONDITION\tSTATUS\tREASON\tSINCE\tMESSAGE")
	for _, c := range s.Status.Conditions {
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\n", c.Type, c.Status, cell(c.Reason), age(c.LastTransitionTime), cell(c.Message))
	}
	if len(events) > 0 {
		fmt.Fprintln(out, "\nEVENT\tREASON\tAGE\tMESSAGE")
	}
	for i := range events {
		e := &events[i]
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", cell(e.Type), cell(e.Reason), age(*lastSeen(e)), cell(e.Message))
	}
	return out.Flush()
}

func ago(t *metav1.Time) string {
	if t == nil {
		return ""
	}
	return age(*t) + " ago"
}

// offline reports whether an unlinked session cannot reach WhatsApp. No code exists then, and nobody can scan one.
func offline(s *v1alpha1.WhatsAppSession) bool {
	return s.Status.Reason == string(bot.ReasonConnectionLost) && (s.Status.QR == nil || s.Status.QR.ExpiresAt == nil)
}

// advice is what a person should do about a session; "" for nothing.
func advice(s *v1alpha1.WhatsAppSession) string {
	if s.Spec.Suspended != nil && *s.Spec.Suspended {
		return "kubectl sesi resume " + s.Name
	}
	if s.Status.State == bot.StateStopped {
		return "kubectl sesi restart " + s.Name
	}
	switch s.Status.UserAction {
	case bot.ActionScanQR:
		if offline(s) {
			return "the bot cannot connect to WhatsApp, so there is no code yet: check DNS, the proxy and egress to TCP 443; kubectl sesi logs " + s.Name
		}
		return "link the phone: kubectl sesi qr " + s.Name
	case bot.ActionResolveConflict:
		if s.Status.Reason == v1alpha1.ReasonClaimShared {
			return "delete the other session of this PVC, or recreate this one with another clientId or PVC"
		}
		return "stop the other client of this session, then: kubectl sesi restart " + s.Name
	case bot.ActionWaitUntil:
		until := ""
		if s.Status.RestrictedUntil != nil {
			until = " until " + s.Status.RestrictedUntil.UTC().Format("2006-01-02 15:04 UTC")
		}
		return "wait" + until + "; the session is kept"
	case bot.ActionUpgradeClient:
		return "if this lasts for a day, upgrade the bot's image"
	case bot.ActionOpenPhone:
		return "open WhatsApp on the phone and follow the steps there, then: kubectl sesi qr " + s.Name
	case bot.ActionCheckNetwork:
		return "the bot cannot connect to WhatsApp: check DNS, the proxy and egress to TCP 443; kubectl sesi logs " + s.Name
	case bot.ActionFixStorage:
		return "the PVC refuses writes: give it room, or the bot the right to write; kubectl sesi doctor " + s.Name
	case bot.ActionSignPasskey:
		return "sign with the account's passkey: kubectl sesi passkey " + s.Name
	case bot.ActionNone, "":
		return ""
	}
	// The bot may be newer than this plugin.
	return string(s.Status.UserAction) + " (upgrade this plugin to see what that means)"
}

package main

import (
	"fmt"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/cli-runtime/pkg/printers"

	"sesi.dev/sesi/api/bot"
)

// webhookTable prints how far webhooks are.
func (t *tool) webhookTable(all ...bot.Webhook) error {
	out := printers.GetNewTabWriter(t.out)
	fmt.Fprintln(out, "NAME\tSTATE\tBACKLOG\tSINCE\tDEAD\tNEXT TRY\tURL")
	for _, w := range all {
		next := "-"
		if in := time.Until(w.NextTryAt.Time); !w.NextTryAt.IsZero() && in > 0 {
			next = "in " + duration.HumanDuration(in)
		}
		fmt.Fprintf(out, "%s\t%s\t%d\t%s\t%d\t%s\t%s\n", printable(w.Name), printable(string(w.State)), w.Backlog, sinceTime(w.BacklogSince),
			w.DeadLetters, next, printable(w.URL))
	}
	return out.Flush()
}

// deadLetters prints what a webhook never took, newest first.
func (t *tool) deadLetters(page bot.DeadLetters) error {
	out := printers.GetNewTabWriter(t.out)
	fmt.Fprintln(out, "\nDEAD\tEVENTS\tTYPE\tCAME\tGIVEN UP\tERROR")
	for _, d := range page.DeadLetters {
		fmt.Fprintf(out, "%s\t%d\t%s\t%s ago\t%s ago\t%s\n", strconv.FormatUint(d.Seq, 10), d.Events, or(printable(string(d.Type)), "-"),
			sinceTime(d.Timestamp), sinceTime(d.DeadAt), printable(d.Error))
	}
	if page.Before > 0 {
		fmt.Fprintln(out, "There are older ones.")
	}
	return out.Flush()
}

func sinceTime(at bot.Time) string {
	if at.IsZero() {
		return "-"
	}
	return duration.HumanDuration(time.Since(at.Time))
}

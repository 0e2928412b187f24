package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/printers"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

func (t *tool) list() *cobra.Command {
	var everywhere, needy bool
	print := genericclioptions.NewPrintFlags("").WithTypeSetter(scheme)
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List sessions, those that need a person first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := t.cluster()
			if err != nil {
				return err
			}
			all := &v1alpha1.WhatsAppSessionList{}
			in := client.InNamespace(c.namespace)
			if everywhere {
				in = ""
			}
			if err := c.client.List(cmd.Context(), all, in); err != nil {
				return explain(err)
			}
			if needy {
				all.Items = slices.DeleteFunc(all.Items, func(s v1alpha1.WhatsAppSession) bool { return !needsPerson(&s) })
			}
			slices.SortStableFunc(all.Items, byNeed)
			if *print.OutputFormat == "name" { // that printer does not print lists
				for i := range all.Items {
					if err := t.print(print, &all.Items[i]); err != nil {
						return err
					}
				}
				return nil
			}
			if *print.OutputFormat != "" {
				return t.print(print, all)
			}
			return table(t.out, all.Items, everywhere)
		},
	}
	print.AddFlags(cmd)
	cmd.Flags().BoolVarP(&everywhere, "all-namespaces", "A", false, "list the sessions of all namespaces")
	cmd.Flags().BoolVar(&needy, "needs-action", false, "list only the sessions that need a person")
	return cmd
}

// print writes an object in the form that -o names.
func (t *tool) print(flags *genericclioptions.PrintFlags, o runtime.Object) error {
	printer, err := flags.ToPrinter()
	if err != nil {
		return err
	}
	return printer.PrintObj(o, t.out)
}

// needsPerson reports whether a session waits for a person.
func needsPerson(s *v1alpha1.WhatsAppSession) bool {
	return s.Status.UserAction != "" && s.Status.UserAction != bot.ActionNone && s.Status.UserAction != bot.ActionWaitUntil ||
		meta.IsStatusConditionTrue(s.Status.Conditions, v1alpha1.ConditionStalled)
}

// byNeed sorts the sessions that wait for a person first, the longest waiting at the top.
func byNeed(a, b v1alpha1.WhatsAppSession) int {
	rank := func(s *v1alpha1.WhatsAppSession) int {
		switch {
		case needsPerson(s):
			return 0
		case !meta.IsStatusConditionTrue(s.Status.Conditions, v1alpha1.ConditionReady):
			return 1
		}
		return 2
	}
	return cmp.Or(cmp.Compare(rank(&a), rank(&b)), since(&a).Compare(since(&b)), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

// since is when Ready last changed.
func since(s *v1alpha1.WhatsAppSession) time.Time {
	if ready := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.ConditionReady); ready != nil {
		return ready.LastTransitionTime.Time
	}
	return s.CreationTimestamp.Time
}

func table(w io.Writer, sessions []v1alpha1.WhatsAppSession, namespaces bool) error {
	if len(sessions) == 0 {
		fmt.Fprintln(w, "No sessions found.")
		return nil
	}
	out := printers.GetNewTabWriter(w)
	if namespaces {
		fmt.Fprint(out, "NAMESPACE\t")
	}
	fmt.Fprintln(out, "NAME\tSTATE\tREASON\tDO\tPHONE\tSINCE")
	for i := range sessions {
		s := &sessions[i]
		if namespaces {
			fmt.Fprintf(out, "%s\t", s.Namespace)
		}
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\n", s.Name, or(cell(string(s.Status.State)), "-"), or(cell(s.Status.Reason), "-"),
			or(cell(string(s.Status.UserAction)), "-"), cell(phone(s)), age(metav1.NewTime(since(s))))
	}
	return out.Flush()
}

func or(text, otherwise string) string { return cmp.Or(text, otherwise) }

func phone(s *v1alpha1.WhatsAppSession) string {
	if s.Status.Session == nil || s.Status.Session.PhoneNumber == "" {
		return "-"
	}
	return s.Status.Session.PhoneNumber
}

func age(t metav1.Time) string {
	if t.IsZero() {
		return "-"
	}
	return duration.HumanDuration(time.Since(t.Time))
}

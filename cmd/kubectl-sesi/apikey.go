package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/duration"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/apikey"
)

// apikey manages the keys of the gateway.
func (t *tool) apikey() *cobra.Command {
	cmd := &cobra.Command{Use: "apikey", Short: "Manage the gateway's API keys of a namespace", Args: cobra.NoArgs}
	cmd.AddCommand(t.apikeyCreate(), t.apikeyList(), t.apikeyRevoke())
	return cmd
}

func (t *tool) apikeyCreate() *cobra.Command {
	var verbs, selector string
	var sessions []string
	var lifetime time.Duration
	cmd := &cobra.Command{
		Use: "create NAME", Short: "Create a key for sessions of the namespace, and show it once", Args: cobra.ExactArgs(1),
		Example: "  kubectl sesi apikey create crm --verbs read,send\n  kubectl sesi apikey create desk --verbs read,link,control --selector team=sales --expires 720h",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := t.cluster()
			if err != nil {
				return err
			}
			plain := apikey.New()
			key := apikey.Key{Namespace: c.namespace, Name: args[0], Sum: apikey.SumOf(plain), Sessions: sessions}
			if key.Verbs, err = apikey.ParseVerbs(verbs); err != nil {
				return fmt.Errorf("--verbs: %w", err)
			}
			if selector != "" {
				if key.Selector, err = labels.Parse(selector); err != nil {
					return fmt.Errorf("--selector: %w", err)
				}
			}
			switch {
			case lifetime < 0:
				return errors.New("--expires must be a time from now, such as 720h")
			case lifetime > 0:
				key.Expires = time.Now().Add(lifetime)
			}
			secret, err := apikey.Build(key)
			if err != nil {
				return err
			}
			if err := c.client.Create(cmd.Context(), secret); err != nil {
				if apierrors.IsAlreadyExists(err) {
					return fmt.Errorf("a Secret %q exists in namespace %q; choose another name, or revoke it first", key.Name, c.namespace)
				}
				return fmt.Errorf("create the key's Secret: %w", err)
			}
			fmt.Fprintf(t.err, "The key %s opens %s in namespace %s. It is shown only now:\n", key.Name, opens(key), c.namespace)
			fmt.Fprintln(t.out, plain)
			return nil
		},
	}
	cmd.Flags().StringVar(&verbs, "verbs", "read,send", "what the key may do: read, send, link, control, manage")
	cmd.Flags().StringSliceVar(&sessions, "session", nil, "name of a session that the key opens; may be repeated (default all of the namespace)")
	cmd.Flags().StringVarP(&selector, "selector", "l", "", "label selector of the sessions that the key opens")
	cmd.Flags().DurationVar(&lifetime, "expires", 0, "when the key ends, from now, such as 720h (default never)")
	return cmd
}

// opens says which sessions a key opens.
func opens(key apikey.Key) string {
	switch {
	case len(key.Sessions) > 0 && key.Selector != nil:
		return strings.Join(key.Sessions, ", ") + " where " + key.Selector.String()
	case len(key.Sessions) > 0:
		return strings.Join(key.Sessions, ", ")
	case key.Selector != nil:
		return "the sessions with " + key.Selector.String()
	}
	return "all sessions"
}

func (t *tool) apikeyList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the keys of the namespace", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := t.cluster()
			if err != nil {
				return err
			}
			all := &corev1.SecretList{}
			if err := c.client.List(cmd.Context(), all, client.InNamespace(c.namespace), client.MatchingFields{"type": string(apikey.Type)}); err != nil {
				return fmt.Errorf("list the keys' Secrets: %w", err)
			}
			slices.SortFunc(all.Items, func(a, b corev1.Secret) int { return strings.Compare(a.Name, b.Name) })
			now := time.Now()
			w := tabwriter.NewWriter(t.out, 0, 0, 3, ' ', 0)
			fmt.Fprintln(w, "NAME\tVERBS\tOPENS\tEXPIRES\tAGE")
			for i := range all.Items {
				fmt.Fprintln(w, keyRow(&all.Items[i], now))
			}
			return w.Flush()
		},
	}
}

func keyRow(secret *corev1.Secret, now time.Time) string {
	age := duration.HumanDuration(now.Sub(secret.CreationTimestamp.Time))
	key, err := apikey.Read(secret)
	if err != nil {
		return secret.Name + "\tnone\tnothing: " + cell(strings.TrimPrefix(err.Error(), "secret "+secret.Name+": ")) + "\t\t" + age
	}
	words := make([]string, len(key.Verbs))
	for i, verb := range key.Verbs {
		words[i] = string(verb)
	}
	expires := "never"
	switch {
	case key.Expired(now):
		expires = "expired"
	case !key.Expires.IsZero():
		expires = "in " + duration.HumanDuration(key.Expires.Sub(now))
	}
	return strings.Join([]string{key.Name, strings.Join(words, ","), opens(key), expires, age}, "\t")
}

func (t *tool) apikeyRevoke() *cobra.Command {
	cmd := &cobra.Command{
		Use: "revoke NAME", Short: "Delete a key; it opens nothing from then on", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := t.cluster()
			if err != nil {
				return err
			}
			secret := &corev1.Secret{}
			err = c.client.Get(cmd.Context(), client.ObjectKey{Namespace: c.namespace, Name: args[0]}, secret)
			if apierrors.IsNotFound(err) || err == nil && secret.Type != apikey.Type {
				return fmt.Errorf("there is no API key %q in namespace %q; kubectl sesi apikey list shows all", args[0], c.namespace)
			}
			if err != nil {
				return err
			}
			if err := t.confirm(fmt.Sprintf("Revoke the API key %s? Programs that use it are refused at once.", args[0])); err != nil {
				return err
			}
			if err := c.client.Delete(cmd.Context(), secret, client.Preconditions{UID: &secret.UID}); err != nil {
				return err
			}
			fmt.Fprintf(t.out, "%s is revoked.\n", args[0])
			return nil
		},
	}
	return t.addYes(cmd)
}

// Command kubectl-sesi is a kubectl plugin for WhatsAppSessions. It uses only the Kubernetes API, with the rights of its
// user. It never prints a token, and asks before it ends anything.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // the login methods of kubectl
)

// version is set at link time.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRoot(os.Stdin, os.Stdout, os.Stderr)
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "error: "+err.Error())
		os.Exit(1)
	}
}

// tool is shared by all commands.
type tool struct {
	flags    *genericclioptions.ConfigFlags
	in       io.Reader
	out, err io.Writer
	yes      bool
}

func newRoot(in io.Reader, out, err io.Writer) *cobra.Command {
	t := &tool{flags: genericclioptions.NewConfigFlags(true), in: in, out: out, err: err}
	root := &cobra.Command{
		Use:           "kubectl-sesi",
		Short:         "Manage WhatsApp sessions",
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl sesi"},
	}
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(err)
	t.flags.AddFlags(root.PersistentFlags())
	root.AddCommand(
		t.list(), t.status(), t.qr(), t.pair(), t.passkey(),
		t.restart(), t.logout(), t.clear(), t.suspend(), t.resume(),
		t.backup(), t.restore(), t.logs(), t.doctor(), t.apikey(),
		t.send(), t.tail(), t.webhooks(), t.redeliver(),
	)
	return root
}

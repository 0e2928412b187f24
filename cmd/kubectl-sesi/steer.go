package main

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/internal/newfile"
)

// ask is a command that asks the bot to do one thing.
func (t *tool) ask(verb, short, method, path, question, done string) *cobra.Command {
	cmd := t.forSession(verb, short, func(ctx context.Context, c *cluster, s *v1alpha1.WhatsAppSession) error {
		if question != "" {
			if err := t.confirm(fmt.Sprintf(question, s.Name)); err != nil {
				return err
			}
		}
		b, err := c.bot(ctx, s)
		if err != nil {
			return err
		}
		defer b.close()
		said, err := b.do(ctx, method, path)
		if err != nil {
			return err
		}
		fmt.Fprintf(t.out, done+"\n", s.Name)
		if question != "" && said != "" { // whether the phone knows
			fmt.Fprintln(t.out, said+".")
		}
		return nil
	})
	if question != "" {
		t.addYes(cmd)
	}
	return cmd
}

func (t *tool) restart() *cobra.Command {
	return t.ask("restart", "Reconnect now, and end any wait of the session", http.MethodPost, bot.PathRestart, "", "%s reconnects.")
}

func (t *tool) logout() *cobra.Command {
	return t.ask("logout", "Unlink the phone", http.MethodPost, bot.PathLogout,
		"Unlink %s from its phone? Afterwards it needs a new scan.", "%s is logged out.")
}

func (t *tool) clear() *cobra.Command {
	return t.ask("clear", "Unlink the phone and delete the session's data, after a backup", http.MethodDelete, bot.PathClear,
		"Clear the session of %s? Afterwards it needs a new scan.", "%s is cleared.")
}

func (t *tool) suspend() *cobra.Command {
	cmd := t.forSession("suspend", "Stop the bot and keep the session", func(ctx context.Context, c *cluster, s *v1alpha1.WhatsAppSession) error {
		if err := stays(s); err != nil {
			return err
		}
		if err := t.confirm(fmt.Sprintf("Stop the bot of %s?", s.Name)); err != nil {
			return err
		}
		if err := c.setSuspended(ctx, s, true); err != nil {
			return err
		}
		fmt.Fprintf(t.out, "%s is suspended.\n", s.Name)
		return nil
	})
	return t.addYes(cmd)
}

func (t *tool) resume() *cobra.Command {
	return t.forSession("resume", "Run the bot again", func(ctx context.Context, c *cluster, s *v1alpha1.WhatsAppSession) error {
		if err := stays(s); err != nil {
			return err
		}
		if !suspended(s) && s.Status.State == bot.StateStopped {
			return fmt.Errorf("%s is not suspended, but a person stopped it; run kubectl sesi restart %s", s.Name, s.Name)
		}
		if err := c.setSuspended(ctx, s, false); err != nil {
			return err
		}
		fmt.Fprintf(t.out, "%s is resumed.\n", s.Name)
		return nil
	})
}

func (t *tool) backup() *cobra.Command {
	var path string
	cmd := t.forSession("backup", "Fetch a fresh backup of the session", func(ctx context.Context, c *cluster, s *v1alpha1.WhatsAppSession) error {
		ctx, cancel := context.WithTimeout(ctx, transferTimeout)
		defer cancel()
		token, err := c.token(ctx, s)
		if err != nil {
			return err
		}
		b, err := c.bot(ctx, s)
		if err != nil {
			return err
		}
		defer b.close()
		response, err := b.get(ctx, bot.PathBackup, http.Header{"Authorization": {"Bearer " + token}})
		if err != nil {
			return err
		}
		defer response.Body.Close()
		size, err := writeNew(path, response.Body)
		if err != nil {
			return err
		}
		fmt.Fprintf(t.out, "Wrote %s (%d bytes). It gives access to the account: keep it like a key.\n", path, size)
		return nil
	})
	cmd.Flags().StringVarP(&path, "output-file", "o", "", "the file to write; it must not exist")
	_ = cmd.MarkFlagRequired("output-file")
	return cmd
}

// writeNew copies a download into a new file and returns its size.
func writeNew(path string, from io.Reader) (size int64, err error) {
	err = newfile.Write(path, func(w io.Writer) (err error) {
		size, err = io.Copy(w, from)
		return err
	})
	return size, err
}

func (t *tool) logs() *cobra.Command {
	var follow, previous bool
	var lines int64
	cmd := t.forSession("logs", "Show the bot's log", func(ctx context.Context, c *cluster, s *v1alpha1.WhatsAppSession) error {
		pod, err := c.pod(ctx, s)
		if err != nil {
			return err
		}
		clientset, err := kubernetes.NewForConfig(c.config)
		if err != nil {
			return err
		}
		options := &corev1.PodLogOptions{Container: naming.Container, Follow: follow, Previous: previous}
		if lines >= 0 {
			options.TailLines = &lines
		}
		stream, err := clientset.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, options).Stream(ctx)
		if err != nil {
			return err
		}
		defer stream.Close()
		err = copyPrintable(t.out, stream)
		if ctx.Err() != nil {
			return nil
		}
		return err
	})
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "follow the log")
	cmd.Flags().BoolVarP(&previous, "previous", "p", false, "show the log from before the last restart")
	cmd.Flags().Int64Var(&lines, "tail", -1, "number of last lines to show; -1 shows all")
	return cmd
}

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/apikey"
	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

// A command about a session that is being deleted says so. It changes nothing, promises nothing, and no remedy waits for an
// operator to create what has gone.
func TestASessionThatIsBeingDeleted(t *testing.T) {
	s := someSession("shop", has(v1alpha1.ConditionReady, metav1.ConditionFalse, 0))
	s.Namespace, s.Finalizers = space(t, "going"), []string{"sesi.dev/test"}
	made := create(t, s)
	must(t, api.Delete(t.Context(), made))
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if api.Get(ctx, client.ObjectKeyFromObject(made), made) == nil {
			made.Finalizers = nil
			must(t, api.Update(ctx, made))
		}
	})
	must(t, api.Get(t.Context(), client.ObjectKeyFromObject(made), made))
	generation := made.Generation
	file := filepath.Join(t.TempDir(), "backup")
	must(t, os.WriteFile(file, []byte("x"), 0o600))
	for line, want := range map[string]string{
		"qr":                       "has no bot any more",
		"pair --phone +628123":     "has no bot any more",
		"passkey":                  "has no bot any more",
		"restart":                  "has no bot any more",
		"logout --yes":             "has no bot any more",
		"clear --yes":              "has no bot any more",
		"logs":                     "has no bot any more",
		"tail":                     "has no bot any more",
		"webhooks":                 "has no bot any more",
		"send --to +62 x":          "has no bot any more",
		"suspend --yes":            "nothing was changed",
		"resume":                   "nothing was changed",
		"restore --yes -f " + file: "nothing was changed",
		"doctor":                   "1 of 3 checks failed",
	} {
		args := strings.Fields(line)
		out, err := sesi(t, "", append([]string{"-n", s.Namespace, args[0], "shop"}, args[1:]...)...)
		if err == nil || !strings.Contains(err.Error(), want) || args[0] != "doctor" && !strings.Contains(err.Error(), "shop is being deleted") {
			t.Errorf("%s: %v (%s), want %s", line, err, out, want)
		}
		if args[0] == "doctor" && (!strings.Contains(out, "BAD   the session: it is being deleted since ") || !strings.Contains(out, "sesi.dev/test") || strings.Contains(out, "creates")) {
			t.Errorf("doctor says\n%s", out)
		}
	}
	for _, line := range []string{"list", "status shop"} {
		if out, err := sesi(t, "", append([]string{"-n", s.Namespace}, strings.Fields(line)...)...); err != nil || !strings.Contains(out, "shop") {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
	}
	must(t, api.Get(t.Context(), client.ObjectKeyFromObject(made), made))
	if made.Generation != generation || suspended(made) {
		t.Errorf("generation %d instead of %d, suspended %t", made.Generation, generation, suspended(made))
	}
}

// A session that a person stopped does not run because it is not suspended.
func TestResumeOfAStoppedSession(t *testing.T) {
	namespace := space(t, "stopped")
	stopped, both := someSession("shop", is(bot.StateStopped, bot.ReasonStoppedByUser, bot.ActionNone)), someSession("both", is(bot.StateStopped, bot.ReasonStoppedByUser, bot.ActionNone), isSuspended)
	stopped.Namespace, both.Namespace = namespace, namespace
	create(t, stopped)
	create(t, both)
	if out, err := sesi(t, "", "-n", namespace, "resume", "shop"); err == nil || !strings.Contains(err.Error(), "kubectl sesi restart shop") {
		t.Errorf("%v, %s", err, out)
	}
	if out, err := sesi(t, "", "-n", namespace, "resume", "both"); err != nil || out != "both is resumed.\n" {
		t.Errorf("%v, %s", err, out)
	}
}

// A command that waits in vain fails: a script must not take it for done.
func TestWaitingInVain(t *testing.T) {
	for name, do := range map[string]func(context.Context, *tool, *botAPI, string) error{
		"a picture of the code": func(ctx context.Context, _ *tool, b *botAPI, file string) error { return b.savePNG(ctx, "shop", file) },
		"the bot's page":        func(ctx context.Context, tool *tool, b *botAPI, _ string) error { return tool.openPage(ctx, b) },
		"codes in the terminal": func(ctx context.Context, tool *tool, b *botAPI, _ string) error {
			return tool.showCodes(ctx, "shop", b)
		},
		"a passkey": func(ctx context.Context, tool *tool, b *botAPI, _ string) error {
			return tool.signInConsole(ctx, "shop", b)
		},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond) // as --timeout does
		b := botAt(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != bot.PathSessionEvents {
				w.WriteHeader(http.StatusConflict)
				fmt.Fprint(w, `{"type":"urn:sesi:problem:no-code","detail":"no code yet"}`)
				return
			}
			fmt.Fprint(w, "id: 1\ndata: {\"state\":\"Pairing\"}\n\n")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		})
		file := filepath.Join(t.TempDir(), "code.png")
		if err := do(ctx, &tool{in: strings.NewReader(""), out: io.Discard, err: io.Discard}, b, file); err == nil {
			t.Errorf("%s: it ends as if all were well", name)
		}
		cancel()
	}
}

// What others wrote into the cluster reaches the terminal without escape sequences, and in its own line.
func TestTextsOfTheClusterAreSafeToPrint(t *testing.T) {
	const evil = "\x1b]52;c;cm0gLXJm\x07pull\nfailed\u202e"
	s := someSession("shop", is(bot.State(evil), bot.Reason(evil), bot.UserAction(evil)))
	s.Status.Notice, s.Status.NodeName = evil, evil
	s.Status.Session = &v1alpha1.SessionStatus{PushName: evil, JID: evil, PhoneNumber: evil}
	s.Status.Conditions = []metav1.Condition{{Type: "Ready", Status: metav1.ConditionFalse, Reason: evil, Message: evil + strings.Repeat("x", 3000)}}
	events := []corev1.Event{{Type: evil, Reason: evil, Message: evil}}
	var out bytes.Buffer
	must(t, describe(&out, &s, events))
	must(t, table(&out, []v1alpha1.WhatsAppSession{s}, true))
	fmt.Fprintln(&out, keyRow(&corev1.Secret{Type: apikey.Type, Data: map[string][]byte{"sha256": []byte(strings.Repeat("a", 64)), "verbs": []byte("read"), "selector": []byte("a in " + evil)}}, metav1.Now().Time))
	if strings.ContainsAny(out.String(), "\x1b\x07\u202e") || strings.Contains(out.String(), "\nfailed") || strings.Contains(out.String(), "pullfailed") {
		t.Errorf("it prints %q", out.String())
	}
	if !strings.Contains(out.String(), strings.Repeat("x", 3000)) {
		t.Error("a long message is cut")
	}
}

// The answer of a removal says whether the phone knows, and so does the command.
func TestWhatARemovalSays(t *testing.T) {
	b := botAt(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"success":true,"message":"Session was cleared; WhatsApp could not be told\u001b[2J"}`)
	})
	if said, err := b.do(t.Context(), http.MethodDelete, bot.PathClear); err != nil || said != "Session was cleared; WhatsApp could not be told[2J" {
		t.Errorf("%q, %v", said, err)
	}
}

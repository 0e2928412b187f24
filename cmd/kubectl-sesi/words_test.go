package main

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/resources"
)

// someSession returns a session as an operator would show it.
func someSession(name string, edits ...func(*v1alpha1.WhatsAppSession)) v1alpha1.WhatsAppSession {
	s := v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{Namespace: "shops", Name: name}}
	s.Status = v1alpha1.WhatsAppSessionStatus{ClientID: name, State: bot.StateConnected, Reason: "LoggedIn", UserAction: bot.ActionNone}
	for _, edit := range edits {
		edit(&s)
	}
	return s
}

// is puts a session into a state in which somebody has to act.
func is(state bot.State, reason bot.Reason, action bot.UserAction) func(*v1alpha1.WhatsAppSession) {
	return func(s *v1alpha1.WhatsAppSession) {
		s.Status.State, s.Status.Reason, s.Status.UserAction = state, string(reason), action
	}
}

// has sets a condition that has had its status for ago.
func has(kind string, status metav1.ConditionStatus, ago time.Duration) func(*v1alpha1.WhatsAppSession) {
	return func(s *v1alpha1.WhatsAppSession) {
		s.Status.Conditions = append(s.Status.Conditions, metav1.Condition{
			Type: kind, Status: status, Reason: s.Status.Reason, Message: "The bot says why.", LastTransitionTime: metav1.NewTime(time.Now().Add(-ago)),
		})
	}
}

func isSuspended(s *v1alpha1.WhatsAppSession) { s.Spec.Suspended = new(true) }

func TestAdvice(t *testing.T) {
	until := metav1.NewTime(time.Date(2026, 3, 1, 10, 30, 0, 0, time.UTC))
	cases := map[string]struct {
		session v1alpha1.WhatsAppSession
		want    string
	}{
		"connected":        {someSession("a"), ""},
		"to be scanned":    {someSession("a", is(bot.StatePairing, bot.ReasonQRAvailable, bot.ActionScanQR)), "link the phone: kubectl sesi qr a"},
		"cannot connect":   {someSession("a", is(bot.StatePairing, bot.ReasonConnectionLost, bot.ActionScanQR)), "the bot cannot connect to WhatsApp, so there is no code yet: check DNS, the proxy and egress to TCP 443; kubectl sesi logs a"},
		"in conflict":      {someSession("a", is(bot.StateConflict, bot.ReasonStreamReplaced, bot.ActionResolveConflict)), "stop the other client of this session, then: kubectl sesi restart a"},
		"a shared PVC":     {someSession("a", is(bot.StateConflict, v1alpha1.ReasonClaimShared, bot.ActionResolveConflict)), "delete the other session of this PVC, or recreate this one with another clientId or PVC"},
		"banned":           {someSession("a", is(bot.StateRestricted, bot.ReasonTemporaryBan, bot.ActionWaitUntil)), "wait; the session is kept"},
		"banned until":     {someSession("a", is(bot.StateRestricted, bot.ReasonTemporaryBan, bot.ActionWaitUntil), func(s *v1alpha1.WhatsAppSession) { s.Status.RestrictedUntil = &until }), "wait until 2026-03-01 10:30 UTC; the session is kept"},
		"outdated":         {someSession("a", is(bot.StateOutdated, bot.ReasonClientOutdated, bot.ActionUpgradeClient)), "if this lasts for a day, upgrade the bot's image"},
		"account rejected": {someSession("a", is(bot.StateLoggedOut, bot.ReasonAccountBanned, bot.ActionOpenPhone)), "open WhatsApp on the phone and follow the steps there, then: kubectl sesi qr a"},
		"stopped":          {someSession("a", is(bot.StateStopped, bot.ReasonStoppedByUser, bot.ActionNone)), "kubectl sesi restart a"},
		"cut off":          {someSession("a", is(bot.StateReconnecting, bot.ReasonConnectionLost, bot.ActionCheckNetwork)), "the bot cannot connect to WhatsApp: check DNS, the proxy and egress to TCP 443; kubectl sesi logs a"},
		"disk full":        {someSession("a", is(bot.StateFailed, bot.ReasonStoreUnwritable, bot.ActionFixStorage)), "the PVC refuses writes: give it room, or the bot the right to write; kubectl sesi doctor a"},
		"passkey":          {someSession("a", is(bot.StatePairing, bot.ReasonPasskeyRequired, bot.ActionSignPasskey)), "sign with the account's passkey: kubectl sesi passkey a"},
		"suspended":        {someSession("a", is(v1alpha1.StateSuspended, "Suspended", bot.ActionScanQR), isSuspended), "kubectl sesi resume a"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := advice(&c.session); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
	for _, action := range bot.UserActions {
		session := someSession("a", is(bot.StateFailed, bot.ReasonConnectFailure, action))
		if got := advice(&session); strings.Contains(got, "upgrade this plugin") || (got == "") != (action == bot.ActionNone) {
			t.Errorf("%s: %q", action, got)
		}
	}
}

func TestWhoNeedsAPersonComesFirst(t *testing.T) {
	waiting := func(name string, ago time.Duration) v1alpha1.WhatsAppSession {
		return someSession(name, is(bot.StatePairing, bot.ReasonQRAvailable, bot.ActionScanQR), has(v1alpha1.ConditionReady, metav1.ConditionFalse, ago))
	}
	ready := has(v1alpha1.ConditionReady, metav1.ConditionTrue, time.Hour)
	elsewhere := someSession("b", ready)
	elsewhere.Namespace = "banks"
	sessions := []v1alpha1.WhatsAppSession{
		someSession("well", ready), elsewhere, waiting("scan", time.Minute), waiting("scan-longer", time.Hour),
		someSession("banned", is(bot.StateRestricted, bot.ReasonTemporaryBan, bot.ActionWaitUntil), has(v1alpha1.ConditionReady, metav1.ConditionFalse, 2*time.Hour)),
		someSession("stalled", has(v1alpha1.ConditionReady, metav1.ConditionFalse, time.Second), has(v1alpha1.ConditionStalled, metav1.ConditionTrue, time.Second)),
		someSession("new", func(s *v1alpha1.WhatsAppSession) { s.CreationTimestamp = metav1.Now() }),
	}
	slices.SortStableFunc(sessions, byNeed)
	var got []string
	for i := range sessions {
		got = append(got, sessions[i].Name)
	}
	// the two healthy ones may have become healthy at the same time; their order does not matter
	if want := "scan-longer scan stalled banned new"; strings.Join(got[:5], " ") != want {
		t.Errorf("%v, want %s before all others", got, want)
	}
	if !needsPerson(&sessions[0]) || needsPerson(&sessions[3]) {
		t.Error("a scan needs a person, and the end of a ban does not")
	}
}

// lines returns a text's lines without alignment.
func lines(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		out = append(out, strings.Join(strings.Fields(line), " "))
	}
	return out
}

func TestTable(t *testing.T) {
	sessions := []v1alpha1.WhatsAppSession{
		someSession("a", has(v1alpha1.ConditionReady, metav1.ConditionTrue, 90*time.Minute), func(s *v1alpha1.WhatsAppSession) {
			s.Status.Session = &v1alpha1.SessionStatus{PhoneNumber: "+628123456789"}
		}),
		{ObjectMeta: metav1.ObjectMeta{Namespace: "shops", Name: "new"}},
	}
	cases := map[string]struct {
		sessions   []v1alpha1.WhatsAppSession
		namespaces bool
		want       []string
	}{
		"none":           {nil, false, []string{"No sessions found."}},
		"one namespace":  {sessions, false, []string{"NAME STATE REASON DO PHONE SINCE", "a Connected LoggedIn None +628123456789 90m", "new - - - - -"}},
		"all namespaces": {sessions, true, []string{"NAMESPACE NAME STATE REASON DO PHONE SINCE", "shops a Connected LoggedIn None +628123456789 90m", "shops new - - - - -"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := table(&out, c.sessions, c.namespaces); err != nil || !slices.Equal(lines(out.String()), c.want) {
				t.Errorf("%v\n%s\nwant %q", err, out.String(), c.want)
			}
		})
	}
}

func TestDescribe(t *testing.T) {
	s := someSession("a", is(bot.StateRestricted, bot.ReasonTemporaryBan, bot.ActionWaitUntil), has(v1alpha1.ConditionReady, metav1.ConditionFalse, 5*time.Minute), func(s *v1alpha1.WhatsAppSession) {
		linked := metav1.NewTime(time.Now().Add(-48 * time.Hour))
		s.Status.Session = &v1alpha1.SessionStatus{PushName: "Toko", JID: "628123456789:3@s.whatsapp.net", LinkedAt: &linked}
		s.Status.Notice, s.Status.PodName, s.Status.NodeName = "StoreRestored", "wa-a", "node1"
	})
	minutes := func(n int) metav1.Time { return metav1.NewTime(time.Now().Add(time.Duration(-n) * time.Minute)) }
	events := []corev1.Event{
		{Type: "Normal", Reason: "LoggedIn", Message: "Connected.", EventTime: metav1.MicroTime(minutes(120))},
		{Type: "Warning", Reason: "TemporaryBan", Message: "Wait.", LastTimestamp: minutes(4)},
		{Type: "Normal", Reason: "Starting", Message: "Logging in.", EventTime: metav1.MicroTime(minutes(60)), Series: &corev1.EventSeries{LastObservedTime: metav1.MicroTime(minutes(3))}},
	}
	var out bytes.Buffer
	if err := describe(&out, &s, events); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"Session: shops/a", "Client ID: a", "State: Restricted (TemporaryBan)", "What to do: wait; the session is kept",
		"Account: Toko 628123456789:3@s.whatsapp.net", "Linked: 2d ago", "Notice: StoreRestored", "Pod: wa-a on node1",
		"", "CONDITION STATUS REASON SINCE MESSAGE", "Ready False TemporaryBan 5m The bot says why.",
		"", "EVENT REASON AGE MESSAGE", "Normal LoggedIn 120m Connected.", "Warning TemporaryBan 4m Wait.", "Normal Starting 3m Logging in.",
	}
	if got := lines(out.String()); !slices.Equal(got, want) {
		t.Errorf("it says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	out.Reset()
	bare := v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{Namespace: "shops", Name: "new"}}
	if err := describe(&out, &bare, nil); err != nil || !slices.Equal(lines(out.String()), []string{"Session: shops/new", "", "CONDITION STATUS REASON SINCE MESSAGE"}) {
		t.Errorf("%v: of a session that nobody has seen yet it says\n%s", err, out.String())
	}
}

func TestConfirm(t *testing.T) {
	cases := map[string]struct {
		answer string
		yes    bool
		want   bool
	}{
		"y": {"y\n", false, true}, "yes": {"YES\n", false, true}, "no": {"n\n", false, false}, "an empty line": {"\n", false, false},
		"nothing": {"", false, false}, "something else": {"sure\n", false, false}, "--yes": {"", true, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var asked bytes.Buffer
			u := &tool{in: strings.NewReader(c.answer), err: &asked, yes: c.yes}
			if err := u.confirm("Really?"); (err == nil) != c.want {
				t.Errorf("%v", err)
			}
			if (asked.String() == "Really? [y/N] ") == c.yes {
				t.Errorf("it asks %q", asked.String())
			}
		})
	}
}

// Wrong arguments are reported before any request to a cluster.
func TestArguments(t *testing.T) {
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	cases := map[string]string{
		"status":                        "accepts 1 arg(s), received 0",
		"status a b":                    "accepts 1 arg(s), received 2",
		"list a":                        `unknown command "a" for "kubectl sesi list"`,
		"status a --wide":               "unknown flag: --wide",
		"pair a":                        `required flag(s) "phone" not set`,
		"backup a":                      `required flag(s) "output-file" not set`,
		"restore a":                     `required flag(s) "filename" not set`,
		"qr a --png x --open":           "if any flags in the group [png open] are set none of the others can be; [open png] were all set",
		"qr a --timeout soon":           `invalid argument "soon" for "--timeout" flag`,
		"logs a --tail few":             `invalid argument "few" for "--tail" flag`,
		"restart a --yes":               "unknown flag: --yes",
		"destroy a":                     `unknown command "destroy" for "kubectl sesi"`,
		"list --needs-action=perhaps":   `invalid argument "perhaps" for "--needs-action" flag`,
		"restore a -f none --image x b": "accepts 1 arg(s), received 2",
	}
	for line, want := range cases {
		t.Run(line, func(t *testing.T) {
			root := newRoot(strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{})
			root.SetArgs(strings.Fields(line))
			if err := root.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
		})
	}
}

func TestWriteNew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "backup")
	if size, err := writeNew(path, strings.NewReader("keys")); err != nil || size != 4 {
		t.Fatalf("%d, %v", size, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v; want a file for its owner alone", info, err)
	}
	if _, err := writeNew(path, strings.NewReader("others")); !errors.Is(err, os.ErrExist) {
		t.Errorf("%v, want a refusal to write over a backup", err)
	}
	broken := filepath.Join(t.TempDir(), "broken")
	if _, err := writeNew(broken, &breaks{}); err == nil {
		t.Error("a transfer that broke off is taken for whole")
	}
	if _, err := os.Stat(broken); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("half a backup is left behind: %v", err)
	}
}

// breaks is a transfer that is interrupted.
type breaks struct{ read bool }

func (b *breaks) Read(p []byte) (int, error) {
	if b.read {
		return 0, errors.New("connection reset")
	}
	b.read = true
	return copy(p, "half"), nil
}

// The restoring pod equals the bot's pod except for its command, and is never taken for the session's bot.
func TestRestorePod(t *testing.T) {
	s := someSession("a")
	bare, err := resources.BuildPod(&s, resources.Options{BotImage: "sesi.dev/bot:1"})
	if err != nil {
		t.Fatal(err)
	}
	pod, err := restorePod(&s, "sesi.dev/bot:1")
	if err != nil {
		t.Fatal(err)
	}
	// A session of any other name has a pod of another name.
	if name := strings.TrimPrefix(pod.Name, bare.Name); len(validation.IsDNS1123Label(pod.Name)) == 0 || len(validation.IsDNS1123Subdomain(pod.Name)) > 0 || name == pod.Name || name == "" {
		t.Errorf("the pod's name is %q", pod.Name)
	}
	if len(pod.OwnerReferences) != 0 || pod.Labels[naming.LabelSession] != "" {
		t.Errorf("the operator may take it for a bot: %+v", pod.ObjectMeta)
	}
	one, other := pod.Spec.Containers[0], bare.Spec.Containers[0]
	if len(pod.Spec.Containers) != 1 || !slices.Equal(one.Args, []string{"restore", "/dev/stdin"}) || !one.Stdin || !one.StdinOnce || pod.Spec.RestartPolicy != corev1.RestartPolicyNever {
		t.Errorf("it does not restore once from its input: %+v", one)
	}
	if one.StartupProbe != nil || one.LivenessProbe != nil || one.ReadinessProbe != nil {
		t.Error("it is probed as if it were a bot")
	}
	if !equality.Semantic.DeepEqual(one.VolumeMounts, other.VolumeMounts) || pod.Spec.SecurityContext.FSGroup == nil || *pod.Spec.SecurityContext.FSGroup != *bare.Spec.SecurityContext.FSGroup {
		t.Error("it does not write as the bot does")
	}
}

func TestTooOld(t *testing.T) {
	cases := map[string]struct {
		major, minor string
		want         bool
	}{
		"too old": {"1", "30", true}, "old enough": {"1", "31", false}, "of a provider": {"1", "30+", true}, "new": {"1", "37", false},
		"another major": {"2", "0", false}, "unreadable": {"1", "", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := tooOld(c.major, c.minor); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

func TestClassifySkew(t *testing.T) {
	now := time.Date(2026, 3, 1, 10, 30, 0, 0, time.UTC)
	answered := func(at time.Time) http.Header { return http.Header{"Date": {at.Format(http.TimeFormat)}} }
	cases := map[string]struct {
		answer http.Header
		want   string
	}{
		"the same":     {answered(now), ""},
		"a little off": {answered(now.Add(-20 * time.Second)), ""},
		"behind":       {answered(now.Add(-5 * time.Minute)), "the bot's clock differs from this machine's by 5m0s"},
		"ahead":        {answered(now.Add(time.Hour)), "the bot's clock differs from this machine's by 1h0m0s"},
		"untold":       {http.Header{}, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := classifySkew("bot", c.answer, now); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestVersions(t *testing.T) {
	metrics := "# HELP sesi_bot_build_info Always 1.\nsesi_bot_build_info{goversion=\"go1.26.8\",version=\"v1.2.3\"} 1\n"
	if got := botVersion(strings.NewReader(metrics)); got != "v1.2.3" {
		t.Errorf("version %q", got)
	}
	if got := botVersion(strings.NewReader("go_goroutines 4\n")); got != "" {
		t.Errorf("version %q of a bot that tells none", got)
	}
	cases := map[string]struct {
		a, b string
		want bool
	}{
		"the same": {"v1.2.3", "v1.2.3", false}, "a patch": {"v1.2.3", "v1.2.9", false}, "a minor": {"v1.2.3", "v1.3.0", true},
		"a major": {"v1.2.3", "v2.2.3", true}, "no release": {"dev", "v1.2.3", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := otherRelease(c.a, c.b); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

func TestExplain(t *testing.T) {
	none := &meta.NoKindMatchError{GroupKind: schema.GroupKind{Group: "sesi.dev", Kind: "WhatsAppSession"}}
	if err := explain(none); !errors.Is(err, none) || !strings.Contains(err.Error(), "install the operator") {
		t.Errorf("%v", err)
	}
	if err := explain(nil); err != nil {
		t.Errorf("%v", err)
	}
}

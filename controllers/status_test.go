package controllers

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/time/rate"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/observer"
)

// decided runs the pure parts of a pass, as Reconcile does when no write fails.
func decided(edits ...func(*pass)) *pass {
	s := passOf(edits...)
	if s.templateErr != nil {
		s.trouble = classifyTemplate(s.templateErr)
	}
	return s
}

func snapshotOf(state bot.State, reason bot.Reason, edit func(*bot.Snapshot)) *bot.Snapshot {
	snapshot := connected()
	snapshot.State, snapshot.Reason, snapshot.Connected, snapshot.Message = state, reason, false, "The bot says why."
	if edit != nil {
		edit(snapshot)
	}
	return snapshot
}

func TestDeriveStatus(t *testing.T) {
	lastSeen := func(s *pass) {
		s.session.Status = *deriveStatus(decided(says(observer.Heard, connected())))
	}
	lastScanning := func(s *pass) {
		s.session.Status = *deriveStatus(decided(says(observer.Heard, scanning())))
	}
	shared := func(s *pass) {
		other := newSession("other")
		other.Namespace = "bank"
		s.sameAccount = other
	}
	type want struct {
		state  bot.State
		reason string
		action bot.UserAction
		// conditions are type=status/reason.
		conditions []string
	}
	cases := map[string]struct {
		edits []func(*pass)
		want  want
	}{
		"connected": {[]func(*pass){says(observer.Heard, connected())}, want{bot.StateConnected, "LoggedIn", bot.ActionNone, []string{
			"Ready=True/LoggedIn", "StorageReady=True/ClaimBound", "PodReady=True/PodRunning", "SessionExists=True/Linked", "Connected=True/LoggedIn",
			"QRRequired=False/NotNeeded", "SessionExpired=False/NotExpired", "Conflict=False/NoConflict"}}},
		"asks for a scan": {[]func(*pass){says(observer.Heard, scanning())}, want{bot.StatePairing, "QRAvailable", bot.ActionScanQR, []string{
			"Ready=False/QRAvailable", "PodReady=True/PodRunning", "SessionExists=False/NotLinked", "Connected=False/QRAvailable", "QRRequired=True/QRAvailable"}}},
		"asks for the passkey": {[]func(*pass){says(observer.Heard, signing())}, want{bot.StatePairing, "PasskeyRequired", bot.ActionSignPasskey, []string{
			"Ready=False/PasskeyRequired", "PodReady=True/PodRunning", "SessionExists=False/NotLinked", "Connected=False/PasskeyRequired", "QRRequired=False/NotNeeded"}}},
		"asks to compare codes": {[]func(*pass){says(observer.Heard, comparing())}, want{bot.StatePairing, "PasskeyConfirmation", bot.ActionSignPasskey, []string{
			"Ready=False/PasskeyConfirmation", "Connected=False/PasskeyConfirmation", "QRRequired=False/NotNeeded"}}},
		"logged out": {[]func(*pass){lastSeen, says(observer.Heard, snapshotOf(bot.StateLoggedOut, bot.ReasonLoggedOut, func(s *bot.Snapshot) {
			s.Exists, s.Expired, s.QRRequired, s.UserAction = false, true, true, bot.ActionScanQR
		}))}, want{bot.StateLoggedOut, "LoggedOut", bot.ActionScanQR, []string{"Ready=False/LoggedOut", "SessionExists=False/NotLinked", "SessionExpired=True/LoggedOut", "QRRequired=True/LoggedOut"}}},
		"replaced": {[]func(*pass){says(observer.Heard, snapshotOf(bot.StateConflict, bot.ReasonStreamReplaced, func(s *bot.Snapshot) { s.UserAction = bot.ActionResolveConflict }))},
			want{bot.StateConflict, "StreamReplaced", bot.ActionResolveConflict, []string{"Ready=False/StreamReplaced", "Conflict=True/StreamReplaced", "SessionExists=True/Linked"}}},
		"newer, and connected": {[]func(*pass){says(observer.Heard, snapshotOf("Roaming", "Abroad", func(s *bot.Snapshot) { s.Connected = true }))},
			want{v1alpha1.StateUnknown, "OperatorOutdated", bot.ActionNone, []string{"Ready=Unknown/OperatorOutdated", "PodReady=True/OperatorOutdated",
				"Connected=True/Abroad", "SessionExists=True/Linked", "QRRequired=False/NotNeeded", "Conflict=False/NoConflict"}}},
		"newer, and not connected": {[]func(*pass){lastSeen, says(observer.Heard, snapshotOf("PasskeyRequired", "PasskeyChallenge", func(s *bot.Snapshot) {
			s.Exists, s.QRRequired, s.UserAction = false, true, "CompletePasskey"
		}))}, want{v1alpha1.StateUnknown, "OperatorOutdated", "CompletePasskey", []string{"Ready=Unknown/OperatorOutdated", "PodReady=True/OperatorOutdated",
			"Connected=False/PasskeyChallenge", "SessionExists=False/NotLinked", "QRRequired=True/PasskeyChallenge"}}},
		"newer, of an action alone": {[]func(*pass){says(observer.Heard, snapshotOf(bot.StateConnected, bot.ReasonLoggedIn, func(s *bot.Snapshot) {
			s.Connected, s.UserAction = true, "ReadTheTerms"
		}))}, want{bot.StateConnected, "LoggedIn", "ReadTheTerms", []string{"Ready=True/LoggedIn", "PodReady=True/OperatorOutdated", "Connected=True/LoggedIn"}}},
		"claims an operator's state": {[]func(*pass){says(observer.Heard, snapshotOf(v1alpha1.StateSuspended, bot.ReasonLoggedIn, nil))},
			want{v1alpha1.StateUnknown, "OperatorOutdated", bot.ActionNone, []string{"Ready=Unknown/OperatorOutdated", "Connected=False/LoggedIn"}}},
		"account shared": {[]func(*pass){says(observer.Heard, connected()), shared}, want{bot.StateConnected, "LoggedIn", bot.ActionNone, []string{"Ready=True/LoggedIn", "Conflict=True/AccountShared"}}},
		"claim shared": {[]func(*pass){held, noPod}, want{bot.StateConflict, "ClaimShared", bot.ActionResolveConflict, []string{
			"Ready=False/ClaimShared", "StorageReady=False/ClaimShared", "PodReady=False/AwaitingStorage", "Conflict=True/ClaimShared", "Stalled=True/ClaimShared", "Connected=False/AwaitingStorage"}}},
		"first pass": {[]func(*pass){noPod}, want{v1alpha1.StatePending, "PodStarting", bot.ActionNone, []string{
			"Ready=False/PodStarting", "PodReady=False/PodStarting", "SessionExists=Unknown/NotObserved", "Connected=False/PodStarting", "QRRequired=Unknown/NotObserved",
			"SessionExpired=Unknown/NotObserved", "Conflict=False/NoConflict", "Reconciling=True/PodStarting"}}},
		"runs and has never reported": {nil, want{v1alpha1.StatePending, "PodStarting", bot.ActionNone, []string{"Ready=False/PodStarting", "Connected=Unknown/NotObserved", "Reconciling=True/PodStarting"}}},
		"remembered":                  {[]func(*pass){lastSeen}, want{bot.StateConnected, "LoggedIn", bot.ActionNone, []string{"Ready=True/LoggedIn", "Connected=True/LoggedIn", "PodReady=True/PodRunning"}}},
		"remembered, without a Secret to ask it by": {[]func(*pass){lastSeen, noKeys}, want{v1alpha1.StateUnknown, "BotUnreachable", bot.ActionNone, []string{
			"Ready=Unknown/BotUnreachable", "Connected=Unknown/BotUnreachable", "PodReady=False/BotUnreachable", "SessionExists=True/Linked"}}},
		"reported a moment ago": {[]func(*pass){lastSeen, says(observer.Listening, connected())}, want{bot.StateConnected, "LoggedIn", bot.ActionNone, []string{"Ready=True/LoggedIn"}}},
		"lost": {[]func(*pass){lastSeen, says(observer.Lost, connected())}, want{v1alpha1.StateUnknown, "BotUnreachable", bot.ActionNone, []string{
			"Ready=Unknown/BotUnreachable", "Connected=Unknown/BotUnreachable", "PodReady=False/BotUnreachable", "SessionExists=True/Linked", "QRRequired=False/NotNeeded"}}},
		"lost while it asked for a scan": {[]func(*pass){lastScanning, says(observer.Lost, scanning())}, want{v1alpha1.StateUnknown, "BotUnreachable", bot.ActionScanQR, []string{"Ready=Unknown/BotUnreachable", "QRRequired=True/QRAvailable"}}},
		"node lost": {[]func(*pass){lastSeen, says(observer.Lost, connected()), pods(podCondition(corev1.PodReady, corev1.ConditionFalse, "", "", noon))},
			want{v1alpha1.StateUnknown, "NodeUnreachable", bot.ActionNone, []string{"Ready=Unknown/NodeUnreachable", "Connected=Unknown/NodeUnreachable", "PodReady=Unknown/NodeUnreachable", "SessionExists=True/Linked"}}},
		"node lost, bot reported": {[]func(*pass){lastSeen, says(observer.Heard, connected()), pods(podCondition(corev1.PodReady, corev1.ConditionFalse, "", "", noon))},
			want{v1alpha1.StateUnknown, "NodeUnreachable", bot.ActionNone, []string{"Ready=Unknown/NodeUnreachable"}}},
		"out of memory": {[]func(*pass){lastSeen, pods(bothContainers(waits("CrashLoopBackOff"), exited(137, "OOMKilled"), false))}, want{v1alpha1.StatePending, "OOMKilled", bot.ActionNone, []string{
			"Ready=False/OOMKilled", "PodReady=False/OOMKilled", "Connected=False/OOMKilled", "SessionExists=True/Linked", "Reconciling=True/OOMKilled"}}},
		"suspended": {[]func(*pass){lastScanning, suspended, noPod}, want{v1alpha1.StateSuspended, "Suspended", bot.ActionNone, []string{
			"Ready=False/Suspended", "PodReady=False/Suspended", "Connected=False/Suspended", "QRRequired=False/Suspended", "SessionExists=False/NotLinked"}}},
		"being suspended":   {[]func(*pass){lastSeen, suspended, pods(deleted(-time.Second))}, want{v1alpha1.StateSuspended, "Suspended", bot.ActionNone, []string{"Ready=False/Suspended", "PodReady=False/AwaitingTermination", "Reconciling=True/AwaitingTermination"}}},
		"claim lost":        {[]func(*pass){lastSeen, says(observer.Heard, connected()), storage(kindClaimLost)}, want{bot.StateConnected, "LoggedIn", bot.ActionNone, []string{"Ready=False/ClaimLost", "Connected=True/LoggedIn", "Stalled=True/ClaimLost"}}},
		"claim missing":     {[]func(*pass){noPod, storage(kindClaimNotFound)}, want{v1alpha1.StatePending, "ClaimNotFound", bot.ActionNone, []string{"Ready=False/ClaimNotFound", "PodReady=False/AwaitingStorage", "Stalled=True/ClaimNotFound"}}},
		"template broken":   {[]func(*pass){lastSeen, broken, says(observer.Heard, connected())}, want{bot.StateConnected, "LoggedIn", bot.ActionNone, []string{"Ready=False/InvalidTemplate", "Connected=True/LoggedIn", "PodReady=True/PodRunning", "Stalled=True/InvalidTemplate"}}},
		"waits for pairing": {[]func(*pass){lastScanning, changed, says(observer.Heard, scanning())}, want{bot.StatePairing, "QRAvailable", bot.ActionScanQR, []string{"Ready=False/QRAvailable", "PodReady=True/AwaitingPairing", "Reconciling=True/AwaitingPairing"}}},
		"orphaned": {[]func(*pass){lastSeen, func(s *pass) { s.pod.OwnerReferences = nil }}, want{v1alpha1.StateUnknown, "PodOrphaned", bot.ActionNone, []string{
			"Ready=False/PodOrphaned", "Connected=Unknown/PodOrphaned", "PodReady=False/PodOrphaned", "SessionExists=True/Linked", "Stalled=True/PodOrphaned"}}},
		"deleted": {[]func(*pass){lastSeen, deleting, says(observer.Heard, connected())}, want{v1alpha1.StateTerminating, "Terminating", bot.ActionNone, []string{"Ready=False/Terminating"}}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := decided(c.edits...)
			status := deriveStatus(s)
			if status.State != c.want.state || status.Reason != c.want.reason || status.UserAction != c.want.action {
				t.Errorf("state %s, reason %s, action %s; want %s, %s, %s", status.State, status.Reason, status.UserAction, c.want.state, c.want.reason, c.want.action)
			}
			var got []string
			for _, condition := range status.Conditions {
				got = append(got, fmt.Sprintf("%s=%s/%s", condition.Type, condition.Status, condition.Reason))
			}
			for _, want := range c.want.conditions {
				if !slices.Contains(got, want) {
					t.Errorf("want %s among %v", want, got)
				}
			}
		})
	}
}

// Any combination of inputs gives a status that keeps the rules of conditions and depends only on the pass. A second
// pass over the same input writes nothing.
func TestEveryStatusKeepsTheRules(t *testing.T) {
	podsOf := map[string]func(*pass){
		"none": noPod, "runs": func(*pass) {}, "changed": changed, "ending": pods(deleted(-time.Second)), "late": pods(deleted(time.Hour)),
		"failed":  pods(func(pod *corev1.Pod) { pod.Status.Phase = corev1.PodFailed }),
		"lost":    pods(podCondition(corev1.PodReady, corev1.ConditionFalse, "", "", noon)),
		"crashes": pods(bothContainers(waits("CrashLoopBackOff"), exited(1, "Error"), false)),
		"orphan":  func(s *pass) { s.pod.OwnerReferences = nil },
		"foreign": func(s *pass) { s.pod.OwnerReferences, s.pod.Labels = nil, nil },
	}
	bots := map[string]func(*pass){"unknown": func(*pass) {}, "not yet": says(observer.Listening, nil), "never": says(observer.Lost, nil)}
	for _, state := range append(slices.Clone(bot.States), "Newer") {
		for name, snapshot := range map[string]*bot.Snapshot{
			"linked": snapshotOf(state, bot.ReasonConnectionLost, func(s *bot.Snapshot) { s.Connected = state == bot.StateConnected }),
			"expired": snapshotOf(state, bot.ReasonLoggedOut, func(s *bot.Snapshot) {
				s.Exists, s.Expired, s.QRRequired, s.UserAction = false, true, true, bot.ActionScanQR
			}),
			"scanning": snapshotOf(state, bot.ReasonQRAvailable, func(s *bot.Snapshot) {
				s.Exists, s.QRRequired, s.QRExpiresAt = false, true, bot.At(noon.Add(time.Minute))
			}),
		} {
			for _, hearing := range []observer.Hearing{observer.Heard, observer.Listening, observer.Lost} {
				bots[fmt.Sprint(state, " ", name, " ", hearing)] = says(hearing, snapshot)
			}
		}
	}
	specs := map[string]func(*pass){
		"plain": func(*pass) {}, "suspended": suspended, "held": held, "broken": broken, "deleting": deleting,
		"pending": storage(kindClaimPending), "missing": storage(kindClaimNotFound),
		"same account":  func(s *pass) { s.sameAccount = newSession("other") },
		"another claim": func(s *pass) { s.claim.UID = "another" },
		"taken": func(s *pass) {
			s.trouble = found(kindNameTaken, "taken")
		},
	}
	pasts := map[string]v1alpha1.WhatsAppSessionStatus{"new": {ObservedGeneration: -1, State: v1alpha1.StatePending}}
	for name, before := range map[string]*pass{
		"was connected": decided(says(observer.Heard, connected())), "was scanning": decided(says(observer.Heard, scanning())),
		"was lost": decided(says(observer.Lost, connected())), "was suspended": decided(suspended, noPod),
		"was held": decided(held, noPod), "was waiting": decided(changed, says(observer.Heard, scanning())),
		"was replaced": decided(says(observer.Heard, snapshotOf(bot.StateConflict, bot.ReasonStreamReplaced, nil))),
	} {
		pasts[name] = *deriveStatus(before)
	}
	count := 0
	for _, podName := range slices.Sorted(maps.Keys(podsOf)) {
		for _, botName := range slices.Sorted(maps.Keys(bots)) {
			for _, specName := range slices.Sorted(maps.Keys(specs)) {
				for _, pastName := range slices.Sorted(maps.Keys(pasts)) {
					count++
					past := pasts[pastName]
					remember := func(s *pass) { s.session.Status = *past.DeepCopy() }
					foreign := func(s *pass) {
						if !s.owned() {
							s.observation = nil
						}
					}
					s := decided(remember, podsOf[podName], bots[botName], specs[specName], foreign)
					status := deriveStatus(s)
					s.session.Status = *status
					what := fmt.Sprintf("pod %s, bot %s, spec %s, %s", podName, botName, specName, pastName)
					for _, fault := range ConditionFaults(s.session) {
						t.Errorf("%s: %s", what, fault)
					}
					s.now = s.now.Add(time.Millisecond)
					if again := deriveStatus(s); !equality.Semantic.DeepEqual(status, again) {
						t.Errorf("%s: the next pass writes again:\n%+v\n%+v", what, status, again)
					}
					for _, condition := range status.Conditions {
						before := meta.FindStatusCondition(past.Conditions, condition.Type)
						if before != nil && before.Status == condition.Status && !before.LastTransitionTime.Equal(&condition.LastTransitionTime) {
							t.Errorf("%s: %s has a new time although it did not change", what, condition.Type)
						}
					}
					if t.Failed() {
						t.FailNow()
					}
				}
			}
		}
	}
	t.Logf("%d statuses", count)
}

func TestDecideTransitions(t *testing.T) {
	status := func(edits ...func(*pass)) *v1alpha1.WhatsAppSessionStatus { return deriveStatus(decided(edits...)) }
	fresh := &v1alpha1.WhatsAppSessionStatus{State: v1alpha1.StatePending}
	cases := map[string]struct {
		before, after *v1alpha1.WhatsAppSessionStatus
		want          []string
	}{
		"nothing":            {status(says(observer.Heard, connected())), status(says(observer.Heard, connected())), nil},
		"connects":           {status(), status(says(observer.Heard, connected())), []string{"Normal LoggedIn"}},
		"asks for a scan":    {status(), status(says(observer.Heard, scanning())), []string{"Normal QRAvailable"}},
		"asks for a passkey": {status(says(observer.Heard, scanning())), status(says(observer.Heard, signing())), []string{"Normal PasskeyRequired"}},
		"is on its way":      {fresh, status(noPod), nil},
		"logs out":           {status(says(observer.Heard, connected())), status(says(observer.Heard, snapshotOf(bot.StateLoggedOut, bot.ReasonLoggedOut, nil))), []string{"Warning LoggedOut"}},
		"is replaced": {status(says(observer.Heard, connected())), status(says(observer.Heard, snapshotOf(bot.StateConflict, bot.ReasonStreamReplaced, nil))),
			[]string{"Warning StreamReplaced"}},
		"conflict ends": {status(says(observer.Heard, snapshotOf(bot.StateConflict, bot.ReasonStreamReplaced, nil))), status(says(observer.Heard, connected())),
			[]string{"Normal LoggedIn", "Normal NoConflict"}},
		"is lost":            {status(says(observer.Heard, connected())), status(says(observer.Lost, connected())), []string{"Warning BotUnreachable"}},
		"crashes":            {status(says(observer.Heard, connected())), status(pods(bothContainers(waits("CrashLoopBackOff"), exited(1, ""), false))), []string{"Warning CrashLooping"}},
		"finds its claim":    {status(noPod, storage(kindClaimNotFound)), status(noPod), []string{"Normal ClaimBound"}},
		"misses its claim":   {fresh, status(noPod, storage(kindClaimNotFound)), []string{"Warning ClaimNotFound"}},
		"shares its claim":   {fresh, status(noPod, held), []string{"Warning ClaimShared"}},
		"template is broken": {status(says(observer.Heard, connected())), status(broken, says(observer.Heard, connected())), []string{"Warning InvalidTemplate"}},
		"is suspended":       {status(says(observer.Heard, connected())), status(suspended, noPod), []string{"Normal Suspended"}},
		"connects, broken":   {status(), status(broken, says(observer.Heard, connected())), []string{"Normal LoggedIn", "Warning InvalidTemplate"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, told := range decideTransitions(c.before, c.after) {
				got = append(got, told.kind+" "+told.reason)
				if told.message == "" {
					t.Errorf("%s says nothing", told.reason)
				}
				of := func(c metav1.Condition) bool { return c.Reason == told.reason }
				if slices.ContainsFunc(c.after.Conditions, of) && !slices.ContainsFunc(c.after.Conditions, func(c metav1.Condition) bool { return of(c) && c.Message == told.message }) {
					t.Errorf("%s says %q, which is another's message", told.reason, told.message)
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("events = %v, want %v", got, c.want)
			}
		})
	}
}

// When a network fails, thousands of bots disconnect and return within a minute. Every warning becomes an event; other
// changes only up to a limit.
func TestManyChangesAreNotManyEvents(t *testing.T) {
	const sessions = 3 * eventsAtOnce
	recorder := events.NewFakeRecorder(2 * sessions)
	r := &Reconciler{events: recorder, ordinary: rate.NewLimiter(eventsPerSecond, eventsAtOnce), now: func() time.Time { return noon }}
	up := deriveStatus(decided(says(observer.Heard, connected())))
	out := deriveStatus(decided(says(observer.Heard, snapshotOf(bot.StateLoggedOut, bot.ReasonLoggedOut, nil))))
	for i := range sessions {
		session := newSession(fmt.Sprint("s", i))
		session.Status.State = v1alpha1.StatePending
		r.emitTransitions(session, up)
		session.Status = *up
		r.emitTransitions(session, out)
	}
	close(recorder.Events)
	count := map[string]int{}
	for event := range recorder.Events {
		kind, _, _ := strings.Cut(event, " ")
		count[kind]++
	}
	if count[corev1.EventTypeWarning] != sessions || count[corev1.EventTypeNormal] != eventsAtOnce {
		t.Errorf("%v were told, want %d warnings and %d others", count, sessions, eventsAtOnce)
	}
}

// The facts of a session belong to one claim. Another claim of the same name is empty.
func TestTheFactsGoWithTheirClaim(t *testing.T) {
	uid := func(uid string) func(*pass) { return func(s *pass) { s.claim.UID = types.UID(uid) } }
	full := connected()
	full.Notice = bot.NoticeStoreRestored
	full.RestrictedUntil = bot.At(noon.Add(time.Hour))
	full.Messages = &bot.MessagesSummary{
		Webhooks: []bot.WebhookSummary{{Name: "crm", State: bot.WebhookRetrying}}, Held: &bot.Hold{Reason: bot.HoldQuietHours, Until: bot.At(noon)},
	}
	status := deriveStatus(decided(uid("first"), says(observer.Heard, full)))
	past := func(s *pass) { s.session.Status = *status.DeepCopy() }
	exists := func(s *v1alpha1.WhatsAppSessionStatus) metav1.ConditionStatus {
		return meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionSessionExists).Status
	}
	for name, c := range map[string]struct {
		edits []func(*pass)
		want  metav1.ConditionStatus
	}{
		"the same claim":        {[]func(*pass){past, uid("first"), suspended, noPod}, metav1.ConditionTrue},
		"another claim":         {[]func(*pass){past, uid("second"), suspended, noPod}, metav1.ConditionUnknown},
		"no claim any more":     {[]func(*pass){past, func(s *pass) { s.claim = nil }, suspended, noPod}, metav1.ConditionUnknown},
		"another, and reported": {[]func(*pass){past, uid("second"), says(observer.Heard, scanning())}, metav1.ConditionFalse},
	} {
		t.Run(name, func(t *testing.T) {
			got := deriveStatus(decided(c.edits...))
			if exists(got) != c.want || (got.Session == nil) != (c.want == metav1.ConditionUnknown) {
				t.Errorf("SessionExists is %s and the facts are %+v", exists(got), got.Session)
			}
			for fact, there := range map[string]bool{
				"notice": got.Notice != "", "restrictedUntil": got.RestrictedUntil != nil, "webhooks": got.Webhooks != nil, "sending": got.Sending != nil,
			} {
				if there != (c.want == metav1.ConditionTrue) {
					t.Errorf("%s is there: %t", fact, there)
				}
			}
			if instance := got.Instance; (instance == "") != (c.want == metav1.ConditionUnknown) {
				t.Errorf("the instance is %q", instance)
			}
		})
	}
}

// If several things are wrong, Ready, the state's reason and the event name the first that a person can change.
func TestTheFirstCauseWins(t *testing.T) {
	pending := storage(kindClaimPending)
	unschedulable := func(message string) func(*pass) {
		return pods(podCondition(corev1.PodScheduled, corev1.ConditionFalse, corev1.PodReasonUnschedulable, message, noon))
	}
	rejected := func(s *pass) { s.bot = found(kindPodRejected, "exceeded quota") }
	for name, c := range map[string]struct {
		edits []func(*pass)
		late  func(*pass)
		want  string
		says  string
	}{
		"no node is selected":     {[]func(*pass){pending, unschedulable("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.")}, nil, v1alpha1.ReasonUnschedulable, "affinity"},
		"no StorageClass":         {[]func(*pass){pending, unschedulable("0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.")}, nil, v1alpha1.ReasonClaimPending, "storage says so"},
		"the pod is rejected":     {[]func(*pass){pending, noPod}, rejected, v1alpha1.ReasonPodRejected, "exceeded quota"},
		"the claim is lost":       {[]func(*pass){storage(kindClaimLost), unschedulable("0/1 nodes are available")}, nil, v1alpha1.ReasonClaimLost, "storage says so"},
		"the image does not come": {[]func(*pass){pending, pods(bothContainers(waits("ErrImagePull"), corev1.ContainerState{}, false))}, nil, v1alpha1.ReasonImagePullFailed, "Cannot pull"},
	} {
		t.Run(name, func(t *testing.T) {
			s := decided(c.edits...)
			if c.late != nil {
				c.late(s)
			}
			status := deriveStatus(s)
			ready := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady)
			if ready.Reason != c.want || status.Reason != c.want && c.want != v1alpha1.ReasonClaimLost || !strings.Contains(ready.Message, c.says) {
				t.Errorf("the reason is %s, and Ready is %+v; want %s with %q", status.Reason, ready, c.want, c.says)
			}
			for _, event := range decideTransitions(&v1alpha1.WhatsAppSessionStatus{}, status) {
				if event.reason == c.want && !strings.Contains(event.message, c.says) {
					t.Errorf("the event %s says %q", event.reason, event.message)
				}
			}
		})
	}
}

// A code of a bot that is not heard from cannot be scanned as far as anyone knows.
func TestALostBotHasNoCode(t *testing.T) {
	past := func(s *pass) { s.session.Status = *deriveStatus(decided(says(observer.Heard, scanning()))) }
	for name, edits := range map[string][]func(*pass){"lost": {past, says(observer.Lost, nil)}, "gone": {past, noPod}} {
		if got := deriveStatus(decided(edits...)); got.QR == nil || !got.QR.Needed || got.QR.ExpiresAt != nil {
			t.Errorf("%s: %+v", name, got.QR)
		}
	}
}

// A conflict is shown as long as the operator does not know that it is over.
func TestAConflictOutlastsWhatIsNotKnown(t *testing.T) {
	for name, c := range map[string]struct {
		reason string
		edits  []func(*pass)
		want   metav1.ConditionStatus
	}{
		"taken over, bot lost":        {string(bot.ReasonStreamReplaced), []func(*pass){says(observer.Lost, nil)}, metav1.ConditionTrue},
		"taken over, operator is new": {string(bot.ReasonStreamReplaced), nil, metav1.ConditionTrue},
		"taken over, no bot":          {string(bot.ReasonStreamReplaced), []func(*pass){noPod}, metav1.ConditionFalse},
		"taken over, and connected":   {string(bot.ReasonStreamReplaced), []func(*pass){says(observer.Heard, connected())}, metav1.ConditionFalse},
		"one account, masked":         {v1alpha1.ReasonAccountShared, []func(*pass){says(observer.Heard, connected()), func(s *pass) { s.accountUnsure = true }}, metav1.ConditionTrue},
		"one account, known":          {v1alpha1.ReasonAccountShared, []func(*pass){says(observer.Heard, connected())}, metav1.ConditionFalse},
	} {
		t.Run(name, func(t *testing.T) {
			before := func(s *pass) {
				s.session.Status = *deriveStatus(decided(says(observer.Heard, connected())))
				meta.SetStatusCondition(&s.session.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionConflict, Status: metav1.ConditionTrue, Reason: c.reason, Message: "Another one."})
			}
			got := deriveStatus(decided(append([]func(*pass){before}, c.edits...)...))
			if conflict := meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionConflict); conflict.Status != c.want {
				t.Errorf("Conflict is %+v", conflict)
			}
		})
	}
}

// A failure that passes is not shown; one that lasts is shown once.
func TestAFailureThatLastsIsShown(t *testing.T) {
	var f failures
	key := types.NamespacedName{Namespace: "shop", Name: "kasir"}
	for i, c := range []struct {
		at             time.Duration
		lasting, first bool
	}{{0, false, false}, {failingShown, false, false}, {failingShown, true, true}, {time.Minute, true, false}} {
		if lasting, first := f.note(key, noon.Add(c.at)); lasting != c.lasting || first != c.first {
			t.Errorf("failure %d: lasting %t, first %t; want %t, %t", i, lasting, first, c.lasting, c.first)
		}
	}
	f.forget(key)
	if lasting, _ := f.note(key, noon.Add(time.Hour)); lasting {
		t.Error("a new failure counts as an old one")
	}
}

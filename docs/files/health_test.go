// Package files_test runs the health checks for GitOps tools in the languages of those tools. It calls no such tool.
package files_test

import (
	"encoding/json"
	"os"
	"regexp"
	"testing"

	"github.com/google/cel-go/cel"
	lua "github.com/yuin/gopher-lua"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

// session returns a session as the operator shows it. A condition without a status is true, except for Ready.
func session(state bot.State, action bot.UserAction, conditions ...string) *v1alpha1.WhatsAppSession {
	s := &v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{Name: "shop", Generation: 2}}
	s.Status = v1alpha1.WhatsAppSessionStatus{ObservedGeneration: 2, State: state, UserAction: action}
	status := map[string]metav1.ConditionStatus{
		v1alpha1.ConditionReady: metav1.ConditionFalse, v1alpha1.ConditionPodReady: metav1.ConditionTrue,
		v1alpha1.ConditionConflict: metav1.ConditionFalse, v1alpha1.ConditionQRRequired: metav1.ConditionFalse,
	}
	for _, condition := range conditions {
		found := regexp.MustCompile(`^(\w+?)(Unknown|False)?$`).FindStringSubmatch(condition)
		status[found[1]] = metav1.ConditionTrue
		if found[2] != "" {
			status[found[1]] = metav1.ConditionStatus(found[2])
		}
	}
	for kind, is := range status {
		s.Status.Conditions = append(s.Status.Conditions, metav1.Condition{Type: kind, Status: is, Message: "says " + kind})
	}
	return s
}

var cases = map[string]struct {
	session *v1alpha1.WhatsAppSession
	argo    string // health, and the condition that says why
	flux    string
}{
	"never seen":         {&v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{Generation: 1}}, "Progressing", "in progress"},
	"starting":           {session(v1alpha1.StatePending, bot.ActionNone, v1alpha1.ConditionReconciling), "Progressing Ready", "in progress"},
	"connecting":         {session(bot.StateConnecting, bot.ActionNone), "Progressing Ready", "in progress"},
	"connected":          {session(bot.StateConnected, bot.ActionNone, "Ready"), "Healthy Ready", "current"},
	"account shared":     {session(bot.StateConnected, bot.ActionNone, "Ready", "Conflict"), "Healthy Ready", "current"},
	"reconnecting":       {session(bot.StateReconnecting, bot.ActionNone), "Progressing Ready", "in progress"},
	"waits for a phone":  {session(bot.StatePairing, bot.ActionScanQR, "QRRequired"), "Suspended QRRequired", "current"},
	"expired":            {session(bot.StateLoggedOut, bot.ActionScanQR, "QRRequired", "SessionExpired"), "Suspended QRRequired", "current"},
	"suspended":          {session(v1alpha1.StateSuspended, bot.ActionNone), "Suspended Ready", "current"},
	"stopped":            {session(bot.StateStopped, bot.ActionNone), "Suspended Ready", "current"},
	"in conflict":        {session(bot.StateConflict, bot.ActionResolveConflict, "Conflict"), "Degraded Conflict", "in progress"},
	"claim shared":       {session(bot.StateConflict, bot.ActionResolveConflict, "Conflict", "Stalled"), "Degraded Stalled", "failed"},
	"banned":             {session(bot.StateRestricted, bot.ActionWaitUntil), "Degraded Ready", "in progress"},
	"outdated":           {session(bot.StateOutdated, bot.ActionUpgradeClient), "Degraded Ready", "in progress"},
	"refused":            {session(bot.StateFailed, bot.ActionNone), "Degraded Ready", "in progress"},
	"bot not heard":      {session(v1alpha1.StateUnknown, bot.ActionNone, "ReadyUnknown", "PodReadyFalse"), "Progressing Ready", "in progress"},
	"node lost":          {session(v1alpha1.StateUnknown, bot.ActionNone, "ReadyUnknown", "PodReadyUnknown"), "Degraded PodReady", "in progress"},
	"spec in the way":    {session(v1alpha1.StatePending, bot.ActionNone, "Stalled"), "Degraded Stalled", "failed"},
	"seen and then old":  {edited(session(bot.StateConnected, bot.ActionNone, "Ready")), "Progressing", ""},
	"scanned and edited": {edited(session(bot.StatePairing, bot.ActionScanQR, "QRRequired")), "Progressing", ""},
}

func edited(s *v1alpha1.WhatsAppSession) *v1alpha1.WhatsAppSession {
	s.Generation++
	return s
}

// object returns a session as such tools see it.
func object(t *testing.T, s *v1alpha1.WhatsAppSession) map[string]any {
	t.Helper()
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// toLua converts a value to Lua.
func toLua(value any) lua.LValue {
	switch value := value.(type) {
	case map[string]any:
		table := &lua.LTable{}
		for key, item := range value {
			table.RawSetString(key, toLua(item))
		}
		return table
	case []any:
		table := &lua.LTable{}
		for _, item := range value {
			table.Append(toLua(item))
		}
		return table
	case string:
		return lua.LString(value)
	case float64:
		return lua.LNumber(value)
	case bool:
		return lua.LBool(value)
	}
	return lua.LNil
}

// Argo CD runs the script with this interpreter, with the object as obj and only Lua's base library.
func TestHealthForArgoCD(t *testing.T) {
	script, err := os.ReadFile("argocd-health.lua")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			state := lua.NewState(lua.Options{SkipOpenLibs: true})
			defer state.Close()
			lua.OpenBase(state)
			state.SetGlobal("obj", toLua(object(t, c.session)))
			if err := state.DoString(string(script)); err != nil {
				t.Fatal(err)
			}
			health, ok := state.Get(-1).(*lua.LTable)
			if !ok {
				t.Fatalf("it returns %v", state.Get(-1))
			}
			got := health.RawGetString("status").String()
			message := health.RawGetString("message").String()
			if found := regexp.MustCompile(`^says (\w+)$`).FindStringSubmatch(message); found != nil {
				got += " " + found[1]
			}
			if got != c.argo || message == "nil" {
				t.Errorf("%s (%s), want %s", got, message, c.argo)
			}
		})
	}
}

// Flux looks at the generation itself, then asks these of the object: failed, current, or else in progress; so it is too
// while an expression cannot be evaluated.
func TestHealthForFlux(t *testing.T) {
	page, err := os.ReadFile("../gitops.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(page)
	if block == nil {
		t.Fatal("docs/gitops.md shows no Kustomization")
	}
	var kustomization struct {
		Spec struct {
			HealthCheckExprs []struct{ APIVersion, Kind, Current, Failed string }
		}
	}
	if err := yaml.Unmarshal(block[1], &kustomization); err != nil {
		t.Fatal(err)
	}
	check := kustomization.Spec.HealthCheckExprs[0]
	if check.APIVersion != v1alpha1.GroupVersion.String() || check.Kind != "WhatsAppSession" {
		t.Errorf("it is about %s, %s", check.APIVersion, check.Kind)
	}
	for name, c := range cases {
		if c.flux == "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			seen := object(t, c.session)
			got := "in progress"
			switch {
			case holds(t, check.Failed, seen):
				got = "failed"
			case holds(t, check.Current, seen):
				got = "current"
			}
			if got != c.flux {
				t.Errorf("%s, want %s", got, c.flux)
			}
		})
	}
}

// holds evaluates an expression over an object; an expression that cannot be evaluated does not hold.
func holds(t *testing.T, expression string, seen map[string]any) bool {
	t.Helper()
	env, err := cel.NewEnv(cel.Variable("metadata", cel.DynType), cel.Variable("spec", cel.DynType), cel.Variable("status", cel.DynType))
	if err != nil {
		t.Fatal(err)
	}
	ast, issues := env.Compile(expression)
	if issues.Err() != nil {
		t.Fatal(issues.Err())
	}
	program, err := env.Program(ast)
	if err != nil {
		t.Fatal(err)
	}
	value, _, err := program.Eval(seen)
	return err == nil && value.Value() == true
}

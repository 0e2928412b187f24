package resources

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sesi.dev/sesi/api/v1alpha1"
)

// TestTemplatePolicy: each policy refuses what its name promises and accepts the rest; the message names the field and the
// operator's flag.
func TestTemplatePolicy(t *testing.T) {
	cases := map[string]struct {
		spec       v1alpha1.WhatsAppSessionSpec
		safe, none string
	}{
		"nothing":            {v1alpha1.WhatsAppSessionSpec{}, "", ""},
		"the default image":  {v1alpha1.WhatsAppSessionSpec{Image: options.BotImage}, "", ""},
		"another image":      {v1alpha1.WhatsAppSessionSpec{Image: "mine"}, "spec.image", "spec.image"},
		"a sidecar":          {template(`{containers: [{name: logic, image: x}]}`), "", "spec.template"},
		"the bot's memory":   {template(`{containers: [{name: bot, resources: {limits: {memory: 1Gi}}}]}`), "", "spec.template"},
		"default account":    {template(`{serviceAccountName: default}`), "", "spec.template"},
		"another account":    {template(`{serviceAccountName: admin}`), "spec.template.spec.serviceAccountName", "spec.template"},
		"its older field":    {template(`{serviceAccount: admin}`), "spec.template.spec.serviceAccount", "spec.template"},
		"hostPID":            {template(`{hostPID: true}`), "spec.template.spec.hostPID", "spec.template"},
		"hostIPC":            {template(`{hostIPC: true}`), "spec.template.spec.hostIPC", "spec.template"},
		"nodeName":           {template(`{nodeName: control-plane}`), "spec.template.spec.nodeName", "spec.template"},
		"sysctls":            {template(`{securityContext: {sysctls: [{name: net.core.somaxconn, value: "1"}]}}`), "spec.template.spec.securityContext.sysctls", "spec.template"},
		"hostPath":           {template(`{volumes: [{name: node, hostPath: {path: /}}]}`), "spec.template.spec.volumes[node].hostPath", "spec.template"},
		"hostPort":           {template(`{containers: [{name: x, image: x, ports: [{containerPort: 80, hostPort: 80}]}]}`), "spec.template.spec.containers[x].ports[80].hostPort", "spec.template"},
		"privileged":         {template(`{containers: [{name: x, image: x, securityContext: {privileged: true}}]}`), "spec.template.spec.containers[x].securityContext.privileged", "spec.template"},
		"privileged init":    {template(`{initContainers: [{name: x, image: x, securityContext: {privileged: true}}]}`), "spec.template.spec.initContainers[x].securityContext.privileged", "spec.template"},
		"escalation":         {template(`{containers: [{name: bot, securityContext: {allowPrivilegeEscalation: true}}]}`), "spec.template.spec.containers[bot].securityContext.allowPrivilegeEscalation", "spec.template"},
		"capabilities":       {template(`{containers: [{name: x, image: x, securityContext: {capabilities: {add: [NET_ADMIN]}}}]}`), "spec.template.spec.containers[x].securityContext.capabilities.add", "spec.template"},
		"procMount":          {template(`{containers: [{name: x, image: x, securityContext: {procMount: Unmasked}}]}`), "spec.template.spec.containers[x].securityContext.procMount", "spec.template"},
		"without seccomp":    {template(`{containers: [{name: x, image: x, securityContext: {seccompProfile: {type: Unconfined}}}]}`), "spec.template.spec.containers[x].securityContext.seccompProfile", "spec.template"},
		"pod, no seccomp":    {template(`{securityContext: {seccompProfile: {type: Unconfined}}}`), "spec.template.spec.securityContext.seccompProfile", "spec.template"},
		"no AppArmor":        {template(`{containers: [{name: x, image: x, securityContext: {appArmorProfile: {type: Unconfined}}}]}`), "spec.template.spec.containers[x].securityContext.appArmorProfile", "spec.template"},
		"pod, no AppArmor":   {template(`{securityContext: {appArmorProfile: {type: Unconfined}}}`), "spec.template.spec.securityContext.appArmorProfile", "spec.template"},
		"AppArmor, old form": {annotated("container.apparmor.security.beta.kubernetes.io/bot"), "spec.template.metadata.annotations[container.apparmor.security.beta.kubernetes.io/bot]", "spec.template"},
		"an annotation":      {annotated("example.com/x"), "", "spec.template"},
		"SELinux":            {template(`{initContainers: [{name: x, image: x, securityContext: {seLinuxOptions: {type: spc_t}}}]}`), "spec.template.spec.initContainers[x].securityContext.seLinuxOptions", "spec.template"},
		"pod, SELinux":       {template(`{securityContext: {seLinuxOptions: {level: s0}}}`), "spec.template.spec.securityContext.seLinuxOptions", "spec.template"},
		"Windows host":       {template(`{securityContext: {windowsOptions: {hostProcess: true}}}`), "spec.template.spec.securityContext.windowsOptions", "spec.template"},
		"sidecar's command":  {template(`{containers: [{name: logic, image: x, command: [sh], args: [x]}], initContainers: [{name: first, image: x, command: [sh]}]}`), "", "spec.template"},
		"another command":    {template(`{containers: [{name: bot, command: [sh]}]}`), "spec.template.spec.containers[bot].command", "spec.template"},
		"other arguments":    {template(`{containers: [{name: bot, args: [backup]}]}`), "spec.template.spec.containers[bot].args", "spec.template"},
		"dropped privileges": {template(`{containers: [{name: x, image: x, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]}`), "", "spec.template"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			for policy, want := range map[TemplatePolicy]string{"": "", TemplateAny: "", TemplateSafe: c.safe, TemplateNone: c.none} {
				limited := options
				limited.TemplatePolicy = policy
				_, err := BuildPod(newSession("shop", c.spec), limited)
				switch {
				case want == "" && err != nil:
					t.Errorf("policy %q refuses it: %v", policy, err)
				case want != "" && err == nil:
					t.Errorf("policy %q accepts it, want %s refused", policy, want)
				case want != "" && (!strings.HasPrefix(err.Error(), want+": Forbidden") || !strings.Contains(err.Error(), "--template-policy="+string(policy))):
					t.Errorf("policy %q: message %q, want it to begin with %s and to name the flag", policy, err, want)
				}
			}
		})
	}
}

func template(spec string) v1alpha1.WhatsAppSessionSpec {
	return withTemplate(spec).Spec
}

func annotated(name string) v1alpha1.WhatsAppSessionSpec {
	return v1alpha1.WhatsAppSessionSpec{Template: &v1alpha1.PodTemplate{Metadata: v1alpha1.PodTemplateMetadata{Annotations: map[string]string{name: "unconfined"}}}}
}

func TestParseTemplatePolicy(t *testing.T) {
	for _, name := range []string{"any", "safe", "none"} {
		if policy, err := ParseTemplatePolicy(name); err != nil || string(policy) != name {
			t.Errorf("ParseTemplatePolicy(%q) = %q, %v", name, policy, err)
		}
	}
	for _, name := range []string{"", "Any", "all"} {
		if _, err := ParseTemplatePolicy(name); err == nil {
			t.Errorf("ParseTemplatePolicy(%q) succeeds", name)
		}
	}
}

// TestTemplateIsBounded: a template of any size costs the operator less than the longest that is accepted.
func TestTemplateIsBounded(t *testing.T) {
	variables := func(count, length int) string {
		var list strings.Builder
		for i := range count {
			fmt.Fprintf(&list, "{name: V%d, value: %q},", i, strings.Repeat("x", length))
		}
		return `{containers: [{name: bot, env: [` + list.String() + `]}]}`
	}
	cases := map[string]struct {
		spec string
		want string
	}{
		"many items":            {variables(maxTemplateItems, 0), "spec.template.spec: Too many: 501: must have at most 500 items"},
		"as many as allowed":    {variables(maxTemplateItems-1, 0), ""},
		"long":                  {variables(70, 1<<10), "spec.template.spec: Too long: may not be more than 65536 bytes"},
		"nested lists":          {`{x: [` + strings.Repeat(`[`, 600) + strings.Repeat(`]`, 600) + `]}`, "Too many"},
		"a hundred times that":  {variables(20000, 0), "Too long"},
		"items in several maps": {`{containers: [{name: a, args: [` + strings.Repeat("x,", 300) + `]}, {name: b, args: [` + strings.Repeat("x,", 300) + `]}]}`, "Too many: 602"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			session := withTemplate(c.spec)
			began := time.Now()
			_, err := BuildPod(session, options)
			t.Logf("%d bytes took %s", len(session.Spec.Template.Spec.Raw), time.Since(began))
			if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("BuildPod: %v, want %q", err, c.want)
			}
		})
	}
}

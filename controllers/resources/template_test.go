package resources

import (
	"encoding/json"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

func withTemplate(spec string) *v1alpha1.WhatsAppSession {
	return newSession("shop", v1alpha1.WhatsAppSessionSpec{Template: &v1alpha1.PodTemplate{Spec: raw(spec)}})
}

// TestTemplateRefused: no template removes what keeps a session safe, and the message names the field.
func TestTemplateRefused(t *testing.T) {
	cases := map[string]struct {
		spec string
		want string
	}{
		"unknown field":              {`{containerz: []}`, `spec.template.spec is not a pod's spec: unknown field "containerz"`},
		"unknown field deep down":    {`{containers: [{name: bot, resources: {limit: {}}}]}`, `unknown field "containers[0].resources.limit"`},
		"wrong type":                 {`{nodeSelector: ssd}`, `spec.template.spec`},
		"number for a string":        {`{containers: [{name: bot, env: [{name: LOG_LEVEL, value: 1}]}]}`, `spec.template.spec is not a pod's spec`},
		"name is a list":             {`{volumes: [{name: []}]}`, `spec.template.spec is not a pod's spec`},
		"a merge that panics":        {`{$retainKeys: [[]]}`, `spec.template.spec cannot be merged: the strategic merge patch is malformed`},
		"a container that is null":   {`{containers: [null]}`, `spec.template.spec.containers[0]: Invalid value: null: must not be null`},
		"a variable that is null":    {`{containers: [{name: bot, env: [{name: A, value: x}, null]}]}`, `spec.template.spec.containers[0].env[1]: Invalid value: null`},
		"a null in a plain list":     {`{initContainers: [{name: a, image: a, args: [null]}]}`, `spec.template.spec.initContainers[0].args[0]: Invalid value: null`},
		"container without name":     {`{containers: [{image: x}]}`, `spec.template.spec cannot be merged`},
		"restartPolicy":              {`{restartPolicy: Never}`, `spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"`},
		"restartPolicy unset":        {`{restartPolicy: null}`, `spec.template.spec.restartPolicy`},
		"hostNetwork":                {`{hostNetwork: true}`, `spec.template.spec.hostNetwork`},
		"no grace":                   {`{terminationGracePeriodSeconds: 0}`, `spec.template.spec.terminationGracePeriodSeconds: Invalid value: 0: must be at least 10`},
		"a deadline":                 {`{activeDeadlineSeconds: 3600}`, `spec.template.spec.activeDeadlineSeconds: Forbidden: would end the bot again and again`},
		"grace unset":                {`{terminationGracePeriodSeconds: null}`, `spec.template.spec.terminationGracePeriodSeconds`},
		"bot deleted":                {`{containers: [{name: bot, $patch: delete}, {name: mine, image: x}]}`, `spec.template.spec.containers[bot]: Required`},
		"containers replaced":        {`{containers: [{$patch: replace}, {name: mine, image: x}]}`, `spec.template.spec.containers[bot]: Required`},
		"containers unset":           {`{containers: null}`, `spec.template.spec.containers[bot]: Required`},
		"bot's image":                {`{containers: [{name: bot, image: mine}]}`, `spec.template.spec.containers[bot].image: Forbidden: is set by spec.image`},
		"bot's variable":             {`{containers: [{name: bot, env: [{name: AUTH_PATH, value: /tmp}]}]}`, `spec.template.spec.containers[bot].env[AUTH_PATH]: Forbidden`},
		"bot's variable deleted":     {`{containers: [{name: bot, env: [{name: INSTANCE_ID, $patch: delete}]}]}`, `spec.template.spec.containers[bot].env[INSTANCE_ID]: Forbidden`},
		"bot's variables gone":       {`{containers: [{name: bot, env: null}]}`, `spec.template.spec.containers[bot].env[CLIENT_ID]: Forbidden`},
		"webhook in the environment": {`{containers: [{name: bot, env: [{name: WEBHOOK_URL, value: "https://a.example"}]}]}`, `env[WEBHOOK_URL]: Forbidden: use spec.webhooks`},
		"messages off":               {`{containers: [{name: bot, env: [{name: MESSAGES, value: "off"}]}]}`, `env[MESSAGES]: Forbidden: use spec.messages.enabled`},
		"a webhook of WAHA's":        {`{containers: [{name: bot, env: [{name: WHATSAPP_HOOK_URL, value: "https://a.example"}]}]}`, `env[WHATSAPP_HOOK_URL]: Forbidden: use spec.webhooks with format: waha`},
		"codes in the log":           {`{containers: [{name: bot, env: [{name: TERMINAL_QR, value: "on"}]}]}`, `env[TERMINAL_QR]: Forbidden: the bot would write its QR codes to the pod's log`},
		"a pace that is not heeded":  {`{containers: [{name: bot, env: [{name: MESSAGES_PACE, value: "5"}]}]}`, `env[MESSAGES_PACE]: Forbidden: use spec.messages.pace.perMinute`},
		"another file of webhooks":   {`{containers: [{name: bot, env: [{name: WEBHOOKS_FILE, value: /tmp/x}]}]}`, `env[WEBHOOKS_FILE]: Forbidden`},
		"token in the open":          {`{containers: [{name: bot, env: [{name: API_TOKEN, value: x}]}]}`, `spec.template.spec.containers[bot].env[API_TOKEN]: Forbidden`},
		"other data volume":          {`{volumes: [{name: session, persistentVolumeClaim: {claimName: other}}]}`, `spec.template.spec.volumes[session]: Forbidden: belongs to the operator and cannot be changed`},
		"data volume of memory":      {`{volumes: [{name: session, emptyDir: {}}]}`, `spec.template.spec.volumes[session]: Forbidden`},
		"data volume deleted":        {`{volumes: [{name: session, $patch: delete}]}`, `spec.template.spec.volumes[session]: Forbidden: belongs to the operator and cannot be removed`},
		"credentials replaced":       {`{volumes: [{name: credentials, secret: {secretName: other}}]}`, `spec.template.spec.volumes[credentials]: Forbidden`},
		"data not mounted":           {`{containers: [{name: bot, volumeMounts: [{mountPath: /data, $patch: delete}]}]}`, `spec.template.spec.containers[bot].volumeMounts[/data]: Forbidden`},
		"data read-only":             {`{containers: [{name: bot, volumeMounts: [{mountPath: /data, readOnly: true}]}]}`, `spec.template.spec.containers[bot].volumeMounts[/data]: Forbidden`},
		"variables twice":            {`{containers: [{name: bot, env: [{$patch: replace}` + ownEnv(t) + `, {name: CLIENT_ID, value: other}]}]}`, `spec.template.spec.containers[bot].env[CLIENT_ID]: Forbidden`},
		"another session mounted":    {`{containers: [{name: bot, volumeMounts: [{name: session, mountPath: /data/session-shop, subPath: session-other}]}]}`, `spec.template.spec.containers[bot].volumeMounts[/data/session-shop]: Forbidden`},
		"data mounted over":          {`{containers: [{name: bot, volumeMounts: [{name: session, mountPath: /data/, subPath: other}]}]}`, `spec.template.spec.containers[bot].volumeMounts[/data/]: Forbidden`},
		"unclean path into the data": {`{containers: [{name: bot, volumeMounts: [{name: tmp, mountPath: /x/../data/./y}]}]}`, `spec.template.spec.containers[bot].volumeMounts[/x/../data/./y]: Forbidden`},
		"credentials over":           {`{containers: [{name: bot, volumeMounts: [{name: tmp, mountPath: /etc/sesi/..data}]}]}`, `spec.template.spec.containers[bot].volumeMounts[/etc/sesi/..data]: Forbidden`},
		"memory without end":         {`{containers: [{name: bot, resources: {limits: {memory: "99999999999999999999e999999999"}}}]}`, `spec.template.spec: limits: the quantity has an exponent`},
		"a volume without end":       {`{volumes: [{name: x, emptyDir: {sizeLimit: "99999999999999999999e-999999999"}}]}`, `spec.template.spec: sizeLimit: the quantity has an exponent`},
		"bot never restarted":        {`{containers: [{name: bot, restartPolicy: Never}]}`, `spec.template.spec.containers[bot].restartPolicy: Forbidden`},
		"bot's restart rules":        {`{containers: [{name: bot, restartPolicyRules: [{action: Restart}]}]}`, `spec.template.spec.containers[bot].restartPolicy`},
		"a terminal":                 {`{containers: [{name: bot, tty: true}]}`, `spec.template.spec.containers[bot].tty: Forbidden: the bot would write its QR codes to the pod's log`},
		"standard input":             {`{containers: [{name: bot, stdin: true}]}`, `spec.template.spec.containers[bot].stdin: Forbidden`},
		"standard input, once":       {`{containers: [{name: bot, stdinOnce: true}]}`, `spec.template.spec.containers[bot].stdinOnce: Forbidden`},
		"data elsewhere":             {`{containers: [{name: bot, volumeMounts: [{mountPath: /data, name: tmp}]}]}`, `spec.template.spec.containers[bot].volumeMounts[/data]: Forbidden`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			pod, err := BuildPod(withTemplate(c.spec), options)
			if err == nil {
				t.Fatalf("the template was accepted:\n%s", asYAML(t, pod))
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("message %q\nlacks %q", err, c.want)
			}
		})
	}
}

// ownEnv is the operator's list of variables, as a template would have to repeat it, each after a comma.
func ownEnv(t *testing.T) string {
	t.Helper()
	var list strings.Builder
	for _, variable := range botEnv(withTemplate(`{}`)) {
		data, err := json.Marshal(variable)
		if err != nil {
			t.Fatal(err)
		}
		list.WriteString(", " + string(data))
	}
	return list.String()
}

func TestTemplateTaken(t *testing.T) {
	cases := map[string]struct {
		spec string
		want func(*corev1.Pod) bool
	}{
		"a terminal of a sidecar": {`{containers: [{name: logic, image: x, tty: true, stdin: true}]}`, func(p *corev1.Pod) bool { return len(p.Spec.Containers) == 2 }},
		"nothing":                 {`{}`, func(p *corev1.Pod) bool { return len(p.Spec.Containers) == 1 }},
		"sidecar":                 {`{containers: [{name: logic, image: x}]}`, func(p *corev1.Pod) bool { return len(p.Spec.Containers) == 2 }},
		"native sidecar":          {`{initContainers: [{name: logic, image: x, restartPolicy: Always}]}`, func(p *corev1.Pod) bool { return len(p.Spec.InitContainers) == 1 }},
		"service account":         {`{automountServiceAccountToken: true, serviceAccountName: x}`, func(p *corev1.Pod) bool { return *p.Spec.AutomountServiceAccountToken }},
		"another user": {`{securityContext: {fsGroup: 1000}}`, func(p *corev1.Pod) bool {
			return *p.Spec.SecurityContext.FSGroup == 1000 && *p.Spec.SecurityContext.RunAsNonRoot
		}},
		"longer grace":   {`{terminationGracePeriodSeconds: 60}`, func(p *corev1.Pod) bool { return *p.Spec.TerminationGracePeriodSeconds == 60 }},
		"own toleration": {`{tolerations: [{key: dedicated, operator: Exists}]}`, func(p *corev1.Pod) bool { return len(p.Spec.Tolerations) == 3 }},
		"shorter toleration": {`{tolerations: [{key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 60}]}`, func(p *corev1.Pod) bool {
			return len(p.Spec.Tolerations) == 2 && *p.Spec.Tolerations[0].TolerationSeconds == 60
		}},
		"a mount under /tmp":  {`{volumes: [{name: ca, configMap: {name: ca}}], containers: [{name: bot, volumeMounts: [{name: ca, mountPath: /tmp/ca}]}]}`, func(p *corev1.Pod) bool { return len(botOf(p).VolumeMounts) == 4 }},
		"memory limit":        {`{containers: [{name: bot, resources: {limits: {memory: 1Gi}}}]}`, func(p *corev1.Pod) bool { return env(p, envMemoryLimit) == "805306368" }},
		"no memory limit":     {`{containers: [{name: bot, resources: {limits: null}}]}`, func(p *corev1.Pod) bool { return env(p, envMemoryLimit) == "" }},
		"own GOMEMLIMIT":      {`{containers: [{name: bot, env: [{name: GOMEMLIMIT, value: 100MiB}]}]}`, func(p *corev1.Pod) bool { return env(p, envMemoryLimit) == "100MiB" }},
		"own log level":       {`{containers: [{name: bot, env: [{name: LOG_LEVEL, value: debug}]}]}`, func(p *corev1.Pod) bool { return env(p, "LOG_LEVEL") == "debug" }},
		"pull secret":         {`{imagePullSecrets: [{name: mine}]}`, func(p *corev1.Pod) bool { return p.Spec.ImagePullSecrets[0].Name == "mine" }},
		"data for a sidecar":  {`{containers: [{name: logic, image: x, volumeMounts: [{name: session, mountPath: /s, readOnly: true}]}]}`, func(p *corev1.Pod) bool { return len(p.Spec.Volumes) == 3 }},
		"further bot volumes": {`{volumes: [{name: ca, configMap: {name: ca}}], containers: [{name: bot, volumeMounts: [{name: ca, mountPath: /ca}]}]}`, func(p *corev1.Pod) bool { return len(botOf(p).VolumeMounts) == 4 }},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			pod, err := BuildPod(withTemplate(c.spec), options)
			if err != nil {
				t.Fatal(err)
			}
			if !c.want(pod) {
				t.Errorf("the pod lacks what the template asks for:\n%s", asYAML(t, pod))
			}
		})
	}
}

// TestOurLabelsWin: no template hides a pod from the operator or from its NetworkPolicy.
func TestOurLabelsWin(t *testing.T) {
	session := newSession("shop", v1alpha1.WhatsAppSessionSpec{Template: &v1alpha1.PodTemplate{
		Metadata: v1alpha1.PodTemplateMetadata{
			Labels:      map[string]string{naming.LabelSession: "other", "app.kubernetes.io/managed-by": "me", "app": "shop"},
			Annotations: map[string]string{AnnotationSpecHash: "0"},
		},
	}})
	pod, err := BuildPod(session, options)
	if err != nil {
		t.Fatal(err)
	}
	if pod.Labels[naming.LabelSession] != "shop" || pod.Labels["app.kubernetes.io/managed-by"] != "sesi" || pod.Labels["app"] != "shop" {
		t.Errorf("labels = %v", pod.Labels)
	}
	if SpecHash(pod) == "0" {
		t.Error("the template set the spec's hash")
	}
}

// env is what a variable of the bot's container has in its process: the last one of a name counts.
func env(pod *corev1.Pod, name string) (value string) {
	for _, variable := range botOf(pod).Env {
		if variable.Name == name {
			value = variable.Value
		}
	}
	return value
}

// TestPortOf: every address of a webhook gives the policy a port that the API server takes.
func TestPortOf(t *testing.T) {
	for address, want := range map[string]int32{
		"https://a.example": 443, "http://a.example/x": 80, "https://a.example:8443/": 8443, "http://[fd00::1]:81": 81, "https://a.example:0/": 443,
		"http://a.example:0": 80, "https://a.example:": 443, "https://a.example:65536/": 443, "https://a.example:-1": 443, "%": 443,
	} {
		if got := portOf(address); got != want {
			t.Errorf("portOf(%s) = %d, want %d", address, got, want)
		}
	}
}

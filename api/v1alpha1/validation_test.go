package v1alpha1_test

import (
	"context"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// TestRejected: every bad manifest is refused with a message that names the field and what is
// allowed there.
func TestRejected(t *testing.T) {
	long := func(n int) string { return strings.Repeat("a", n) }
	entries := func(n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString("k" + strings.Repeat("x", i) + ": v, ")
		}
		return "{" + b.String() + "}"
	}
	dns := "'^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$'"
	duration := "'^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$'"
	quantity := "'^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))"

	cases := map[string]struct {
		name string
		spec string
		want []string
	}{
		"name with a dot":          {name: "shop.one", spec: `{}`, want: []string{"metadata.name", "at most 60 characters of a-z, 0-9 and -"}},
		"name too long":            {name: long(61), spec: `{}`, want: []string{"metadata.name", "at most 60 characters"}},
		"name with a capital":      {name: "Shop", spec: `{}`, want: []string{"metadata.name", "lower case alphanumeric"}},
		"no spec":                  {spec: ``, want: []string{"spec: Required"}},
		"spec is a list":           {spec: `[]`, want: []string{"spec", "must be of type object"}},
		"unknown field":            {spec: `{clientID: shop}`, want: []string{`unknown field "spec.clientID"`}},
		"replicas do not exist":    {spec: `{replicas: 2}`, want: []string{`unknown field "spec.replicas"`}},
		"clientId empty":           {spec: `{clientId: ""}`, want: []string{"spec.clientId", "at least 1 chars"}},
		"clientId with a dot":      {spec: `{clientId: a.b}`, want: []string{"spec.clientId", "'^[-_A-Za-z0-9]+$'"}},
		"clientId with a slash":    {spec: `{clientId: ../b}`, want: []string{"spec.clientId", "'^[-_A-Za-z0-9]+$'"}},
		"clientId with a space":    {spec: `{clientId: "a b"}`, want: []string{"spec.clientId", "'^[-_A-Za-z0-9]+$'"}},
		"clientId with a letter ü": {spec: `{clientId: "grün"}`, want: []string{"spec.clientId", "'^[-_A-Za-z0-9]+$'"}},
		"clientId too long":        {spec: `{clientId: ` + long(65) + `}`, want: []string{"spec.clientId", "may not be more than 64"}},
		"clientId a number":        {spec: `{clientId: 628123456789}`, want: []string{"spec.clientId", "must be of type string"}},

		"authPath relative":        {spec: `{authPath: data}`, want: []string{"spec.authPath", "'^(/[-_.A-Za-z0-9]+)+$'"}},
		"authPath the root":        {spec: `{authPath: /}`, want: []string{"spec.authPath", "'^(/[-_.A-Za-z0-9]+)+$'"}},
		"authPath ends in a slash": {spec: `{authPath: /data/}`, want: []string{"spec.authPath", "'^(/[-_.A-Za-z0-9]+)+$'"}},
		"authPath with a colon":    {spec: `{authPath: "/a:b"}`, want: []string{"spec.authPath", "'^(/[-_.A-Za-z0-9]+)+$'"}},
		"authPath climbs":          {spec: `{authPath: /data/../etc}`, want: []string{"spec.authPath", "absolute path without . or .."}},
		"authPath over the bot":    {spec: `{authPath: /bot}`, want: []string{"spec.authPath", "outside of /bot, /dev, /etc"}},
		"authPath too long":        {spec: `{authPath: /` + long(200) + `}`, want: []string{"spec.authPath", "may not be more than 200"}},

		"storage empty":                {spec: `{storage: {}}`, want: []string{"spec.storage", "exactly one of claimName", "claimTemplate"}},
		"storage with both":            {spec: `{storage: {claimName: a, claimTemplate: {}}}`, want: []string{"spec.storage", "exactly one of claimName", "claimTemplate"}},
		"storage with a policy only":   {spec: `{storage: {retentionPolicy: Delete}}`, want: []string{"spec.storage", "exactly one of claimName", "claimTemplate"}},
		"claimName empty":              {spec: `{storage: {claimName: ""}}`, want: []string{"spec.storage.claimName", "at least 1 chars"}},
		"claimName with a capital":     {spec: `{storage: {claimName: Shop}}`, want: []string{"spec.storage.claimName", dns}},
		"claimName with an underscore": {spec: `{storage: {claimName: a_b}}`, want: []string{"spec.storage.claimName", dns}},
		"claimName too long":           {spec: `{storage: {claimName: ` + long(254) + `}}`, want: []string{"spec.storage.claimName", "may not be more than 253"}},
		"foreign claim deleted":        {spec: `{storage: {claimName: a, retentionPolicy: Delete}}`, want: []string{"storage.retentionPolicy", "must be Retain with claimName"}},
		"retentionPolicy unknown":      {spec: `{storage: {claimTemplate: {}, retentionPolicy: Keep}}`, want: []string{"spec.storage.retentionPolicy", `"Retain", "Delete"`}},
		"size is a word":               {spec: `{storage: {claimTemplate: {size: big}}}`, want: []string{"spec.storage.claimTemplate.size", quantity}},
		"size too small":               {spec: `{storage: {claimTemplate: {size: 1Mi}}}`, want: []string{"spec.storage.claimTemplate.size", "at least 16Mi"}},
		"size negative":                {spec: `{storage: {claimTemplate: {size: "-1Gi"}}}`, want: []string{"spec.storage.claimTemplate.size", "at least 16Mi"}},
		"size without end":             {spec: `{storage: {claimTemplate: {size: "0e100000000"}}}`, want: []string{"spec.storage.claimTemplate.size", "no exponent"}},
		"size of many digits":          {spec: `{storage: {claimTemplate: {size: "99999999999999999999e-999999999"}}}`, want: []string{"spec.storage.claimTemplate.size", "no exponent"}},
		"size without end, by E":       {spec: `{storage: {claimTemplate: {size: "0E100000000"}}}`, want: []string{"spec.storage.claimTemplate.size", "no exponent"}},
		"path of a placeholder":        {spec: `{authPath: /data/undefined}`, want: []string{"spec.authPath", "placeholder"}},
		"size a small number":          {spec: `{storage: {claimTemplate: {size: 256}}}`, want: []string{"spec.storage.claimTemplate.size", "at least 16Mi"}},
		"accessMode for many":          {spec: `{storage: {claimTemplate: {accessMode: ReadWriteMany}}}`, want: []string{"spec.storage.claimTemplate.accessMode", `"ReadWriteOncePod", "ReadWriteOnce"`}},
		"accessMode a list":            {spec: `{storage: {claimTemplate: {accessMode: [ReadWriteOnce]}}}`, want: []string{"spec.storage.claimTemplate.accessMode", "must be of type string"}},
		"storageClassName empty":       {spec: `{storage: {claimTemplate: {storageClassName: ""}}}`, want: []string{"spec.storage.claimTemplate.storageClassName", "at least 1 chars"}},
		"storageClassName of no name":  {spec: `{storage: {claimTemplate: {storageClassName: Fast_SSD}}}`, want: []string{"spec.storage.claimTemplate.storageClassName", dns}},
		"storageClassName too long":    {spec: `{storage: {claimTemplate: {storageClassName: ` + long(254) + `}}}`, want: []string{"spec.storage.claimTemplate.storageClassName", "may not be more than 253"}},
		"claim labels are ours":        {spec: `{storage: {claimTemplate: {labels: {sesi.dev/session: x}}}}`, want: []string{"spec.storage.claimTemplate.labels", "must not begin with sesi.dev/"}},
		"claim labels too many":        {spec: `{storage: {claimTemplate: {labels: ` + entries(33) + `}}}`, want: []string{"spec.storage.claimTemplate.labels", "must have at most 32 items"}},
		"claim annotations too many":   {spec: `{storage: {claimTemplate: {annotations: ` + entries(33) + `}}}`, want: []string{"spec.storage.claimTemplate.annotations", "must have at most 32 items"}},
		"claim template like a PVC":    {spec: `{storage: {claimTemplate: {spec: {}}}}`, want: []string{`unknown field "spec.storage.claimTemplate.spec"`}},

		"method unknown":               {spec: `{pairing: {method: SMS}}`, want: []string{"spec.pairing.method", `"QR", "PhoneCode"`}},
		"method in small letters":      {spec: `{pairing: {method: qr}}`, want: []string{"spec.pairing.method", `"QR", "PhoneCode"`}},
		"PhoneCode without a number":   {spec: `{pairing: {method: PhoneCode}}`, want: []string{"pairing.phoneNumber is required with method PhoneCode"}},
		"number without PhoneCode":     {spec: `{pairing: {phoneNumber: "+628123456789"}}`, want: []string{"pairing.phoneNumber is allowed only with method PhoneCode"}},
		"phoneNumber without plus":     {spec: `{pairing: {method: PhoneCode, phoneNumber: "08123456789"}}`, want: []string{"spec.pairing.phoneNumber", `'^\+[1-9][0-9]{6,14}$'`}},
		"phoneNumber with spaces":      {spec: `{pairing: {method: PhoneCode, phoneNumber: "+62 812 345"}}`, want: []string{"spec.pairing.phoneNumber", `'^\+[1-9][0-9]{6,14}$'`}},
		"phoneNumber begins with zero": {spec: `{pairing: {method: PhoneCode, phoneNumber: "+08123456789"}}`, want: []string{"spec.pairing.phoneNumber", `'^\+[1-9][0-9]{6,14}$'`}},
		"phoneNumber too long":         {spec: `{pairing: {method: PhoneCode, phoneNumber: "+1234567890123456"}}`, want: []string{"spec.pairing.phoneNumber", "may not be more than 16"}},
		"phoneNumber not quoted":       {spec: `{pairing: {method: PhoneCode, phoneNumber: 628123456789}}`, want: []string{"spec.pairing.phoneNumber", "must be of type string"}},
		"qrMaxRetries zero":            {spec: `{pairing: {qrMaxRetries: 0}}`, want: []string{"spec.pairing.qrMaxRetries", "greater than or equal to 1"}},
		"qrMaxRetries too many":        {spec: `{pairing: {qrMaxRetries: 1001}}`, want: []string{"spec.pairing.qrMaxRetries", "less than or equal to 1000"}},
		"qrMaxRetries a word":          {spec: `{pairing: {qrMaxRetries: many}}`, want: []string{"spec.pairing.qrMaxRetries", "must be of type integer"}},

		"takeover a word":        {spec: `{conflict: {takeover: "yes"}}`, want: []string{"spec.conflict.takeover", "must be of type boolean"}},
		"timeout no duration":    {spec: `{conflict: {timeout: soon}}`, want: []string{"spec.conflict.timeout", duration}},
		"timeout without a unit": {spec: `{conflict: {timeout: "10000"}}`, want: []string{"spec.conflict.timeout", duration}},
		"timeout a number":       {spec: `{conflict: {timeout: 10}}`, want: []string{"spec.conflict.timeout", "must be of type string"}},
		"timeout too short":      {spec: `{conflict: {timeout: 500ms}}`, want: []string{"spec.conflict.timeout", "from 1s to 10m"}},
		"timeout too long":       {spec: `{conflict: {timeout: 11m}}`, want: []string{"spec.conflict.timeout", "from 1s to 10m"}},
		"timeout negative":       {spec: `{conflict: {timeout: -5s}}`, want: []string{"spec.conflict.timeout", duration}},
		"timeout endless":        {spec: `{conflict: {timeout: "` + strings.Repeat("1s", 17) + `"}}`, want: []string{"spec.conflict.timeout", "may not be more than 32"}},

		"interval too short":   {spec: `{backup: {interval: 59s}}`, want: []string{"spec.backup.interval", "from 1m to 24h, or 0s"}},
		"interval too long":    {spec: `{backup: {interval: 25h}}`, want: []string{"spec.backup.interval", "from 1m to 24h, or 0s"}},
		"interval in days":     {spec: `{backup: {interval: 1d}}`, want: []string{"spec.backup.interval", duration}},
		"interval a plain nil": {spec: `{backup: {interval: "0"}}`, want: []string{"spec.backup.interval", duration}},
		"interval endless":     {spec: `{backup: {interval: "` + strings.Repeat("1m", 17) + `"}}`, want: []string{"spec.backup.interval", "may not be more than 32"}},
		"keep zero":            {spec: `{backup: {keep: 0}}`, want: []string{"spec.backup.keep", "greater than or equal to 1"}},
		"keep too many":        {spec: `{backup: {keep: 101}}`, want: []string{"spec.backup.keep", "less than or equal to 100"}},

		"proxy without a name":   {spec: `{proxySecretRef: {port: 1080}}`, want: []string{"spec.proxySecretRef.name", "Required"}},
		"proxy without a port":   {spec: `{proxySecretRef: {name: proxy}}`, want: []string{"spec.proxySecretRef.port", "Required"}},
		"proxy port zero":        {spec: `{proxySecretRef: {name: proxy, port: 0}}`, want: []string{"spec.proxySecretRef.port", "greater than or equal to 1"}},
		"proxy port too high":    {spec: `{proxySecretRef: {name: proxy, port: 65536}}`, want: []string{"spec.proxySecretRef.port", "less than or equal to 65535"}},
		"proxy key with a slash": {spec: `{proxySecretRef: {name: proxy, port: 1080, key: a/b}}`, want: []string{"spec.proxySecretRef.key", "'^[-._a-zA-Z0-9]+$'"}},
		"proxy key empty":        {spec: `{proxySecretRef: {name: proxy, port: 1080, key: ""}}`, want: []string{"spec.proxySecretRef.key", "at least 1 chars"}},
		"proxy name of no name":  {spec: `{proxySecretRef: {name: My_Proxy, port: 1080}}`, want: []string{"spec.proxySecretRef.name", dns}},
		"proxy name too long":    {spec: `{proxySecretRef: {name: ` + long(254) + `, port: 1080}}`, want: []string{"spec.proxySecretRef.name", "may not be more than 253"}},
		"proxy key too long":     {spec: `{proxySecretRef: {name: proxy, port: 1080, key: ` + long(254) + `}}`, want: []string{"spec.proxySecretRef.key", "may not be more than 253"}},
		"proxy given as a URL":   {spec: `{proxySecretRef: "socks5://p:1080"}`, want: []string{"spec.proxySecretRef", "must be of type object"}},

		"suspended a word":       {spec: `{suspended: "true"}`, want: []string{"spec.suspended", "must be of type boolean"}},
		"deletionPolicy unknown": {spec: `{deletionPolicy: Delete}`, want: []string{"spec.deletionPolicy", `"Retain", "Unlink"`}},
		"locale unknown":         {spec: `{locale: fr}`, want: []string{"spec.locale", `"id", "en"`}},
		"image empty":            {spec: `{image: ""}`, want: []string{"spec.image", "at least 1 chars"}},
		"image with a space":     {spec: `{image: "bot: latest"}`, want: []string{"spec.image", "'^[a-zA-Z0-9][-._a-zA-Z0-9/:@]*$'"}},
		"image too long":         {spec: `{image: ` + long(513) + `}`, want: []string{"spec.image", "may not be more than 512"}},

		"template with containers above":  {spec: `{template: {containers: []}}`, want: []string{`unknown field "spec.template.containers"`}},
		"template spec a list":            {spec: `{template: {spec: []}}`, want: []string{"spec.template.spec", "must be of type object"}},
		"template names the pod":          {spec: `{template: {metadata: {name: mine}}}`, want: []string{`unknown field "spec.template.metadata.name"`}},
		"template takes our label":        {spec: `{template: {metadata: {labels: {sesi.dev/session: x}}}}`, want: []string{"spec.template.metadata.labels", "must not begin with sesi.dev/"}},
		"template takes our annotation":   {spec: `{template: {metadata: {annotations: {sesi.dev/spec-hash: x}}}}`, want: []string{"spec.template.metadata.annotations", "must not begin with sesi.dev/"}},
		"template label no string":        {spec: `{template: {metadata: {labels: {tier: 1}}}}`, want: []string{"spec.template.metadata.labels.tier", "must be of type string"}},
		"template labels too many":        {spec: `{template: {metadata: {labels: ` + entries(33) + `}}}`, want: []string{"spec.template.metadata.labels", "must have at most 32 items"}},
		"template annotations too many":   {spec: `{template: {metadata: {annotations: ` + entries(33) + `}}}`, want: []string{"spec.template.metadata.annotations", "must have at most 32 items"}},
		"template annotations not object": {spec: `{template: {metadata: {annotations: [a]}}}`, want: []string{"spec.template.metadata.annotations", "must be of type object"}},
	}
	for _, used := range []string{"/bot", "/dev", "/etc", "/proc", "/run", "/sys", "/tmp", "/usr", "/var/run"} {
		c := cases["authPath over the bot"]
		c.spec = `{authPath: ` + used + `/sesi}`
		cases["authPath in "+used] = c
	}
	if len(cases) < 60 {
		t.Fatalf("%d bad manifests, want at least 60", len(cases))
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if c.name == "" {
				c.name = "shop"
			}
			err := strict().Create(t.Context(), session(t, c.name, c.spec), client.DryRunAll)
			wantMessage(t, err, c.want)
		})
	}
}

// TestRejectedChange: fields that identify the session cannot be edited.
func TestRejectedChange(t *testing.T) {
	cases := map[string]struct {
		before, after string
		want          []string
	}{
		"another clientId":           {`{clientId: a}`, `{clientId: b}`, []string{"spec.clientId", "cannot change", "another WhatsAppSession"}},
		"clientId taken away":        {`{clientId: a}`, `{}`, []string{"spec.clientId", "cannot change"}},
		"clientId added":             {`{}`, `{clientId: b}`, []string{"spec.clientId", "cannot change"}},
		"another claim":              {`{storage: {claimName: a}}`, `{storage: {claimName: b}}`, []string{"storage.claimName cannot change", "another WhatsAppSession"}},
		"claim to template":          {`{storage: {claimName: a}}`, `{storage: {claimTemplate: {}}}`, []string{"storage.claimName cannot change"}},
		"claim to default":           {`{storage: {claimName: a}}`, `{}`, []string{"storage.claimName cannot change"}},
		"template to claim":          {`{}`, `{storage: {claimName: a}}`, []string{"storage.claimName cannot change"}},
		"template made larger":       {`{}`, `{storage: {claimTemplate: {size: 1Gi}}}`, []string{"storage.claimTemplate cannot change", "edit the PersistentVolumeClaim"}},
		"template made smaller":      {`{}`, `{storage: {claimTemplate: {size: 128Mi}}}`, []string{"storage.claimTemplate cannot change"}},
		"template of a class":        {`{}`, `{storage: {claimTemplate: {storageClassName: fast}}}`, []string{"storage.claimTemplate cannot change"}},
		"template without a class":   {`{storage: {claimTemplate: {storageClassName: fast}}}`, `{storage: {claimTemplate: {}}}`, []string{"storage.claimTemplate cannot change"}},
		"template of another class":  {`{storage: {claimTemplate: {storageClassName: fast}}}`, `{storage: {claimTemplate: {storageClassName: slow}}}`, []string{"storage.claimTemplate cannot change"}},
		"template with a label":      {`{}`, `{storage: {claimTemplate: {labels: {a: b}}}}`, []string{"storage.claimTemplate cannot change"}},
		"template without a label":   {`{storage: {claimTemplate: {labels: {a: b}}}}`, `{storage: {claimTemplate: {}}}`, []string{"storage.claimTemplate cannot change"}},
		"template's label":           {`{storage: {claimTemplate: {labels: {a: b}}}}`, `{storage: {claimTemplate: {labels: {a: c}}}}`, []string{"storage.claimTemplate cannot change"}},
		"template, an annotation":    {`{}`, `{storage: {claimTemplate: {annotations: {a: b}}}}`, []string{"storage.claimTemplate cannot change"}},
		"template, none any more":    {`{storage: {claimTemplate: {annotations: {a: b}}}}`, `{storage: {claimTemplate: {}}}`, []string{"storage.claimTemplate cannot change"}},
		"template, size without end": {`{}`, `{storage: {claimTemplate: {size: "0e100000000"}}}`, []string{"storage.claimTemplate.size", "no exponent"}},
		"template, so by E":          {`{}`, `{storage: {claimTemplate: {size: "0E100000000"}}}`, []string{"storage.claimTemplate.size", "no exponent"}},
		"template's annotation":      {`{storage: {claimTemplate: {annotations: {a: b}}}}`, `{storage: {claimTemplate: {annotations: {a: c}}}}`, []string{"storage.claimTemplate cannot change"}},
		"template of another mode":   {`{}`, `{storage: {claimTemplate: {accessMode: ReadWriteOnce}}}`, []string{"storage.claimTemplate cannot change"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			wantMessage(t, change(t, c.before, c.after), c.want)
		})
	}
}

func TestAcceptedChange(t *testing.T) {
	cases := map[string]struct{ before, after string }{
		"the name as clientId":    {`{}`, `{clientId: shop}`},
		"suspended":               {`{}`, `{suspended: true}`},
		"retention of a template": {`{}`, `{storage: {claimTemplate: {}, retentionPolicy: Delete}}`},
		"an equal size":           {`{}`, `{storage: {claimTemplate: {size: 0.25Gi}}}`},
		"an equal size in bytes":  {`{}`, `{storage: {claimTemplate: {size: 268435456}}}`},
		"an equal size in kibi":   {`{storage: {claimTemplate: {size: 1Gi}}}`, `{storage: {claimTemplate: {size: 1048576Ki}}}`},
		"authPath":                {`{}`, `{authPath: /srv/session}`},
		"another way to pair":     {`{}`, `{pairing: {method: PhoneCode, phoneNumber: "+628123456789"}}`},
		"a template":              {`{}`, `{template: {spec: {nodeSelector: {disk: ssd}}}}`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if err := change(t, c.before, c.after); err != nil {
				t.Fatalf("the change was refused: %v", err)
			}
		})
	}
}

func TestAccepted(t *testing.T) {
	cases := map[string]struct{ name, spec string }{
		"nothing at all":             {"shop", `{}`},
		"named like a phone number":  {"628123456789", `{}`},
		"longest name":               {strings.Repeat("a", 60), `{}`},
		"clientId of every kind":     {"shop", `{clientId: -_aZ09}`},
		"longest clientId":           {"shop", `{clientId: ` + strings.Repeat("a", 64) + `}`},
		"authPath in a folder":       {"shop", `{authPath: /data/.wwebjs_auth}`},
		"authPath like a taken one":  {"shop", `{authPath: /etcetera}`},
		"existing claim":             {"shop", `{storage: {claimName: my-claim.v2}}`},
		"template with everything":   {"shop", `{storage: {retentionPolicy: Delete, claimTemplate: {size: 1Gi, accessMode: ReadWriteOnce, storageClassName: fast, labels: {a: b}, annotations: {c: d}}}}`},
		"size as a number":           {"shop", `{storage: {claimTemplate: {size: 268435456}}}`},
		"phone code":                 {"shop", `{pairing: {method: PhoneCode, phoneNumber: "+628123456789", qrMaxRetries: 1000}}`},
		"no takeover":                {"shop", `{conflict: {takeover: false, timeout: 1m30s}}`},
		"no backups":                 {"shop", `{backup: {interval: 0s, keep: 1}}`},
		"fractions of a minute":      {"shop", `{backup: {interval: 1.5m}}`},
		"proxy":                      {"shop", `{proxySecretRef: {name: proxy.example, key: PROXY_URL, port: 65535}}`},
		"unlink, English, own image": {"shop", `{deletionPolicy: Unlink, locale: en, image: "registry.example:5000/a/bot:1@sha256:00"}`},
		"sidecar":                    {"shop", `{template: {metadata: {labels: {app: shop}, annotations: {x/y: z}}, spec: {containers: [{name: logic, image: logic}], "$patch": merge}}}`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if err := strict().Create(t.Context(), session(t, c.name, c.spec), client.DryRunAll); err != nil {
				t.Fatalf("the manifest was refused: %v", err)
			}
		})
	}
}

// TestTemplateIsKept: the API server prunes nothing of a pod template, not even unknown fields.
func TestTemplateIsKept(t *testing.T) {
	object := session(t, "shop", `{template: {spec: {containers: [{name: bot, $patch: delete}], fieldOfTheFuture: {a: 1}}}}`)
	want, _, _ := unstructured.NestedMap(object.Object, "spec", "template", "spec")
	if err := api.Create(t.Context(), object, client.DryRunAll); err != nil {
		t.Fatal(err)
	}
	got, _, _ := unstructured.NestedMap(object.Object, "spec", "template", "spec")
	if asYAML(t, got) != asYAML(t, want) {
		t.Errorf("template became\n%s\nwant\n%s", asYAML(t, got), asYAML(t, want))
	}
}

// strict refuses unknown fields, as kubectl does.
func strict() client.Client { return client.WithFieldValidation(api, metav1.FieldValidationStrict) }

// change creates a session, changes its spec, and returns what the API server says to that.
func change(t *testing.T, before, after string) error {
	t.Helper()
	object := session(t, "shop", before)
	if err := strict().Create(t.Context(), object); err != nil {
		t.Fatalf("creating the session: %v", err)
	}
	t.Cleanup(func() {
		if err := api.Delete(context.WithoutCancel(t.Context()), session(t, "shop", `{}`)); err != nil {
			t.Errorf("deleting the session: %v", err)
		}
	})
	object.Object["spec"] = session(t, "shop", after).Object["spec"]
	return strict().Update(t.Context(), object)
}

// session is unstructured, so that a manifest can be as wrong as a person makes it.
func session(t *testing.T, name, spec string) *unstructured.Unstructured {
	t.Helper()
	manifest := "apiVersion: sesi.dev/v1alpha1\nkind: WhatsAppSession\nmetadata: {name: " + asString(name) +
		", namespace: default}\n"
	if spec != "" {
		manifest += "spec: " + spec + "\n"
	}
	object := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(manifest), &object.Object); err != nil {
		t.Fatalf("the test's manifest is no YAML: %v\n%s", err, manifest)
	}
	return object
}

func asString(name string) string { return `"` + name + `"` }

func asYAML(t *testing.T, value any) string {
	t.Helper()
	data, err := yaml.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func wantMessage(t *testing.T, err error, want []string) {
	t.Helper()
	if err == nil {
		t.Fatalf("was accepted, want a message with %q", want)
	}
	for _, part := range want {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("message %q\nlacks %q", err, part)
		}
	}
}

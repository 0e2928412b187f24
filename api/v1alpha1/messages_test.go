package v1alpha1_test

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"sesi.dev/sesi/api/bot"
)

// TestRejectedMessages: a wrong webhook, or a wrong setting of messages, is refused with a message that names the field
// and what is allowed there.
func TestRejectedMessages(t *testing.T) {
	hook := func(rest string) string { return `{webhooks: [{name: a, url: "https://a.example/x"` + rest + `}]}` }
	with := func(url string) string { return `{webhooks: [{name: a, url: "` + url + `"}]}` }
	pods := func(to string) string { return hook(`, to: ` + to) }
	dns := "'^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$'"
	duration := "'^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$'"
	media := func(rest string) string { return `{messages: {media: {` + rest + `}}}` }
	many := func(n int, entry string) string { return strings.Repeat(entry+", ", n) }
	long := func(n int) string { return strings.Repeat("a", n) }

	cases := map[string]struct {
		spec string
		want []string
	}{
		"webhooks an object":      {`{webhooks: {}}`, []string{"spec.webhooks", "must be of type array"}},
		"webhook without a name":  {`{webhooks: [{url: "https://a.example"}]}`, []string{"spec.webhooks[0].name", "Required"}},
		"webhook without a url":   {`{webhooks: [{name: a}]}`, []string{"spec.webhooks[0].url", "Required"}},
		"webhook twice":           {`{webhooks: [{name: a, url: "https://a.example"}, {name: a, url: "https://b.example"}]}`, []string{"spec.webhooks[1]", "Duplicate value", `"name":"a"`}},
		"webhooks too many":       {`{webhooks: [` + manyHooks(17) + `]}`, []string{"spec.webhooks", "must have at most 16 items"}},
		"name with a capital":     {`{webhooks: [{name: Orders, url: "https://a.example"}]}`, []string{"spec.webhooks[0].name", "'^[a-z0-9]([-a-z0-9]*[a-z0-9])?$'"}},
		"name with a dot":         {`{webhooks: [{name: a.b, url: "https://a.example"}]}`, []string{"spec.webhooks[0].name", "'^[a-z0-9]"}},
		"name too long":           {`{webhooks: [{name: ` + strings.Repeat("a", 64) + `, url: "https://a.example"}]}`, []string{"spec.webhooks[0].name", "may not be more than 63"}},
		"url without a scheme":    {with("a.example/x"), []string{"spec.webhooks[0].url", "'^[Hh][Tt][Tt][Pp][Ss]?://"}},
		"url of another scheme":   {with("ftp://a.example"), []string{"spec.webhooks[0].url", "'^[Hh][Tt][Tt][Pp][Ss]?://"}},
		"url without a host":      {with("https:///x"), []string{"spec.webhooks[0].url", "'^[Hh][Tt][Tt][Pp][Ss]?://"}},
		"url with a password":     {with("https://u:p@a.example/x"), []string{"spec.webhooks[0].url", "'^[Hh][Tt][Tt][Pp][Ss]?://"}},
		"url with a fragment":     {with("https://a.example/x#y"), []string{"spec.webhooks[0].url", "'^[Hh][Tt][Tt][Pp][Ss]?://"}},
		"url with a space":        {with("https://a.example/x y"), []string{"spec.webhooks[0].url", "'^[Hh][Tt][Tt][Pp][Ss]?://"}},
		"url with a bad port":     {with("https://a.example:port/"), []string{"spec.webhooks[0].url", "such as https://example.com/hook"}},
		"url with a bad escape":   {with("https://a.example/%zz"), []string{"spec.webhooks[0].url", "such as https://example.com/hook"}},
		"url too long":            {with("https://a.example/" + strings.Repeat("a", 1024)), []string{"spec.webhooks[0].url", "may not be more than 1024"}},
		"events a word":           {hook(`, events: message`), []string{"spec.webhooks[0].events", "must be of type array"}},
		"event unknown":           {hook(`, events: [messages]`), []string{"spec.webhooks[0].events[0]", `"message", "message.ack"`}},
		"event of WAHA":           {hook(`, events: [message.any]`), []string{"spec.webhooks[0].events", "need format: waha"}},
		"event not of WAHA":       {hook(`, format: waha, events: [message.sent]`), []string{"spec.webhooks[0].events", "WAHA's names, such as message.any"}},
		"format unknown":          {hook(`, format: n8n`), []string{"spec.webhooks[0].format", `"sesi", "waha"`}},
		"event twice":             {hook(`, events: [message, message]`), []string{"spec.webhooks[0].events[1]", "Duplicate value"}},
		"filter unknown":          {hook(`, filters: {group: false}`), []string{`unknown field "spec.webhooks[0].filters.group"`}},
		"chat by its name":        {hook(`, filters: {chats: [Mama]}`), []string{"spec.webhooks[0].filters.chats[0]", "g\\.us"}},
		"chat with spaces":        {hook(`, filters: {chats: ["+62 812 345 678"]}`), []string{"spec.webhooks[0].filters.chats[0]", "g\\.us"}},
		"chat too short":          {hook(`, filters: {chats: ["110"]}`), []string{"spec.webhooks[0].filters.chats[0]", "g\\.us"}},
		"chats too many":          {hook(`, filters: {chats: [` + manyChats(65) + `]}`), []string{"spec.webhooks[0].filters.chats", "must have at most 64 items"}},
		"chat twice":              {hook(`, filters: {chats: ["12345@lid", "12345@lid"]}`), []string{"spec.webhooks[0].filters.chats[1]", "Duplicate value"}},
		"groups a word":           {hook(`, filters: {groups: none}`), []string{"spec.webhooks[0].filters.groups", "must be of type boolean"}},
		"secret in the spec":      {hook(`, secret: 0123456789abcdef`), []string{`unknown field "spec.webhooks[0].secret"`}},
		"headers in the spec":     {hook(`, headers: {Authorization: x}`), []string{`unknown field "spec.webhooks[0].headers"`}},
		"secretRef without name":  {hook(`, secretRef: {key: secret}`), []string{"spec.webhooks[0].secretRef.name", "Required"}},
		"secretRef of no name":    {hook(`, secretRef: {name: My_Secret}`), []string{"spec.webhooks[0].secretRef.name", dns}},
		"secretRef name too long": {hook(`, secretRef: {name: ` + long(254) + `}`), []string{"spec.webhooks[0].secretRef.name", "may not be more than 253"}},
		"secretRef key too long":  {hook(`, secretRef: {name: a, key: ` + long(254) + `}`), []string{"spec.webhooks[0].secretRef.key", "may not be more than 253"}},
		"secretRef a bad key":     {hook(`, secretRef: {name: a, key: a/b}`), []string{"spec.webhooks[0].secretRef.key", "'^[-._a-zA-Z0-9]+$'"}},
		"secretRef elsewhere":     {hook(`, secretRef: {name: a, namespace: b}`), []string{`unknown field "spec.webhooks[0].secretRef.namespace"`}},
		"headers without a name":  {hook(`, headersSecretRef: {}`), []string{"spec.webhooks[0].headersSecretRef.name", "Required"}},
		"headers of no name":      {hook(`, headersSecretRef: {name: My_Secret}`), []string{"spec.webhooks[0].headersSecretRef.name", dns}},
		"headers name too long":   {hook(`, headersSecretRef: {name: ` + long(254) + `}`), []string{"spec.webhooks[0].headersSecretRef.name", "may not be more than 253"}},
		"order unknown":           {hook(`, order: strict`), []string{"spec.webhooks[0].order", `"chat", "session"`}},
		"patience no duration":    {hook(`, patience: forever`), []string{"spec.webhooks[0].patience", duration}},
		"patience in days":        {hook(`, patience: 3d`), []string{"spec.webhooks[0].patience", duration}},
		"patience too short":      {hook(`, patience: 30s`), []string{"spec.webhooks[0].patience", "from 1m to 168h"}},
		"patience too long":       {hook(`, patience: 169h`), []string{"spec.webhooks[0].patience", "from 1m to 168h"}},
		"patience endless":        {hook(`, patience: ` + strings.Repeat("1m", 17)), []string{"spec.webhooks[0].patience", "may not be more than 32"}},
		"to without pods":         {pods(`{namespace: shop}`), []string{"spec.webhooks[0].to.podSelector", "Required"}},
		"to any pod":              {pods(`{podSelector: {}}`), []string{"spec.webhooks[0].to.podSelector.matchLabels", "Required"}},
		"to no label":             {pods(`{podSelector: {matchLabels: {}}}`), []string{"spec.webhooks[0].to.podSelector.matchLabels", "at least 1 properties"}},
		"to a bad label":          {pods(`{podSelector: {matchLabels: {"-app": hooks}}}`), []string{"spec.webhooks[0].to.podSelector.matchLabels", "labels of pods"}},
		"to a bad value":          {pods(`{podSelector: {matchLabels: {app: "my hooks"}}}`), []string{"spec.webhooks[0].to.podSelector.matchLabels.app", "should match"}},
		"to a long value":         {pods(`{podSelector: {matchLabels: {app: ` + long(64) + `}}}`), []string{"spec.webhooks[0].to.podSelector.matchLabels.app", "may not be more than 63"}},
		"to too many labels":      {pods(`{podSelector: {matchLabels: {` + manyLabels(9) + `}}}`), []string{"spec.webhooks[0].to.podSelector.matchLabels", "at most 8"}},
		"to expressions":          {pods(`{podSelector: {matchExpressions: []}}`), []string{`unknown field "spec.webhooks[0].to.podSelector.matchExpressions"`}},
		"to a bad namespace":      {pods(`{namespace: My.Space, podSelector: {matchLabels: {app: a}}}`), []string{"spec.webhooks[0].to.namespace", "'^[a-z0-9]"}},
		"to a long namespace":     {pods(`{namespace: ` + long(64) + `, podSelector: {matchLabels: {app: a}}}`), []string{"spec.webhooks[0].to.namespace", "may not be more than 63"}},
		"webhooks, messages off":  {`{messages: {enabled: false}, webhooks: [{name: a, url: "https://a.example"}]}`, []string{"spec.webhooks", "webhooks need messages"}},
		"messages a word":         {`{messages: off}`, []string{"spec.messages", "must be of type object"}},
		"enabled a word":          {`{messages: {enabled: "on"}}`, []string{"spec.messages.enabled", "must be of type boolean"}},
		"retention too short":     {`{messages: {retention: 30m}}`, []string{"spec.messages.retention", "from 1h to 8760h"}},
		"retention too long":      {`{messages: {retention: 8761h}}`, []string{"spec.messages.retention", "from 1h to 8760h"}},
		"retention in days":       {`{messages: {retention: 7d}}`, []string{"spec.messages.retention", duration}},
		"retention endless":       {`{messages: {retention: ` + strings.Repeat("9h", 17) + `}}`, []string{"spec.messages.retention", "may not be more than 32"}},
		"maxSize too small":       {`{messages: {maxSize: 15Mi}}`, []string{"spec.messages.maxSize", "from 16Mi to 64Gi"}},
		"maxSize too large":       {`{messages: {maxSize: 65Gi}}`, []string{"spec.messages.maxSize", "from 16Mi to 64Gi"}},
		"maxSize no quantity":     {`{messages: {maxSize: 256 MB}}`, []string{"spec.messages.maxSize", "'^(\\+|-)?"}},
		"maxSize without end":     {`{messages: {maxSize: "0e100000000"}}`, []string{"spec.messages.maxSize", "no exponent"}},
		"maxSize, so by E":        {`{messages: {maxSize: "0E100000000"}}`, []string{"spec.messages.maxSize", "no exponent"}},
		"perMinute negative":      {`{messages: {pace: {perMinute: -1}}}`, []string{"spec.messages.pace.perMinute", "greater than or equal to 0"}},
		"perMinute too high":      {`{messages: {pace: {perMinute: 6001}}}`, []string{"spec.messages.pace.perMinute", "less than or equal to 6000"}},
		"burst zero":              {`{messages: {pace: {burst: 0}}}`, []string{"spec.messages.pace.burst", "greater than or equal to 1"}},
		"burst too high":          {`{messages: {pace: {burst: 1001}}}`, []string{"spec.messages.pace.burst", "less than or equal to 1000"}},
		"newChatsPerDay negative": {`{messages: {pace: {newChatsPerDay: -1}}}`, []string{"spec.messages.pace.newChatsPerDay", "greater than or equal to 0"}},
		"newChatsPerDay a word":   {`{messages: {pace: {newChatsPerDay: few}}}`, []string{"spec.messages.pace.newChatsPerDay", "must be of type integer"}},
		"newChatsPerDay too high": {`{messages: {pace: {newChatsPerDay: 10001}}}`, []string{"spec.messages.pace.newChatsPerDay", "less than or equal to 10000"}},
		"quietHours one time":     {`{messages: {pace: {quietHours: "21:00"}}}`, []string{"spec.messages.pace.quietHours", "should match"}},
		"quietHours hour 24":      {`{messages: {pace: {quietHours: "21:00-24:00"}}}`, []string{"spec.messages.pace.quietHours", "should match"}},
		"quietHours of no length": {`{messages: {pace: {quietHours: "21:00-21:00"}}}`, []string{"spec.messages.pace.quietHours", "different times"}},
		"receipts unknown":        {`{messages: {receipts: read}}`, []string{"spec.messages.receipts", "Unsupported value"}},
		"media a word":            {`{messages: {media: off}}`, []string{"spec.messages.media", "must be of type object"}},
		"media by its setting":    {`{messages: {media: {MEDIA_MAX_FILE: 8}}}`, []string{`unknown field "spec.messages.media.MEDIA_MAX_FILE"`}},
		"file too small":          {media(`maxFile: 1023Ki`), []string{"spec.messages.media.maxFile", "from 1Mi to 2Gi"}},
		"file too large":          {media(`maxFile: 3Gi, maxSize: 8Gi`), []string{"spec.messages.media.maxFile", "from 1Mi to 2Gi"}},
		"file in bytes":           {media(`maxFile: 64`), []string{"spec.messages.media.maxFile", "from 1Mi to 2Gi"}},
		"file of no size":         {media(`maxFile: large`), []string{"spec.messages.media.maxFile", "'^(\\+|-)?"}},
		"file without end":        {media(`maxFile: "0e100000000"`), []string{"spec.messages.media.maxFile", "no exponent"}},
		"file, so by E":           {media(`maxFile: "0E100000000"`), []string{"spec.messages.media.maxFile", "no exponent"}},
		"files without end":       {media(`maxSize: "0e100000000"`), []string{"spec.messages.media.maxSize", "no exponent"}},
		"files, so by E":          {media(`maxSize: "0E100000000"`), []string{"spec.messages.media.maxSize", "no exponent"}},
		"files of no size":        {media(`maxSize: large`), []string{"spec.messages.media.maxSize", "'^(\\+|-)?"}},
		"files too small":         {media(`maxFile: 1Mi, maxSize: 1Mi`), []string{"spec.messages.media.maxSize", "from 2Mi to 64Gi"}},
		"files too large":         {media(`maxSize: 65Gi`), []string{"spec.messages.media.maxSize", "from 2Mi to 64Gi"}},
		"one file alone":          {media(`maxFile: 8Mi, maxSize: 15Mi`), []string{"spec.messages.media.maxSize", "at least twice maxFile"}},
		"more than the default":   {media(`maxFile: 81Mi`), []string{"spec.messages.media.maxSize", "at least twice maxFile"}},
		"files kept too short":    {media(`retention: 59s`), []string{"spec.messages.media.retention", "from 1m to 8760h"}},
		"files kept too long":     {media(`retention: 8761h`), []string{"spec.messages.media.retention", "from 1m to 8760h"}},
		"files kept for days":     {media(`retention: 1d`), []string{"spec.messages.media.retention", duration}},
		"files kept endlessly":    {media(`retention: ` + strings.Repeat("1m", 17)), []string{"spec.messages.media.retention", "may not be more than 32"}},
		"allow a word":            {media(`allow: files.example.com`), []string{"spec.messages.media.allow", "must be of type array"}},
		"allow an address":        {media(`allow: ["https://files.example.com"]`), []string{"spec.messages.media.allow[0]", "names such as files.example.com"}},
		"allow a port":            {media(`allow: ["files.example.com:8080"]`), []string{"spec.messages.media.allow[0]", "names such as files.example.com"}},
		"allow two in one":        {media(`allow: ["a.example,b.example"]`), []string{"spec.messages.media.allow[0]", "names such as files.example.com"}},
		"allow half an address":   {media(`allow: ["10.0.0"]`), []string{"spec.messages.media.allow[0]", "CIDRs such as 10.0.0.0/8"}},
		"allow a long prefix":     {media(`allow: ["10.0.0.0/33"]`), []string{"spec.messages.media.allow[0]", "CIDRs such as 10.0.0.0/8"}},
		"allow everything":        {media(`allow: ["*"]`), []string{"spec.messages.media.allow[0]", "names such as files.example.com"}},
		"allow nothing":           {media(`allow: [""]`), []string{"spec.messages.media.allow[0]", "at least 1 chars"}},
		"allow twice":             {media(`allow: [a.example, a.example]`), []string{"spec.messages.media.allow[1]", "Duplicate value"}},
		"allow too many":          {media(`allow: [` + manySources(65) + `]`), []string{"spec.messages.media.allow", "must have at most 64 items"}},
		"timeZone with a space":   {`{messages: {pace: {timeZone: "West Indonesia"}}}`, []string{"spec.messages.pace.timeZone", "should match"}},
		"timeZone climbs":         {`{messages: {pace: {timeZone: "../etc/passwd"}}}`, []string{"spec.messages.pace.timeZone", "should match"}},
		"timeZone too long":       {`{messages: {pace: {timeZone: ` + long(65) + `}}}`, []string{"spec.messages.pace.timeZone", "may not be more than 64"}},
		"events without an end":   {hook(`, events: [` + many(33, "message") + `]`), []string{"spec.webhooks[0].events", "must have at most 32 items"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			wantMessage(t, strict().Create(t.Context(), session(t, "shop", c.spec), client.DryRunAll), c.want)
		})
	}
}

// TestAcceptedMessages: the limits themselves are allowed.
func TestAcceptedMessages(t *testing.T) {
	cases := map[string]string{
		"a webhook":          `{webhooks: [{name: a, url: "https://a.example"}]}`,
		"as many as allowed": `{webhooks: [` + manyHooks(16) + `]}`,
		"with everything": `{webhooks: [{name: a-1, url: "http://hooks.shop.svc.cluster.local:8080/x?y=z", order: session, patience: 168h,
			events: [message, message.state], filters: {chats: ["+628123456789", "628123456789", "12345@lid", "1-2@g.us"], groups: false, fromMe: false},
			secretRef: {name: a, key: b.c}, headersSecretRef: {name: b}, to: {namespace: shop, podSelector: {matchLabels: {app: hooks, example.com/tier: ""}}}}]}`,
		"WAHA's format":      `{webhooks: [{name: a, url: "https://a.example", format: waha, events: [message, message.any, session.status]}]}`,
		"an address as host": `{webhooks: [{name: a, url: "http://[2001:db8::1]:8080/"}]}`,
		"messages off":       `{messages: {enabled: false}}`,
		"off and no webhook": `{messages: {enabled: false}, webhooks: []}`,
		"every limit":        `{messages: {retention: 0s, maxSize: 64Gi, receipts: none, pace: {perMinute: 6000, burst: 1, newChatsPerDay: 10000, quietHours: "21:30-07:00", timeZone: America/Argentina/Buenos_Aires}}}`,
		"media's limits":     `{messages: {media: {maxFile: 2Gi, maxSize: 64Gi, retention: 8760h, allow: [files.example.com, .example.com, minio, 10.0.0.0/8, 192.0.2.7, "2001:db8::/32", "fd00::1"]}}}`,
		"small files":        `{messages: {media: {maxFile: 1Mi, maxSize: 2Mi, retention: 1m, allow: []}}}`,
		"an offset":          `{messages: {maxSize: 16Mi, pace: {timeZone: Etc/GMT+7}}}`,
	}
	for name, spec := range cases {
		t.Run(name, func(t *testing.T) {
			if err := strict().Create(t.Context(), session(t, "shop", spec), client.DryRunAll); err != nil {
				t.Fatalf("the manifest was refused: %v", err)
			}
		})
	}
}

// TestEventsAreTheBots: the CRD accepts every type of event that a bot delivers; the API server refuses WAHA's names of them
// without format: waha. A bot would refuse all of a
// session's webhooks for one type that it does not know.
func TestEventsAreTheBots(t *testing.T) {
	data, err := os.ReadFile("../../config/crd/sesi.dev_whatsappsessions.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal(data, &crd); err != nil {
		t.Fatal(err)
	}
	spec := crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]
	var got []string
	for _, value := range spec.Properties["webhooks"].Items.Schema.Properties["events"].Items.Schema.Enum {
		got = append(got, string(bytes.Trim(value.Raw, `"`)))
	}
	var want []string
	for _, kind := range bot.EventTypes {
		want = append(want, string(kind))
	}
	for _, kind := range want {
		if !slices.Contains(got, kind) {
			t.Errorf("the CRD does not accept the event %s, which the bot has: run make generate", kind)
		}
		object := session(t, "shop", `{webhooks: [{name: a, url: "https://a.example", events: [`+kind+`]}]}`)
		if err := strict().Create(t.Context(), object, client.DryRunAll); err != nil {
			t.Error(err)
		}
	}
}

func manyHooks(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`{name: a` + strings.Repeat("b", i) + `, url: "https://a.example"}, `)
	}
	return b.String()
}

func manyChats(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`"1` + strings.Repeat("1", i%40) + `@lid", "2` + strings.Repeat("1", i%40) + `@g.us", `)
	}
	return b.String()
}

func manyLabels(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("a" + strings.Repeat("b", i) + ": c, ")
	}
	return b.String()
}

func manySources(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("a" + strings.Repeat("b", i) + ".example, ")
	}
	return b.String()
}

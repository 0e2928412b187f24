package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Messages is what the bot does with messages, and how fast it sends. A change takes effect in the running bot, except for
// enabled, which restarts it.
type Messages struct {
	// enabled is whether the bot keeps messages, sends them and calls webhooks. When it is false, the bot only keeps the
	// session linked: it acknowledges messages and drops them. A change restarts the bot.
	// +kubebuilder:default=true
	// +optional
	Enabled *bool `json:"enabled,omitempty"`

	// retention is how long messages and events are kept on the claim: 1h to 8760h, or 0s for ten minutes. What a webhook
	// has not got yet is kept longer.
	// +kubebuilder:default="168h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]+(\\\\.[0-9]+)?(ms|s|m|h))+$') || duration(self) == duration('0s') || (duration(self) >= duration('1h') && duration(self) <= duration('8760h'))",message="retention must be a duration from 1h to 8760h, or 0s for ten minutes"
	// +optional
	Retention *metav1.Duration `json:"retention,omitempty"`

	// maxSize bounds the disk space for messages and events: 16Mi to 64Gi. When it is reached, the oldest are deleted.
	// +kubebuilder:default="128Mi"
	// +kubebuilder:validation:XValidation:rule="!string(self).contains('e') && !string(self).contains('E')",message="maxSize must have no exponent: write it like 256Mi"
	// +kubebuilder:validation:XValidation:rule="string(self).contains('e') || string(self).contains('E') || !isQuantity(string(self)) || quantity(string(self)).compareTo(quantity('16Mi')) >= 0 && quantity(string(self)).compareTo(quantity('64Gi')) <= 0",message="maxSize must be from 16Mi to 64Gi"
	// +optional
	MaxSize *resource.Quantity `json:"maxSize,omitempty"`

	// receipts is what people see of a message that the bot has: delivered shows them two ticks; none shows one tick until
	// the phone itself has the message, as when WhatsApp Web is in the background.
	// +kubebuilder:default=delivered
	// +optional
	Receipts MessageReceipts `json:"receipts,omitempty"`

	// media limits the files of messages.
	// +kubebuilder:default={}
	// +optional
	Media Media `json:"media,omitempty,omitzero"`

	// pace limits how fast the bot sends, to protect the account.
	// +kubebuilder:default={}
	// +optional
	Pace Pace `json:"pace,omitempty,omitzero"`
}

// MessageReceipts is what people see of a message that the bot has.
// +kubebuilder:validation:Enum=delivered;none
type MessageReceipts string

// The kinds of receipts.
const (
	MessageReceiptsDelivered MessageReceipts = "delivered"
	MessageReceiptsNone      MessageReceipts = "none"
)

// Media limits the files of messages: images, videos, recordings, documents and stickers.
//
// +kubebuilder:validation:XValidation:rule="!has(self.maxFile) || !has(self.maxSize) || string(self.maxFile).contains('e') || string(self.maxFile).contains('E') || string(self.maxSize).contains('e') || string(self.maxSize).contains('E') || !isQuantity(string(self.maxFile)) || !isQuantity(string(self.maxSize)) || quantity(string(self.maxSize)).compareTo(quantity(string(self.maxFile)).add(quantity(string(self.maxFile)))) >= 0",message="maxSize must be at least twice maxFile, because a file and its encrypted form are kept at once",fieldPath=".maxSize"
type Media struct {
	// maxFile is the size of the largest file that is sent or fetched: 1Mi to 2Gi.
	// +kubebuilder:default="64Mi"
	// +kubebuilder:validation:XValidation:rule="!string(self).contains('e') && !string(self).contains('E')",message="maxFile must have no exponent: write it like 256Mi"
	// +kubebuilder:validation:XValidation:rule="string(self).contains('e') || string(self).contains('E') || !isQuantity(string(self)) || quantity(string(self)).compareTo(quantity('1Mi')) >= 0 && quantity(string(self)).compareTo(quantity('2Gi')) <= 0",message="maxFile must be from 1Mi to 2Gi"
	// +optional
	MaxFile *resource.Quantity `json:"maxFile,omitempty"`

	// maxSize bounds the disk space for files, beside that for messages: 2Mi to 64Gi, and at least twice maxFile. When it
	// is reached, the files that were not read for longest are deleted; the bot gets them from WhatsApp again.
	// +kubebuilder:default="160Mi"
	// +kubebuilder:validation:XValidation:rule="!string(self).contains('e') && !string(self).contains('E')",message="maxSize must have no exponent: write it like 256Mi"
	// +kubebuilder:validation:XValidation:rule="string(self).contains('e') || string(self).contains('E') || !isQuantity(string(self)) || quantity(string(self)).compareTo(quantity('2Mi')) >= 0 && quantity(string(self)).compareTo(quantity('64Gi')) <= 0",message="maxSize must be from 2Mi to 64Gi"
	// +optional
	MaxSize *resource.Quantity `json:"maxSize,omitempty"`

	// retention is how long a file stays on the claim that nobody reads: 1m to 8760h.
	// +kubebuilder:default="24h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]+(\\\\.[0-9]+)?(ms|s|m|h))+$') || (duration(self) >= duration('1m') && duration(self) <= duration('8760h'))",message="retention must be a duration from 1m to 8760h"
	// +optional
	Retention *metav1.Duration `json:"retention,omitempty"`

	// allow lists what files may be fetched from beyond the public internet: names such as files.example.com, or
	// .example.com for all below it, addresses and CIDRs. The NetworkPolicy lets the bot reach port 443 there.
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +optional
	Allow []MediaSource `json:"allow,omitempty"`
}

// MediaSource is a name, an address or a CIDR that files may be fetched from.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=253
// +kubebuilder:validation:XValidation:rule="isIP(self) || isCIDR(self) || self.matches('^(\\\\*?\\\\.)?([A-Za-z0-9]([-_A-Za-z0-9]{0,61}[A-Za-z0-9])?\\\\.)*[A-Za-z0-9]([-_A-Za-z0-9]{0,61}[A-Za-z0-9])?\\\\.?$') && !self.matches('(^|\\\\.)(0[xX][-_0-9A-Za-z]*|[0-9]+)\\\\.?$') && !self.matches('(?i)^(\\\\*?\\\\.)?(undefined|null|none|nil|nan|true|false|change[-_]?me|https?|socks5h?)\\\\.?$')",message="allow must have names such as files.example.com or .example.com, addresses, or CIDRs such as 10.0.0.0/8"
type MediaSource string

// Pace limits how fast a bot sends.
type Pace struct {
	// perMinute is how many messages are sent in a minute, in no regular rhythm; 0 for no limit.
	// +kubebuilder:default=0
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=6000
	// +optional
	PerMinute *int32 `json:"perMinute,omitempty"`

	// burst is how many messages are sent at once before perMinute holds them back.
	// +kubebuilder:default=10
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +optional
	Burst *int32 `json:"burst,omitempty"`

	// newChatsPerDay is how many new people are written to in a day; more wait until midnight. 0 for no limit.
	// +kubebuilder:default=0
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10000
	// +optional
	NewChatsPerDay *int32 `json:"newChatsPerDay,omitempty"`

	// quietHours is the time of day at which nothing is sent, such as 21:00-07:00.
	// +kubebuilder:validation:MaxLength=11
	// +kubebuilder:validation:Pattern=`^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$`
	// +kubebuilder:validation:XValidation:rule="self.size() != 11 || self.substring(0, 5) != self.substring(6)",message="quietHours must begin and end at different times; leave it out for none"
	// +optional
	QuietHours string `json:"quietHours,omitempty"`

	// timeZone is the time zone of quietHours and of the day that newChatsPerDay counts, such as Asia/Jakarta.
	// +kubebuilder:default=UTC
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Za-z][-+_A-Za-z0-9]*(/[A-Za-z][-+_A-Za-z0-9]*)*$`
	// +optional
	TimeZone string `json:"timeZone,omitempty"`
}

// Webhook is a target that the bot delivers events to: each at least once, in order within a chat.
//
// +kubebuilder:validation:XValidation:rule="has(self.format) && self.format == 'waha' || !has(self.events) || self.events.all(e, e in ['account.limits','appointment','call','chat','contact','contact.number','group','label','message','message.edited','message.pinned','message.revoked','message.sent','message.state','message.undecryptable','poll','presence','reaction','session'])",message="events must be the bot's own types, such as message.sent; WAHA's names need format: waha",fieldPath=".events"
// +kubebuilder:validation:XValidation:rule="!has(self.format) || self.format != 'waha' || !has(self.events) || self.events.all(e, e in ['call.accepted','call.received','call.rejected','chat.archive','engine.event','event.response','event.response.failed','group.join','group.leave','group.v2.join','group.v2.leave','group.v2.participants','group.v2.update','label.chat.added','label.chat.deleted','label.deleted','label.upsert','message','message.ack','message.ack.group','message.any','message.edited','message.reaction','message.revoked','message.waiting','poll.vote','poll.vote.failed','presence.update','session.status','state.change'])",message="events must be WAHA's names, such as message.any, with format: waha",fieldPath=".events"
type Webhook struct {
	// name of the webhook: small letters, digits and hyphens. A webhook of a new name gets the events from then on; in a
	// new session it gets every event.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +required
	Name string `json:"name,omitempty"`

	// url that the events are sent to, such as https://example.com/hook, or http://hooks.shop.svc/events with to.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:Pattern=`^[Hh][Tt][Tt][Pp][Ss]?://([A-Za-z0-9]([-_A-Za-z0-9]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([-_A-Za-z0-9]{0,61}[A-Za-z0-9])?)*\.?|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?([/?]([!%-;=?-\[\]_a-z~]*[!%&(-+\--:=?-\[\]_a-z~])?)?$`
	// +kubebuilder:validation:XValidation:rule="!self.matches('^[Hh][Tt][Tt][Pp][Ss]?://[^ ]+$') || isURL(self) && url(self).getHostname() != '' && self.split('?')[0].split('/')[2].size() <= 253 && (url(self).getPort() == '' || int(url(self).getPort()) >= 1 && int(url(self).getPort()) <= 65535) && !self.matches('[,;]http') && !self.matches('^[^:]+://[^/?.:]+:[0-9]+[/?].*@')",message="url must be a complete address such as https://example.com/hook"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^[^:]+://(?i:undefined|null|none|nil|nan|true|false|change[-_]?me|https?|socks5h?)\\\\.?([:/?]|$)') && (!self.matches('^[^:]+://([^/?:]*\\\\.)?(0[xX][-_0-9A-Za-z]*|[0-9]+)\\\\.?([:/?]|$)') || self.matches('^[^:]+://(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(\\\\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}([:/?]|$)')) && (!self.matches('^[Hh][Tt][Tt][Pp][Ss]?://\\\\[') || isIP(self.split('?')[0].split('/')[2].split(']')[0].substring(1)) && self.split('?')[0].split('/')[2].split(']')[0].contains(':'))",message="url must name a host, or an IP address with all its parts"
	// +required
	URL string `json:"url,omitempty"`

	// to selects the pods that the url leads to, when they are in this cluster: the bot may then reach their private
	// addresses, and its NetworkPolicy lets it connect to all TCP ports of these pods. Without it the url must lead to
	// the public internet.
	// +optional
	To *WebhookPods `json:"to,omitempty"`

	// format of the deliveries: sesi for events as in GET /api/events, or waha for events as WAHA sends them.
	// +kubebuilder:default=sesi
	// +optional
	Format WebhookFormat `json:"format,omitempty"`

	// events are the types of events that are delivered, with format waha WAHA's names of them; all when empty.
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +optional
	Events []WebhookEvent `json:"events,omitempty"`

	// filters leave events out.
	// +optional
	Filters WebhookFilters `json:"filters,omitempty,omitzero"`

	// secretRef is the Secret whose key signs the deliveries. It needs the label sesi.dev/webhooks: "true".
	// +optional
	SecretRef *WebhookSecretRef `json:"secretRef,omitempty"`

	// headersSecretRef is a Secret whose keys and values are headers of every delivery, such as Authorization. It needs
	// the label sesi.dev/webhooks: "true".
	// +optional
	HeadersSecretRef *WebhookHeadersRef `json:"headersSecretRef,omitempty"`

	// order is what waits while an event is not accepted: the later events of its chat, or of the whole session.
	// +kubebuilder:default=chat
	// +optional
	Order WebhookOrder `json:"order,omitempty"`

	// patience is how long an event is tried again before it becomes a dead letter: 1m to 168h.
	// +kubebuilder:default="72h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]+(\\\\.[0-9]+)?(ms|s|m|h))+$') || (duration(self) >= duration('1m') && duration(self) <= duration('168h'))",message="patience must be a duration from 1m to 168h"
	// +optional
	Patience *metav1.Duration `json:"patience,omitempty"`
}

// WebhookPods selects pods of this cluster.
type WebhookPods struct {
	// namespace of the pods; the session's own when empty.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +optional
	Namespace string `json:"namespace,omitempty"`

	// podSelector selects the pods by their labels.
	// +required
	PodSelector WebhookPodSelector `json:"podSelector,omitempty,omitzero"`
}

// WebhookPodSelector selects pods by their labels.
type WebhookPodSelector struct {
	// matchLabels are labels that the pods have, all of them.
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=8
	// +kubebuilder:validation:XValidation:rule="self.all(key, key.matches('^([-.a-z0-9]+/)?[A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?$'))",message="matchLabels must be labels of pods, such as app: hooks"
	// +required
	MatchLabels map[string]LabelValue `json:"matchLabels,omitempty"`
}

// LabelValue is the value of a label.
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:Pattern=`^([A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?)?$`
type LabelValue string

// WebhookFilters leave events out of a webhook.
type WebhookFilters struct {
	// chats are the only chats whose events are delivered: numbers with their country code, or addresses of WhatsApp
	// such as 120363000000000000@g.us. All when empty.
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=80
	// +kubebuilder:validation:items:Pattern=`^(\+?[1-9][0-9]{6,14}|(0|[1-9][0-9]{6,14})@(s\.whatsapp\.net|c\.us)|[0-9]{1,40}@(lid|newsletter)|[-0-9]{1,64}@g\.us|status@broadcast)$`
	// +kubebuilder:validation:XValidation:rule="self.all(c, !c.matches('^\\\\+?(62|60|44|49|33|31|32|41|43|46|61|63|64|66|81|82|84|86|90|91|92|94|95|98|27|20|212|213|234|254|255|256|880|966|971|972|977)0[0-9]*(@(s\\\\.whatsapp\\\\.net|c\\\\.us))?$'))",message="chats must not have a 0 after the country code: write +62812 instead of +620812"
	// +optional
	Chats []string `json:"chats,omitempty"`

	// groups is whether events of groups are delivered.
	// +kubebuilder:default=true
	// +optional
	Groups *bool `json:"groups,omitempty"`

	// fromMe is whether events are delivered that the account itself caused.
	// +kubebuilder:default=true
	// +optional
	FromMe *bool `json:"fromMe,omitempty"`
}

// WebhookSecretRef names the secret of a webhook.
type WebhookSecretRef struct {
	// name of the Secret, in the same namespace.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	// +required
	Name string `json:"name,omitempty"`

	// key in the Secret. Its value is whsec_ and 24 to 64 bytes in base64, or at least 16 printable characters. While a
	// secret is replaced it is the new one, a space, and the old one: deliveries carry both signatures.
	// +kubebuilder:default=secret
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	// +optional
	Key string `json:"key,omitempty"`
}

// WebhookHeadersRef names the headers of a webhook.
type WebhookHeadersRef struct {
	// name of the Secret, in the same namespace.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	// +required
	Name string `json:"name,omitempty"`
}

// WebhookFormat is what a delivery looks like.
// +kubebuilder:validation:Enum=sesi;waha
type WebhookFormat string

// The formats.
const (
	WebhookFormatSesi WebhookFormat = "sesi"
	WebhookFormatWAHA WebhookFormat = "waha"
)

// WebhookEvent is a type of event: one of bot.EventTypes, or one of WAHA's names. A bot refuses all of a session's webhooks
// for one with any other.
// +kubebuilder:validation:Enum=account.limits;appointment;call;call.accepted;call.received;call.rejected;chat;chat.archive;contact;contact.number;engine.event;event.response;event.response.failed;group;group.join;group.leave;group.v2.join;group.v2.leave;group.v2.participants;group.v2.update;label;label.chat.added;label.chat.deleted;label.deleted;label.upsert;message;message.ack;message.ack.group;message.any;message.edited;message.pinned;message.reaction;message.revoked;message.sent;message.state;message.undecryptable;message.waiting;poll;poll.vote;poll.vote.failed;presence;presence.update;reaction;session;session.status;state.change
type WebhookEvent string

// WebhookOrder is what waits while an event is not accepted.
// +kubebuilder:validation:Enum=chat;session
type WebhookOrder string

// The orders.
const (
	WebhookOrderChat    WebhookOrder = "chat"
	WebhookOrderSession WebhookOrder = "session"
)

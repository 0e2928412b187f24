package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// WhatsAppSessionSpec is the desired state of one session: which session it is, where it is stored, and how its bot
// behaves.
//
// +kubebuilder:validation:XValidation:rule="!has(self.webhooks) || self.webhooks.size() == 0 || !has(self.messages) || !has(self.messages.enabled) || self.messages.enabled",message="webhooks need messages: remove messages.enabled: false, or the webhooks",fieldPath=".webhooks"
type WhatsAppSessionSpec struct {
	// clientId names the session inside its claim: the bot keeps it in the directory session-<clientId>.
	// Letters, digits, - and _, at most 64. Left out, it is the resource's own name. It cannot change,
	// because another clientId is another session: create another WhatsAppSession for it.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[-_A-Za-z0-9]+$`
	// +optional
	ClientID string `json:"clientId,omitempty"`

	// authPath is where the claim is mounted in the bot's container: an absolute path outside the directories that
	// the image and the operator use.
	// +kubebuilder:default=/data
	// +kubebuilder:validation:MaxLength=200
	// +kubebuilder:validation:Pattern=`^(/[-_.A-Za-z0-9]+)+$`
	// +kubebuilder:validation:XValidation:rule="self.split('/').all(part, part != '.' && part != '..')",message="authPath must be an absolute path without . or .. in it, such as /data"
	// +kubebuilder:validation:XValidation:rule="!self.matches('(?i)(^|/)([.]{3,}|undefined|null|nil|none|nan|true|false|change[-_]?me)(/|$)')",message="authPath must not have a placeholder such as undefined or ... as a folder"
	// +kubebuilder:validation:XValidation:rule="!['/bot', '/dev', '/etc', '/proc', '/run', '/sys', '/tmp', '/usr', '/var/run'].exists(used, self == used || self.startsWith(used + '/'))",message="authPath must lie outside of /bot, /dev, /etc, /proc, /run, /sys, /tmp, /usr and /var/run, such as /data"
	// +optional
	AuthPath string `json:"authPath,omitempty"`

	// storage is the PersistentVolumeClaim that stores the session. By default the operator creates one.
	// +kubebuilder:default={claimTemplate: {}}
	// +optional
	Storage Storage `json:"storage,omitempty,omitzero"`

	// pairing is how a phone is linked to the session.
	// +kubebuilder:default={method: QR}
	// +optional
	Pairing Pairing `json:"pairing,omitempty,omitzero"`

	// conflict is what the bot does when another client takes over the session.
	// +kubebuilder:default={}
	// +optional
	Conflict Conflict `json:"conflict,omitempty,omitzero"`

	// backup is how often the bot stores a verified backup of the session's database on the claim.
	// +kubebuilder:default={}
	// +optional
	Backup Backup `json:"backup,omitempty,omitzero"`

	// messages is what the bot does with messages, and how fast it sends.
	// +kubebuilder:default={}
	// +optional
	Messages Messages `json:"messages,omitempty,omitzero"`

	// webhooks are the targets that the bot delivers events to. A change takes effect in the running bot.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	// +optional
	Webhooks []Webhook `json:"webhooks,omitempty"`

	// proxySecretRef is the Secret with the URL of the proxy through which the bot reaches WhatsApp. By default
	// the bot connects directly. A changed URL takes effect at the bot's next start.
	// +optional
	ProxySecretRef *ProxySecretRef `json:"proxySecretRef,omitempty"`

	// suspended stops the bot and keeps the session. When it is false again, the bot starts without a new QR
	// code.
	// +kubebuilder:default=false
	// +optional
	Suspended *bool `json:"suspended,omitempty"`

	// deletionPolicy is what happens to the linked device when the resource is deleted. Retain leaves it
	// linked. Unlink asks the bot to log out at WhatsApp first, for at most 30 seconds.
	// +kubebuilder:default=Retain
	// +optional
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`

	// locale is the language of the bot's page and messages: id (Indonesian) or en (English). A request's
	// Accept-Language takes precedence.
	// +kubebuilder:default=id
	// +optional
	Locale Locale `json:"locale,omitempty"`

	// image is the bot's container image. The default is a setting of the operator.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9][-._a-zA-Z0-9/:@]*$`
	// +optional
	Image string `json:"image,omitempty"`

	// template is merged into the operator's pod by strategic merge, as kubectl patch does: for sidecars with the
	// bot's logic, resources, node selection.
	// +optional
	Template *PodTemplate `json:"template,omitempty"`
}

// Storage is the claim that stores a session. The choice of the claim cannot change: another claim holds another
// session.
//
// +kubebuilder:validation:XValidation:rule="has(self.claimName) != has(self.claimTemplate)",message="storage needs exactly one of claimName (an existing PersistentVolumeClaim) and claimTemplate (the operator creates one)"
// +kubebuilder:validation:XValidation:rule="has(self.claimName) == has(oldSelf.claimName) && (!has(self.claimName) || self.claimName == oldSelf.claimName)",message="storage.claimName cannot change, because another claim holds another session: create another WhatsAppSession for it"
// +kubebuilder:validation:XValidation:rule="!has(self.claimName) || self.retentionPolicy == 'Retain'",message="storage.retentionPolicy must be Retain with claimName: the operator deletes only a claim that it created from claimTemplate"
type Storage struct {
	// claimName is an existing PersistentVolumeClaim in the same namespace. Sessions with different
	// clientIds may share one where its access mode allows it.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	// +optional
	ClaimName string `json:"claimName,omitempty"`

	// claimTemplate is the claim that the operator creates for this session, named wa-<name>.
	// +optional
	ClaimTemplate *ClaimTemplate `json:"claimTemplate,omitempty"`

	// retentionPolicy is what happens to a claim created from claimTemplate when the resource is deleted: Retain
	// keeps it, and a WhatsAppSession of the same name uses it again; Delete deletes it, and the session
	// with it.
	// +kubebuilder:default=Retain
	// +optional
	RetentionPolicy RetentionPolicy `json:"retentionPolicy,omitempty"`
}

// ClaimTemplate is a PersistentVolumeClaim for one session.
//
// +kubebuilder:validation:XValidation:rule="has(self.accessMode) == has(oldSelf.accessMode) && (!has(self.accessMode) || self.accessMode == oldSelf.accessMode) && has(self.storageClassName) == has(oldSelf.storageClassName) && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName) && has(self.labels) == has(oldSelf.labels) && (!has(self.labels) || self.labels == oldSelf.labels) && has(self.annotations) == has(oldSelf.annotations) && (!has(self.annotations) || self.annotations == oldSelf.annotations)",message="storage.claimTemplate cannot change, because it is used once, when the claim is created: edit the PersistentVolumeClaim itself"
type ClaimTemplate struct {
	// size is the requested storage. A session needs a few megabytes, and each of its backups as much.
	// +kubebuilder:default="256Mi"
	// +kubebuilder:validation:XValidation:rule="!string(self).contains('e') && !string(self).contains('E')",message="size must have no exponent: write it like 256Mi"
	// +kubebuilder:validation:XValidation:rule="string(self).contains('e') || string(self).contains('E') || !isQuantity(string(self)) || quantity(string(self)).compareTo(quantity('16Mi')) >= 0",message="size must be at least 16Mi"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf || !string(self).contains('e') && !string(self).contains('E') && isQuantity(string(self)) && isQuantity(string(oldSelf)) && quantity(string(self)).compareTo(quantity(string(oldSelf))) == 0",message="storage.claimTemplate cannot change, because it is used once, when the claim is created: edit the PersistentVolumeClaim itself"
	// +optional
	Size resource.Quantity `json:"size,omitempty,omitzero"`

	// accessMode of the claim. With ReadWriteOncePod only one pod in the cluster can use it. Choose ReadWriteOnce
	// where the storage driver does not support that, or to share the claim between sessions on one node.
	// +kubebuilder:default=ReadWriteOncePod
	// +optional
	AccessMode AccessMode `json:"accessMode,omitempty"`

	// storageClassName is the StorageClass of the claim. The default is the cluster's.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	// +optional
	StorageClassName *string `json:"storageClassName,omitempty"`

	// labels of the claim, in addition to the operator's.
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="self.all(key, !key.startsWith('sesi.dev/'))",message="labels must not begin with sesi.dev/: those are the operator's"
	// +optional
	Labels map[string]string `json:"labels,omitempty"`

	// annotations of the claim, for example for a backup tool.
	// +kubebuilder:validation:MaxProperties=32
	// +optional
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Pairing is how a phone is linked to a session.
//
// +kubebuilder:validation:XValidation:rule="self.method != 'PhoneCode' || has(self.phoneNumber)",message="pairing.phoneNumber is required with method PhoneCode, such as \"+628123456789\""
// +kubebuilder:validation:XValidation:rule="self.method == 'PhoneCode' || !has(self.phoneNumber)",message="pairing.phoneNumber is allowed only with method PhoneCode"
type Pairing struct {
	// method is QR (scan a code with the phone) or PhoneCode (type a code into the phone). The codes are
	// shown by the bot's own page and API, never in this resource.
	// +kubebuilder:default=QR
	// +optional
	Method PairingMethod `json:"method,omitempty"`

	// phoneNumber of the account to link, in E.164 form: + and 7 to 15 digits.
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:Pattern=`^\+[1-9][0-9]{6,14}$`
	// +kubebuilder:validation:XValidation:rule="!self.matches('^\\\\+(62|60|44|49|33|31|32|41|43|46|61|63|64|66|81|82|84|86|90|91|92|94|95|98|27|20|212|213|234|254|255|256|880|966|971|972|977)0')",message="phoneNumber must not have a 0 after the country code: write +62812 instead of +620812"
	// +optional
	PhoneNumber string `json:"phoneNumber,omitempty"`

	// qrMaxRetries is how many rounds of codes the bot requests from WhatsApp before it waits until someone
	// opens the page.
	// +kubebuilder:default=10
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +optional
	QRMaxRetries *int32 `json:"qrMaxRetries,omitempty"`
}

// Conflict is what the bot does when another client takes over the session.
type Conflict struct {
	// takeover makes the bot reclaim the session after the timeout, at most three times in ten minutes; then it
	// waits for a person. When takeover is false it waits at once.
	// +kubebuilder:default=true
	// +optional
	Takeover *bool `json:"takeover,omitempty"`

	// timeout is how long the bot waits before it reclaims the session: 1s to 10m.
	// +kubebuilder:default="10s"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]+(\\\\.[0-9]+)?(ms|s|m|h))+$') || (duration(self) >= duration('1s') && duration(self) <= duration('10m'))",message="timeout must be a duration from 1s to 10m"
	// +optional
	Timeout *metav1.Duration `json:"timeout,omitempty"`
}

// Backup is how often the bot backs the session's database up.
type Backup struct {
	// interval between two backups: 1m to 24h, or 0s for none.
	// +kubebuilder:default="5m"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]+(\\\\.[0-9]+)?(ms|s|m|h))+$') || duration(self) == duration('0s') || (duration(self) >= duration('1m') && duration(self) <= duration('24h'))",message="interval must be a duration from 1m to 24h, or 0s for no backups"
	// +optional
	Interval *metav1.Duration `json:"interval,omitempty"`

	// keep is how many of the newest backups stay on the claim; above 1, also the last one of each of 6 hours and 7 days.
	// +kubebuilder:default=5
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	// +optional
	Keep *int32 `json:"keep,omitempty"`
}

// ProxySecretRef names a proxy without its password.
type ProxySecretRef struct {
	// name of the Secret, in the same namespace.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	// +required
	Name string `json:"name,omitempty"`

	// key in the Secret whose value is the URL, such as socks5://user:password@proxy.example:1080.
	// +kubebuilder:default=url
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	// +optional
	Key string `json:"key,omitempty"`

	// port of the proxy, 1 to 65535. The bot's NetworkPolicy allows connections to this port. The operator cannot
	// read it from the Secret, because it reads only its own Secrets.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	// +required
	Port int32 `json:"port,omitempty"`
}

// PodTemplate is merged into the operator's pod.
type PodTemplate struct {
	// metadata adds labels and annotations to the pod.
	// +optional
	Metadata PodTemplateMetadata `json:"metadata,omitempty,omitzero"`

	// spec has the fields of a Pod's spec (kubectl explain pod.spec) and is merged into the operator's by
	// strategic merge: containers, volumes and env by name, other lists and single fields replaced. The
	// bot's container is named bot; every other container is a sidecar, which reaches the bot's API at
	// http://127.0.0.1:8080 without a token. A template cannot change what keeps the session safe: the container
	// bot and its volumes session, credentials and tmp, the variables that the operator sets, restartPolicy,
	// hostNetwork, activeDeadlineSeconds, and a terminationGracePeriodSeconds below 10. If it tries, or has a field
	// that no Pod has, the running bot is kept and the condition Stalled names the field.
	// +kubebuilder:validation:Type=object
	// +kubebuilder:pruning:PreserveUnknownFields
	// +optional
	Spec *runtime.RawExtension `json:"spec,omitempty"`
}

// PodTemplateMetadata is the part of a pod's metadata that a template may add to.
type PodTemplateMetadata struct {
	// labels of the pod, in addition to the operator's.
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="self.all(key, !key.startsWith('sesi.dev/'))",message="labels must not begin with sesi.dev/: those are the operator's"
	// +optional
	Labels map[string]string `json:"labels,omitempty"`

	// annotations of the pod, in addition to the operator's.
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="self.all(key, !key.startsWith('sesi.dev/'))",message="annotations must not begin with sesi.dev/: those are the operator's"
	// +optional
	Annotations map[string]string `json:"annotations,omitempty"`
}

// RetentionPolicy is what happens to a claim that the operator created.
// +kubebuilder:validation:Enum=Retain;Delete
type RetentionPolicy string

// The retention policies.
const (
	RetentionRetain RetentionPolicy = "Retain"
	RetentionDelete RetentionPolicy = "Delete"
)

// AccessMode is how the claim of one session may be mounted. Modes for several nodes are excluded: the session's
// database is SQLite, which a shared file system can damage.
// +kubebuilder:validation:Enum=ReadWriteOncePod;ReadWriteOnce
type AccessMode string

// The access modes.
const (
	AccessReadWriteOncePod AccessMode = "ReadWriteOncePod"
	AccessReadWriteOnce    AccessMode = "ReadWriteOnce"
)

// PairingMethod is how a phone is linked.
// +kubebuilder:validation:Enum=QR;PhoneCode
type PairingMethod string

// The pairing methods.
const (
	PairingQR        PairingMethod = "QR"
	PairingPhoneCode PairingMethod = "PhoneCode"
)

// DeletionPolicy is what happens to the linked device when the resource is deleted.
// +kubebuilder:validation:Enum=Retain;Unlink
type DeletionPolicy string

// The deletion policies.
const (
	DeletionRetain DeletionPolicy = "Retain"
	DeletionUnlink DeletionPolicy = "Unlink"
)

// Locale is a language of the bot.
// +kubebuilder:validation:Enum=id;en
type Locale string

// The locales.
const (
	LocaleIndonesian Locale = "id"
	LocaleEnglish    Locale = "en"
)

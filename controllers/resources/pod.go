package resources

import (
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"

	botapi "sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/credentials"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

// Names inside the bot's pod.
const (
	volumeSession     = "session"
	volumeCredentials = "credentials"
	volumeTemporary   = "tmp"

	credentialsPath = "/etc/sesi"
	temporaryPath   = "/tmp"
)

// AnnotationSpecHash holds the pod's SpecHash.
const AnnotationSpecHash = "sesi.dev/spec-hash"

// AnnotationGeneration holds the generation of the session's spec that the pod was created from.
const AnnotationGeneration = "sesi.dev/generation"

// AnnotationOwnHash holds the pod's OwnHash.
const AnnotationOwnHash = "sesi.dev/own-hash"

const (
	// botUser is the user and group of the bot's image; the claim's files belong to this group.
	botUser int64 = 65532

	terminationGraceSeconds int64 = 30
	// minTerminationGraceSeconds keeps a deleted pod's name taken until its bot has ended, which takes up to 5 s. With
	// a grace of zero the next bot could start while the last one still runs.
	minTerminationGraceSeconds int64 = 10
)

// BuildPod builds the session's one pod: the operator's pod with spec.template merged over it. An error is always about
// the spec: it names the field, and only an edit of the spec removes it.
func BuildPod(session *v1alpha1.WhatsAppSession, options Options) (*corev1.Pod, error) {
	if err := options.TemplatePolicy.checkSpec(session, options.BotImage); err != nil {
		return nil, err
	}
	base := basePod(session, options)
	template, err := mergeTemplate(base, session.Spec.Template)
	if err != nil {
		return nil, err
	}
	if err := options.TemplatePolicy.checkPod(template.Spec); err != nil {
		return nil, err
	}
	putBotFirst(template.Spec.Containers)
	setMemoryLimit(template.Spec.Containers)
	keepOnLostNode(&template.Spec)

	meta := naming.ObjectMeta(session)
	meta.Labels = under(template.Labels, meta.Labels)
	meta.Labels[naming.LabelDirectory] = naming.Directory(session)
	meta.Annotations = under(template.Annotations, map[string]string{
		AnnotationSpecHash:                        specHash(session, template.Spec),
		AnnotationOwnHash:                         ownHash(session),
		AnnotationGeneration:                      strconv.FormatInt(session.Generation, 10),
		"kubectl.kubernetes.io/default-container": naming.Container,
	})
	return &corev1.Pod{ObjectMeta: meta, Spec: template.Spec}, nil
}

// SpecHash is the hash of everything that a pod was rendered from: its whole spec before the API server's defaults, and
// the template's labels and annotations. A pod has to be replaced exactly when it changes.
func SpecHash(pod *corev1.Pod) string { return pod.Annotations[AnnotationSpecHash] }

// OwnHash is the hash of the part that the session's spec decides, whatever the operator's version. If SpecHash changes
// and OwnHash does not, the operator or its default image changed, for all sessions at once.
func OwnHash(pod *corev1.Pod) string { return pod.Annotations[AnnotationOwnHash] }

// Generation is the generation of the spec that a pod was created from; -1 for a pod of an operator that did not note it.
func Generation(pod *corev1.Pod) int64 {
	generation, err := strconv.ParseInt(pod.Annotations[AnnotationGeneration], 10, 64)
	if err != nil {
		return -1
	}
	return generation
}

// basePod is the operator's pod, before the session's template.
func basePod(session *v1alpha1.WhatsAppSession, options Options) corev1.PodTemplateSpec {
	image := session.Spec.Image
	if image == "" {
		image = options.BotImage
	}
	return corev1.PodTemplateSpec{Spec: corev1.PodSpec{
		RestartPolicy:                 corev1.RestartPolicyAlways,
		TerminationGracePeriodSeconds: new(terminationGraceSeconds),
		AutomountServiceAccountToken:  new(false),
		EnableServiceLinks:            new(false),
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot:        new(true),
			RunAsUser:           new(botUser),
			RunAsGroup:          new(botUser),
			FSGroup:             new(botUser),
			FSGroupChangePolicy: new(corev1.FSGroupChangeOnRootMismatch),
			SeccompProfile:      &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
		Containers: []corev1.Container{{
			Name:  naming.Container,
			Image: image,
			Env:   botEnv(session),
			Ports: []corev1.ContainerPort{
				{Name: "https", ContainerPort: naming.PortTLS, Protocol: corev1.ProtocolTCP},
				{Name: "metrics", ContainerPort: naming.PortMetrics, Protocol: corev1.ProtocolTCP},
			},
			Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{
					corev1.ResourceCPU:    resource.MustParse("20m"),
					corev1.ResourceMemory: resource.MustParse("48Mi"),
				},
				Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("256Mi")},
			},
			SecurityContext: &corev1.SecurityContext{
				AllowPrivilegeEscalation: new(false),
				ReadOnlyRootFilesystem:   new(true),
				Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			},
			// Restoring a database takes long; the bot may not be killed meanwhile.
			StartupProbe:   probe(botapi.PathLive, corev1.Probe{PeriodSeconds: 1, TimeoutSeconds: 1, FailureThreshold: 120}),
			LivenessProbe:  probe(botapi.PathLive, corev1.Probe{PeriodSeconds: 20, TimeoutSeconds: 5, FailureThreshold: 3}),
			ReadinessProbe: probe(botapi.PathReady, corev1.Probe{PeriodSeconds: 5, TimeoutSeconds: 2, FailureThreshold: 3}),
			VolumeMounts:   botMounts(session),
		}},
		Volumes: botVolumes(session),
	}}
}

func botMounts(session *v1alpha1.WhatsAppSession) []corev1.VolumeMount {
	return []corev1.VolumeMount{
		{Name: volumeSession, MountPath: authPath(session)},
		{Name: volumeCredentials, MountPath: credentialsPath, ReadOnly: true},
		{Name: volumeTemporary, MountPath: temporaryPath},
	}
}

// botVolumes mounts the Secret as a whole directory, because a file mounted by subPath is never updated.
func botVolumes(session *v1alpha1.WhatsAppSession) []corev1.Volume {
	return []corev1.Volume{
		{Name: volumeSession, VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: naming.ClaimName(session)},
		}},
		{Name: volumeCredentials, VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{
			SecretName:  naming.Name(session),
			DefaultMode: new(int32(0o440)),
			Items: []corev1.KeyToPath{
				{Key: credentials.KeyToken, Path: credentials.KeyToken},
				{Key: credentials.KeyCertificate, Path: credentials.KeyCertificate},
				{Key: credentials.KeyPrivateKey, Path: credentials.KeyPrivateKey},
				{Key: credentials.KeyWebhooks, Path: credentials.KeyWebhooks},
				{Key: credentials.KeyMessages, Path: credentials.KeyMessages},
			},
		}}},
		{Name: volumeTemporary, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{
			SizeLimit: resource.NewQuantity(64<<20, resource.BinarySI),
		}}},
	}
}

func probe(path string, times corev1.Probe) *corev1.Probe {
	times.HTTPGet = &corev1.HTTPGetAction{Path: path, Port: intstr.FromInt32(naming.PortMetrics)}
	return &times
}

// putBotFirst makes the bot the first container again, because a strategic merge puts a template's containers first. The
// first container starts first, and tools show it by default.
func putBotFirst(containers []corev1.Container) {
	slices.SortStableFunc(containers, func(a, b corev1.Container) int {
		switch {
		case a.Name == naming.Container && b.Name != naming.Container:
			return -1
		case b.Name == naming.Container && a.Name != naming.Container:
			return 1
		}
		return 0
	})
}

// lostNodeTaints are the taints that the node controller sets on an unreachable node.
var lostNodeTaints = []string{corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable}

// keepOnLostNode tolerates an unreachable node without limit, unless the template says otherwise. No API call shows whether
// a pod deleted there still runs, and its name stays taken in either case.
func keepOnLostNode(spec *corev1.PodSpec) {
	for _, taint := range lostNodeTaints {
		if !tolerates(spec.Tolerations, taint) {
			spec.Tolerations = append(spec.Tolerations, corev1.Toleration{
				Key: taint, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute,
			})
		}
	}
}

func tolerates(tolerations []corev1.Toleration, taint string) bool {
	for _, toleration := range tolerations {
		if toleration.Key == taint && toleration.Effect == corev1.TaintEffectNoExecute {
			return true
		}
	}
	return false
}

package resources

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

// TemplatePolicy limits what a session's spec may change in its pod. The operator creates the pod with its own rights,
// so without a limit anyone who may edit sessions may run any pod in that namespace.
type TemplatePolicy string

// The template policies.
const (
	// TemplateAny allows all that a pod's creator may ask for.
	TemplateAny TemplatePolicy = "any"
	// TemplateSafe allows sidecars, and refuses the node's namespaces, paths and ports, more privileges than a container
	// has by default, other ServiceAccounts, and another image or command for the bot.
	TemplateSafe TemplatePolicy = "safe"
	// TemplateNone refuses spec.template and spec.image.
	TemplateNone TemplatePolicy = "none"
)

// ParseTemplatePolicy reads a policy's name.
func ParseTemplatePolicy(name string) (TemplatePolicy, error) {
	switch policy := TemplatePolicy(name); policy {
	case TemplateAny, TemplateSafe, TemplateNone:
		return policy, nil
	}
	return "", fmt.Errorf("template policy %q: use none, safe or any", name)
}

func (p TemplatePolicy) limits() bool { return p == TemplateSafe || p == TemplateNone }

// checkSpec checks the fields of the session's spec.
func (p TemplatePolicy) checkSpec(session *v1alpha1.WhatsAppSession, botImage string) error {
	if !p.limits() {
		return nil
	}
	if image := session.Spec.Image; image != "" && image != botImage {
		return field.Forbidden(field.NewPath("spec", "image"), p.refusal("another image than "+botImage))
	}
	if p == TemplateNone && session.Spec.Template != nil {
		return field.Forbidden(field.NewPath("spec", "template"), p.refusal("a template"))
	}
	if session.Spec.Template != nil {
		for name := range session.Spec.Template.Metadata.Annotations {
			if strings.HasPrefix(name, appArmorAnnotation) {
				return field.Forbidden(field.NewPath("spec", "template", "metadata", "annotations").Key(name), p.refusal("AppArmor profiles"))
			}
		}
	}
	return nil
}

// appArmorAnnotation begins the annotations by which containers had an AppArmor profile before there was a field for it. The
// API server still copies them into the field.
const appArmorAnnotation = "container.apparmor.security.beta.kubernetes.io/"

func (p TemplatePolicy) refusal(what string) string {
	return fmt.Sprintf("the operator runs with --template-policy=%s, which refuses %s", p, what)
}

// checkPod checks the pod that the template resulted in.
func (p TemplatePolicy) checkPod(spec corev1.PodSpec) error {
	if !p.limits() {
		return nil
	}
	var errs field.ErrorList
	refuse := func(refused bool, at *field.Path, what string) {
		if refused {
			errs = append(errs, field.Forbidden(at, p.refusal(what)))
		}
	}
	refuse(spec.HostPID, templatePath.Child("hostPID"), "the node's processes")
	refuse(spec.HostIPC, templatePath.Child("hostIPC"), "the node's shared memory")
	refuse(spec.HostNetwork, templatePath.Child("hostNetwork"), "the node's network")
	refuse(spec.NodeName != "", templatePath.Child("nodeName"), "a node that the scheduler did not choose")
	refuse(spec.ServiceAccountName != "" && spec.ServiceAccountName != "default", templatePath.Child("serviceAccountName"), "another ServiceAccount")
	refuse(spec.DeprecatedServiceAccount != "" && spec.DeprecatedServiceAccount != "default", templatePath.Child("serviceAccount"), "another ServiceAccount")
	if security := spec.SecurityContext; security != nil {
		at := templatePath.Child("securityContext")
		refuse(len(security.Sysctls) > 0, at.Child("sysctls"), "kernel settings")
		refuse(security.WindowsOptions != nil, at.Child("windowsOptions"), "Windows options")
		checkProfiles(security.SeccompProfile, security.AppArmorProfile, security.SELinuxOptions, at, refuse)
	}
	for i := range spec.Volumes {
		at := templatePath.Child("volumes").Key(spec.Volumes[i].Name)
		refuse(spec.Volumes[i].HostPath != nil, at.Child("hostPath"), "the node's files")
	}
	for i := range spec.InitContainers {
		checkContainer(&spec.InitContainers[i], templatePath.Child("initContainers").Key(spec.InitContainers[i].Name), refuse)
	}
	for i := range spec.Containers {
		container, at := &spec.Containers[i], templatePath.Child("containers").Key(spec.Containers[i].Name)
		checkContainer(container, at, refuse)
		if container.Name == naming.Container {
			refuse(len(container.Command) > 0, at.Child("command"), "another command for the bot")
			refuse(len(container.Args) > 0, at.Child("args"), "other arguments for the bot")
		}
	}
	return errs.ToAggregate()
}

func checkContainer(container *corev1.Container, at *field.Path, refuse func(bool, *field.Path, string)) {
	for _, port := range container.Ports {
		refuse(port.HostPort != 0, at.Child("ports").Key(fmt.Sprint(port.ContainerPort)).Child("hostPort"), "the node's ports")
	}
	security := container.SecurityContext
	if security == nil {
		return
	}
	at = at.Child("securityContext")
	set := func(value *bool) bool { return value != nil && *value }
	refuse(set(security.Privileged), at.Child("privileged"), "a privileged container")
	refuse(set(security.AllowPrivilegeEscalation), at.Child("allowPrivilegeEscalation"), "privilege escalation")
	refuse(security.Capabilities != nil && len(security.Capabilities.Add) > 0, at.Child("capabilities", "add"), "more capabilities")
	refuse(security.ProcMount != nil && *security.ProcMount != corev1.DefaultProcMount, at.Child("procMount"), "an unmasked /proc")
	refuse(security.WindowsOptions != nil, at.Child("windowsOptions"), "Windows options")
	checkProfiles(security.SeccompProfile, security.AppArmorProfile, security.SELinuxOptions, at, refuse)
}

// checkProfiles checks what confines a container, or all containers of a pod.
func checkProfiles(seccomp *corev1.SeccompProfile, appArmor *corev1.AppArmorProfile, seLinux *corev1.SELinuxOptions, at *field.Path, refuse func(bool, *field.Path, string)) {
	refuse(seccomp != nil && seccomp.Type == corev1.SeccompProfileTypeUnconfined, at.Child("seccompProfile"), "no seccomp profile")
	refuse(appArmor != nil && appArmor.Type == corev1.AppArmorProfileTypeUnconfined, at.Child("appArmorProfile"), "no AppArmor profile")
	refuse(seLinux != nil && *seLinux != corev1.SELinuxOptions{}, at.Child("seLinuxOptions"), "other SELinux options")
}

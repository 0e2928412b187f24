package resources

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apimachinery/pkg/util/validation/field"
	kjson "sigs.k8s.io/json"

	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

var templatePath = field.NewPath("spec", "template", "spec")

// mergeTemplate merges the session's template over the operator's pod, as a strategic merge patch, and refuses
// one that takes away what keeps the session safe.
func mergeTemplate(base corev1.PodTemplateSpec, template *v1alpha1.PodTemplate) (corev1.PodTemplateSpec, error) {
	if template == nil {
		return base, nil
	}
	merged := *base.DeepCopy()
	merged.Labels = template.Metadata.Labels
	merged.Annotations = template.Metadata.Annotations
	if template.Spec == nil || len(template.Spec.Raw) == 0 {
		return merged, nil
	}
	if err := checkTypes(template.Spec.Raw); err != nil {
		return corev1.PodTemplateSpec{}, fmt.Errorf("%s is not that of a pod: %w", templatePath, err)
	}
	original, err := json.Marshal(base.Spec)
	if err != nil {
		return corev1.PodTemplateSpec{}, fmt.Errorf("encoding the operator's pod: %w", err)
	}
	patched, err := strategicMerge(original, template.Spec.Raw)
	if err != nil {
		return corev1.PodTemplateSpec{}, fmt.Errorf("%s cannot be merged: %w", templatePath, err)
	}
	merged.Spec, err = decodeStrictly(patched)
	if err != nil {
		return corev1.PodTemplateSpec{}, fmt.Errorf("%s does not make a pod: %w", templatePath, err)
	}
	if errs := decideTemplate(base.Spec, merged.Spec); len(errs) > 0 {
		return corev1.PodTemplateSpec{}, errs.ToAggregate()
	}
	return merged, nil
}

// checkTypes reads a template as a pod's spec, without the directives of a strategic merge: what is misspelt is
// named by the place where the person wrote it.
func checkTypes(template []byte) error {
	var object map[string]any
	if err := json.Unmarshal(template, &object); err != nil {
		return err
	}
	data, err := json.Marshal(withoutDirectives(object))
	if err != nil {
		return err
	}
	_, err = decodeStrictly(data)
	return err
}

func withoutDirectives(value any) any {
	switch value := value.(type) {
	case map[string]any:
		maps.DeleteFunc(value, func(name string, _ any) bool { return strings.HasPrefix(name, "$") })
		for name := range value {
			value[name] = withoutDirectives(value[name])
		}
	case []any:
		for i := range value {
			value[i] = withoutDirectives(value[i])
		}
	}
	return value
}

// strategicMerge merges a patch into a pod's spec. The library was written for patches that the API server has
// checked and panics on some others; one person's template must not stop every session's operator.
func strategicMerge(original, patch []byte) (merged []byte, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the strategic merge patch is malformed: %v", cause)
		}
	}()
	return strategicpatch.StrategicMergePatch(original, patch, corev1.PodSpec{})
}

// decodeStrictly refuses fields that no pod has.
func decodeStrictly(data []byte) (corev1.PodSpec, error) {
	var spec corev1.PodSpec
	strict, err := kjson.UnmarshalStrict(data, &spec)
	if err == nil && len(strict) > 0 {
		err = strict[0]
	}
	return spec, err
}

// decideTemplate lists what a merged spec may not have lost or changed of the operator's own.
func decideTemplate(base, merged corev1.PodSpec) field.ErrorList {
	var errs field.ErrorList
	if merged.RestartPolicy != base.RestartPolicy {
		errs = append(errs, field.NotSupported(templatePath.Child("restartPolicy"), merged.RestartPolicy,
			[]corev1.RestartPolicy{base.RestartPolicy}))
	}
	if merged.HostNetwork {
		errs = append(errs, field.Invalid(templatePath.Child("hostNetwork"), true,
			"must be false: the API without a token on 127.0.0.1 would be the node's"))
	}
	if grace := merged.TerminationGracePeriodSeconds; grace == nil || *grace < minTerminationGraceSeconds {
		errs = append(errs, field.Invalid(templatePath.Child("terminationGracePeriodSeconds"), grace,
			fmt.Sprintf("must be at least %d, so that a bot has ended before the next one starts", minTerminationGraceSeconds)))
	}
	for _, volume := range base.Volumes {
		path := templatePath.Child("volumes").Key(volume.Name)
		if i := slices.IndexFunc(merged.Volumes, func(v corev1.Volume) bool { return v.Name == volume.Name }); i < 0 {
			errs = append(errs, field.Forbidden(path, "is the operator's and cannot be removed"))
		} else if !equality.Semantic.DeepEqual(merged.Volumes[i], volume) {
			errs = append(errs, field.Forbidden(path, "is the operator's and cannot be changed"))
		}
	}
	return append(errs, decideContainer(base.Containers[0], merged.Containers)...)
}

// decideContainer does so for the bot's own container.
func decideContainer(base corev1.Container, merged []corev1.Container) field.ErrorList {
	at := templatePath.Child("containers").Key(naming.Container)
	i := slices.IndexFunc(merged, func(c corev1.Container) bool { return c.Name == naming.Container })
	if i < 0 {
		return field.ErrorList{field.Required(at, "the bot's container cannot be removed or renamed")}
	}
	bot := merged[i]
	var errs field.ErrorList
	if bot.Image != base.Image {
		errs = append(errs, field.Forbidden(at.Child("image"), "is set by spec.image"))
	}
	// Of a variable that is there twice the last one counts, and a replaced list may have it twice.
	for _, variable := range base.Env {
		same, others := 0, 0
		for _, v := range bot.Env {
			switch {
			case equality.Semantic.DeepEqual(v, variable):
				same++
			case v.Name == variable.Name:
				others++
			}
		}
		if same == 0 || others > 0 {
			errs = append(errs, field.Forbidden(at.Child("env").Key(variable.Name), "is set by the operator from the session's spec"))
		}
	}
	if hasEnv(bot.Env, envToken) {
		errs = append(errs, field.Forbidden(at.Child("env").Key(envToken),
			"the token is that of the Secret the operator keeps; edit it there"))
	}
	for _, mount := range base.VolumeMounts {
		if !slices.ContainsFunc(bot.VolumeMounts, func(m corev1.VolumeMount) bool {
			return equality.Semantic.DeepEqual(m, mount)
		}) {
			errs = append(errs, field.Forbidden(at.Child("volumeMounts").Key(mount.MountPath),
				"is the operator's mount of volume "+mount.Name+" and cannot be removed or changed"))
		}
	}
	for _, mount := range bot.VolumeMounts {
		if i := slices.IndexFunc(base.VolumeMounts, func(m corev1.VolumeMount) bool { return covers(m, mount) }); i >= 0 {
			errs = append(errs, field.Forbidden(at.Child("volumeMounts").Key(mount.MountPath),
				"lies in the operator's mount "+base.VolumeMounts[i].MountPath+" and would hide what is there"))
		}
	}
	if bot.RestartPolicy != nil || len(bot.RestartPolicyRules) > 0 {
		errs = append(errs, field.Forbidden(at.Child("restartPolicy"), "the bot is always started again"))
	}
	return errs
}

// covers tells whether another mount would hide part of the operator's own: the session directory, or the credentials.
// What lies under /tmp is the template's affair.
func covers(own, other corev1.VolumeMount) bool {
	if own.Name == volumeTemporary || equality.Semantic.DeepEqual(own, other) {
		return false
	}
	return strings.HasPrefix(path.Clean("/"+other.MountPath)+"/", own.MountPath+"/")
}

// specHash hashes what a pod is rendered from. The operator's own labels are left out, because they can be
// mended in place; whatever else an operator renders differently is a different pod.
func specHash(session *v1alpha1.WhatsAppSession, spec corev1.PodSpec) string {
	rendered := struct {
		Metadata v1alpha1.PodTemplateMetadata
		Spec     corev1.PodSpec
	}{Spec: spec}
	if session.Spec.Template != nil {
		rendered.Metadata = session.Spec.Template.Metadata
	}
	return hashOfJSON(rendered)
}

// ownHash hashes what of a session's spec its pod is made from. It has to be the same for every version of the operator,
// so what a later version adds, with a default, comes in only where it differs from that.
func ownHash(session *v1alpha1.WhatsAppSession) string {
	return hashOfJSON(struct {
		AuthPath string
		Env      []corev1.EnvVar
		Image    string
		Template *v1alpha1.PodTemplate
	}{authPath(session), sessionEnv(session), session.Spec.Image, session.Spec.Template})
}

func hashOfJSON(value any) string {
	data, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("encoding what a pod is made from: %v", err)) // it was decoded from JSON or built here
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16])
}

// under returns lower overlaid by upper; upper wins.
func under(lower, upper map[string]string) map[string]string {
	merged := make(map[string]string, len(lower)+len(upper))
	maps.Copy(merged, lower)
	maps.Copy(merged, upper)
	return merged
}

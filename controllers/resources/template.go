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
	"sesi.dev/sesi/internal/quantity"
)

var templatePath = field.NewPath("spec", "template", "spec")

const (
	// maxTemplateBytes and maxTemplateItems bound a template before it is merged. The merge takes time that grows with
	// the square of a list's length: 20,000 variables take over a minute, and a few such sessions would occupy every
	// worker of the operator.
	maxTemplateBytes = 64 << 10
	maxTemplateItems = 500
)

// mergeTemplate merges the session's template over the operator's pod as a strategic merge patch. It refuses a template
// that removes what keeps the session safe.
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
	if err := checkSize(template.Spec.Raw); err != nil {
		return corev1.PodTemplateSpec{}, err
	}
	if err := checkTypes(template.Spec.Raw); err != nil {
		return corev1.PodTemplateSpec{}, fmt.Errorf("%s is not a pod's spec: %w", templatePath, err)
	}
	original, err := json.Marshal(base.Spec)
	if err != nil {
		return corev1.PodTemplateSpec{}, fmt.Errorf("encode the operator's pod: %w", err)
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

// Oversized reports whether a session's template is longer than any that is merged.
func Oversized(session *v1alpha1.WhatsAppSession) bool {
	template := session.Spec.Template
	return template != nil && template.Spec != nil && len(template.Spec.Raw) > maxTemplateBytes
}

// checkSize refuses a template that is too long, that has too many list items in all, or a quantity that takes all memory.
func checkSize(template []byte) error {
	if len(template) > maxTemplateBytes {
		return field.TooLong(templatePath, "", maxTemplateBytes)
	}
	var object map[string]any
	if err := json.Unmarshal(template, &object); err != nil {
		return fmt.Errorf("%s is not a pod's spec: %w", templatePath, err)
	}
	if items := countItems(object); items > maxTemplateItems {
		return field.TooMany(templatePath, items, maxTemplateItems)
	}
	if at := findNull(object, templatePath); at != nil {
		return field.Invalid(at, nil, "must not be null; to remove an item of the operator's, use $patch: delete")
	}
	if err := quantity.Check(object); err != nil {
		return fmt.Errorf("%s: %w", templatePath, err)
	}
	return nil
}

func countItems(value any) int {
	items := 0
	switch value := value.(type) {
	case map[string]any:
		for _, member := range value {
			items += countItems(member)
		}
	case []any:
		items = len(value)
		for _, member := range value {
			items += countItems(member)
		}
	}
	return items
}

// findNull returns where a list has a null, which the merge refuses with all of the operator's own list; nil for nowhere.
func findNull(value any, at *field.Path) *field.Path {
	switch value := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			if found := findNull(value[name], at.Child(name)); found != nil {
				return found
			}
		}
	case []any:
		for i, member := range value {
			if member == nil {
				return at.Index(i)
			}
			if found := findNull(member, at.Index(i)); found != nil {
				return found
			}
		}
	}
	return nil
}

// checkTypes reads a template as a pod's spec, without the directives of a strategic merge. So a misspelt field is
// reported by its path in the template.
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

// strategicMerge merges a patch into a pod's spec. The library expects patches that the API server has checked and panics
// on some others; one session's template must not stop the operator of all.
func strategicMerge(original, patch []byte) (merged []byte, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the strategic merge patch is malformed: %v", cause)
		}
	}()
	return strategicpatch.StrategicMergePatch(original, patch, corev1.PodSpec{})
}

// decodeStrictly decodes a pod's spec and refuses unknown fields.
func decodeStrictly(data []byte) (corev1.PodSpec, error) {
	var spec corev1.PodSpec
	strict, err := kjson.UnmarshalStrict(data, &spec)
	if err == nil && len(strict) > 0 {
		err = strict[0]
	}
	return spec, err
}

// decideTemplate lists the operator's settings that a merged spec lost or changed.
func decideTemplate(base, merged corev1.PodSpec) field.ErrorList {
	var errs field.ErrorList
	if merged.RestartPolicy != base.RestartPolicy {
		errs = append(errs, field.NotSupported(templatePath.Child("restartPolicy"), merged.RestartPolicy,
			[]corev1.RestartPolicy{base.RestartPolicy}))
	}
	if merged.HostNetwork {
		errs = append(errs, field.Invalid(templatePath.Child("hostNetwork"), true,
			"must be false: the API on 127.0.0.1, which needs no token, would be open to the node"))
	}
	if grace := merged.TerminationGracePeriodSeconds; grace == nil || *grace < minTerminationGraceSeconds {
		errs = append(errs, field.Invalid(templatePath.Child("terminationGracePeriodSeconds"), grace,
			fmt.Sprintf("must be at least %d, so that the bot ends before the next one starts", minTerminationGraceSeconds)))
	}
	if merged.ActiveDeadlineSeconds != nil {
		errs = append(errs, field.Forbidden(templatePath.Child("activeDeadlineSeconds"),
			"would end the bot again and again: a bot runs until its session is suspended or deleted"))
	}
	for _, volume := range base.Volumes {
		path := templatePath.Child("volumes").Key(volume.Name)
		if i := slices.IndexFunc(merged.Volumes, func(v corev1.Volume) bool { return v.Name == volume.Name }); i < 0 {
			errs = append(errs, field.Forbidden(path, "belongs to the operator and cannot be removed"))
		} else if !equality.Semantic.DeepEqual(merged.Volumes[i], volume) {
			errs = append(errs, field.Forbidden(path, "belongs to the operator and cannot be changed"))
		}
	}
	return append(errs, decideContainer(base.Containers[0], merged.Containers)...)
}

// decideContainer does the same for the bot's container.
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
	// If a variable is set twice, the last one counts, and a replaced list may have it twice.
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
	for name, instead := range contradicting {
		if hasEnv(bot.Env, name) && !hasEnv(base.Env, name) {
			errs = append(errs, field.Forbidden(at.Child("env").Key(name), instead))
		}
	}
	for _, mount := range base.VolumeMounts {
		if !slices.ContainsFunc(bot.VolumeMounts, func(m corev1.VolumeMount) bool {
			return equality.Semantic.DeepEqual(m, mount)
		}) {
			errs = append(errs, field.Forbidden(at.Child("volumeMounts").Key(mount.MountPath),
				"mounts volume "+mount.Name+" for the operator and cannot be removed or changed"))
		}
	}
	for _, mount := range bot.VolumeMounts {
		if i := slices.IndexFunc(base.VolumeMounts, func(m corev1.VolumeMount) bool { return covers(m, mount) }); i >= 0 {
			errs = append(errs, field.Forbidden(at.Child("volumeMounts").Key(mount.MountPath),
				"would hide files in the operator's mount "+base.VolumeMounts[i].MountPath))
		}
	}
	if bot.RestartPolicy != nil || len(bot.RestartPolicyRules) > 0 {
		errs = append(errs, field.Forbidden(at.Child("restartPolicy"), "the bot is always restarted"))
	}
	// On a terminal the bot draws the current code, and a container's output is kept in the node's and the cluster's logs.
	for name, set := range map[string]bool{"tty": bot.TTY, "stdin": bot.Stdin, "stdinOnce": bot.StdinOnce} {
		if set {
			errs = append(errs, field.Forbidden(at.Child(name), "the bot would write its QR codes to the pod's log"))
		}
	}
	slices.SortStableFunc(errs, func(a, b *field.Error) int { return strings.Compare(a.Field, b.Field) })
	return errs
}

// covers reports whether another mount would hide files of the operator's mount: the session directory or the
// credentials. A template may mount what it likes under /tmp.
func covers(own, other corev1.VolumeMount) bool {
	if own.Name == volumeTemporary || equality.Semantic.DeepEqual(own, other) {
		return false
	}
	return strings.HasPrefix(path.Clean("/"+other.MountPath)+"/", own.MountPath+"/")
}

// specHash hashes everything that a pod is rendered from, except the operator's labels, which can be changed in place.
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

// ownHash hashes the parts of a session's spec that its pod is made from. It has to be the same in every version of the
// operator. So a setting that a later version adds is included only where it differs from its default.
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
		panic(fmt.Sprintf("encode what a pod is made from: %v", err)) // it was decoded from JSON or built here
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

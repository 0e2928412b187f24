package controllers

import (
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"

	"sesi.dev/sesi/internal/quantity"
)

// quotaExceeded reports whether a create failed only because a quota is used up. The API server has no reason for it but
// this text.
func quotaExceeded(err error) bool {
	return apierrors.IsForbidden(err) && strings.Contains(err.Error(), "exceeded quota: ")
}

// quotaText is what the API server says of the quota: what the pod asks for, what is used, and the limit.
var quotaText = regexp.MustCompile(`exceeded quota: [^,]+, requested: ([^ ]+), used: ([^ ]+), limited: ([^ ]+)`)

// makesRoom reports whether an exceeded quota has room for a pod once the present one is gone. What cannot be read or
// counted has room, else a session would never get its new pod.
func makesRoom(err error, present *corev1.Pod) bool {
	text := quotaText.FindStringSubmatch(err.Error())
	if text == nil {
		return true
	}
	requested, used, limited := amounts(text[1]), amounts(text[2]), amounts(text[3])
	for name, total := range requested {
		before, had := used[name]
		limit, has := limited[name]
		mine, known := usage(present, name)
		if !had || !has || !known {
			continue
		}
		total.Add(before)
		total.Sub(mine)
		if total.Cmp(limit) > 0 {
			return false
		}
	}
	return true
}

// amounts reads a list such as pods=1,requests.memory=48Mi.
func amounts(list string) map[string]resource.Quantity {
	all := map[string]resource.Quantity{}
	if quantity.Check(map[string]any{"requests": list}) != nil {
		return all // another program's text; a quantity in it may take all memory
	}
	for _, entry := range strings.Split(list, ",") {
		name, value, _ := strings.Cut(entry, "=")
		if amount, err := resource.ParseQuantity(value); err == nil {
			all[name] = amount
		}
	}
	return all
}

// usage is what a pod uses of a quota's resource, or more; false where that is not known. A pod uses less than all of its
// containers together when init containers end before the others start.
func usage(pod *corev1.Pod, name string) (resource.Quantity, bool) {
	if name == "pods" || name == "count/pods" {
		return *resource.NewQuantity(1, resource.DecimalSI), true
	}
	limits := strings.HasPrefix(name, "limits.")
	key := corev1.ResourceName(strings.TrimPrefix(strings.TrimPrefix(name, "limits."), "requests."))
	if key != corev1.ResourceCPU && key != corev1.ResourceMemory && key != corev1.ResourceEphemeralStorage {
		return resource.Quantity{}, false
	}
	sum := pod.Spec.Overhead[key].DeepCopy()
	add := func(r *corev1.ResourceRequirements) {
		list := r.Requests
		if limits {
			list = r.Limits
		}
		sum.Add(list[key])
	}
	for i := range pod.Spec.Containers {
		add(&pod.Spec.Containers[i].Resources)
	}
	for i := range pod.Spec.InitContainers {
		add(&pod.Spec.InitContainers[i].Resources)
	}
	if pod.Spec.Resources != nil {
		add(pod.Spec.Resources)
	}
	return sum, true
}

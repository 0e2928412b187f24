package controllers

import (
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A quota counts the present pod, so only one that stays exceeded without it refuses the next. What cannot be read does
// not keep a session from its new pod.
func TestMakesRoom(t *testing.T) {
	list := func(memory, cpu string) corev1.ResourceList {
		return corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(memory), corev1.ResourceCPU: resource.MustParse(cpu)}
	}
	pod := &corev1.Pod{Spec: corev1.PodSpec{
		Overhead:       list("1Mi", "0"),
		InitContainers: []corev1.Container{{Resources: corev1.ResourceRequirements{Requests: list("9Mi", "0")}}},
		Containers: []corev1.Container{
			{Resources: corev1.ResourceRequirements{Requests: list("48Mi", "20m"), Limits: list("96Mi", "1")}},
			{Resources: corev1.ResourceRequirements{Requests: list("42Mi", "0")}},
		},
	}}
	for text, want := range map[string]bool{
		"exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1":                                                             true,
		"exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=0":                                                             false,
		"exceeded quota: q, requested: count/pods=1, used: count/pods=3, limited: count/pods=2":                                           false,
		"exceeded quota: q, requested: memory=100Mi, used: memory=150Mi, limited: memory=150Mi":                                           true,
		"exceeded quota: q, requested: memory=101Mi, used: memory=150Mi, limited: memory=150Mi":                                           false,
		"exceeded quota: q, requested: requests.memory=101Mi, used: requests.memory=150Mi, limited: requests.memory=150Mi":                false,
		"exceeded quota: q, requested: limits.memory=97Mi, used: limits.memory=97Mi, limited: limits.memory=97Mi":                         true,
		"exceeded quota: q, requested: limits.memory=98Mi, used: limits.memory=97Mi, limited: limits.memory=97Mi":                         false,
		"exceeded quota: q, requested: cpu=20m,pods=1, used: cpu=1,pods=1, limited: cpu=1,pods=1":                                         true,
		"exceeded quota: q, requested: cpu=21m,pods=1, used: cpu=1,pods=1, limited: cpu=1,pods=1":                                         false,
		"exceeded quota: q, requested: requests.example.com/gpu=1, used: requests.example.com/gpu=1, limited: requests.example.com/gpu=0": true,
		"exceeded quota: q, requested: memory=1e999999999, used: memory=1, limited: memory=0":                                             true,
		"exceeded quota: q, requested: memory, used: memory=1, limited: memory=0":                                                         true,
		"exceeded quota: q": true,
	} {
		err := apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "wa-kasir", errors.New(text))
		if got := makesRoom(err, pod); got != want {
			t.Errorf("makesRoom(%s) = %t", text, got)
		}
	}
}

// Package v1alpha1 is the Kubernetes API of Sesi: the WhatsAppSession, its conditions and their reasons. It
// declares and never decides: whatever derives, defaults or compares lives in the controllers.
//
// +kubebuilder:object:generate=true
// +groupName=sesi.dev
package v1alpha1

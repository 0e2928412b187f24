// Package controllers is the operator: it brings each WhatsAppSession's claim, credentials, network and one bot pod
// about, and shows in its status what is true of them. It never speaks with a bot inside Reconcile, and never makes a
// pod while another may hold the session's keys.
package controllers

// The operator's rules on what it watches, in every namespace or in each of the watched ones (generated into
// config/rbac/role.yaml). The one on nodes, which only an operator of the whole cluster has, is in
// config/rbac/nodes.yaml; the two that are for the whole cluster and serve the metrics endpoint alone, in
// config/rbac/shared/metrics.yaml; leader election's in config/rbac/shared/leader_election.yaml. Together they are
// all: a test compares them with the API server's audit log. Secrets and pods are read by the operator's own label
// alone; a rule cannot say so, the cache does.
//
// +kubebuilder:rbac:groups=sesi.dev,resources=whatsappsessions,verbs=list;watch;patch
// +kubebuilder:rbac:groups=sesi.dev,resources=whatsappsessions/status,verbs=patch
// +kubebuilder:rbac:groups="",resources=pods,verbs=get;list;watch;create;delete
// +kubebuilder:rbac:groups="",resources=secrets;services,verbs=get;list;watch;create;update
// +kubebuilder:rbac:groups=networking.k8s.io,resources=networkpolicies,verbs=get;list;watch;create;update
// +kubebuilder:rbac:groups="",resources=persistentvolumeclaims,verbs=list;watch;create;patch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

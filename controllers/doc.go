// Package controllers is the operator. For each WhatsAppSession it creates the claim, the credentials, the network
// objects and one bot pod, and writes what it observes of them to the session's status. Reconcile never talks to a bot,
// and never creates a pod while another pod may hold the session's keys.
package controllers

// The operator's rules on what it watches, in every namespace or in each of the watched ones (generated into
// config/rbac/role.yaml). Those of an operator of the whole cluster alone are in config/rbac/cluster.yaml; the
// two cluster-wide rules of the metrics endpoint are in config/rbac/shared/metrics.yaml, those of leader election in
// config/rbac/shared/leader_election.yaml. A test compares all of them with the API server's audit log. The operator
// reads only the Secrets and pods that carry its label; a rule cannot say so, the cache does.
//
// +kubebuilder:rbac:groups=sesi.dev,resources=whatsappsessions,verbs=list;watch;patch
// +kubebuilder:rbac:groups=sesi.dev,resources=whatsappsessions/status,verbs=patch
// +kubebuilder:rbac:groups="",resources=pods,verbs=get;list;watch;create;delete
// +kubebuilder:rbac:groups="",resources=secrets;services,verbs=get;list;watch;create;update
// +kubebuilder:rbac:groups=networking.k8s.io,resources=networkpolicies,verbs=get;list;watch;create;update
// +kubebuilder:rbac:groups="",resources=persistentvolumeclaims,verbs=list;watch;create;patch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

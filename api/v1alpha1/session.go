package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// WhatsAppSession is one linked WhatsApp Web session. The operator runs exactly one bot for it, keeps it on a
// PersistentVolumeClaim, and shows its state here.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=wasession;was
// +kubebuilder:printcolumn:name="Client-ID",type=string,JSONPath=`.status.clientId`,description="The session's name inside its claim"
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.status.state`,description="State of the session"
// +kubebuilder:printcolumn:name="Session",type=string,JSONPath=`.status.conditions[?(@.type=="SessionExists")].status`,description="Whether the claim holds a linked device"
// +kubebuilder:printcolumn:name="Expired",type=string,JSONPath=`.status.conditions[?(@.type=="SessionExpired")].status`,description="Whether the session has expired"
// +kubebuilder:printcolumn:name="QR-Needed",type=string,JSONPath=`.status.conditions[?(@.type=="QRRequired")].status`,description="Whether a person must scan a code"
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`,description="Whether the bot can send and receive"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.reason`,description="Why the session is in its state"
// +kubebuilder:printcolumn:name="Phone",type=string,priority=1,JSONPath=`.status.session.phoneNumber`,description="The linked account"
// +kubebuilder:printcolumn:name="Node",type=string,priority=1,JSONPath=`.status.nodeName`,description="Where the bot runs"
// +kubebuilder:printcolumn:name="Last-Connected",type=date,priority=1,JSONPath=`.status.session.lastConnectedAt`,description="Age of the present or last connection"
// +kubebuilder:printcolumn:name="Delivered",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="EventsDelivered")].status`,description="Whether every webhook gets its events"
// +kubebuilder:printcolumn:name="Sending",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Sending")].status`,description="Whether nothing holds messages back"
// +kubebuilder:selectablefield:JSONPath=`.spec.clientId`
// +kubebuilder:selectablefield:JSONPath=`.status.clientId`
// +kubebuilder:selectablefield:JSONPath=`.status.state`
// +kubebuilder:selectablefield:JSONPath=`.status.userAction`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 60 && self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="metadata.name must be at most 60 characters of a-z, 0-9 and -, and begin and end with a letter or digit: the pod, the Service and the claim are named after it"
// +kubebuilder:validation:XValidation:rule="(has(self.spec.clientId) ? self.spec.clientId : self.metadata.name) == (has(oldSelf.spec.clientId) ? oldSelf.spec.clientId : oldSelf.metadata.name)",message="spec.clientId cannot change, because another clientId is another session: create another WhatsAppSession for it",fieldPath=".spec.clientId"
type WhatsAppSession struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty,omitzero"`

	// spec is the desired state.
	// +required
	Spec WhatsAppSessionSpec `json:"spec"`

	// status is the observed state.
	// +kubebuilder:default:={"observedGeneration":-1,"state":"Pending"}
	// +optional
	Status WhatsAppSessionStatus `json:"status,omitempty,omitzero"`
}

// WhatsAppSessionList is a list of sessions.
//
// +kubebuilder:object:root=true
type WhatsAppSessionList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []WhatsAppSession `json:"items"`
}

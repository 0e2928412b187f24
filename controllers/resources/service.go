package resources

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

// BuildService builds the Service of the bot's API: https://wa-<session>.<namespace>.svc:8443, with the token and the
// certificate of the session's Secret. It is headless: an address for every session would use up a cluster's Service
// range, which often has 4,096 addresses. A headless Service does not translate ports, so its port is the bot's. The
// target is a number, so no template can redirect it by a port's name.
func BuildService(session *v1alpha1.WhatsAppSession) *corev1.Service {
	https := "https"
	return &corev1.Service{
		ObjectMeta: naming.ObjectMeta(session),
		Spec: corev1.ServiceSpec{
			Type:      corev1.ServiceTypeClusterIP,
			ClusterIP: corev1.ClusterIPNone,
			Selector:  naming.Selector(session),
			Ports: []corev1.ServicePort{{
				Name:        "https",
				Port:        naming.PortTLS,
				TargetPort:  intstr.FromInt32(naming.PortTLS),
				Protocol:    corev1.ProtocolTCP,
				AppProtocol: &https,
			}},
		},
	}
}

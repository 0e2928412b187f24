package resources

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

// servicePort is where the Service serves the bot's API.
const servicePort = 443

// BuildService builds the Service in front of the bot's API: https://wa-<session>.<namespace>.svc, with the
// token and the certificate of the session's Secret. The target is a number, not a port's name, so that no
// template can take it over.
func BuildService(session *v1alpha1.WhatsAppSession) *corev1.Service {
	https := "https"
	return &corev1.Service{
		ObjectMeta: naming.ObjectMeta(session),
		Spec: corev1.ServiceSpec{
			Selector: naming.Selector(session),
			Ports: []corev1.ServicePort{{
				Name:        "https",
				Port:        servicePort,
				TargetPort:  intstr.FromInt32(naming.PortTLS),
				Protocol:    corev1.ProtocolTCP,
				AppProtocol: &https,
			}},
		},
	}
}

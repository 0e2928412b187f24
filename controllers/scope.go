package controllers

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/observer"
	"sesi.dev/sesi/controllers/resources"
)

// scope is one visit to one session: what was read, all at once, and what the phases found. The objects are shared
// with the cache and are never changed.
type scope struct {
	now     time.Time
	session *v1alpha1.WhatsAppSession

	claim  *corev1.PersistentVolumeClaim
	secret *corev1.Secret
	// keys are what the secret holds; nil when it is not there or damaged.
	keys    *keys
	service *corev1.Service
	policy  *networkingv1.NetworkPolicy
	// pod has the bot's name and the operator's label, whoever's it is.
	pod *corev1.Pod
	// readsNodes says that the operator may ask about nodes; nodeLost, that the pod's node was asked about and says
	// nothing any more.
	readsNodes, nodeLost bool

	// desired is the pod that the spec asks for; templateErr is why there is none.
	desired     *corev1.Pod
	templateErr error
	// holder is the older session that keeps the same claim and clientId; nil when this one does.
	holder *v1alpha1.WhatsAppSession
	// twin is another session that is linked to the same account.
	twin *v1alpha1.WhatsAppSession

	// observation is what the observer knows of the present pod's bot; nil when it does not listen to it.
	observation *observer.Observation

	// storage and bot are the verdicts of StorageReady and PodReady; trouble is that of anything else that keeps the
	// operator from what the spec asks for.
	storage verdict
	bot     verdict
	trouble verdict
	// stays says that an outdated pod keeps running until its turn in the rollout comes.
	stays bool
	// step is when the steps of the pod's start are told; zero when none waits.
	step time.Time
}

func (s *scope) deleting() bool { return s.session.DeletionTimestamp != nil }

func (s *scope) suspended() bool {
	return s.session.Spec.Suspended != nil && *s.session.Spec.Suspended
}

// owned tells whether the pod of the bot's name is this session's own.
func (s *scope) owned() bool { return s.pod != nil && metav1.IsControlledBy(s.pod, s.session) }

// snapshot is the last that the present pod's bot said; nil if it said nothing yet.
func (s *scope) snapshot() *bot.Snapshot {
	if s.observation == nil {
		return nil
	}
	return s.observation.Snapshot
}

// unheard tells whether nobody listens to the bot of the session's pod, and nobody can.
func (s *scope) unheard() bool { return s.keys == nil && s.observation == nil }

// outdated tells whether the spec asks for another pod than the one that runs.
func (s *scope) outdated() bool {
	return s.owned() && s.desired != nil && resources.SpecHash(s.pod) != resources.SpecHash(s.desired)
}

// rolled tells whether the pod is outdated for no wish of its session: the operator, or its default image, is another.
// Only a bot that runs can wait for its turn.
func (s *scope) rolled() bool {
	if !s.outdated() || s.suspended() || s.holder != nil {
		return false
	}
	own := resources.OwnHash(s.pod)
	_, process := s.classifyPod()
	return process == processRuns && (own == "" || own == resources.OwnHash(s.desired))
}

// sooner is the next moment at which a verdict may change by itself.
func (s *scope) sooner() time.Duration {
	var wait time.Duration
	for _, look := range []time.Time{s.storage.look, s.bot.look, s.trouble.look, s.step} {
		if look.IsZero() {
			continue
		}
		if left := max(look.Sub(s.now), time.Second); wait == 0 || left < wait {
			wait = left
		}
	}
	return wait
}

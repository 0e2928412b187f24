package controllers

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/resources"
)

// load reads everything that a pass needs from the cache, and plans what to do about the pod; nil when the session is
// gone.
func (r *Reconciler) load(ctx context.Context, key types.NamespacedName) (*pass, error) {
	in := input{now: r.now(), session: &v1alpha1.WhatsAppSession{}, masked: r.options.MaskPersonalData}
	if err := r.Get(ctx, key, in.session); err != nil {
		if apierrors.IsNotFound(err) {
			return nil, nil
		}
		return nil, fmt.Errorf("read the session: %w", err)
	}
	name := types.NamespacedName{Namespace: key.Namespace, Name: naming.Name(in.session)}
	claim := types.NamespacedName{Namespace: key.Namespace, Name: naming.ClaimName(in.session)}
	var err error
	in.claim = find(ctx, r, claim, &corev1.PersistentVolumeClaim{}, &err)
	in.secret = find(ctx, r, name, &corev1.Secret{}, &err)
	in.service = find(ctx, r, name, &corev1.Service{}, &err)
	in.policy = find(ctx, r, name, &networkingv1.NetworkPolicy{}, &err)
	in.pod = find(ctx, r, name, &corev1.Pod{}, &err)
	if err != nil {
		return nil, err
	}
	if in.readsNodes = r.nodes.live != nil; in.needsNode() {
		in.nodeLost = r.nodes.lost(ctx, in.pod.Spec.NodeName, in.now)
	}
	if err := r.loadOthers(ctx, &in); err != nil {
		return nil, err
	}
	if err := r.rollout.restore(ctx, r); err != nil {
		return nil, err
	}
	if err := r.loadDeliveries(ctx, &in); err != nil {
		return nil, err
	}
	in.keys = r.keyring.read(in.session, in.secret)
	in.desired, in.templateErr = r.builds.pod(in.session, r.options)
	r.observe(&in)

	p := &pass{input: in}
	p.storage = classifyClaim(&p.input)
	p.plan = decidePlan(&p.input, p.storage)
	p.bot = p.plan.bot
	switch {
	case in.templateErr != nil:
		p.trouble = classifyTemplate(in.templateErr)
	case in.deliveries.Err != nil:
		p.trouble = found(kindInvalidMessages, "%v. The bot goes by the settings that it has.", in.deliveries.Err)
	}
	return p, nil
}

// loadDeliveries builds the bot's files about messages from the spec and the Secrets that its webhooks name.
func (r *Reconciler) loadDeliveries(ctx context.Context, in *input) error {
	var secrets map[string]*corev1.Secret
	for _, name := range resources.WebhookSecrets(in.session) {
		var err error
		secret := find(ctx, r.webhookSecrets, types.NamespacedName{Namespace: in.session.Namespace, Name: name}, &corev1.Secret{}, &err)
		if err != nil {
			return err
		}
		if secret != nil {
			if secrets == nil {
				secrets = map[string]*corev1.Secret{}
			}
			secrets[name] = secret
		}
	}
	in.deliveries = resources.BuildDeliveries(in.session, in.secret, secrets)
	return nil
}

// observe adds what the present pod's bot reported.
func (r *Reconciler) observe(in *input) {
	observed, listening := r.bots.Observed(client.ObjectKeyFromObject(in.session))
	if listening && in.owned() && observed.Instance == string(in.pod.UID) {
		in.observation = &observed
	}
}

// find reads one object; nil when it does not exist. It does nothing after an error.
func find[T client.Object](ctx context.Context, r client.Reader, key types.NamespacedName, into T, failed *error) T {
	var none T
	if *failed != nil {
		return none
	}
	switch err := r.Get(ctx, key, into); {
	case err == nil:
		return into
	case !apierrors.IsNotFound(err):
		*failed = fmt.Errorf("read %T %s: %w", into, key.Name, err)
	}
	return none
}

// loadOthers finds the sessions with the same claim and clientId, and those with the same account.
func (r *Reconciler) loadOthers(ctx context.Context, in *input) error {
	siblings, err := sessionsBy(ctx, r, indexDirectory, naming.DirectoryKey(in.session))
	if err != nil {
		return err
	}
	in.holder = resources.DecideHolder(in.session, siblings)
	return r.loadSameAccount(ctx, in)
}

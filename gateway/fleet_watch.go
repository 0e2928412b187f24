package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/apikey"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

// newFleet prepares the watches. namespaces limits them; none means the whole cluster.
func newFleet(config *rest.Config, namespaces []string, log *slog.Logger) (*fleet, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("register the API's kinds: %w", err)
		}
	}
	ours, err := labels.NewRequirement(naming.LabelSession, selection.Exists, nil)
	if err != nil {
		return nil, fmt.Errorf("select by %s: %w", naming.LabelSession, err)
	}
	options := cache.Options{Scheme: scheme, ReaderFailOnMissingInformer: true, DefaultUnsafeDisableDeepCopy: new(true)}
	if len(namespaces) > 0 {
		options.DefaultNamespaces = map[string]cache.Config{}
		for _, namespace := range namespaces {
			options.DefaultNamespaces[namespace] = cache.Config{}
		}
	}
	f := &fleet{
		log: log, members: map[sessionKey]*member{}, keys: map[apikey.Sum][]heldKey{},
		holders: map[types.NamespacedName]apikey.Sum{}, readers: map[*changes]struct{}{},
	}
	labelled := labels.NewSelector().Add(*ours)
	options.ByObject = map[client.Object]cache.ByObject{
		&v1alpha1.WhatsAppSession{}: {Transform: slimSession},
		&corev1.Pod{}:               {Label: labelled, Transform: slimPod},
		&corev1.Secret{}:            {Label: labelled, Transform: slimSecret},
	}
	if f.objects, err = cache.New(config, options); err != nil {
		return nil, fmt.Errorf("watch the sessions: %w", err)
	}
	options.ByObject = map[client.Object]cache.ByObject{
		&corev1.Secret{}: {Field: fields.OneTermEqualSelector("type", string(apikey.Type)), Transform: slimMeta},
	}
	if f.secrets, err = cache.New(config, options); err != nil {
		return nil, fmt.Errorf("watch the API keys: %w", err)
	}
	return f, nil
}

// start watches until ctx ends. It returns when everything has been seen once: what the caches hold reaches the fleet a
// moment later. ended is closed after ctx's end.
func (f *fleet) start(ctx context.Context) (ended <-chan struct{}, err error) {
	var seen []toolscache.InformerSynced
	for _, watched := range []struct {
		from   cache.Cache
		object client.Object
		see    func(object any, gone bool)
	}{
		{f.objects, &v1alpha1.WhatsAppSession{}, f.seeSession},
		{f.objects, &corev1.Pod{}, f.seePod},
		{f.objects, &corev1.Secret{}, f.seeSecret},
		{f.secrets, &corev1.Secret{}, f.seeKey},
	} {
		informer, err := watched.from.GetInformer(ctx, watched.object, cache.BlockUntilSynced(false))
		if err != nil {
			return nil, fmt.Errorf("watch %T: %w", watched.object, err)
		}
		handlers := toolscache.ResourceEventHandlerFuncs{
			AddFunc:    func(object any) { watched.see(object, false) },
			UpdateFunc: func(_, object any) { watched.see(object, false) },
			DeleteFunc: func(object any) {
				if tomb, ok := object.(toolscache.DeletedFinalStateUnknown); ok {
					object = tomb.Obj
				}
				watched.see(object, true)
			},
		}
		handled, err := informer.AddEventHandler(handlers)
		if err != nil {
			return nil, fmt.Errorf("watch %T: %w", watched.object, err)
		}
		seen = append(seen, handled.HasSynced)
	}
	var running sync.WaitGroup
	for _, c := range []cache.Cache{f.objects, f.secrets} {
		running.Go(func() {
			if err := c.Start(ctx); err != nil {
				f.log.Error("the watches ended", "error", err)
			}
		})
	}
	done := make(chan struct{})
	go func() {
		running.Wait()
		close(done)
	}()
	if !toolscache.WaitForCacheSync(ctx.Done(), seen...) {
		return done, fmt.Errorf("read the sessions: %w", context.Cause(ctx))
	}
	return done, nil
}

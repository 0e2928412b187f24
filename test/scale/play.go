package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/controllers/resources"
	"sesi.dev/sesi/test/bottest"
	"sesi.dev/sesi/test/clustertest"
)

// stage simulates the bot of every running pod, at its own address and with its session's certificate and token.
type stage struct {
	c       *cluster
	doubles clustertest.Doubles

	mu     sync.Mutex
	bots   []*bottest.Bot
	failed error
}

// play starts with the first pod.
func play(ctx context.Context, c *cluster) *stage {
	p := &stage{c: c}
	p.doubles.Linked = func(clientID, instance string) bot.Snapshot {
		linked := bottest.Paired(clientID, instance, "62811"+clientID[1:]+":1@s.whatsapp.net")
		linked.Messages = delivering(0)
		return linked
	}
	queue := newQueue(ctx, &c.work, p.begin)
	c.pods.mu.Lock()
	defer c.pods.mu.Unlock()
	c.pods.started = func(pod *corev1.Pod) { queue <- pod }
	return p
}

// webhookName is the webhook that every session has.
const webhookName = "orders"

// delivering is what a bot reports of its webhook: every second change is to one that is behind, and the count of its dead
// letters rises.
func delivering(number int) *bot.MessagesSummary {
	hook := bot.WebhookSummary{Name: webhookName, State: bot.WebhookDelivering, DeadLetters: uint64(number / 10)} //nolint:gosec // number counts up from 0
	if number%2 == 1 {
		hook.State, hook.BacklogSince = bot.WebhookRetrying, bot.At(time.Now().Add(-time.Minute))
	}
	return &bot.MessagesSummary{Webhooks: []bot.WebhookSummary{hook}}
}

// begin reads the pod's Secret, as its node would, and listens.
func (p *stage) begin(ctx context.Context, pod *corev1.Pod) {
	var secret corev1.Secret
	err := p.c.client.Get(ctx, client.ObjectKeyFromObject(pod), &secret)
	if err == nil {
		_, err = p.doubles.Start(pod, pod.Status.PodIP, clustertest.Files{Secret: secret.Data})
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.failed = fmt.Errorf("play the bot of %s: %w", pod.Name, err)
		fmt.Fprintln(os.Stderr, "scale:", p.failed)
		return
	}
	p.bots = append(p.bots, p.doubles.Bot(client.ObjectKeyFromObject(pod)))
}

func (p *stage) bot(session string) *bottest.Bot {
	return p.doubles.Bot(types.NamespacedName{Namespace: namespace, Name: "wa-" + session})
}

func (p *stage) all() []*bottest.Bot {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bots
}

// streams returns how many bots have a listener, and how many streams were ever opened.
func (p *stage) streams() (heard, opened int) {
	for _, b := range p.all() {
		heard += min(b.Streams(), 1)
		opened += b.Opened()
	}
	return heard, opened
}

// fastest measures the most streams opened within one second, until the returned function is called.
func (p *stage) fastest(ctx context.Context) (stop func() int) {
	ctx, cancel := context.WithCancel(ctx)
	most := make(chan int, 1)
	go func() {
		const every = 50 * time.Millisecond
		var counts []int
		best := 0
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			_, opened := p.streams()
			counts = append(counts, opened)
			if back := len(counts) - 1 - int(time.Second/every); back >= 0 {
				best = max(best, opened-counts[back])
			} else {
				best = max(best, opened-counts[0])
			}
			select {
			case <-ctx.Done():
				most <- best
				return
			case <-tick.C:
			}
		}
	}()
	return func() int { cancel(); return <-most }
}

// resourcesOptions returns the operator's own options, for building the same objects without it.
func resourcesOptions() resources.Options {
	return resources.Options{BotImage: "bot:1", OperatorNamespace: systemNamespace}
}

func name(i int) string { return "s" + strconv.Itoa(i) }

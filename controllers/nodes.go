package controllers

import (
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

const (
	// nodeMemory is how long an answer about a node counts, so that all the pods of one node are one question.
	nodeMemory = 10 * time.Second
	// nodePause is between two questions about the node of one pod.
	nodePause = time.Minute
)

// nodes tells whether the cluster has lost a node. Of a pod that was Ready the pod itself tells, for the node's
// controller takes Ready from it; of one that never was, nothing but the node does. It is asked when a pod does not get
// on, and not watched: with every node in the cache, all would pay for what few pods need.
type nodes struct {
	// live reads past the cache; nil where the operator may not read nodes, as in single namespaces.
	live client.Reader

	mu    sync.Mutex
	asked map[string]nodeAnswer
}

type nodeAnswer struct {
	until time.Time
	lost  bool
}

// lost tells whether the cluster no longer hears a node; false too where that cannot be known.
func (n *nodes) lost(ctx context.Context, name string, now time.Time) bool {
	if n.live == nil {
		return false
	}
	n.mu.Lock()
	before, found := n.asked[name]
	n.mu.Unlock()
	if found && now.Before(before.until) {
		return before.lost
	}
	var node corev1.Node
	answer := nodeAnswer{now.Add(nodeMemory), before.lost}
	if err := n.live.Get(ctx, types.NamespacedName{Name: name}, &node); err != nil {
		log.FromContext(ctx).Info("the node of a pod that does not get on cannot be read", "node", name, "error", err.Error())
	} else {
		answer.lost = nodeSilent(&node)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for other, old := range n.asked {
		if now.Sub(old.until) > 2*nodePause {
			delete(n.asked, other)
		}
	}
	if n.asked == nil {
		n.asked = map[string]nodeAnswer{}
	}
	n.asked[name] = answer
	return answer.lost
}

// nodeSilent tells whether the kubelet of a node says nothing any more. One that says that it is not ready still speaks.
func nodeSilent(node *corev1.Node) bool {
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			return condition.Status == corev1.ConditionUnknown
		}
	}
	return false
}

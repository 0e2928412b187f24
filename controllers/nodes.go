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
	// nodeMemory is how long an answer about a node is valid, so that all the pods of one node cost one request.
	nodeMemory = 10 * time.Second
	// nodePause is the time between two requests about the node of one pod.
	nodePause = time.Minute
)

// nodes reports whether the cluster has lost a node. A pod that was Ready shows it, because the node controller sets Ready
// to false; for one that never was, only the node does. The node is read when a pod does not start, and not watched:
// a cache of all nodes would cost every operator memory that few pods need.
type nodes struct {
	// live reads from the API server; nil where the operator may not read nodes, as with a list of namespaces.
	live client.Reader

	mu    sync.Mutex
	asked map[string]nodeAnswer
}

type nodeAnswer struct {
	until time.Time
	lost  bool
}

// lost reports whether the cluster has lost a node; false where that cannot be known.
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
		log.FromContext(ctx).Info("cannot read the node of a pod that does not start", "node", name, "error", err.Error())
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

// nodeSilent reports whether a node's kubelet has stopped reporting. A kubelet that reports NotReady has not.
func nodeSilent(node *corev1.Node) bool {
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			return condition.Status == corev1.ConditionUnknown
		}
	}
	return false
}

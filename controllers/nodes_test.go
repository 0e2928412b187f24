package controllers

import (
	"context"
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// nodeReader answers for the only node.
type nodeReader struct {
	client.Reader
	ready corev1.ConditionStatus
	err   error
	asked int
}

func (r *nodeReader) Get(_ context.Context, _ client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	if r.asked++; r.err != nil {
		return r.err
	}
	into.(*corev1.Node).Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: r.ready}}
	return nil
}

// All pods of a node share one request, and an API server that does not answer does not bring a lost node back.
func TestNodesAreReadSeldom(t *testing.T) {
	api := &nodeReader{ready: corev1.ConditionUnknown}
	n := &nodes{live: api}
	now := noon
	expect := func(lost bool, asked int) {
		t.Helper()
		for range 3 {
			if got := n.lost(t.Context(), "node-1", now); got != lost {
				t.Errorf("lost is %t", got)
			}
		}
		if api.asked != asked {
			t.Errorf("the API server was asked %d times, want %d", api.asked, asked)
		}
	}
	expect(true, 1)
	now, api.err = now.Add(nodePause), errors.New("no answer")
	expect(true, 2)
	now, api.err, api.ready = now.Add(nodePause), nil, corev1.ConditionTrue
	expect(false, 3)
	now, api.err = now.Add(nodePause), errors.New("no answer")
	expect(false, 4)
	n.lost(t.Context(), "node-2", now.Add(10*nodePause))
	if len(n.asked) != 1 {
		t.Errorf("%d answers are kept, want one", len(n.asked))
	}
}

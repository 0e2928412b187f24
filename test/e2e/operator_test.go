package e2e

import (
	"context"
	"fmt"
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestOperatorKilled(t *testing.T) {
	session := startLinked(t, newSession(ownSpace(t, "killed"), "shop"), phoneOf(160))
	before := podUID(t, session)
	undisturbed(t, func() {
		operators, err := operatorPods(t.Context())
		must(t, err)
		for i := range operators {
			must(t, cluster.Delete(t.Context(), &operators[i], client.GracePeriodSeconds(0)))
		}
		// what nobody sees must be repaired by the next operator
		must(t, cluster.Delete(t.Context(), podOf(session)))
		available(t, operatorSpace, "sesi")
		unscanned(t, append(theFleet(t), session), func() { awaitReplaced(t, session, before) })
	})
}

func TestOperatorUpgradedAndRolledBack(t *testing.T) {
	first, err := operatorPods(t.Context())
	must(t, err)
	undisturbed(t, func() {
		helmUpgrade(t, "--set", "podAnnotations.upgraded=yes")
		second, err := operatorPods(t.Context())
		must(t, err)
		if second[0].UID == first[0].UID || second[0].Annotations["upgraded"] != "yes" {
			t.Error("the operator was not replaced")
		}
		command(t, cluster.helm, "rollback", "sesi", "--namespace", operatorSpace, "--wait", "--timeout", "600s")
		third, err := operatorPods(t.Context())
		must(t, err)
		if third[0].Annotations["upgraded"] != "" {
			t.Error("the operator was not rolled back")
		}
	})
}

func TestLeaderHandsOver(t *testing.T) {
	session := theFleet(t)[8]
	before := podUID(t, session)
	helmUpgrade(t, "--set", "replicas=2")
	defer helmUpgrade(t)
	undisturbed(t, func() {
		leader := leaderPod(t)
		must(t, cluster.Delete(t.Context(), leader))
		eventually(t, patience, "another operator leads", func(ctx context.Context) error {
			lease, err := lease(ctx)
			if err != nil {
				return err
			}
			if holder := *lease.Spec.HolderIdentity; holder == "" || holder == leader.Name {
				return fmt.Errorf("the leader is %q", holder)
			}
			return nil
		})
		available(t, operatorSpace, "sesi")
	})
	must(t, cluster.Delete(t.Context(), podOf(session)))
	awaitReplaced(t, session, before)
}

func lease(ctx context.Context) (*coordinationv1.Lease, error) {
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: operatorSpace, Name: "operator.sesi.dev"}}
	if err := get(ctx, lease); err != nil {
		return nil, err
	}
	if lease.Spec.HolderIdentity == nil {
		return nil, fmt.Errorf("the lease has no holder")
	}
	return lease, nil
}

func leaderPod(t *testing.T) *corev1.Pod {
	t.Helper()
	var leader *corev1.Pod
	eventually(t, patience, "one of two operators leads", func(ctx context.Context) error {
		lease, err := lease(ctx)
		if err != nil {
			return err
		}
		operators, err := operatorPods(ctx)
		if err != nil || len(operators) != 2 {
			return fmt.Errorf("%d operators: %w", len(operators), err)
		}
		for i := range operators {
			if *lease.Spec.HolderIdentity == operators[i].Name {
				leader = &operators[i]
				return nil
			}
		}
		return fmt.Errorf("the leader is %q", *lease.Spec.HolderIdentity)
	})
	return leader
}

func TestUninstalledAndInstalledAgain(t *testing.T) {
	sessions := theFleet(t)
	begun := ownSpace(t, "uninstalled")
	undisturbed(t, func() {
		command(t, cluster.helm, "uninstall", "sesi", "--namespace", operatorSpace, "--wait", "--timeout", "600s")
		for _, session := range sessions {
			must(t, get(t.Context(), session))
			must(t, get(t.Context(), podOf(session)))
			must(t, get(t.Context(), &corev1.PersistentVolumeClaim{ObjectMeta: podOf(session).ObjectMeta}))
		}
		eventually(t, patience, "no operator is left", func(ctx context.Context) error { // its pods are collected behind its Deployment
			operators, err := operatorPods(ctx)
			if err == nil && len(operators) != 0 {
				err = fmt.Errorf("there are %d", len(operators))
			}
			return err
		})
		// no operator handles a session until one runs again
		orphan := newSession(begun, "shop")
		must(t, cluster.Create(t.Context(), orphan))
		helmUpgrade(t)
		link(t, orphan, phoneOf(170))
		must(t, cluster.Delete(t.Context(), orphan))
		eventually(t, patience, "its pod has ended and its claim stays", func(ctx context.Context) error {
			if err := get(ctx, podOf(orphan)); !apierrors.IsNotFound(err) {
				return fmt.Errorf("the pod is still there: %w", err)
			}
			return get(ctx, &corev1.PersistentVolumeClaim{ObjectMeta: podOf(orphan).ObjectMeta})
		})
	})
	if seen := knownDevices(t); len(seen) < fleetSize {
		t.Errorf("WhatsApp knows %d devices", len(seen))
	}
}

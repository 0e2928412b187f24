package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/v1alpha1"
)

func TestNodeCordoned(t *testing.T) {
	session := theFleet(t)[5]
	before := podUID(t, session)
	unscanned(t, theFleet(t), func() {
		kubectl(t, "cordon", nodeName)
		defer kubectl(t, "uncordon", nodeName)
		must(t, cluster.Delete(t.Context(), podOf(session)))
		awaitReason(t, session, v1alpha1.ConditionPodReady, v1alpha1.ReasonUnschedulable)
	})
	awaitReplaced(t, session, before)
}

func TestNodeDrained(t *testing.T) {
	sessions := theFleet(t)
	eventually(t, patience, "the provisioner is done with the claims of earlier tests", provisionerIdle)
	unscanned(t, sessions, func() {
		// everything is evicted: the bots, the operator, the DNS server and the simulated WhatsApp itself
		func() {
			defer kubectl(t, "uncordon", nodeName)
			kubectl(t, "drain", nodeName, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=600s")
			var pods corev1.PodList
			must(t, cluster.List(t.Context(), &pods))
			for _, pod := range pods.Items {
				// the DNS server, and the provisioner's helpers that delete an earlier test's claim, tolerate
				// everything
				ofTheCluster := pod.Namespace == metav1.NamespaceSystem || pod.Namespace == "local-path-storage"
				if pod.Spec.NodeName == nodeName && pod.DeletionTimestamp == nil && !ofTheCluster {
					t.Errorf("the pod %s/%s stayed on the drained node", pod.Namespace, pod.Name)
				}
			}
		}()
		available(t, operatorSpace, "sesi")
		awaitConnected(t, sessions...)
		// awaitConnected would accept what was written before the drain
		devicesOnline(t)
	})
	book(t, 1)
}

// provisionerIdle returns an error while the volume provisioner has a helper, or may still start one: a drain refuses a
// pod without a controller. It starts one for each volume of a claim that is gone, and claims go with their namespaces.
func provisionerIdle(ctx context.Context) error {
	var spaces corev1.NamespaceList
	var claims corev1.PersistentVolumeClaimList
	var volumes corev1.PersistentVolumeList
	var helpers corev1.PodList
	for _, err := range []error{
		cluster.List(ctx, &spaces), cluster.List(ctx, &claims), cluster.List(ctx, &volumes), cluster.List(ctx, &helpers, client.InNamespace("local-path-storage")),
	} {
		if err != nil {
			return err
		}
	}
	for _, space := range spaces.Items {
		if space.DeletionTimestamp != nil {
			return fmt.Errorf("the namespace %s still ends", space.Name)
		}
	}
	for _, claim := range claims.Items {
		if claim.DeletionTimestamp != nil {
			return fmt.Errorf("the claim %s/%s still ends", claim.Namespace, claim.Name)
		}
	}
	for _, volume := range volumes.Items {
		if volume.DeletionTimestamp != nil || volume.Status.Phase != corev1.VolumeBound {
			return fmt.Errorf("the volume %s is %s", volume.Name, volume.Status.Phase)
		}
	}
	for _, helper := range helpers.Items {
		return fmt.Errorf("%s is still there", helper.Name)
	}
	return nil
}

// devicesOnline waits until WhatsApp itself sees all of the fleet.
func devicesOnline(t *testing.T) {
	t.Helper()
	eventually(t, patience, "all of the fleet is online", func(ctx context.Context) error {
		seen, err := devices(ctx)
		if err != nil {
			return err
		}
		return online(seen)
	})
}

func online(seen map[string]device) error {
	for i := range fleetSize {
		if d := seen[phoneOf(i)]; !d.Online {
			return fmt.Errorf("the device of %s is offline", phoneOf(i))
		}
	}
	return nil
}

func TestKubeletStopped(t *testing.T) {
	session := theFleet(t)[6]
	address := simulatorAddress(t)
	podReady(t, session)
	undisturbed(t, func() {
		stopped(t, "kubelet", "KILL", func() {
			awaitReason(t, session, v1alpha1.ConditionPodReady, v1alpha1.ReasonNodeUnreachable)
			seen, err := devicesFromNode(t, address)
			must(t, err)
			must(t, online(seen))
		})
		nodeReady(t)
		awaitReason(t, session, v1alpha1.ConditionPodReady, v1alpha1.ReasonPodRunning)
	})
}

// podReady waits until the kubelet reports that a session's pod is ready, which takes longer than the bot's
// connection. For a running pod that was never ready, the bot's reports count, and the node is not read.
func podReady(t *testing.T, session *v1alpha1.WhatsAppSession) {
	t.Helper()
	eventually(t, patience, session.Name+"'s pod is ready", func(ctx context.Context) error {
		pod := podOf(session)
		if err := get(ctx, pod); err != nil {
			return err
		}
		for _, c := range pod.Status.Conditions {
			if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
				return nil
			}
		}
		return fmt.Errorf("its conditions are %v", pod.Status.Conditions)
	})
}

func nodeReady(t *testing.T) {
	t.Helper()
	eventually(t, patience, "the node is ready", func(ctx context.Context) error {
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: nodeName}}
		if err := get(ctx, node); err != nil {
			return err
		}
		for _, c := range node.Status.Conditions {
			if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
				return nil
			}
		}
		return fmt.Errorf("its conditions are %v", node.Status.Conditions)
	})
}

func TestContainerdRestarted(t *testing.T) {
	address := simulatorAddress(t)
	undisturbed(t, func() {
		stopped(t, "containerd", "KILL", func() {
			seen, err := devicesFromNode(t, address)
			must(t, err)
			must(t, online(seen))
		})
		nodeReady(t)
	})
	session := theFleet(t)[7]
	before := podUID(t, session)
	must(t, cluster.Delete(t.Context(), podOf(session)))
	awaitReplaced(t, session, before)
}

func TestAPIServerGoneForAMinute(t *testing.T) {
	address := simulatorAddress(t)
	finance := theFleet(t)[financeNumber].Status.Session.JID
	unlinked := startLinked(t, newSession(ownSpace(t, "outage"), "shop"), phoneOf(150))
	undisturbed(t, func() {
		stopped(t, "apiserver", "KILL", func() {
			// what happens meanwhile must be in the status afterwards
			_, err := askFromNode(t.Context(), address, "unlink", map[string]string{"jid": unlinked.Status.Session.JID})
			must(t, err)
			bookFromNode(t, address, finance)
			holds(t, time.Minute, "the bots stay connected without the API server", func(context.Context) error {
				seen, err := devicesFromNode(t, address)
				if err != nil {
					return err
				}
				return online(seen)
			})
		})
		knownDevices(t) // the API server answers again
	})
	begun := time.Now()
	awaitQR(t, unlinked)
	t.Logf("the status of a session that was unlinked meanwhile caught up %.1f s after the others were looked at", time.Since(begun).Seconds())
	link(t, unlinked, phoneOf(150))
}

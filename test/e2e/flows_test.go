package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

func TestTenSessionsAtOnce(t *testing.T) {
	begun := time.Now()
	sessions := theFleet(t)
	t.Logf("ten sessions applied, scanned and connected in %.1f s", time.Since(begun).Seconds())
	claims, accounts := map[string]bool{}, map[string]bool{}
	for i, session := range sessions {
		claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: session.Namespace, Name: naming.Name(session)}}
		must(t, get(t.Context(), claim))
		if claim.Status.Phase != corev1.ClaimBound || !slices.Equal(claim.Spec.AccessModes, []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOncePod}) {
			t.Errorf("claim %s is %s with %v", claim.Name, claim.Status.Phase, claim.Spec.AccessModes)
		}
		claims[claim.Spec.VolumeName], accounts[session.Status.Session.JID] = true, true
		if got := session.Status.Session.PhoneNumber; got != "+"+phoneOf(i) {
			t.Errorf("session %s has the phone %s, want %s", session.Name, got, phoneOf(i))
		}
	}
	if len(claims) != fleetSize || len(accounts) != fleetSize {
		t.Errorf("%d volumes and %d accounts for %d sessions", len(claims), len(accounts), fleetSize)
	}
	shown := kubectl(t, "--namespace", sessions[0].Namespace, "get", "wasession")
	if got := strings.Count(shown, "Connected"); got != fleetSize {
		t.Errorf("kubectl get wasession shows %d connected sessions:\n%s", got, shown)
	}
}

// TestPodDeleted deletes the pods of the fleet in turn. For up to two seconds after a change of a pod, a kubelet does
// not look at the pod again, so it waits.
func TestPodDeleted(t *testing.T) {
	const times = 24
	phases := []struct{ title, from, to string }{
		{"deleted to Connected", "", "connected"},
		{"  1 pod gone", "", "gone"},
		{"  2 next pod made", "gone", "made"},
		{"  3 its container runs", "made", "running"},
		{"  4 status says Connected", "running", "connected"},
	}
	took := make([][]time.Duration, len(phases))
	sessions := theFleet(t)
	unscanned(t, sessions, func() {
		for i := range times {
			session := sessions[i%fleetSize]
			clock := startClock(t, session, podUID(t, session))
			must(t, cluster.Delete(t.Context(), podOf(session)))
			marks := clock.wait(t)
			if marks["connected"] > 6*time.Second { // only the node can tell why
				t.Logf("%s took %s:\n%s", session.Name, marks["connected"], kubectl(t, "--namespace", session.Namespace, "get", "events",
					"--field-selector", "involvedObject.name="+naming.Name(session), "--sort-by", "metadata.creationTimestamp"))
			}
			for p, phase := range phases {
				took[p] = append(took[p], marks[phase.to]-marks[phase.from])
			}
		}
	})
	for p, phase := range phases {
		t.Logf("%-26s %d times: p50 %-8s p95 %s", phase.title, times, percentile(took[p], 50), percentile(took[p], 95))
	}
}

func TestDeviceUnlinkedOnThePhone(t *testing.T) {
	t.Parallel()
	session := startLinked(t, newSession(ownSpace(t, "unlinked"), "shop"), phoneOf(100))
	tellSimulator(t, http.MethodPost, "unlink", map[string]string{"jid": session.Status.Session.JID})
	awaitQR(t, session)
	if !session.Status.Session.Expired || !meta.IsStatusConditionTrue(session.Status.Conditions, v1alpha1.ConditionSessionExpired) ||
		session.Status.Session.Exists {
		t.Errorf("the status of an unlinked session is %+v", session.Status)
	}
	link(t, session, phoneOf(100))
	if session.Status.Session.Expired || !session.Status.Session.Exists {
		t.Errorf("the status of a session linked again is %+v", session.Status.Session)
	}
}

func TestTwoSessionsOnOneClaim(t *testing.T) {
	t.Parallel()
	namespace := ownSpace(t, "shared")
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "sessions"},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("64Mi")}},
		},
	}
	must(t, cluster.Create(t.Context(), claim))
	on := func(name, clientID string) *v1alpha1.WhatsAppSession {
		session := newSession(namespace, name)
		session.Spec.ClientID, session.Spec.Storage.ClaimName = clientID, claim.Name
		return session
	}
	first := startLinked(t, on("first", "one"), phoneOf(110))
	second := startLinked(t, on("second", "two"), phoneOf(111))
	// the name decides between two sessions created in the same second, and this one's is higher
	younger := on("younger", "one")
	must(t, cluster.Create(t.Context(), younger))
	awaitReason(t, younger, v1alpha1.ConditionStorageReady, v1alpha1.ReasonClaimShared)
	if !meta.IsStatusConditionTrue(younger.Status.Conditions, v1alpha1.ConditionConflict) {
		t.Errorf("its conditions are %+v", younger.Status.Conditions)
	}
	if err := get(t.Context(), podOf(younger)); err == nil {
		t.Error("the younger session has a pod")
	}
	awaitConnected(t, first, second)

	jid := first.Status.Session.JID
	must(t, cluster.Delete(t.Context(), first))
	awaitConnected(t, younger)
	if younger.Status.Session.JID != jid {
		t.Errorf("the younger session is %s, and the claim's was %s", younger.Status.Session.JID, jid)
	}
}

func TestSessionSuspended(t *testing.T) {
	session := theFleet(t)[1]
	before := podUID(t, session)
	unscanned(t, theFleet(t), func() {
		suspend(t, session, true)
		eventually(t, patience, "no pod is left", func(ctx context.Context) error {
			if err := get(ctx, podOf(session)); err == nil {
				return fmt.Errorf("there is one")
			}
			if err := get(ctx, session); err != nil || session.Status.State != v1alpha1.StateSuspended {
				return fmt.Errorf("the session is %s: %w", session.Status.State, err)
			}
			return nil
		})
		suspend(t, session, false)
		awaitReplaced(t, session, before)
	})
}

func suspend(t *testing.T, session *v1alpha1.WhatsAppSession, yes bool) {
	t.Helper()
	patch(t, session, func() { session.Spec.Suspended = &yes })
}

func TestImageChanged(t *testing.T) {
	session := theFleet(t)[2]
	before := podUID(t, session)
	unscanned(t, theFleet(t), func() {
		patch(t, session, func() { session.Spec.Image = cluster.otherBot })
		awaitReplaced(t, session, before)
	})
	pod := podOf(session)
	must(t, get(t.Context(), pod))
	if pod.Spec.Containers[0].Image != cluster.otherBot {
		t.Errorf("the pod runs %s", pod.Spec.Containers[0].Image)
	}
}

func TestBotOutOfMemory(t *testing.T) {
	t.Parallel()
	session := startLinked(t, newSession(ownSpace(t, "memory"), "shop"), phoneOf(120))
	limit := func(memory string) {
		patch(t, session, func() {
			session.Spec.Template.Spec.Raw = []byte(strings.Replace(toSimulator, `"name": "bot",`,
				`"name": "bot", "resources": {"requests": {"memory": "4Mi"}, "limits": {"memory": "`+memory+`"}},`, 1))
		})
	}
	unscanned(t, []*v1alpha1.WhatsAppSession{session}, func() {
		limit("6Mi") // it starts, and needs more later
		awaitReason(t, session, v1alpha1.ConditionPodReady, v1alpha1.ReasonOOMKilled)
		limit("256Mi")
		awaitConnected(t, session)
	})
}

func TestClaimDeleted(t *testing.T) {
	t.Parallel()
	session := startLinked(t, newSession(ownSpace(t, "claimless"), "shop"), phoneOf(130))
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: session.Namespace, Name: naming.Name(session)}}
	must(t, get(t.Context(), claim))
	first := claim.UID
	must(t, cluster.Delete(t.Context(), claim))
	awaitReason(t, session, v1alpha1.ConditionStorageReady, v1alpha1.ReasonClaimTerminating)
	awaitConnected(t, session) // Kubernetes keeps a claim while a pod uses it

	must(t, cluster.Delete(t.Context(), podOf(session)))
	awaitQR(t, session) // on a new and empty claim
	must(t, get(t.Context(), claim))
	if claim.UID == first {
		t.Error("the claim is the one that was deleted")
	}
	link(t, session, phoneOf(130))
}

func TestNetworkPolicies(t *testing.T) {
	t.Log("the node's network plugin does not enforce NetworkPolicies: what is looked at is that they are there and right")
	session := theFleet(t)[0]
	policy := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: session.Namespace, Name: naming.Name(session)}}
	must(t, get(t.Context(), policy))
	pod := podOf(session)
	must(t, get(t.Context(), pod))
	for key, value := range policy.Spec.PodSelector.MatchLabels {
		if pod.Labels[key] != value {
			t.Errorf("the policy wants %s=%s, the pod has %q", key, value, pod.Labels[key])
		}
	}
	if len(policy.Spec.PolicyTypes) != 2 {
		t.Errorf("the policy is of the types %v", policy.Spec.PolicyTypes)
	}
	if got, want := portsOf(policy.Spec.Ingress[0].Ports), []int{8443}; !slices.Equal(got, want) {
		t.Errorf("callers are let in to %v, want %v", got, want)
	}
	if got, want := portsOf(policy.Spec.Egress[1].Ports), []int{443, 7080}; !slices.Equal(got, want) {
		t.Errorf("the bot is let out to %v, want 443 and the proxy's %v", got, want)
	}
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "kubernetes"}}
	must(t, get(t.Context(), service))
	if closed := policy.Spec.Egress[1].To[0].IPBlock.Except; !slices.Contains(closed, service.Spec.ClusterIP+"/32") {
		t.Errorf("the cluster's API at %s is open: only %v are closed", service.Spec.ClusterIP, closed)
	}
	operators, err := operatorPods(t.Context())
	must(t, err)
	let := policy.Spec.Ingress[0].From
	if !slices.ContainsFunc(let, func(peer networkingv1.NetworkPolicyPeer) bool {
		if peer.NamespaceSelector == nil || peer.NamespaceSelector.MatchLabels[corev1.LabelMetadataName] != operatorSpace {
			return false
		}
		for key, value := range peer.PodSelector.MatchLabels {
			if operators[0].Labels[key] != value {
				return false
			}
		}
		return true
	}) {
		t.Errorf("the operator's pod with %v is not let in by %+v", operators[0].Labels, let)
	}
}

func portsOf(ports []networkingv1.NetworkPolicyPort) []int {
	var numbers []int
	for _, port := range ports {
		if port.Port != nil && port.Port.Type == intstr.Int {
			numbers = append(numbers, port.Port.IntValue())
		}
	}
	slices.Sort(numbers)
	return numbers
}

func TestPortForwardWithCurl(t *testing.T) {
	t.Parallel()
	session := theFleet(t)[3]
	at := portForward(t, session, naming.PortPlain)
	for name, tc := range map[string]struct {
		args []string
		want []string
	}{
		"status":              {[]string{at + "/api/session/status"}, []string{`"exists":true`, `"path":"/data/session-shop-3"`, `Session tersimpan dan siap digunakan`}},
		"status in English":   {[]string{"-H", "Accept-Language: en", at + "/api/session/status"}, []string{`"exists":true`, `"message":"Session`}},
		"health":              {[]string{at + "/api/health"}, []string{`"status":"OK"`, `"whatsapp":"connected"`, `"clientId":"shop-3"`}},
		"page":                {[]string{at + "/qr"}, []string{"<html"}},
		"no code when linked": {[]string{"-w", "%{http_code}", at + "/api/session/qr"}, []string{"409"}},
		"another host":        {[]string{"-w", "%{http_code}", "-H", "Host: rebound.example", at + "/api/session/status"}, []string{"403"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := command(t, "curl", append([]string{"-sS", "--max-time", "10"}, tc.args...)...)
			for _, want := range tc.want {
				if !strings.Contains(got, want) {
					t.Errorf("curl %s printed no %s but\n%.500s", strings.Join(tc.args, " "), want, got)
				}
			}
		})
	}
	metrics := portForward(t, session, naming.PortMetrics)
	if got := command(t, "curl", "-fsS", metrics+"/metrics"); !strings.Contains(got, "sesi_") {
		t.Errorf("the metrics are\n%.500s", got)
	}
}

func TestSessionClearedWithCurl(t *testing.T) {
	t.Parallel()
	session := startLinked(t, newSession(ownSpace(t, "cleared"), "shop"), phoneOf(140))
	at := portForward(t, session, naming.PortPlain)
	if got := command(t, "curl", "-fsS", "-X", "DELETE", at+"/api/session/clear"); !strings.Contains(got, "Session berhasil dihapus") {
		t.Errorf("clear answered %s", got)
	}
	awaitQR(t, session)
	link(t, session, phoneOf(140))
}

func TestCallersInTheCluster(t *testing.T) {
	t.Parallel()
	session := theFleet(t)[4]
	namespace := session.Namespace
	service := "https://" + naming.Name(session) + "." + namespace + ".svc:8443/api/session/status"
	friend := toolbox(namespace, "friend", map[string]string{naming.AccessLabel(session): "true"})
	friend.Spec.Volumes = []corev1.Volume{{Name: "credentials", VolumeSource: corev1.VolumeSource{
		Secret: &corev1.SecretVolumeSource{SecretName: naming.Name(session)},
	}}}
	friend.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "credentials", MountPath: "/credentials", ReadOnly: true}}
	stranger := toolbox("default", "stranger", nil)
	run(t, friend, stranger)
	pod := podOf(session)
	must(t, get(t.Context(), pod))

	const read = `toolbox get -cacert /credentials/ca.crt -header "Authorization: Bearer $(cat /credentials/token)" `
	podReady(t, session) // until then the Service leads nowhere
	for name, tc := range map[string]struct {
		from   *corev1.Pod
		script string
		want   string
		never  string
	}{
		"with the token":            {friend, read + service, "200 OK", "401"},
		"events with the token":     {friend, read + strings.Replace(service, "/status", "/status?x=1", 1), `"exists":true`, "401"},
		"without a token":           {friend, "toolbox get -cacert /credentials/ca.crt " + service, "401", `"exists"`},
		"a stranger without":        {stranger, "toolbox get -insecure " + service, "401", `"exists"`},
		"a stranger with a guess":   {stranger, `toolbox get -insecure -header "Authorization: Bearer 0123456789abcdef0123456789abcdef" ` + service, "401", `"exists"`},
		"a stranger wants the code": {stranger, "toolbox get -insecure " + strings.Replace(service, "/status", "/qr", 1), "401", `"code"`},
		"a stranger, plain":         {stranger, "toolbox get http://" + pod.Status.PodIP + ":8080/api/session/status || echo refused", "refused", `"exists"`},
		"another bot's certificate": {friend, "toolbox get -cacert /credentials/ca.crt https://wa-shop-5." + namespace + ".svc:8443/api/session/status || echo refused", "refused", `"exists"`},
	} {
		t.Run(name, func(t *testing.T) {
			// the node leads to a Service's pod a moment after the pod is ready
			eventually(t, patience, "it is answered", func(ctx context.Context) error {
				got, _ := try(ctx, "kubectl", "--namespace", tc.from.Namespace, "exec", tc.from.Name, "--", "sh", "-c", tc.script)
				if strings.Contains(got, tc.never) {
					t.Errorf("never %s, got\n%s", tc.never, got)
				} else if !strings.Contains(got, tc.want) {
					return fmt.Errorf("want %s, got\n%s", tc.want, got)
				}
				return nil
			})
		})
	}
}

// toolbox returns a pod to call from.
func toolbox(namespace, name string, labels map[string]string) *corev1.Pod {
	grace := int64(0)
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels},
		Spec: corev1.PodSpec{
			TerminationGracePeriodSeconds: &grace,
			Containers: []corev1.Container{{
				Name: "toolbox", Image: "sesi.dev/toolbox:dev", ImagePullPolicy: corev1.PullNever,
				Command: []string{"toolbox", "serve", ":8080"},
			}},
		},
	}
}

// run starts pods that end with the test.
func run(t *testing.T, pods ...*corev1.Pod) {
	t.Helper()
	for _, pod := range pods {
		must(t, cluster.Create(t.Context(), pod))
		t.Cleanup(func() { _ = cluster.Delete(context.Background(), pod) })
	}
	for _, pod := range pods {
		awaitRunning(t, pod)
	}
}

// patch edits a session as it is.
func patch(t *testing.T, session *v1alpha1.WhatsAppSession, edit func()) {
	t.Helper()
	eventually(t, patience, "the session is edited", func(ctx context.Context) error {
		if err := get(ctx, session); err != nil {
			return err
		}
		edit()
		return cluster.Update(ctx, session)
	})
}

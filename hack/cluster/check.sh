#!/usr/bin/env bash
# check.sh: tries on the running cluster what the project's tests and demonstration rely on. With --disturb it also
# stops the node's processes one by one.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
export KUBECONFIG=$run/admin.kubeconfig
space=check-$$
kubectl="$(cat "$run/bin")/kubectl"
k() { "$kubectl" --namespace "$space" "$@"; }
passed=0 failed=0

finish() {
  "$kubectl" delete namespace "$space" --wait=false >/dev/null 2>&1 || true
  "$kubectl" delete persistentvolume check-made-by-hand --wait=false >/dev/null 2>&1 || true
  "$kubectl" wait --for=delete "namespace/$space" --timeout=300s >/dev/null 2>&1 || true
  [ ! -e "$run/forwarded" ] || end_process forwarded
}
trap finish EXIT

check() { # WHAT COMMAND...
  local what=$1 out start
  start=$(microseconds)
  shift
  if out=$("$@" 2>&1); then passed=$((passed + 1)) mark=ok; else failed=$((failed + 1)) mark=FAILED; fi
  printf '%-6s %5d ms  %-44s %s\n' $mark $((($(microseconds) - start) / 1000)) "$what" "$(tail -n1 <<<"$out" | cut -c1-110)"
}
eventually() { # COMMAND...: for up to 300 s. What a node leads to, and what it measures, follows a pod after a moment
  local end=$((SECONDS + 300))
  until "$@"; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.2
  done
}
node() { inside "$@"; }
http() { curl -sS --fail --max-time 60 "$1"; }
from_pod() { k exec "$pod" -- /bin/toolbox "$@"; }
field() { k get "$1" -o jsonpath="$2"; }
apply() { sed "s#@run@#$run#g" "$here/check/$1.yaml" | k apply -f -; }

"$kubectl" create namespace "$space" >/dev/null
check "apply a deployment" apply app
check "two pods are ready" k rollout status deployment/app --timeout=300s
pod=$(k get pod -l app=app -o jsonpath='{.items[0].metadata.name}')
pod_ip=$(field "pod/$pod" '{.status.podIP}')
service_ip=$(field service/app '{.spec.clusterIP}')
check "node to pod" node curl -sS --fail --max-time 60 "http://$pod_ip:8080/"
check "logs" eval "k logs $pod | grep listening"
check "exec" k exec "$pod" -- uname -r
check "exec with input" eval "echo hello | k exec -i $pod -- cat | grep hello"
check "copy out of a pod" eval "k exec $pod -- tar cf - /etc | tar t | grep passwd"
"$kubectl" --namespace "$space" port-forward "$pod" :8080 >"$log/forwarded.log" 2>&1 &
remember forwarded $!
forwarded() { http "http://$(sed -n 's/^Forwarding from \(127[^ ]*\) .*/\1/p' "$log/forwarded.log")/"; }
check "port-forward, from the host" eventually forwarded
end_process forwarded
check "volume made by hand: write" k exec "$pod" -- sh -c 'echo kept > /data/file && cat /data/file'
check "volume made by hand: seen on the host" grep kept "$run/volumes/by-hand/file"
check "node to service" eventually node curl -sS --fail --max-time 60 "http://$service_ip/"
check "node to node port" eventually node curl -sS --fail --max-time 60 "http://$node_ip:30080/"
check "pod to service" eventually from_pod get "http://$service_ip/"
check "pod to its own service, 8 times" eventually k exec "$pod" -- sh -c "for i in 1 2 3 4 5 6 7 8; do toolbox get http://$service_ip/ || exit 1; done"
check "pod to the API server" eventually k exec "$pod" -- toolbox get -cacert /var/run/secrets/kubernetes.io/serviceaccount/ca.crt https://kubernetes.default.svc/version
check "name of a service" eventually from_pod lookup kubernetes.default.svc.cluster.local
check "pod to service by name" eventually from_pod get http://app/
check "nothing leaves the node" eval "! from_pod get http://192.0.2.1/"
check "pod statistics" eventually eval "k get --raw /api/v1/nodes/$node/proxy/stats/summary | grep -o $pod"
check "memory limit" eval "find /sys/fs/cgroup/ -path '*/$cgroup/*' \( -name memory.limit_in_bytes -o -name memory.max \) -exec grep -lx 67108864 {} + | head -1"
apply single >/dev/null
check "claim for one pod only: made and bound" k wait --for=condition=Ready pod/single --timeout=300s
check "claim for one pod only: writable, not root" k exec single -- sh -c 'touch /data/mine && id -u'
check "claim for one pod only: a second pod waits" eval "eventually eval 'k get pod second -o jsonpath={.status.conditions[0].message} | grep ReadWriteOncePod'"
k delete pod single --wait=false >/dev/null
check "claim for one pod only: then gets its turn" k wait --for=condition=Ready pod/second --timeout=300s
check "claim for one pod only: with the same files" k exec second -- ls /data/mine
apply many >/dev/null
check "12 pods, each with a claim made for it" k rollout status statefulset/many --timeout=300s
check "name of a pod" eventually from_pod lookup many-3.many
apply oom >/dev/null
check "out of memory is seen" k wait --for=jsonpath='{.status.containerStatuses[0].state.terminated.reason}'=OOMKilled pod/oom --timeout=300s
k scale statefulset/many --replicas=0 >/dev/null

if [ "${1:-}" = --disturb ]; then
  before=$(field "pod/$pod" '{.status.containerStatuses[0].containerID}')
  same() { [ "$(field "pod/$pod" '{.status.containerStatuses[0].containerID}')" = "$before" ] && from_pod get http://app/; }
  for daemon in kubelet containerd proxy controller-manager scheduler; do
    check "stop $daemon" "$here/ctl.sh" stop $daemon
    check "start $daemon" "$here/ctl.sh" start $daemon
    check "the same container answers" eventually same
  done
  check "stop apiserver" "$here/ctl.sh" stop apiserver KILL
  check "pod is reached without it" node curl -sS --fail --max-time 60 "http://$pod_ip:8080/"
  check "start apiserver" "$here/ctl.sh" start apiserver
  check "the same container answers" eventually same
  check "node is ready" k wait --for=condition=Ready "node/$node" --timeout=300s
  k delete pod "$pod" --wait=false >/dev/null
  check "a pod is made again" eventually eval "k rollout status deployment/app --timeout=300s"
fi
echo "$passed passed, $failed failed"
[ $failed = 0 ]

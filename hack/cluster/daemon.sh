#!/usr/bin/env bash
# daemon.sh start|stop NAME [SIGNAL]: one of the node's processes; run inside the node's namespaces.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
bin=$(<"$run/bin")
verb=$1 daemon=$2

start() { # COMMAND...
  setsid env -i PATH="$bin:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin" HOME=/ "$@" >>"$log/$daemon.log" 2>&1 </dev/null &
  remember "pid/$daemon" $!
}
clients() { echo --kubeconfig "$run/$1.kubeconfig" --authentication-kubeconfig "$run/$1.kubeconfig" --authorization-kubeconfig "$run/$1.kubeconfig"; }
# the defaults of 20 and 30 requests a second would be what every measurement measures
fast="--kube-api-qps 1000 --kube-api-burst 2000"

start_etcd() {
  start etcd --data-dir "$run/etcd" --log-level warn --unsafe-no-fsync # nothing here outlives the machine
}
start_apiserver() {
  local audit=()
  [ ! -f "$run/audit.yaml" ] || audit=(--audit-policy-file "$run/audit.yaml" --audit-log-path "$log/audit.log")
  start kube-apiserver --etcd-servers http://127.0.0.1:2379 \
    --bind-address 0.0.0.0 --advertise-address $node_ip --secure-port 6443 \
    --tls-cert-file "$pki/apiserver.crt" --tls-private-key-file "$pki/apiserver.key" --client-ca-file "$pki/ca.crt" \
    --kubelet-client-certificate "$pki/kubelet-client.crt" --kubelet-client-key "$pki/kubelet-client.key" \
    --kubelet-preferred-address-types InternalIP \
    --service-account-issuer https://kubernetes.default.svc \
    --service-account-key-file "$pki/service-account.pub" --service-account-signing-key-file "$pki/service-account.key" \
    --service-cluster-ip-range $service_cidr --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction \
    --requestheader-client-ca-file "$pki/ca.crt" --requestheader-allowed-names front-proxy \
    --requestheader-username-headers X-Remote-User --requestheader-group-headers X-Remote-Group \
    --allow-privileged "${audit[@]}"
}
# shellcheck disable=SC2046,SC2086 # lists of flags
start_controller-manager() {
  # without the short sync a claim bound to a volume made by hand may wait for 15 s; with it thousands of claims keep
  # the controller manager busy
  start kube-controller-manager $(clients controller-manager) $fast --leader-elect=false --bind-address 127.0.0.1 \
    --service-account-private-key-file "$pki/service-account.key" --root-ca-file "$pki/ca.crt" \
    --use-service-account-credentials --pvclaimbinder-sync-period "${SESI_CLAIM_SYNC:-1s}" \
    --flex-volume-plugin-dir "$run/volume-plugins" # the default is a folder of the whole machine
}
# shellcheck disable=SC2046,SC2086
start_scheduler() {
  start kube-scheduler $(clients scheduler) $fast --leader-elect=false --bind-address 127.0.0.1
}
start_containerd() { start containerd --config "$run/containerd.toml"; }
start_kubelet() {
  start kubelet --config "$run/kubelet.yaml" --kubeconfig "$run/kubelet.kubeconfig" --hostname-override $node --node-ip $node_ip
}
start_proxy() {
  start kube-proxy --kubeconfig "$run/proxy.kubeconfig" --hostname-override $node --proxy-mode iptables \
    --cluster-cidr $pod_cidr --bind-address 127.0.0.1 --conntrack-max-per-core 0
}
start_local-path() {
  start env POD_NAMESPACE=local-path-storage local-path-provisioner start --kubeconfig "$run/inside.kubeconfig" \
    --worker-threads 16 --namespace local-path-storage --service-account-name default \
    --helper-image sesi.dev/toolbox:dev --configmap-name local-path-config
}
start_kwok() {
  start kwok --config "$bin/kwok-stages.yaml" --kubeconfig "$run/inside.kubeconfig" \
    --manage-all-nodes=false --manage-nodes-with-annotation-selector kwok.x-k8s.io/node=fake \
    --cidr "${SESI_KWOK_CIDR:-10.245.0.0/16}" --node-ip $node_ip --server-address 127.0.0.1:10247 --node-lease-duration-seconds 40
}

declare -F "start_$daemon" >/dev/null || { echo "no daemon named $daemon; there are: $(compgen -A function start_ | sed s/start_// | xargs)" >&2; exit 2; }
case $verb in
  start) pid_of "pid/$daemon" >/dev/null || "start_$daemon" ;;
  stop) end_process "pid/$daemon" "${3:-TERM}" ;;
  *) echo "usage: daemon.sh start|stop NAME [SIGNAL]" >&2; exit 2 ;;
esac

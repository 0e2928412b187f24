#!/usr/bin/env bash
# up.sh [control-plane|node]: brings up a real Kubernetes of one node on this machine, or what is missing of it.
# SESI_CLUSTER names it, SESI_API_PORT is its port on 127.0.0.1, SESI_AUDIT=1 makes the API server keep an audit log.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
what=${1:-node}
case $what in control-plane | node) ;; *) echo "usage: up.sh [control-plane|node]" >&2; exit 2 ;; esac

refuse() {
  echo "this cluster cannot run here: $1." >&2
  echo "It wants Linux, root, namespaces and control groups. With Docker and kind, \`make demo-cluster CLUSTER=kind\` shows the same." >&2
  exit 1
}
[ "$(uname -s)" = Linux ] || refuse "this is $(uname -s)"
[ "$(id -u)" = 0 ] || refuse "not root"
unshare --net --mount --pid --fork --mount-proc true 2>/dev/null || refuse "the kernel grants no network, mount and process namespaces of our own"
if [ "$what" = node ]; then
  for controller in cpu cpuset memory pids; do
    grep -qsw $controller /sys/fs/cgroup/cgroup.controllers || [ -w /sys/fs/cgroup/$controller ] || refuse "control group controller $controller is missing or read-only"
  done
fi

"$here/../deps.sh" cluster
bin=$("$here/build.sh" "$what")

if ! pid_of init.pid >/dev/null; then
  "$here/down.sh" >/dev/null # what a crash or a restart of the machine may have left
  if (exec 3<>"/dev/tcp/127.0.0.1/$api_port") 2>/dev/null; then
    echo "port $api_port of 127.0.0.1 is taken: choose another by SESI_API_PORT" >&2
    exit 1
  fi
  mkdir -p "$run"/{pid,log,etcd,kubelet,containerd,cni,cni.d,volumes} /var/lib/{kubelet,containerd,cni}
  echo "$bin" >"$run/bin"
  "$here/pki.sh"
  say "certificates"
  setsid unshare --net --mount --pid --fork --kill-child --mount-proc --propagation private \
    "$here/init.sh" "$bin/pause" >"$log/init.log" 2>&1 </dev/null &
  remember unshare.pid $!
  wait_for 120 "namespaces" test -e "$run/ready" || { cat "$log/init.log" >&2; exit 1; }
  init=$(cat "/proc/$!/task/$!/children")
  init=${init% }
  remember init.pid "$init"
  setsid "$bin/forward" "127.0.0.1:$api_port" "/proc/$init/ns/net" 127.0.0.1:6443 >"$log/forward.log" 2>&1 </dev/null &
  remember forward.pid $!
fi
logged() { # NAME COMMAND...: its output goes to a log, and is shown when it fails
  local log=$log/$1.log
  shift
  "$@" >"$log" 2>&1 || { cat "$log" >&2; return 1; }
}
start() { inside "$here/daemon.sh" start "$1"; }
export KUBECONFIG=$run/admin.kubeconfig
kubectl=$bin/kubectl

if [ "${SESI_AUDIT:-}" = 1 ]; then cp "$here/node/audit.yaml" "$run/"; fi
start etcd
wait_for 120 "etcd" inside bash -c '</dev/tcp/127.0.0.1/2379' # the API server ends when it finds none for 20 s
start apiserver
wait_for 300 "API server" "$kubectl" get --raw /readyz
# these two end, and do not try again, when they come before the API server's own roles
start controller-manager
start scheduler
wait_for 300 "controllers" "$kubectl" -n default get serviceaccount default

if [ "$what" = node ]; then
  rendered() { sed "s#@run@#$run#g; s#@cgroup@#$cgroup#g; s#@node_ip@#$node_ip#g; s#@pod_cidr@#$pod_cidr#g; s#@dns_ip@#$dns_ip#g" "$here/node/$1"; }
  rendered containerd.toml >"$run/containerd.toml"
  rendered cni.conflist >"$run/cni.d/sesi.conflist"
  rendered kubelet.yaml >"$run/kubelet.yaml"
  "$here/cgroups.sh" make
  start containerd
  wait_for 120 "containerd" inside "$bin/ctr" version
  images=$("$here/images.sh" "$bin")
  logged load "$here/ctl.sh" load "$images"/*.tar
  say "images of the node"
  start kubelet
  start proxy
  { rendered authorization.yaml; echo ---; rendered coredns.yaml; echo ---; rendered local-path.yaml; } |
    logged apply "$kubectl" apply --server-side -f -
  start local-path
  wait_for 300 "node is ready" "$kubectl" wait --for=condition=Ready "node/$node" --timeout=5s
  wait_for 300 "DNS" "$kubectl" -n kube-system rollout status deployment/coredns --timeout=5s
fi

cat >"$run/kubectl" <<SH
#!/bin/sh
KUBECONFIG=$run/admin.kubeconfig exec "$bin/kubectl" "\$@"
SH
chmod +x "$run/kubectl"
say "the cluster $name is up:"
echo "  $run/kubectl get nodes,pods -A"
echo "  export KUBECONFIG=$run/admin.kubeconfig"

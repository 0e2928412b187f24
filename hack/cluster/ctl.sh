#!/usr/bin/env bash
# ctl.sh VERB: what a person or a test does to a running cluster.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

usage() {
  cat >&2 <<'TEXT'
ctl.sh start DAEMON                etcd apiserver controller-manager scheduler containerd kubelet proxy local-path kwok
ctl.sh stop DAEMON [SIGNAL]        by TERM; the API server then waits for its watchers: KILL is the crash
ctl.sh load ARCHIVE...             import images into the node
ctl.sh exec COMMAND...             run a command in the node's namespaces
ctl.sh status                      the node's processes and their memory
ctl.sh kubeconfig                  print the path of the kubeconfig
TEXT
  exit 2
}
verb=${1:-}
[ -n "$verb" ] || usage
shift

ctr() { inside "$(cat "$run/bin")/ctr" --namespace k8s.io "$@"; }

case $verb in
  start | stop) inside "$here/daemon.sh" "$verb" "${@:-}" ;;
  load)
    for archive in "$@"; do # under its tag and, as sesi.dev/bot@sha256:..., under its digest
      index=$(tar -xOf "$archive" index.json)
      reference=$(grep -o '"io.containerd.image.name": *"[^"]*"' <<<"$index" | cut -d'"' -f4)
      digest=$(grep -o '"digest": *"[^"]*"' <<<"$index" | cut -d'"' -f4 | head -n 1)
      ctr images import "$archive"
      ctr images tag --force "$reference" "${reference%:*}@$digest"
    done
    ;;
  exec) inside "$@" ;;
  status) inside ps -eo pid,rss,pss,time,args --sort=-rss 2>/dev/null | cut -c1-150 ;;
  kubeconfig) echo "$run/admin.kubeconfig" ;;
  *) usage ;;
esac

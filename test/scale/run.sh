#!/usr/bin/env bash
# run.sh: measures each of KINDS (sessions, statefulsets) with each of SIZES, in a fresh cluster each time. OUT takes
# results, logs and profiles, and what an earlier run left there is part of the report; PHASES, IDLE and CHANGING are
# handed on. NICE is the priority of all that is measured, on a machine that does other things too.
set -euo pipefail
export SESI_CLUSTER=${SESI_CLUSTER:-scale} SESI_API_PORT=${SESI_API_PORT:-46443}
export SESI_CLAIM_SYNC=${SESI_CLAIM_SYNC:-15s} # the default of Kubernetes
tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
. "$tree/hack/cluster/env.sh"
cd "$tree"
export CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false"
out=$(mkdir -p "${OUT:-dist/scale}" && cd "${OUT:-dist/scale}" && pwd)

go build -ldflags "-s -w" -o "$out/bin/" ./cmd/operator
go build -o "$out/bin/" ./test/scale
hack/cluster/build.sh kwok >/dev/null
# A process reniced alone gains nothing where sessions share the machine.
[ -z "${NICE:-}" ] || echo "$NICE" >/proc/self/autogroup
trap 'hack/cluster/down.sh >/dev/null' EXIT

measure() { # KIND SIZE
  hack/cluster/down.sh >/dev/null
  hack/cluster/up.sh control-plane >"$out/up.log"
  # Every address of the pods is this machine's own, inside the cluster's network namespace.
  inside ip route add local 10.128.0.0/9 dev lo
  inside sysctl -qw net.ipv4.ip_local_port_range="15000 64000" # one port of the operator's for each bot
  hack/cluster/ctl.sh start kwok
  if [ -n "${NICE:-}" ]; then
    local file process
    for file in "$run"/pid/*; do
      read -r process _ <"$file"
      inside sh -c "echo $NICE >/proc/$process/autogroup"
    done
  fi
  "$run/kubectl" create namespace sesi-system >/dev/null
  "$run/kubectl" apply --server-side -k config/crd >/dev/null
  "$run/kubectl" -n sesi-system apply --server-side -k config/rbac >/dev/null
  inside "$out/bin/scale" -n "$2" -kubeconfig "$run/inside.kubeconfig" -operator "$out/bin/operator" -dir "$out" \
    -out "$out/$1-$2.json" ${PHASES+-phases "$PHASES"} ${IDLE:+-idle "$IDLE"} ${CHANGING:+-changing "$CHANGING"} "$1"
  hack/cluster/down.sh >/dev/null
}

for size in ${SIZES:-100}; do
  for kind in ${KINDS:-sessions}; do measure "$kind" "$size"; done
done
"$out/bin/scale" report "$out" "$out" | tee "$out/report.md"

#!/usr/bin/env bash
# run.sh [GO-TEST-FLAGS...]: runs the end-to-end tests on a cluster of their own, and compares what the machine looked
# like before and after. SESI_KEEP=1 leaves the cluster up, for a look or for a quicker next run.
set -euo pipefail
# The port is below those that the system gives out, to tests that run beside these.
export SESI_CLUSTER=${SESI_CLUSTER:-e2e} SESI_API_PORT=${SESI_API_PORT:-31443}
. "$(dirname "${BASH_SOURCE[0]}")/../../hack/demo/lib.sh"
. "$tree/hack/demo/own.sh"
cd "$tree"
machine=$(mktemp -d)

finish() {
  local status=$?
  trap '' HUP INT TERM # a second signal would leave the rest behind
  if [ -z "${SESI_KEEP:-}" ]; then
    "$tree/hack/cluster/down.sh"
    "$tree/hack/cluster/machine.sh" >"$machine/after"
    if [ -z "$found_up" ] && ! diff -U0 "$machine/before" "$machine/after"; then
      echo "the machine is not as it was" >&2
      status=1
    fi
  fi
  rm -rf "$machine"
  exit $status
}
found_up=$([ ! -e "$run" ] || echo yes)
"$tree/hack/deps.sh" cluster demo
"$tree/hack/cluster/machine.sh" >"$machine/before"
trap finish EXIT

step "A Kubernetes of one node, in namespaces of its own"
own_cluster
achieved "up"

step "Images"
own_images
achieved "on the node"

step "The simulated WhatsApp and the operator"
start_simulator
patiently "helm" install_operator "$helm"
achieved "ready"

step "The tests"
prometheus=$("$tree/test/monitoring/find.sh" prometheus)
# What the tests need to know of where they run.
E2E_HELM=$helm E2E_PROMETHEUS=$prometheus E2E_VERSION=$version \
  E2E_OTHER_BOT=sesi.dev/bot@$(tar -xOf "$images/bot-simulator.tar" index.json | sed -n 's/.*"digest": *"\([^"]*\)".*/\1/p' | head -n 1) \
  CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false" go run ./hack/tests cluster -count=1 -timeout 30m -v "$@"
achieved "passed"

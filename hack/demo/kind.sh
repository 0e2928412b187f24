#!/usr/bin/env bash
# kind.sh: the demonstration on Docker and kind, for machines that the project's own cluster cannot run on. It never
# touches another cluster, nor the user's kubeconfig.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$tree/hack/demo/story.sh"
cluster=${SESI_CLUSTER:-sesi-demo}
state=${SESI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sesi}/kind-$cluster
export KUBECONFIG=$state/kubeconfig KUBECACHEDIR=$state/kubectl-cache

for program in docker kind kubectl curl go; do
  command -v $program >/dev/null || give_up "$program is missing" "Install it, or, on Linux as root, run \`make demo\`, which needs no container engine."
done
docker info >/dev/null 2>&1 || give_up "Docker does not answer" "Start it, and see that \`docker info\` works for you."

step "A Kubernetes of one node, by kind"
mkdir -p "$state"
if ! kind get clusters 2>/dev/null | grep -qx "$cluster"; then
  kind create cluster --name "$cluster" --kubeconfig "$KUBECONFIG" --wait 120s
else
  kind export kubeconfig --name "$cluster" --kubeconfig "$KUBECONFIG" >/dev/null
fi
achieved "up"

step "Images of the operator, the bot and the simulated WhatsApp"
build_images
for archive in "$images"/*.tar; do kind load image-archive "$archive" --name "$cluster"; done
achieved "on the node"

patiently "building helm" "$tree/hack/tool.sh" helm
story "$("$tree/hack/tool.sh" helm)" "export KUBECONFIG=$KUBECONFIG" \
  "kind delete cluster --name $cluster && rm -rf $state"

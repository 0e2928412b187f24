#!/usr/bin/env bash
# up.sh: the demonstration on a real one-node Kubernetes of its own, from nothing to a connected session, and what
# happens when its pod is deleted or its phone unlinks it. It leaves all of it running; a second run reuses it.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$tree/hack/demo/own.sh"
. "$tree/hack/demo/story.sh"

step "A Kubernetes of one node, in namespaces of its own"
own_cluster
achieved "up"

step "Images of the operator, the bot and the simulated WhatsApp"
own_images
achieved "on the node"

story "$helm" "export KUBECONFIG=$KUBECONFIG PATH=\$PATH:$bin" "make demo-down"

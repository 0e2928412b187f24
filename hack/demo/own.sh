# shellcheck shell=bash disable=SC2034,SC2154 # lib.sh is sourced before it, and its own variables are for others
# own.sh: the demonstration's own cluster, in which the end-to-end tests run too, under another name. Sourced, never run.

export SESI_CLUSTER=${SESI_CLUSTER:-demo} SESI_API_PORT=${SESI_API_PORT:-26443}
run=/var/lib/sesi/$SESI_CLUSTER
# What the clients remember goes with the cluster, and nothing of the user's is read.
export KUBECONFIG=$run/admin.kubeconfig KUBECACHEDIR=$run/kubectl-cache
export HELM_CACHE_HOME=$run/helm HELM_CONFIG_HOME=$run/helm HELM_DATA_HOME=$run/helm

own_cluster() { # sets bin and helm
  "$tree/hack/deps.sh" cluster demo
  "$tree/hack/cluster/up.sh" node 2>&1 | sed -u -e '/ is up:$/,$d' -e 's/^/   /'
  bin=$(cat "$run/bin")
  export PATH=$PATH:$bin
  patiently "building helm" "$tree/hack/tool.sh" helm
  helm=$("$tree/hack/tool.sh" helm)
}

own_images() { # sets version and images
  build_images
  [ "$(cat "$run/images" 2>/dev/null)" != "$version" ] || return 0
  patiently "loading images" "$tree/hack/cluster/ctl.sh" load "$images"/*.tar
  echo "$version" >"$run/images"
}

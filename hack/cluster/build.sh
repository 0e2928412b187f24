#!/usr/bin/env bash
# build.sh [--if-built] control-plane|node|kwok: builds what the cluster runs from Go modules, once per version, and
# prints the folder it is in. The control plane's folder serves envtest as KUBEBUILDER_ASSETS. --if-built builds nothing
# and fails if something is missing. build.sh --version prints the version of Kubernetes.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$(cd "$here/../.." && pwd)

. "$here/recipe.sh"

if [ "${1:-}" = --version ]; then echo "$kubernetes"; exit; fi
only_look=
if [ "${1:-}" = --if-built ]; then only_look=yes; shift; fi
what=${1:-}
case $what in control-plane | node | kwok) ;; *) echo "usage: build.sh [--if-built] control-plane|node|kwok" >&2; exit 2 ;; esac

# Folders are named after the sources and the recipe, which decide their content, so that nothing stale is ever served.
digest() { find "$@" -type f ! -name '*_test.go' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | awk '{ print $1 }' | sha256sum | cut -c1-12; }
cache=${SESI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sesi}/cluster
dir=$cache/$kubernetes-$(digest "$here/src" "$here/recipe.sh")
bin=$dir/bin
wanted=("hyper $kubernetes" "etcd $etcd")
[ "$what" = node ] && wanted+=("containerd $containerd" "coredns $coredns" "local-path-provisioner $local_path")
[ "$what" = kwok ] && wanted+=("kwok $kwok")
find_missing() {
  local item
  missing=()
  for item in "${wanted[@]}"; do [ -x "$bin/${item% *}" ] || missing+=("$item"); done
}
if [ -n "$only_look" ]; then
  find_missing
  if [ ${#missing[@]} != 0 ] || [ ! -e "$bin/kube-apiserver" ]; then
    echo "not built yet: ${missing[*]%% *}" >&2
    exit 1
  fi
  echo "$bin"
  exit
fi
mkdir -p "$bin"
exec 9>"$cache/lock"
if ! flock --nonblock 9; then # two builds at once would only slow each other down
  echo "another build is under way; waiting for it" >&2
  flock 9
fi

new=$(mktemp -d "$dir/new.XXXXXX")
builder=
# A build that is interrupted ends: it would hold the lock and both cores for minutes, and Ctrl-C reaches nothing that a
# script runs in the background.
trap '[ -z "$builder" ] || kill -- "-$builder" 2>/dev/null || true; rm -rf "$new"' EXIT

find_missing
number=0
for item in "${missing[@]}"; do
  name=${item% *} number=$((number + 1)) started=$SECONDS next=10
  label="[$number/${#missing[@]}] $name ${item#* }"
  echo "$label: building" >&2
  set -m # with a process group of its own
  "build_$name" >"$dir/$name.log" 2>&1 &
  builder=$!
  set +m
  while kill -0 $builder 2>/dev/null; do
    sleep 1
    if [ $((SECONDS - started)) -ge $next ]; then
      next=$((next + 10))
      echo "$label: $((SECONDS - started)) s, $(grep -c '^[a-z].*/' "$dir/$name.log") packages" >&2
    fi
  done
  if ! wait $builder; then
    tail -n 20 "$dir/$name.log" >&2
    echo "$label: failed; all of its output is in $dir/$name.log" >&2
    exit 1
  fi
  builder=
  echo "$label: done in $((SECONDS - started)) s" >&2
  for built in "$new"/*; do mv "$built" "$bin/"; done
done
for program in kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet kubectl; do
  ln -sf hyper "$bin/$program"
done

# The project's own small programs are cheap to ask for again and change more often than a version.
(cd "$tree" && go build -ldflags "$ldflags" -o "$bin/" ./hack/cluster/cmd/pause ./hack/cluster/cmd/forward) >&2
echo "$bin"

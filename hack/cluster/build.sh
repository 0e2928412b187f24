#!/usr/bin/env bash
# build.sh control-plane|node|kwok: builds what the cluster runs from Go modules, once per version, and prints the
# folder it is in. The control plane's folder serves envtest as KUBEBUILDER_ASSETS.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$(cd "$here/../.." && pwd)

containerd=v2.4.2
kwok=v0.8.0
kubernetes=$(awk '$1 == "k8s.io/kubernetes" { print $2 }' "$here/src/k8s/go.mod")
etcd=$(awk '$2 == "go.etcd.io/etcd/server/v3" { print $3 }' "$here/src/etcd/go.mod")
coredns=$(awk '$1 == "github.com/coredns/coredns" { print $2 }' "$here/src/addons/go.mod")
local_path=$(awk '$1 == "github.com/rancher/local-path-provisioner" { print $2 }' "$here/src/addons/go.mod")

what=${1:-}
case $what in control-plane | node | kwok) ;; *) echo "usage: build.sh control-plane|node|kwok" >&2; exit 2 ;; esac

# Folders are named after all that decides their content, so that nothing stale is ever served.
digest() { find "$@" -type f ! -name '*_test.go' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | awk '{ print $1 }' | sha256sum | cut -c1-12; }
cache=${SESI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sesi}/cluster
dir=$cache/$kubernetes-$(digest "$here/src" "$here/build.sh")
bin=$dir/bin
mkdir -p "$bin"
exec 9>"$cache/lock"
if ! flock --nonblock 9; then # two builds at once would only slow each other down
  echo "another build is under way; waiting for it" >&2
  flock 9
fi

export CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false"
ldflags="-s -w"
new=$(mktemp -d "$dir/new.XXXXXX")
builder=
# A build that is interrupted ends: it would hold the lock and both cores for minutes, and Ctrl-C reaches nothing that a
# script runs in the background.
trap '[ -z "$builder" ] || kill -- "-$builder" 2>/dev/null || true; rm -rf "$new"' EXIT

program_version() { # the flags that tell kubernetes its own version
  local package
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    printf -- ' -X %s.gitVersion=%s -X %s.gitMajor=1 -X %s.gitMinor=%s -X %s.gitTreeState=clean' \
      "$package" "$kubernetes" "$package" "$package" "$(cut -d. -f2 <<<"$kubernetes")" "$package"
  done
}
build_hyper() { (cd "$here/src/k8s" && go build -v -ldflags "$ldflags$(program_version)" -o "$new/hyper" .); }
build_etcd() { (cd "$here/src/etcd" && go build -v -ldflags "$ldflags" -o "$new/etcd" go.etcd.io/etcd/server/v3); }
install() { (cd / && GOBIN=$new go install -v -ldflags "$ldflags" "$@"); }
build_containerd() {
  install -tags "no_btrfs no_devmapper no_zfs" \
    github.com/containerd/containerd/v2/cmd/{containerd,containerd-shim-runc-v2,ctr}@$containerd
}
addon() { (cd "$here/src/addons" && go build -v -ldflags "$ldflags" -o "$new/$1" "$2"); } # NAME PACKAGE
build_coredns() { addon coredns ./coredns; }
build_local-path-provisioner() { addon local-path-provisioner github.com/rancher/local-path-provisioner; }
build_kwok() {
  install sigs.k8s.io/kwok/cmd/kwok@$kwok
  # its binary has no stages of its own: these are its module's, for quick nodes and pods
  local stages
  stages=$(cd / && go mod download -json sigs.k8s.io/kwok@$kwok | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')/kustomize/stage
  local file
  for file in "$stages"/node/fast/*.yaml "$stages"/node/heartbeat-with-lease/*.yaml "$stages"/pod/fast/*.yaml; do
    case $file in */kustomization.yaml) ;; *) echo ---; cat "$file" ;; esac
  done >"$new/kwok-stages.yaml"
}

wanted=("hyper $kubernetes" "etcd $etcd")
[ "$what" = node ] && wanted+=("containerd $containerd" "coredns $coredns" "local-path-provisioner $local_path")
[ "$what" = kwok ] && wanted+=("kwok $kwok")
missing=()
for item in "${wanted[@]}"; do [ -x "$bin/${item% *}" ] || missing+=("$item"); done

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

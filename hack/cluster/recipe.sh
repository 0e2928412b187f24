# shellcheck shell=bash disable=SC2034,SC2154 # build.sh, which sources it, has the other half of the variables
# recipe.sh: the versions of what the cluster runs, and how each program is built. Its text names the folder of the
# built programs: a change here builds all of them again. Sourced, never run.

containerd=v2.4.2
kwok=v0.8.0
kubernetes=$(awk '$1 == "k8s.io/kubernetes" { print $2 }' "$here/src/k8s/go.mod")
etcd=$(awk '$2 == "go.etcd.io/etcd/server/v3" { print $3 }' "$here/src/etcd/go.mod")
coredns=$(awk '$1 == "github.com/coredns/coredns" { print $2 }' "$here/src/addons/go.mod")
local_path=$(awk '$1 == "github.com/rancher/local-path-provisioner" { print $2 }' "$here/src/addons/go.mod")

export CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false"
ldflags="-s -w"

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

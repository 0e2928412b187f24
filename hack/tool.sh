#!/usr/bin/env bash
# tool.sh NAME: prints the path of a build tool, building it first from its Go module if the cache lacks it.
# The version is part of the cached name, so that a changed version is never served from an old build.
set -euo pipefail

cache=${SESI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sesi}/tools

module() {
  case $1 in
    controller-gen) echo sigs.k8s.io/controller-tools/cmd/controller-gen@v0.23.0 ;;
    helm)           echo helm.sh/helm/v4/cmd/helm@v4.3.1 ;;
    kubeconform)    echo github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0 ;;
    govulncheck)    echo golang.org/x/vuln/cmd/govulncheck@v1.9.0 ;;
    cyclonedx-gomod) echo github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0 ;;
    *) echo "tool.sh: no tool named $1" >&2; return 1 ;;
  esac
}

name=${1:?usage: tool.sh NAME}
source=$(module "$name")
dir=$cache/$name-${source##*@}
if [ ! -x "$dir/$name" ]; then
  echo "building $source" >&2
  mkdir -p "$dir"
  (cd / && GOBIN=$dir GOFLAGS=-trimpath CGO_ENABLED=0 go install "$source") >&2
fi
echo "$dir/$name"

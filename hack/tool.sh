#!/usr/bin/env bash
# tool.sh NAME: prints the path of a build tool, building it first from its Go module if the cache lacks it.
# The version is part of the cached name, so that a changed version is never served from an old build.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${SESI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sesi}/tools
export CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false"

module() {
  case $1 in
    controller-gen)  echo sigs.k8s.io/controller-tools/cmd/controller-gen@v0.23.0 ;;
    helm)            echo helm.sh/helm/v4/cmd/helm@v4.3.1 ;;
    govulncheck)     echo golang.org/x/vuln/cmd/govulncheck@v1.9.0 ;;
    kind)            echo sigs.k8s.io/kind@v0.33.0 ;;
    setup-envtest)   echo sigs.k8s.io/controller-runtime/tools/setup-envtest@v0.25.1 ;;
    kubeconform)     echo github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0 ;;
    actionlint)      echo github.com/rhysd/actionlint/cmd/actionlint@v1.7.8 ;;
    caddy)           echo github.com/caddyserver/caddy/v2/cmd/caddy@v2.11.9 ;;
    traefik)         echo github.com/traefik/traefik/v3:cmd/traefik@v3.6.12 ;; # its module replaces others
    cyclonedx-gomod) echo github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0 ;;
    golangci-lint)   echo hack/lint@"$(cat "$here"/lint/go.mod "$here"/lint/main.go | sha256sum | cut -c1-12)" ;; # our own build, with a plugin
    *) echo "tool.sh: no tool named $1" >&2; return 1 ;;
  esac
}

name=${1:?usage: tool.sh NAME}
source=$(module "$name")
dir=$cache/$name-${source##*@}
if [ ! -x "$dir/$name" ]; then
  echo "building $name from ${source%@*}" >&2
  mkdir -p "$cache"
  made=$(mktemp -d "$cache/.$name-XXXXXX") # moved into place whole, so that nobody meets half of it
  trap 'rm -rf "$made"' EXIT
  case $source in
    hack/*) (cd "$here/../${source%@*}" && go build -ldflags "-s -w" -o "$made/$name" .) >&2 ;;
    *:*) # a module whose replacements hold only in its own folder
      version=${source##*@} program=${source#*:} source=${source%%:*}
      (cd / && go mod download "$source@$version" && cd "$(go env GOMODCACHE)/$source@$version" &&
        go build -ldflags "-s -w" -o "$made/$name" "./${program%@*}") >&2 ;;
    *) (cd / && GOBIN=$made go install -ldflags "-s -w" "$source") >&2 ;;
  esac
  mkdir -p "$dir"
  mv "$made/$name" "$dir/$name"
fi
echo "$dir/$name"

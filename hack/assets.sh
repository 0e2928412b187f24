#!/usr/bin/env bash
# assets.sh: prints a folder with etcd, kube-apiserver and kubectl for tests, as KUBEBUILDER_ASSETS wants it. It takes
# the folder that KUBEBUILDER_ASSETS names; else what setup-envtest downloads in seconds; else it builds them.
# KUBERNETES=v1.34.1 asks for that version.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usable() { # FOLDER
  local program
  for program in etcd kube-apiserver kubectl; do
    [ -x "$1/$program" ] || { echo "$1 has no program $program" >&2; return 1; }
  done
}

if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
  echo "API server: the one in KUBEBUILDER_ASSETS, $KUBEBUILDER_ASSETS" >&2
  usable "$KUBEBUILDER_ASSETS"
  echo "$KUBEBUILDER_ASSETS"
  exit
fi

# What was built before is ready at once. SESI_ENVTEST=only fails rather than build, =never does not ask setup-envtest.
if [ "${SESI_ENVTEST:-}" != only ] && built=$("$here/cluster/build.sh" --if-built control-plane 2>/dev/null); then
  echo "API server: the one that was built before, $built" >&2
  echo "$built"
  exit
fi

if [ "${SESI_ENVTEST:-}" != never ]; then
  tool=$("$here/tool.sh" setup-envtest)
  store=${SESI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sesi}/envtest
  version=${KUBERNETES:-$("$here/cluster/build.sh" --version)}
  version=${version#v}
  use() { # STORE [FLAGS...]
    "$tool" use "${version%.*}.x" -p path ${SESI_ENVTEST_INDEX:+--index "$SESI_ENVTEST_INDEX"} --bin-dir "$@" 2>/dev/null
  }
  if ! use "$store" --installed-only >/dev/null; then
    mkdir -p "$store/k8s"
    new=$(mktemp -d "$store.XXXXXX") # moved into place whole, so that nobody meets half of it
    trap 'chmod -R u+w "$new" && rm -rf "$new"' EXIT
    if folder=$(use "$new"); then
      chmod u+w "$folder"
      mv "$folder" "$store/k8s/" 2>/dev/null || true # unless another one was quicker
    fi
  fi
  if folder=$(use "$store" --installed-only); then
    echo "API server: $(basename "$folder"), from setup-envtest" >&2
    usable "$folder"
    echo "$folder"
    exit
  fi
  echo "setup-envtest cannot get Kubernetes ${version%.*} from here" >&2
  [ "${SESI_ENVTEST:-}" != only ] || exit 1
fi

echo "API server: built from Go modules, once; that takes 7 to 20 minutes on two cores" >&2
exec "$here/cluster/build.sh" control-plane

#!/usr/bin/env bash
# images.sh BIN: builds the images that the node itself needs, once per state of their sources; prints their folder.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=$1
cd "$here/../.."
# A busybox that needs libraries, as most machines have it, would not find them in an image.
busybox=/bin/busybox
if [ ! -x $busybox ] || [[ $(ldd $busybox 2>&1) == *'=>'* ]]; then busybox=$(hack/unpack.sh busybox-static busybox); fi
digest=$({ find hack/images hack/cluster/cmd -name '*.go' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum; sha256sum "$busybox" "$bin/coredns"; } | sha256sum | cut -c1-12)
dir=$(dirname "$bin")/images-$digest
if [ ! -d "$dir" ]; then
  new=$(mktemp -d "$dir.XXXXXX") # moved into place whole, so that nobody meets half of it
  trap 'rm -rf "$new"' EXIT
  export CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false"
  go run ./hack/images -out "$new" -busybox "$busybox" -program coredns="$bin/coredns" archive pause toolbox coredns >&2
  mv -T "$new" "$dir" 2>/dev/null || [ -d "$dir" ]
fi
echo "$dir"

#!/usr/bin/env bash
# find.sh prometheus|promtool: prints where that program is. Where Prometheus is not installed it comes out of Debian's
# package, because installing that would start a server.
set -euo pipefail
program=${1:?usage: find.sh prometheus|promtool}
command -v "$program" || exec "$(dirname "$0")/../../hack/unpack.sh" prometheus "$program"

#!/usr/bin/env bash
# down.sh: ends the demonstration and removes all that it made; safe to call again. What was built stays in the cache.
set -euo pipefail
export SESI_CLUSTER=${SESI_CLUSTER:-demo}
exec "$(dirname "${BASH_SOURCE[0]}")/../cluster/down.sh"

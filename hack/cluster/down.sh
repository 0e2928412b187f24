#!/usr/bin/env bash
# down.sh: ends the cluster and removes all that it made; safe to call again, and when there is none.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
[ "$(id -u)" = 0 ] || { echo "down.sh: not root, so there is no cluster of yours" >&2; exit 1; }

# How long the cluster kept processors busy, in seconds: SESI_USED names a file for it. Nobody waits for these processes,
# so no parent's times have it.
if [ -n "${SESI_USED:-}" ] && pid_of init.pid >/dev/null; then
  { inside sh -c 'cat /proc/[0-9]*/stat'; cat "/proc/$(pid_of forward.pid)/stat"; } 2>/dev/null |
    awk -v ticks="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); used += $12 + $13 + $14 + $15 } END { print used / ticks }' >>"$SESI_USED" || true
fi
end_process forward.pid
end_process init.pid KILL # and with it every process, mount, address and rule in its namespaces
await_end unshare.pid # it reaps the node's first process, which would else be left to process 1 here
"$here/cgroups.sh" remove
rm -rf --one-file-system "$run"
# The mount points go with the last cluster: removing one would unmount it in another cluster's namespace too.
if rmdir /var/lib/sesi 2>/dev/null; then
  for folder in kubelet containerd cni; do rmdir /var/lib/$folder 2>/dev/null || true; done
fi
say "the cluster $name is gone"

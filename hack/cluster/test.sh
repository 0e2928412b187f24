#!/usr/bin/env bash
# test.sh: brings up a cluster of its own, tries and disturbs it, takes it down, and compares what the machine looked
# like before and after. It runs beside any other cluster.
set -euo pipefail
export SESI_CLUSTER=${SESI_CLUSTER:-test} SESI_API_PORT=${SESI_API_PORT:-16443}
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

"$here/../deps.sh" cluster
"$here/images.sh" "$("$here/build.sh" node)" >/dev/null # what they leave in the cache is meant to stay
work=$(mktemp -d)
finish() {
  trap '' HUP INT TERM # a second signal would leave the rest behind
  "$here/down.sh" >/dev/null
  rm -rf "$work"
}
trap finish EXIT

"$here/machine.sh" >"$work/before"
"$here/up.sh" node
# every namespace of the node and of its pods; after the end nothing may be in one of them
inside bash -c 'readlink /proc/[0-9]*/ns/{net,mnt,pid}' 2>/dev/null | sort -u >"$work/namespaces"
readlink /proc/$$/ns/{net,mnt,pid} >"$work/own"
grep -vxFf "$work/own" "$work/namespaces" >"$work/theirs"
"$here/check.sh" --disturb
"$here/up.sh" node # again, on what is up: must change nothing
down_began=$(microseconds)
"$here/down.sh"
ended=$(awk -v ticks="$(getconf CLK_TCK)" '{ print int($1 * ticks) }' /proc/uptime)
echo "down took $((($(microseconds) - down_began) / 1000)) ms"
"$here/machine.sh" >"$work/after"

if ! diff -U0 "$work/before" "$work/after"; then echo "the machine is not as it was" >&2; exit 1; fi
left=
for process in /proc/[0-9]*; do
  # an ended process that its parent has not asked after still has the number of its process namespace
  ! grep -qs '^State:.Z' "$process/status" || continue
  # a namespace of somebody else that came later may have got the number of one that is gone
  start=$(started_at "${process#/proc/}") || continue
  [ "${start:-$ended}" -lt "$ended" ] || continue
  if readlink "$process"/ns/{net,mnt,pid} 2>/dev/null | grep -qxFf "$work/theirs"; then
    left+=" ${process#/proc/} ($(tr '\0' ' ' 2>/dev/null <"$process/cmdline"))"
  fi
done
[ -z "$left" ] || { echo "processes are left in the node's namespaces:$left" >&2; exit 1; }
"$here/down.sh" # with nothing up: must succeed
echo "nothing is left: mounts, links, routes, rules, namespaces, sockets, control groups, kernel parameters and files are as before"

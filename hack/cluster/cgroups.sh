#!/usr/bin/env bash
# cgroups.sh make|remove: the control group that all pods of the node are below, in version 1 and 2.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

roots() { awk '$3 == "cgroup" || $3 == "cgroup2" { print $2 }' /proc/mounts; }
groups() { # all of ours, children first
  local root
  for root in $(roots); do [ ! -d "$root/$cgroup" ] || find "$root/$cgroup" -depth -type d; done
}
top=/sys/fs/cgroup/cgroup.subtree_control # only in version 2

case ${1:-} in
  make)
    if [ -f $top ]; then
      for controller in $(</sys/fs/cgroup/cgroup.controllers); do
        ! grep -qw "$controller" $top || continue
        if echo "+$controller" 2>/dev/null >$top; then echo "$controller" >>"$run/controllers"; continue; fi
        case $controller in cpu | cpuset | memory | pids)
          echo "the top control group does not hand down $controller, perhaps because processes are in it, as in a container" >&2
          exit 1 ;;
        esac
      done
    fi
    for root in $(roots); do mkdir -p "$root/$cgroup"; done
    ;;
  remove)
    end=$((SECONDS + 120))
    while [ -n "$(groups)" ]; do # the last process of a group may take a moment to be gone
      for group in $(groups); do rmdir "$group" 2>/dev/null || true; done
      [ $SECONDS -lt $end ] || { echo "control groups that are still in use: $(groups)" >&2; exit 1; }
    done
    # the controllers that were switched on for us and that nobody else uses by now
    if [ -f "$run/controllers" ]; then
      while read -r controller; do echo "-$controller" >$top || true; done <"$run/controllers" 2>/dev/null
    fi
    ;;
  *) echo "usage: cgroups.sh make|remove" >&2; exit 2 ;;
esac

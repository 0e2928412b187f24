#!/usr/bin/env bash
# test.sh: brings up a cluster of its own, tries and disturbs it, takes it down, and compares what the machine looked
# like before and after. It runs beside any other cluster.
set -euo pipefail
export SESI_CLUSTER=${SESI_CLUSTER:-test} SESI_API_PORT=${SESI_API_PORT:-16443}
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

"$here/../deps.sh" cluster
"$here/images.sh" "$("$here/build.sh" node)" >/dev/null # what they leave in the cache is meant to stay
work=$(mktemp -d)
trap '"$here/down.sh" >/dev/null; rm -rf "$work"' EXIT

machine() { # what the cluster might change, without what changes by itself
  echo "# mounts"; awk '{ print $5, $9, $10 }' /proc/self/mountinfo | sort
  echo "# links, addresses, routes and rules"; ip -brief link; ip -brief address; ip route show table all; ip rule
  echo "# named network namespaces"; ip netns list
  echo "# packet filters"; iptables-save -t filter 2>/dev/null | grep -v '^#'; iptables-save -t nat 2>/dev/null | grep -v '^#'
  echo "# sockets"; ss -Hltn "sport = :$api_port"
  echo "# control groups"; find /sys/fs/cgroup -type d -name "*$name*"
  echo "# controllers"; cat /sys/fs/cgroup/cgroup.subtree_control 2>/dev/null || true
  echo "# kernel parameters"; sysctl -a 2>/dev/null | grep -E '^(vm\.(overcommit|panic)|kernel\.(panic|keys)|net\.(ipv4|ipv6)\.(ip_forward|conf)|net\.bridge)'
  echo "# files"; find /var/lib /var/log /run /etc /opt /usr/libexec -xdev -maxdepth 3 \( -path "/var/lib/sesi/*" ! -path "$run*" -prune -o -print \) | sort
  find /tmp -maxdepth 1 -name 'sesi-*' | sort
}

machine >"$work/before"
"$here/up.sh" node
# every namespace of the node and of its pods; after the end nothing may be in one of them
inside bash -c 'readlink /proc/[0-9]*/ns/{net,mnt,pid}' 2>/dev/null | sort -u >"$work/namespaces"
readlink /proc/$$/ns/{net,mnt,pid} >"$work/own"
grep -vxFf "$work/own" "$work/namespaces" >"$work/theirs"
"$here/check.sh" --disturb
"$here/up.sh" node # again, on what is up: must change nothing
down_began=${EPOCHREALTIME/./}
"$here/down.sh"
echo "down took $(((${EPOCHREALTIME/./} - down_began) / 1000)) ms"
machine >"$work/after"

if ! diff -U0 "$work/before" "$work/after"; then echo "the machine is not as it was" >&2; exit 1; fi
left=$(readlink /proc/[0-9]*/ns/{net,mnt,pid} 2>/dev/null | grep -xFf "$work/theirs" || true)
[ -z "$left" ] || { echo "processes are left in the node's namespaces: $left" >&2; exit 1; }
"$here/down.sh" # with nothing up: must succeed
echo "nothing is left: mounts, links, routes, rules, namespaces, sockets, control groups, kernel parameters and files are as before"

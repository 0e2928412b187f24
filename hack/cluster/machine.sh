#!/usr/bin/env bash
# machine.sh: prints what a cluster might change of the machine, without what changes by itself or belongs to other
# clusters or to Go tests. Printed before and after, it shows what was left behind.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

section() { printf '# %s\n' "$1"; }
section "mounts"
a_test='/Test[A-Za-z0-9_]+/[0-9]+' # the folder of a Go test
awk '{ print $5, $9, $10 }' /proc/self/mountinfo | grep -vE "^(/run/(user|credentials)/|.*$a_test )" | sort
section "links, addresses, routes and rules"
ip -brief link
ip -brief address
ip route show table all | sed 's/ expires [0-9]*sec//'
ip rule
section "named network namespaces"
ip netns list
section "packet filters"
for table in filter nat mangle; do iptables-save -t $table 2>/dev/null | sed '/^#/d; s/\[[0-9:]*\]//'; done
section "sockets"
ss -Hltn "sport = :$api_port"
section "control groups and controllers"
find /sys/fs/cgroup -type d -name "$cgroup*" 2>/dev/null || true # others come and go meanwhile
cat /sys/fs/cgroup/cgroup.subtree_control 2>/dev/null || true
section "processes of the cluster's programs"
for process in /proc/[0-9]*; do
  tr '\0' ' ' 2>/dev/null <"$process/cmdline" | grep -F "$run" | grep -Ev '(machine|test)\.sh' || true
done
section "kernel parameters"
sysctl -a 2>/dev/null | grep -E '^(vm\.(overcommit|panic)|kernel\.(panic|keys)|net\.(ipv4|ipv6)\.(ip_forward|conf)|net\.bridge)'
section "files"
mount_points='/var/lib/(sesi|kubelet|containerd|cni)'
own_business='/run/(systemd|udev|user|credentials|log|lock|mount|sudo)|/var/log/journal|/var/lib/(sesi|dpkg|apt|systemd)'
{ find /var/lib /var/log /run /etc /opt /usr/libexec -xdev -maxdepth 3 2>/dev/null || true; } |
  grep -vE "^($mount_points|/run/mount|($own_business)/.*|/var/log/.*[.-][0-9.]+(gz|xz)?)\$" | sort
# the clusters share these, and the last one to go takes them with it
if [ -z "$(find /var/lib/sesi -mindepth 1 -maxdepth 1 ! -name "$name" 2>/dev/null)" ]; then
  find /var/lib -mindepth 1 -maxdepth 1 | grep -xE "$mount_points" | sort || true
fi
find /var/lib/sesi -maxdepth 1 -name "$name" 2>/dev/null || true
find "${TMPDIR:-/tmp}" -maxdepth 1 \( -name 'sesi-image-*' -o -name 'sesi-layout-*' \) | sort

#!/usr/bin/env bash
# init.sh PAUSE: the node's first process. Run in fresh network, mount and process namespaces, it gives them what a
# machine would have, and then becomes the pause program, which reaps what the others leave behind.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

# What Kubernetes and its runtime write to fixed places goes to the run folder, or with this namespace.
mount -t tmpfs -o mode=0755 tmpfs /run
mount --bind "$log" /var/log
for folder in kubelet containerd cni; do mount --bind "$run/$folder" /var/lib/$folder; done
mount --make-rshared / # volumes may be mounted by pods for other pods

# The kubelet sets kernel parameters of the whole machine; it finds them set already and lets the real ones be.
while read -r parameter value; do
  echo "$value" >"/run/${parameter//\//.}"
  mount --bind "/run/${parameter//\//.}" "/proc/sys/$parameter"
done <<'PARAMETERS'
vm/overcommit_memory 1
vm/panic_on_oom 0
kernel/panic 10
kernel/panic_on_oops 1
kernel/keys/root_maxkeys 1000000
kernel/keys/root_maxbytes 25000000
PARAMETERS

# A bridge without ports holds the node's address. Whatever has no better route ends there: Services before they are
# translated, and everything that would leave the machine.
ip link set lo up
ip link add node0 type bridge
ip address add "$node_ip/32" dev node0
ip link set node0 up
ip route add default dev node0 src "$node_ip"
echo 1 >/proc/sys/net/ipv4/ip_forward

touch "$run/ready"
exec "$1"

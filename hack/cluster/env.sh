# shellcheck shell=bash disable=SC2034 # the variables are for those who source this
# env.sh: where the cluster lives, and the few words its scripts share. Sourced, never run.
#
# The node is a set of processes in their own network, mount and process namespaces, the way a container is. So no
# packet of it leaves the machine, the host's routes, rules, mounts and sysctls are never touched, and all of it ends
# when its first process does. Outside it has only a folder, control groups and one listener on 127.0.0.1.

# Others than root go into folders below: containers of theirs, and what the runtime unpacks for them.
umask 022

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
name=${SESI_CLUSTER:-sesi} # several clusters may run side by side
[[ $name =~ ^[a-z0-9][a-z0-9-]{0,19}$ ]] || { echo "SESI_CLUSTER=$name: want up to 20 of a-z, 0-9 and -" >&2; exit 2; }
api_port=${SESI_API_PORT:-6443} # on 127.0.0.1 of the host

run=/var/lib/sesi/$name
pki=$run/pki
log=$run/log
cgroup=sesi-$name

# addresses that exist only inside
node=node1
node_ip=10.244.0.1
pod_cidr=10.244.0.0/24
service_cidr=10.96.0.0/16
api_service_ip=10.96.0.1
dns_ip=10.96.0.10

microseconds() { echo "${EPOCHREALTIME/[.,]/}"; } # the mark is the locale's
began=$(microseconds)
say() { local took=$(($(microseconds) - began)); printf '%3d.%02d s  %s\n' $((took / 1000000)) $((took / 10000 % 100)) "$*"; }

# wait_for SECONDS WHAT COMMAND...: runs the command again and again until it succeeds.
wait_for() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || { say "gave up waiting for: $what" >&2; return 1; }
    sleep 0.1
  done
  say "$what"
}

# A process is remembered by its id and its start, because an id alone may have become somebody else's.
started_at() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
remember() { echo "$2 $(started_at "$2")" >"$run/$1"; }
pid_of() { # FILE: prints the id if that very process still runs
  local pid start
  read -r pid start 2>/dev/null <"$run/$1" || return 1
  [ -n "$start" ] && [ "$(started_at "$pid")" = "$start" ] && ! grep -qs '^State:.Z' "/proc/$pid/status" || return 1
  echo "$pid"
}
end_process() { # FILE [SIGNAL]: ends it and waits until it is gone
  local pid
  pid=$(pid_of "$1") || { rm -f "$run/$1"; return 0; }
  kill "-${2:-TERM}" "$pid" 2>/dev/null || true # it may end by itself just now
  await_end "$1"
}
await_end() { # FILE: waits until it is gone, and kills it when that takes long
  local pid end=$((SECONDS + 15))
  while pid=$(pid_of "$1"); do
    [ $SECONDS -lt $end ] || kill -KILL "$pid" 2>/dev/null || true
    sleep 0.05
  done
  rm -f "$run/$1"
}

inside() { # COMMAND...: runs it in the node's namespaces
  local init
  init=$(pid_of init.pid) || { echo "the cluster $name is not up" >&2; return 1; }
  nsenter --target "$init" --net --mount --pid -- "$@"
}

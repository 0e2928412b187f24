# shellcheck shell=bash
# apt.sh: apt-get beside others that use it. A machine that has just started may be at its own updates. Sourced, never run.

apt_get() { # ARGUMENT...: prints only why it failed
  local said end=$((SECONDS + 300))
  # For one of its locks apt waits itself. Where it meets another one held, it gives up at once.
  until said=$(DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -o DPkg::Lock::Timeout=300 -qq "$@" 2>&1); do
    if [[ $said != *"Could not get lock"* ]] || [ $SECONDS -ge $end ]; then
      echo "$said" >&2
      return 1
    fi
    sleep 1
  done
}

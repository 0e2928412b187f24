#!/usr/bin/env bash
# deps.sh GROUP...: installs what a group of the project's commands needs of the system and does not find. Groups:
# cluster, demo, test, race, lint. It asks Debian's apt; elsewhere it says what is missing.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/apt.sh"

commands() { # what must be found, as COMMAND-OR-FILE:PACKAGE; a comma parts names that will do as well
  case $1 in
    cluster) echo runc:runc ip:iproute2 iptables:iptables nsenter:util-linux openssl:openssl sysctl:procps \
      /usr/lib/cni/ptp:containernetworking-plugins php:php-cli jq:jq ;;
    demo) echo curl:curl ;;
    race) echo gcc:gcc /usr/include/stdio.h:libc6-dev ;;
    test) echo chromium,chromium-browser,google-chrome,google-chrome-stable,chrome:chromium php:php-cli ;;
    lint) echo shellcheck:shellcheck ;;
    *) echo "deps.sh: no group named $1" >&2; return 2 ;;
  esac
}

export PATH=$PATH:/usr/sbin:/sbin
missing=()
have() { # NAME,NAME...
  local name
  for name in ${1//,/ }; do if command -v "$name" >/dev/null || [ -e "$name" ]; then return 0; fi; done
  return 1
}
for group in "$@"; do
  for pair in $(commands "$group"); do have "${pair%:*}" || missing+=("${pair#*:}"); done
done
[ ${#missing[@]} -gt 0 ] || exit 0
if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
  echo "missing on this machine: ${missing[*]} (names of Debian's packages); as root on Debian or Ubuntu they are installed by themselves" >&2
  exit 1
fi
echo "installing ${missing[*]}" >&2
install() { apt_get install --yes --no-install-recommends "${missing[@]}"; }
install 2>/dev/null || { apt_get update && install; }

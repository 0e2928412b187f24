#!/usr/bin/env bash
# find.sh prometheus|promtool: prints where that program is. Both are in Debian's package prometheus: where they are not
# installed they are taken out of the package into the cache, because installing it would start a server.
set -euo pipefail
program=${1:?usage: find.sh prometheus|promtool}
if command -v "$program"; then exit; fi
cache=${SESI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sesi}/tools/prometheus
if [ ! -x "$cache/$program" ]; then
  if ! command -v apt-get >/dev/null; then
    echo "$program is missing: it is part of Prometheus" >&2
    exit 1
  fi
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  # apt's own user may not write to a folder that is root's alone
  download() { apt-get -o APT::Sandbox::User=root download -qq prometheus; }
  (cd "$work" && { download || { apt-get update -qq && download; }; } && dpkg-deb -x prometheus_*.deb .) >&2
  mkdir -p "$cache"
  mv "$work"/usr/bin/prom* "$cache/"
fi
echo "$cache/$program"

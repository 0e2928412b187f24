#!/usr/bin/env bash
# unpack.sh PACKAGE PROGRAM: prints where a program of a Debian package is, taken out of the package into the cache. For
# what must not be installed, because that would start a server or replace another package.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/apt.sh"
package=${1:?usage: unpack.sh PACKAGE PROGRAM} program=${2:?usage: unpack.sh PACKAGE PROGRAM}
dir=${SESI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sesi}/debian/$package
if [ ! -d "$dir" ]; then
  if ! command -v apt-get >/dev/null; then
    echo "$program is missing: it is in Debian's package $package" >&2
    exit 1
  fi
  mkdir -p "${dir%/*}"
  new=$(mktemp -d "$dir.XXXXXX") # moved into place whole, so that nobody meets half of it
  trap 'rm -rf "$new"' EXIT
  # apt's own user may not write to a folder that is root's alone
  download() { apt_get -o APT::Sandbox::User=root download "$package"; }
  (cd "$new" && { download || { apt_get update && download; }; } &&
    dpkg-deb -x "$package"_*.deb . && rm "$package"_*.deb) >&2
  mv -T "$new" "$dir" 2>/dev/null || [ -d "$dir" ]
fi
find "$dir" -path "*bin/$program" -type f | grep . || { echo "Debian's package $package has no program $program" >&2; exit 1; }

#!/usr/bin/env bash
# npm.sh NAME: installs what the working directory's package.json asks for into the cache, once for each content, and prints
# the folder.
set -euo pipefail
name=${1:?usage: npm.sh NAME}
folder=${SESI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sesi}/$name-$(sha256sum package.json | cut -c1-12)
complete=$folder/node_modules/.package-lock.json # npm writes it last
if [ ! -f "$complete" ]; then
  mkdir -p "${folder%/*}"
  new=$(mktemp -d "$folder.XXXXXX") # moved into place whole, so that nobody meets half of it
  trap 'rm -rf "$new"' EXIT
  cp package.json "$new/"
  (cd "$new" && npm install --ignore-scripts --no-audit --no-fund --no-package-lock) >&2
  [ -f "$complete" ] || rm -rf "$folder"
  mv -T "$new" "$folder" 2>/dev/null || [ -f "$complete" ]
fi
echo "$folder"

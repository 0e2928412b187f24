#!/usr/bin/env bash
# npm.sh NAME: installs what the working directory's package.json asks for into the cache, once for each content, and prints
# the folder. Where there is a lockfile, it says the versions.
set -euo pipefail
name=${1:?usage: npm.sh NAME}
asked=(package.json) how=(install --no-package-lock)
[ ! -f package-lock.json ] || asked+=(package-lock.json) how=(ci)
folder=${SESI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sesi}/$name-$(cat "${asked[@]}" | sha256sum | cut -c1-12)
complete=$folder/node_modules/.package-lock.json # npm writes it last
if [ ! -f "$complete" ]; then
  mkdir -p "${folder%/*}"
  new=$(mktemp -d "$folder.XXXXXX") # moved into place whole, so that nobody meets half of it
  trap 'rm -rf "$new"' EXIT
  cp "${asked[@]}" "$new/"
  (cd "$new" && npm "${how[@]}" --ignore-scripts --no-audit --no-fund) >&2
  [ -f "$complete" ] || rm -rf "$folder"
  mv -T "$new" "$folder" 2>/dev/null || [ -f "$complete" ]
fi
echo "$folder"

#!/usr/bin/env bash
# install.sh: installs Baileys into the cache, outside the tree, and prints the folder. Prints nothing where
# there is no npm: the bench then goes without it.
set -euo pipefail
cd "$(dirname "$0")"

command -v npm >/dev/null || exit 0
folder=${SESI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sesi}/baileys-$(sha256sum package.json | cut -c1-12)
mkdir -p "$folder"
cp package.json idle.mjs check.mjs talk.mjs "$folder/"
if [ ! -d "$folder/node_modules/@whiskeysockets" ]; then
  (cd "$folder" && npm install --ignore-scripts --no-audit --no-fund --no-package-lock) >&2
fi
echo "$folder"

#!/usr/bin/env bash
# install.sh: installs axe-core, which looks for what people cannot use in a page, into the cache outside the tree, and
# prints the path of its script. It prints nothing where there is no npm.
set -euo pipefail
cd "$(dirname "$0")"

command -v npm >/dev/null || exit 0
folder=${SESI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sesi}/axe-$(sha256sum package.json | cut -c1-12)
mkdir -p "$folder"
cp package.json "$folder/"
cd "$folder"
[ -f node_modules/axe-core/axe.min.js ] || npm install --ignore-scripts --no-audit --no-fund --no-package-lock >&2
echo "$folder/node_modules/axe-core/axe.min.js"

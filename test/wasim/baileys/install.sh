#!/usr/bin/env bash
# install.sh: installs Baileys into the cache, outside the tree, and prints the folder. Prints nothing where
# there is no npm: the bench then goes without it.
set -euo pipefail
cd "$(dirname "$0")"

command -v npm >/dev/null || exit 0
folder=$(../../../hack/npm.sh baileys)
cp idle.mjs check.mjs talk.mjs "$folder/"
echo "$folder"

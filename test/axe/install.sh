#!/usr/bin/env bash
# install.sh: installs axe-core, which looks for what people cannot use in a page, into the cache outside the tree, and
# prints the path of its script. It prints nothing where there is no npm.
set -euo pipefail
cd "$(dirname "$0")"

command -v npm >/dev/null || exit 0
folder=$(../../hack/npm.sh axe)
echo "$folder/node_modules/axe-core/axe.min.js"

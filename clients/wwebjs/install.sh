#!/usr/bin/env bash
# install.sh: installs the package's dependencies into the cache, by the lockfile, and links them into this folder.
# Fails with a clear line where there is no Node 20.10 or newer, or no npm.
set -euo pipefail
cd "$(dirname "$0")"

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo 'clients/wwebjs: node and npm are not installed; Node 20.10 or newer is needed' >&2
  exit 3
fi
if [ "$(node -p 'const [a, b] = process.versions.node.split("."); a > 20 || (a == 20 && b >= 10)')" != true ]; then
  echo "clients/wwebjs: node is $(node --version); the tests need Node 20.10 or newer" >&2
  exit 3
fi
folder=$(../../hack/npm.sh wwebjs)
ln -sfn "$folder/node_modules" node_modules

#!/usr/bin/env bash
# install.sh DOCUMENT: installs the generator into the cache, outside the tree, writes the client's types from WAHA's
# OpenAPI document, checks the programs against them, and prints the folder. It prints nothing where there is no npm.
set -euo pipefail
cd "$(dirname "$0")"

command -v npm >/dev/null || exit 0
folder=$(../../hack/npm.sh waha)
cp checked.ts client.ts fleet.ts check.mjs "$folder/"
cp "$1" "$folder/openapi.json"
cd "$folder"
npx --no-install openapi-typescript openapi.json -o waha.d.ts --default-non-nullable=false >&2
npx --no-install tsc --strict --skipLibCheck --module nodenext --target es2022 client.ts fleet.ts >&2
echo "$folder"

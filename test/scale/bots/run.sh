#!/usr/bin/env bash
# run.sh: what BOTS bots cost on this machine, beside Baileys and Chromium where they can be had. Tables go to standard
# output, pictures into OUT.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
export CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false"

bin=dist/bots
mkdir -p "$bin"
go build -tags simulator,nethttpomithttp2 -ldflags "-s -w" -o "$bin/bot" ./cmd/bot
go build -o "$bin/" ./test/wasim/cmd/wasim ./test/scale/bots
exec "$bin/bots" -bots "${BOTS:-200}" -program "$PWD/$bin/bot" -wasim "$PWD/$bin/wasim" \
  -baileys "$(test/wasim/baileys/install.sh)" -out "${OUT:-docs/benchmarks}"

#!/usr/bin/env bash
# run.sh: a bot against a simulated WhatsApp on this machine. The phone's scan is made as soon as a code is
# live; both end with Ctrl-C, and the session stays in a folder that the next run finds.
set -euo pipefail
cd "$(dirname "$0")/../.."

hack/deps.sh demo
home=${SESI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sesi}/run-sim
mkdir -p "$home"
go build -o "$home/wasim" ./test/wasim/cmd/wasim
go build -tags simulator -o "$home/bot" ./cmd/bot

"$home/wasim" -addr 127.0.0.1:7443 -control 127.0.0.1:7080 -dir "$home/keys" -state "$home/state" &
wasim=$! phone=
trap 'kill "$wasim" $phone 2>/dev/null || true; wait' EXIT
for _ in $(seq 100); do
  kill -0 "$wasim" 2>/dev/null || exit 1 # it said why
  curl -fs http://127.0.0.1:7080/healthz >/dev/null && break
  sleep 0.1
done

(
  for _ in $(seq 100); do # 50 s
    code=$(curl -fs http://127.0.0.1:3000/api/session/qr | sed -n 's/^{"code":"\([^"]*\)".*/\1/p') || true
    if [ -n "$code" ]; then
      curl -fs -d "{\"qr\":\"$code\",\"phone\":\"6281234567890\"}" http://127.0.0.1:7080/scan >/dev/null || true
      echo "the simulated phone has scanned the code; its page is http://127.0.0.1:7080" >&2
      break
    fi
    curl -fs http://127.0.0.1:3000/api/session/status | grep -q '"connected":true' && break
    sleep 0.5
  done
) &
phone=$!

HTTPS_PROXY=http://127.0.0.1:7080 SSL_CERT_FILE=$home/keys/ca.pem WHATSAPP_NOISE_ROOT=$(cat "$home/keys/noise-root.hex") \
  AUTH_PATH=$home/auth WEB_VERSION_CACHE_PATH=$home/cache "$home/bot"

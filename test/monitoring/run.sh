#!/usr/bin/env bash
# run.sh: the alerts and the dashboard. promtool tests every alert and parses every query of the dashboard; the Go test
# holds that each metric they name exists, and each runbook. Needs promtool, of Debian's package prometheus: where it is
# not installed it is taken out of the package into the cache, because installing that would start a server.
set -euo pipefail
cd "$(dirname "$0")/../.."

find_promtool() {
  if command -v promtool; then return; fi
  local cache=${SESI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sesi}/tools/promtool
  if [ ! -x "$cache/promtool" ]; then
    if ! command -v apt-get >/dev/null; then
      echo "promtool is missing: it is part of Prometheus" >&2
      return 1
    fi
    local work
    work=$(mktemp -d)
    (cd "$work" && { apt-get download -qq prometheus || { apt-get update -qq && apt-get download -qq prometheus; }; } && dpkg-deb -x prometheus_*.deb .) >&2
    mkdir -p "$cache"
    mv "$work/usr/bin/promtool" "$cache/"
    rm -rf "$work"
  fi
  echo "$cache/promtool"
}

promtool=$(find_promtool)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp charts/sesi/files/prometheus-rules.yaml test/monitoring/rules.test.yaml "$work/"
"$promtool" check rules "$work/prometheus-rules.yaml"
"$promtool" test rules "$work/rules.test.yaml"
go run ./test/monitoring/queries charts/sesi/files/dashboard.json >"$work/dashboard.yaml"
"$promtool" check rules "$work/dashboard.yaml"
# the scrape configs of the docs; Debian's build knows no discovery by Kubernetes, so that is left out here
cp "$work/prometheus-rules.yaml" "$work/sesi-rules.yaml"
for config in docs/files/prometheus*.yaml; do
  sed '/^  kubernetes_sd_configs:$/,/^  - role: pod$/d; s#/var/run/secrets/.*/token#/dev/null#' "$config" >"$work/config.yaml"
  "$promtool" check config "$work/config.yaml"
done
go test ./test/monitoring/...

#!/usr/bin/env bash
# run.sh: the alerts and the dashboard. promtool tests every alert and parses every query of the dashboard; the Go test
# holds that each metric they name exists, and each runbook. A real Prometheus meets them in the end-to-end tests.
set -euo pipefail
cd "$(dirname "$0")/../.."

promtool=$(test/monitoring/find.sh promtool)
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

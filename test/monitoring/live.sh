#!/usr/bin/env bash
# live.sh: a real Prometheus scrapes the real operator and the real bot of an unlinked session, on the cluster of
# KUBECONFIG with the operator in OPERATOR_NAMESPACE (sesi-system). Every metric of alerts and dashboard must come, every
# query must run, and the session must fire its alert. The waits of the alerts are shortened, nothing else is changed.
#   test/monitoring/live.sh NAMESPACE SESSION
set -euo pipefail
cd "$(dirname "$0")/../.."
namespace=${1:?usage: live.sh NAMESPACE SESSION}
session=${2:?usage: live.sh NAMESPACE SESSION}
operator=${OPERATOR_NAMESPACE:-sesi-system}
rules=charts/sesi/files/prometheus-rules.yaml
dashboard=charts/sesi/files/dashboard.json
for program in kubectl prometheus curl jq; do
  command -v $program >/dev/null || { echo "$program is missing" >&2; exit 1; }
done

work=$(mktemp -d)
pids=()
clean() {
  for pid in "${pids[@]}"; do
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  kubectl delete clusterrolebinding sesi-monitoring-test --ignore-not-found >/dev/null
  kubectl -n "$operator" delete serviceaccount sesi-monitoring-test --ignore-not-found >/dev/null
  rm -rf "$work"
}
trap clean EXIT

eventually() { # SECONDS WHAT COMMAND...
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    [ $SECONDS -lt $end ] || { echo "gave up waiting for: $what" >&2; tail -n 5 "$work"/*.log >&2; exit 1; }
    sleep 0.5
  done
}
forward() { # NAMESPACE WHAT PORT: sets port
  local log
  log=$(mktemp "$work/forward-XXXX.log")
  kubectl -n "$1" port-forward "$2" ":$3" >"$log" 2>&1 &
  pids+=($!)
  eventually 30 "port-forward to $2" grep -q '^Forwarding from 127' "$log"
  port=$(sed -n 's/^Forwarding from 127.0.0.1:\([0-9]*\) .*/\1/p' "$log")
}

kubectl -n "$operator" create serviceaccount sesi-monitoring-test >/dev/null
kubectl create clusterrolebinding sesi-monitoring-test --clusterrole=sesi-metrics-reader \
  --serviceaccount="$operator:sesi-monitoring-test" >/dev/null
kubectl -n "$operator" create token sesi-monitoring-test >"$work/token"
forward "$operator" deployment/sesi 8443
operator_port=$port
forward "$namespace" "pod/wa-$session" 9090
bot_port=$port

sed 's/^    for: .*/    for: 2s/' "$rules" >"$work/rules.yaml"
cat >"$work/config.yaml" <<YAML
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yaml]
scrape_configs:
- job_name: sesi-operator
  scheme: https
  honor_labels: true
  authorization: {credentials_file: token}
  tls_config: {insecure_skip_verify: true}
  static_configs: [{targets: ["127.0.0.1:$operator_port"], labels: {pod: operator}}]
- job_name: sesi-bots
  static_configs: [{targets: ["127.0.0.1:$bot_port"], labels: {namespace: "$namespace", session: "$session", pod: "wa-$session"}}]
YAML
# The port is the system's to choose; Prometheus tells it in its log.
prometheus --config.file="$work/config.yaml" --storage.tsdb.path="$work/data" --web.listen-address=127.0.0.1:0 \
  >"$work/prometheus.log" 2>&1 &
pids+=($!)
address() { sed -n 's/.*msg="Listening on" address=\([0-9.:]*\).*/\1/p' "$work/prometheus.log" | head -n 1; }
listening() { [ -n "$(address)" ]; }
eventually 30 "Prometheus" listening
ask() { curl -fsS --get "http://$(address)/api/v1/query" --data-urlencode "query=$1"; }

up() { [ "$(ask 'sum(up)' | jq -r '.data.result[0].value[1]')" = 2 ]; }
eventually 60 "both targets to be scraped" up
echo "the operator and the bot are scraped"

# shellcheck disable=SC2016 # $namespace is Grafana's
queries=$(jq -r '.panels[].targets[].expr' "$dashboard" | sed 's/\$namespace/.*/g')
metrics=$({ grep -v '^ *#' "$rules" | grep -v 'description:\|summary:\|runbook_url:'; echo "$queries"; } |
  sed 's/"[^"]*"//g' | grep -oE '\b(sesi|process|controller_runtime|leader_election)_[a-z_]+' | sort -u)
for metric in $metrics; do
  there() { [ "$(ask "count({__name__=~\"$metric(_bucket)?\"})" | jq '.data.result | length')" = 1 ]; }
  eventually 20 "the metric $metric" there
done
echo "every metric is there: $(wc -w <<<"$metrics")"

while read -r query; do
  [ "$(ask "$query" | jq -r .status)" = success ] || { echo "not a query: $query" >&2; exit 1; }
done <<<"$queries"
echo "every query of the dashboard runs: $(wc -l <<<"$queries")"

firing() {
  curl -fsS "http://$(address)/api/v1/alerts" | jq -e --arg ns "$namespace" --arg name "$session" 'any(.data.alerts[];
    .labels.alertname == "SesiQRNeeded" and .labels.namespace == $ns and .labels.name == $name and .state == "firing")' >/dev/null
}
eventually 30 "SesiQRNeeded of $namespace/$session" firing
echo "the session that waits for a phone fires SesiQRNeeded"

#!/usr/bin/env bash
# generate.sh writes everything that is derived: from the API types deep copies and the CRD, whose types of events are the
# bot's; from the controllers' markers the operator's role; from these and the alerts their copies in config and in the
# chart; from the routes the OpenAPI document; from that, the CRD and the bot's settings the reference pages; from the browser extension's files its zip.
# Run twice it changes nothing; what it writes is committed.
set -euo pipefail
cd "$(dirname "$0")/.."

controller_gen=$(hack/tool.sh controller-gen)

# a webhook may ask for every type of event that a bot has
sesi=$(sed -n 's/.* EventType = "\(.*\)"$/\1/p' api/bot/event.go | LC_ALL=C sort)
waha=$(sed -n '/^var names = /,/^}/p' botruntime/waha/event.go | grep -o '"[a-z0-9.]*":' | tr -d '":' | LC_ALL=C sort)
both=$(printf '%s\n' "$sesi" "$waha" | LC_ALL=C sort -u | paste -sd ';')
list() { printf '%s\n' "$1" | sed "s/.*/'&'/" | paste -sd ','; }
sed -i -e "/^\/\/ WebhookEvent is /,/^type WebhookEvent/s/Enum=.*/Enum=$both/" \
  -e "/message=.events must be the bot's/s/e in \[[^]]*\]/e in [$(list "$sesi")]/" \
  -e "/message=.events must be WAHA's/s/e in \[[^]]*\]/e in [$(list "$waha")]/" api/v1alpha1/messages.go

rm -f api/v1alpha1/zz_generated.deepcopy.go
"$controller_gen" object paths=./api/v1alpha1
"$controller_gen" crd paths=./api/v1alpha1 output:crd:dir=config/crd
"$controller_gen" rbac:roleName=sesi-system.sesi paths=./controllers output:rbac:dir=config/rbac

sed -e 's/^kind: ClusterRole$/kind: Role/' -e 's/^  name: sesi-system.sesi$/  name: sesi/' config/rbac/role.yaml >config/rbac/namespaced/role.yaml
sed '1,/^rules:$/d' config/rbac/role.yaml >charts/sesi/files/session-rules.yaml
cp config/crd/sesi.dev_whatsappsessions.yaml charts/sesi/files/crd.yaml
{
  printf 'apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: sesi\nspec:\n'
  sed 's/^\(.\)/  \1/' charts/sesi/files/prometheus-rules.yaml
} >config/prometheus/rules.yaml
go run ./hack/openapi
go run ./hack/docs
go run ./hack/extension

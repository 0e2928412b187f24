#!/usr/bin/env bash
# generate.sh writes everything that is derived from the API types: deep copies, apply configurations and the
# CRD. Run twice it changes nothing; what it writes is committed.
set -euo pipefail
cd "$(dirname "$0")/.."

controller_gen=$(hack/tool.sh controller-gen)

rm -rf api/v1alpha1/applyconfiguration api/v1alpha1/zz_generated.deepcopy.go
"$controller_gen" object paths=./api/v1alpha1
"$controller_gen" applyconfiguration paths=./api/v1alpha1
"$controller_gen" crd paths=./api/v1alpha1 output:crd:dir=config/crd

# Every command of the project. `make help` lists them; CI calls the same ones.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

# The same flags for every build, or Go compiles the same packages once for each set of them.
export CGO_ENABLED := 0
export GOFLAGS := -trimpath -buildvcs=false

# Go keeps what it has built there, and a service that runs make may have none.
export HOME := $(or $(HOME),$(shell echo ~))

VERSION  ?= dev
REGISTRY ?= sesi.dev
REVISION ?= $(shell git rev-parse HEAD 2>/dev/null)
PLATFORM ?= $(shell go env GOARCH)
FUZZTIME ?= 20s
SOAK     ?= 20
RELEASE_URL ?=
N        ?= 100
LDFLAGS  := -s -w -X main.version=$(VERSION)
BOT_TAGS := nethttpomithttp2
BOTS     ?= 200

##@ Everyday

.PHONY: help
help: ## this list
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { printf "\n%s\n", substr($$0, 5) } /^[a-z0-9-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' Makefile

.PHONY: build
build: ## the programs, into bin/
	go build -ldflags '$(LDFLAGS)' -o bin/ ./cmd/operator ./cmd/gateway ./cmd/kubectl-sesi
	go build -tags '$(BOT_TAGS)' -ldflags '$(LDFLAGS)' -o bin/ ./cmd/bot

.PHONY: fmt
fmt: ## format the Go code
	gofmt -w $$(git ls-files '*.go')

.PHONY: vet
vet: ## go vet, with each build tag; and that the bot can be built for macOS
	go vet ./...
	go vet -tags simulator,$(BOT_TAGS) ./cmd/bot
	GOOS=darwin go build -o /dev/null ./cmd/bot

.PHONY: lint
lint: ## Go, Kubernetes API, shell and workflow linters, and known vulnerabilities if their data can be had
	hack/deps.sh lint
	test -z "$$(gofmt -l $$(git ls-files '*.go') | tee -a /dev/stderr)"
	$$(hack/tool.sh golangci-lint) run ./...
	shellcheck --external-sources --source-path=SCRIPTDIR $$(git ls-files '*.sh' .ci/run | sort)
	$$(hack/tool.sh actionlint) -shellcheck= .github/workflows/*.yml
	hack/lint/vulnerabilities.sh

.PHONY: generate
generate: ## everything that is derived from the API types
	hack/generate.sh

.PHONY: generate-check
generate-check: ## fails when `make generate` would change something
	hack/lint/unchanged.sh make generate

.PHONY: test
test: ## the tests that need no Kubernetes program; it names what it leaves to test-race, test-cluster and e2e
	hack/deps.sh test
	go run ./hack/tests machine
	if command -v promtool apt-get >/dev/null; then $(MAKE) test-alerts; \
	  else echo 'not run here, but by `make test-alerts` where promtool is installed: the alerts, the dashboard and the scrape configs'; fi

.PHONY: test-race
test-race: ## the tests of `make test` that have goroutines, with the race detector (gcc)
	hack/deps.sh test race
	go run ./hack/tests race

.PHONY: test-alerts
test-alerts: ## the alerts, the dashboard and the scrape configs, with promtool
	test/monitoring/run.sh

.PHONY: test-cluster
test-cluster: ## the tests that need a real API server: KUBEBUILDER_ASSETS, or setup-envtest's, or one that is built
	hack/deps.sh test race
	assets="$$(hack/assets.sh)" && KUBEBUILDER_ASSETS="$$assets" go run ./hack/tests apiserver

.PHONY: test-proxies
test-proxies: ## real reverse proxies in front of a bot, with the blocks of docs/reverse-proxy.md
	nginx="$$(PATH=$$PATH:/usr/sbin; command -v nginx || hack/unpack.sh nginx nginx)" && caddy="$$(hack/tool.sh caddy)" && \
	  traefik="$$(hack/tool.sh traefik)" && SESI_PROXIES="nginx=$$nginx caddy=$$caddy traefik=$$traefik" go test ./cmd/bot -run TestBehind -count=1

.PHONY: soak
soak: ## the random tests SOAK (20) times as long; a failure prints its seed
	assets="$$(hack/assets.sh)" && KUBEBUILDER_ASSETS="$$assets" SESI_SOAK='$(SOAK)' go test -count=1 -timeout 12h $$(git grep -l 'campaign\.Rounds' -- '*_test.go' | xargs -n 1 dirname | sort -u | sed 's#^#./#') \
	  -run "^($$(git grep -hoE '^func Test[A-Za-z0-9_]+' -- $$(git grep -l 'campaign\.Rounds' -- '*_test.go') | sed 's/func //' | paste -sd '|'))\$$"

.PHONY: fuzz
fuzz: ## every fuzz test for FUZZTIME (20s)
	git grep -o '^func Fuzz[A-Za-z0-9_]*' -- '*_test.go' | while IFS=: read -r file test; do \
	  go test "./$$(dirname "$$file")" -run '^$$' -fuzz "^$${test#func }$$" -fuzztime $(FUZZTIME) </dev/null; done

.PHONY: run
run: ## the bot alone on this machine, against WhatsApp; scan at the terminal or at /qr
	go run ./cmd/bot

##@ To see it

.PHONY: demo
demo: ## a bot, a finance bot and a simulated WhatsApp on this machine: scan, book, kill -9, unlink, scan again (Linux, macOS; no root)
	@echo 'compiling the demonstration'
	@go run ./hack/demo machine

.PHONY: demo-down
demo-down: ## end what the demonstrations left running and remove all that they made
	@go run ./hack/demo down

.PHONY: picture
picture: ## the README's picture, from a demonstration that runs (`make demo`; Chromium)
	go run ./hack/picture docs/picture.png

##@ On a real cluster

.PHONY: cluster-programs
cluster-programs: ## build what a cluster runs, once for each version
	hack/cluster/build.sh node

.PHONY: cluster-up
cluster-up: ## a real Kubernetes of one node on this machine (Linux, root)
	hack/cluster/up.sh node

.PHONY: cluster-down
cluster-down: ## end it and remove all that it made
	hack/cluster/down.sh

.PHONY: cluster-test
cluster-test: ## the cluster itself: features, disturbances, and that nothing is left behind
	hack/cluster/test.sh

.PHONY: demo-cluster
demo-cluster: ## the demonstration with the operator, on a cluster: CLUSTER=kind, context or build chooses it
	@CLUSTER='$(CLUSTER)' go run ./hack/demo cluster

.PHONY: e2e
e2e: ## end-to-end tests on a cluster of their own
	test/e2e/run.sh

##@ Benchmarks

.PHONY: bench-bot
bench-bot: ## the bot's memory and times, beside Chromium and Baileys
	hack/deps.sh test
	BAILEYS="$$(test/wasim/baileys/install.sh)" go test -run '^$$' -bench 'To' -benchtime 20x ./cmd/bot
	BAILEYS="$$(test/wasim/baileys/install.sh)" go test -run '^$$' -bench 'Idle' -benchtime 1x ./cmd/bot

.PHONY: bench-bots
bench-bots: ## BOTS (200) bots on this machine: memory, work, and how they come back all at once, beside their peers
	hack/deps.sh test
	BOTS='$(BOTS)' test/scale/bots/run.sh

.PHONY: bench-operator
bench-operator: ## how soon a change shows, and what a stream and an idle minute cost (Linux, root)
	SIZES="1 100 1000" PHASES=changes,idle IDLE=1m OUT=dist/bench-operator test/scale/run.sh

.PHONY: bench-scale
bench-scale: ## N sessions (100), beside as many StatefulSets, through all that may happen to them (Linux, root)
	SIZES="$(N)" KINDS="statefulsets sessions" test/scale/run.sh

##@ To ship

.PHONY: images
images: ## container images as OCI archives in dist/images, without Docker
	go run ./hack/images -registry '$(REGISTRY)' -version '$(VERSION)' -revision '$(REVISION)' -arch '$(PLATFORM)' \
	  -out dist/images archive operator gateway bot bot-simulator finance-bot wasim

.PHONY: extension
extension: ## the browser extension for passkeys, as every bot serves it, in dist/sesi-passkey.zip
	mkdir -p dist && cp botruntime/httpapi/extension/sesi-passkey.zip dist/

.PHONY: chart
chart: ## the Helm chart as a package in dist/chart, for the images of REGISTRY and VERSION
	rm -rf dist/chart && mkdir -p dist/chart && cp -R charts/sesi dist/chart/
	sed 's#repository: sesi\.dev/#repository: $(REGISTRY)/#' charts/sesi/values.yaml >dist/chart/sesi/values.yaml
	$$(hack/tool.sh helm) package dist/chart/sesi --destination dist/chart \
	  $(if $(filter-out dev,$(VERSION)),--version '$(VERSION:v%=%)' --app-version '$(VERSION)')
	rm -r dist/chart/sesi

.PHONY: plugin
plugin: ## the kubectl plugin for every platform, with checksums, in dist/plugin
	mkdir -p dist/plugin
	for platform in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64; do \
	  GOOS=$${platform%/*} GOARCH=$${platform#*/} go build -ldflags '$(LDFLAGS)' \
	    -o dist/plugin/kubectl-sesi_$${platform/\//_}$$([ $${platform%/*} = windows ] && echo .exe || true) ./cmd/kubectl-sesi; done
	cd dist/plugin && rm -f *.tar.gz sesi.yaml && sha256sum kubectl-sesi_* > SHA256SUMS

.PHONY: krew
krew: plugin ## archives of the plugin and the manifest for krew; VERSION and RELEASE_URL say where they will be
	go run ./hack/krew -version '$(VERSION)' -from '$(RELEASE_URL)'
	cd dist/plugin && sha256sum kubectl-sesi_* > SHA256SUMS

.PHONY: sbom
sbom: ## what is in the programs, as CycloneDX in dist/sbom
	mkdir -p dist/sbom
	for program in operator gateway bot; do \
	  $$(hack/tool.sh cyclonedx-gomod) app -json -licenses -std -main cmd/$$program -output dist/sbom/$$program.cdx.json .; done

.PHONY: clean
clean: ## remove what was built in the tree (the cache of tools and cluster programs stays)
	rm -rf bin dist

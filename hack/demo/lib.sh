# shellcheck shell=bash disable=SC2034 # the variables are for those who source this
# lib.sh: what the demonstrations and the end-to-end tests share: images, the simulated WhatsApp, the operator, and how
# progress is shown. Sourced, never run.

tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${SESI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sesi}/images
operator_space=sesi
simulator_space=whatsapp

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\e[1m' faint=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
else
  bold='' faint='' green='' red='' plain=''
fi

milliseconds() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }
seconds() { printf '%d.%02d s' $(($1 / 1000)) $(($1 % 1000 / 10)); } # MILLISECONDS
since() { seconds $(($(milliseconds) - $1)); }

begun=$(milliseconds)
step_begun=$begun
step() { # TITLE
  step_begun=$(milliseconds)
  printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}
tell() { printf '   %s\n' "$*"; }
command_line() { printf '   %s$ %s%s\n' "$faint" "$*" "$plain"; }
achieved() { printf '   %s✓%s %-58s %10s\n' "$green" "$plain" "$*" "$(since "$step_begun")"; }
give_up() { # WHAT [REMEDY]
  printf '   %s✗ %s%s\n' "$red" "$1" "$plain" >&2
  [ -z "${2:-}" ] || printf '     %s\n' "$2" >&2
  exit 1
}

# patiently WHAT COMMAND...: runs a command whose output matters only when it fails, and shows that it goes on.
patiently() {
  local what=$1 log status=0 next=15 from=$SECONDS
  shift
  log=$(mktemp)
  (set -e && "$@") >"$log" 2>&1 &
  local pid=$!
  while kill -0 $pid 2>/dev/null; do
    sleep 0.2
    if [ $((SECONDS - from)) -ge $next ]; then
      next=$((next + 15))
      tell "$faint$what: $((SECONDS - from)) s$plain"
    fi
  done
  wait $pid || status=$?
  if [ $status != 0 ]; then
    tail -n 30 "$log" >&2
    rm -f "$log"
    give_up "$what: failed with status $status"
  fi
  rm -f "$log"
}

# eventually SECONDS WHAT COMMAND...: runs the command until it succeeds.
eventually() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || give_up "gave up waiting for: $what"
    sleep 0.2
  done
}

# The images carry the digest of their sources as their tag, so that a changed program is another image to everybody.
images_version() {
  (cd "$tree" && {
    find api botruntime cmd controllers examples gateway hack/images internal test/wasim -type f ! -name '*_test.go' ! -path '*/testdata/*' -print0 |
      LC_ALL=C sort -z | xargs -0 sha256sum
    sha256sum go.mod go.sum
  }) | sha256sum | cut -c1-12
}

build_images() { # sets version and images
  version=$(images_version)
  images=$cache/$version
  [ -d "$images" ] || patiently "building images" compile_images
}
compile_images() { # in a shell of its own
  mkdir -p "$cache"
  new=$(mktemp -d "$images.XXXXXX") # moved into place whole, so that nobody meets half of it
  trap 'rm -rf "$new"' EXIT
  cd "$tree" || return 1
  CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false" \
    go run ./hack/images -version "$version" -out "$new" archive operator gateway bot-simulator finance-bot wasim
  mv -T "$new" "$images" 2>/dev/null || [ -d "$images" ]
  find "$cache" -mindepth 1 -maxdepth 1 -mmin +1440 ! -name "$version" -exec rm -rf {} +
}

start_simulator() {
  sed "s#@version@#$version#" "$tree/hack/demo/whatsapp.yaml" | kubectl apply -f - >/dev/null
  kubectl --namespace $simulator_space rollout status deployment/wasim --timeout=300s >/dev/null
  eventually 120 "the simulated WhatsApp answers" simulator healthz
}
simulator() { # PATH [BODY]: its control API, through the API server
  local path=/api/v1/namespaces/$simulator_space/services/wasim:7080/proxy/$1
  if [ $# = 1 ]; then kubectl get --raw "$path"; else kubectl create --raw "$path" -f - <<<"$2"; fi
}
lead_to_simulator() { # NAMESPACE: the Secret by which its sessions reach the simulator instead of WhatsApp
  kubectl --namespace "$1" create secret generic simulator --dry-run=client -o yaml \
    --from-literal=proxy="http://wasim.$simulator_space.svc.cluster.local:7080" \
    --from-literal=ca.crt="$(simulator ca.pem)" --from-literal=noise-root="$(simulator noise-root)" |
    kubectl apply -f - >/dev/null
}

install_operator() { # HELM [FLAGS...]
  local helm=$1
  shift
  "$helm" upgrade --install sesi "$tree/charts/sesi" --namespace $operator_space --create-namespace --wait --timeout 180s \
    --set image.repository=sesi.dev/operator --set bot.image.repository=sesi.dev/bot --set image.tag="$version" --set bot.image.tag="$version-simulator" "$@"
}

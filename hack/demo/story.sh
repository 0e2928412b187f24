# shellcheck shell=bash disable=SC2034,SC2154 # lib.sh is sourced before it; follow evaluates
# story.sh: what the demonstration shows on a cluster that kubectl reaches and whose nodes have the images. Sourced,
# never run.

session=shop
was() { kubectl get wasession $session -o "jsonpath=$1"; }
show_session() { kubectl get wasession $session | sed 's/^/   /'; }

# watch_session begins to listen to the session's status: state, reason, needed, instance.
watch_session() {
  exec {changes}< <(exec kubectl get wasession $session --watch --output \
    'jsonpath={.status.state}{"|"}{.status.reason}{"|"}{.status.qr.needed}{"|"}{.status.instance}{"\n"}' 2>/dev/null)
  watcher=$!
  hear 30 || give_up "the session cannot be watched"
  step_begun=$(milliseconds)
}
hear() { # SECONDS: takes the next change
  local line
  IFS= read -r -t "$1" -u "$changes" line || return 1
  IFS='|' read -r state reason needed instance <<<"$line"
  [ "$needed" != true ] || qr_seen=yes
}
end_watch() {
  kill "$watcher" 2>/dev/null || true
  exec {changes}<&-
}

# follow CONDITION: prints the changes until [[ CONDITION ]] holds of $state, $reason, $needed and $instance.
follow() {
  local end=$((SECONDS + 120)) shown="$state $reason"
  until eval "[[ $1 ]]"; do
    if [ $SECONDS -ge $end ]; then
      kubectl describe wasession $session | tail -n 40 >&2
      give_up "the session did not get there: $1"
    fi
    hear 5 || continue
    if [ -z "$state" ] || [ "$state $reason" = "$shown" ]; then continue; fi
    shown="$state $reason"
    tell "$(printf '%10s  %-13s %s' "+$(since "$step_begun")" "$state" "$reason")"
  done
}

# The bot's API without a token is on its pod's loopback alone: port-forward is the way in.
open_door() {
  door_log=$(mktemp)
  kubectl port-forward pod/wa-$session :8080 >"$door_log" 2>&1 &
  door=$!
  eventually 20 "port-forward" grep -q '^Forwarding from 127' "$door_log"
  door_port=$(sed -n 's/^Forwarding from 127.0.0.1:\([0-9]*\) .*/\1/p' "$door_log")
}
close_door() {
  [ -z "${door:-}" ] || kill "$door" 2>/dev/null || true
  [ -z "${door:-}" ] || wait "$door" 2>/dev/null || true
  rm -f "${door_log:-}"
  door=''
}
fetch_code() { code=$(curl -fsS --max-time 5 "http://127.0.0.1:$door_port/api/session/qr" | sed -n 's/.*"code": *"\([^"]*\)".*/\1/p') && [ -n "$code" ]; }

scan() {
  open_door
  command_line "kubectl port-forward pod/wa-$session 8080   # and open http://127.0.0.1:8080/qr, or:"
  command_line "curl http://127.0.0.1:8080/api/session/qr"
  eventually 60 "a live code" fetch_code
  fetch_code
  tell "{\"code\":\"${code:0:12}…\", …}   the simulated phone scans it"
  simulator scan "{\"qr\":\"$code\",\"phone\":\"628123456789\"}" >/dev/null
  close_door
}

first_scan() {
  step "A session"
  command_line "kubectl apply -f hack/demo/session.yaml"
  kubectl apply -f "$tree/hack/demo/session.yaml" | sed 's/^/   /'
  local applied=$step_begun
  watch_session
  step_begun=$applied
  # shellcheck disable=SC2016 # follow evaluates it
  follow '$state == Connected || $reason == QRAvailable'
  if [ "$state" = Connected ]; then
    end_watch
    achieved "linked by an earlier run, and connected"
    return
  fi
  achieved "a QR code waits to be scanned"
  show_session
  step "The phone scans the code"
  scan
  # shellcheck disable=SC2016
  follow '$state == Connected'
  end_watch
  achieved "connected"
  show_session
}

pod_deleted() {
  step "Its pod is deleted"
  local before linked command
  before=$(was '{.status.instance}') linked=$(was '{.status.session.linkedAt}') command="kubectl delete pod wa-$session"
  watch_session
  qr_seen=''
  command_line "$command"
  step_begun=$(milliseconds)
  $command --wait=false >/dev/null
  follow "\$state == Connected && \$instance != $before"
  took=$(($(milliseconds) - step_begun))
  end_watch
  if [ -n "$qr_seen" ] || [ "$(was '{.status.session.linkedAt}')" != "$linked" ]; then
    give_up "the session asked for another QR code"
  fi
  achieved "connected again, without a QR code, after"
}

phone_unlinks() {
  step "The phone unlinks the device"
  local jid
  jid=$(was '{.status.session.jid}')
  watch_session
  simulator unlink "{\"jid\":\"$jid\"}" >/dev/null
  # shellcheck disable=SC2016
  follow '$needed == true && $reason == QRAvailable'
  achieved "the session has expired, and a new QR code waits"
  show_session
  step "The phone links it again"
  scan
  # shellcheck disable=SC2016
  follow '$state == Connected'
  end_watch
  achieved "connected"
  show_session
}

hint() { printf '   %-58s %s\n' "$1" "$2"; } # COMMAND WHAT-FOR

what_next() { # SHELL-LINE DOWN-COMMAND
  printf '\n%sAll of it took %s; from the deleted pod to connected, %s. It keeps running.%s To try next:\n\n' \
    "$bold" "$(since "$begun")" "$(seconds "$took")" "$plain"
  printf '   %s\n\n' "$1"
  hint "kubectl get wasession -o wide" "the session"
  hint "kubectl describe wasession $session" "its conditions and events"
  hint "kubectl port-forward pod/wa-$session 8080" "http://127.0.0.1:8080/qr"
  hint "curl http://127.0.0.1:8080/api/session/status" "through the same"
  hint "kubectl port-forward pod/wa-$session 9090" "http://127.0.0.1:9090/metrics"
  hint "kubectl -n $simulator_space port-forward svc/wasim 7080" "http://127.0.0.1:7080 is the phone: scan, unlink, kick, write"
  hint "kubectl edit wasession $session" "suspended: true stops the bot and keeps the session"
  hint "kubectl -n $operator_space logs deploy/sesi --follow" "what the operator does"
  hint "$2" "ends it and removes all that it made"
}

story() { # HELM SHELL-LINE DOWN-COMMAND
  step "The simulated WhatsApp"
  start_simulator
  lead_to_simulator default
  achieved "runs as a pod; nothing here reaches the real one"

  step "The operator"
  command_line "helm install sesi charts/sesi --namespace $operator_space --create-namespace"
  patiently "helm" install_operator "$1"
  achieved "ready"

  trap 'close_door; kill "${watcher:-}" 2>/dev/null || true' EXIT
  first_scan
  pod_deleted
  phone_unlinks
  what_next "$2" "$3"
}

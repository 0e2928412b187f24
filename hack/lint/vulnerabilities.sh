#!/usr/bin/env bash
# vulnerabilities.sh: fails if one of our programs calls code with a known vulnerability. The data comes from the Go
# vulnerability database. If that cannot be reached, nothing was checked: on a developer's machine the script says so, and
# on GitHub, where releases are made, it fails.
set -uo pipefail

govulncheck=$("$(dirname "$0")/../tool.sh" govulncheck) || exit 1
output=$("$govulncheck" ./cmd/... 2>&1)
code=$?
if [ $code != 0 ] && grep -qE 'fetching vulnerabilities|vuln\.go\.dev' <<<"$output" && grep -qE 'dial tcp|no such host|HTTP GET|403|connection refused|timeout' <<<"$output"; then
  echo "known vulnerabilities: NOT CHECKED, their database cannot be reached from here"
  if [ -n "${GITHUB_ACTIONS:-}" ]; then exit 1; fi
  exit 0
fi
echo "$output"
exit $code

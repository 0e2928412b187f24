#!/usr/bin/env bash
# vulnerabilities.sh: fails if a program of ours calls code with a known vulnerability. The data comes from the Go
# vulnerability database; where that cannot be reached, nothing was checked, and it says so.
set -uo pipefail

govulncheck=$("$(dirname "$0")/../tool.sh" govulncheck) || exit 1
output=$("$govulncheck" ./cmd/... 2>&1)
code=$?
if [ $code != 0 ] && grep -qE 'fetching vulnerabilities|vuln\.go\.dev' <<<"$output" && grep -qE 'dial tcp|no such host|HTTP GET|403|connection refused|timeout' <<<"$output"; then
  echo "known vulnerabilities: NOT CHECKED, their database cannot be reached from here"
  exit 0
fi
echo "$output"
exit $code

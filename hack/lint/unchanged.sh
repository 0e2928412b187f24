#!/usr/bin/env bash
# unchanged.sh COMMAND...: runs it and fails if it changed the work tree.
set -euo pipefail

tree() { git ls-files -z --cached --others --exclude-standard | xargs -0 sha256sum 2>/dev/null | sort -k2; }

before=$(tree)
"$@"
after=$(tree)
if [ "$before" != "$after" ]; then
  echo "\`$*\` changed these files; commit what it writes:" >&2
  diff <(echo "$before") <(echo "$after") | awk '/^[<>]/ { print $3 }' | sort -u >&2
  exit 1
fi

#!/usr/bin/env bash
# images.sh: builds the images of the operator, the gateway, the bot for the simulator, the finance bot and the simulated
# WhatsApp, once per state of their sources; prints their tag and their folder.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
build_images >&2
# shellcheck disable=SC2154 # build_images sets it
echo "$version $images"

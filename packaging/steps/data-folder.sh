#!/usr/bin/env bash
# Makes FOLDER for the data of a server that runs as nobody in a container.
set -euo pipefail
source "$(dirname "$0")/common.sh"
folder=${1:?usage: data-folder.sh FOLDER}
mkdir -p "$folder"
chown 65534:65534 "$folder" || fail "$folder cannot be given to nobody" "run this as root"

#!/usr/bin/env bash
# Fails unless FOLDER holds exactly the files of sha256sums beside this script, byte for byte.
set -euo pipefail
sums=$(cd "$(dirname "$0")" && pwd)/sha256sums
cd "${1:?usage: verify.sh FOLDER}"
sha256sum --quiet --strict -c "$sums" >&2
more=$(LC_ALL=C comm -13 <(cut -c67- "$sums" | LC_ALL=C sort) <(find . -mindepth 1 -printf '%P\n' | LC_ALL=C sort))
[ -z "$more" ] || { echo "not in sha256sums: $more" >&2; exit 1; }

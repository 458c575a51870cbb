#!/usr/bin/env bash
# Builds the release and installs programs, man pages and configuration below PREFIX (default /usr/local).
set -euo pipefail
source "$(dirname "$0")/common.sh"
prefix=$(realpath -m "${1:-/usr/local}")
"$steps/build.sh" release
cd "$root"
"$steps/hardened.sh" build/release >/dev/null
cmake --build --preset release --target man >/dev/null || fail "the man pages cannot be made" "packaging/steps/apt.sh build"
cmake --install build/release --prefix "$prefix" >/dev/null ||
    fail "cannot install below $prefix" "as root, or with another folder: $0 FOLDER"
/usr/bin/python3 packaging/sbom.py "$prefix/share/meterbeat/sbom.cdx.json" ||
    fail "the bill of materials cannot be made" "packaging/steps/apt.sh build"

#!/usr/bin/env bash
# Configures and builds the CMake presets named (dev, release, asan, tsan, coverage, fuzz).
set -euo pipefail
source "$(dirname "$0")/common.sh"
[ $# -gt 0 ] || fail "no preset named" "$0 dev|release|asan|tsan|coverage|fuzz"
cd "$root"
for preset in "$@"; do
    say "building build/$preset"
    mkdir -p build
    cmake --preset "$preset" >"build/$preset.log" 2>&1 || {
        tail -n 30 "build/$preset.log" >&2
        fail "CMake cannot configure $preset" "packaging/steps/apt.sh build" "see build/$preset.log"
    }
    cmake --build --preset "$preset" || fail "build/$preset does not build" "the compiler's message is above"
done

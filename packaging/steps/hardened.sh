#!/usr/bin/env bash
# Reads the built programs (default: those of BUILD) and fails unless each is hardened: hardened.sh BUILD [PROGRAM...]
set -euo pipefail
source "$(dirname "$0")/common.sh"
build=${1:?usage: hardened.sh BUILD [PROGRAM...]}
shift
programs=("$@")
[ ${#programs[@]} -gt 0 ] ||
    programs=("$build/producer/meterbeat-producer" "$build/worker/meterbeat-worker" "$build/ctl/meterbeatctl")

# What the machine code and the headers of PROGRAM show.
lacks() { # lacks PROGRAM: one line for each thing that is missing
    local header dynamic segments symbols
    header=$(readelf -W -h "$1") dynamic=$(readelf -W -d "$1")
    segments=$(readelf -W -l "$1") symbols=$(readelf -W --dyn-syms "$1")
    grep -q 'Type:.*DYN' <<<"$header" || echo "position-independent code (PIE)"
    grep -q GNU_RELRO <<<"$segments" || echo "RELRO"
    grep -Eq 'BIND_NOW|FLAGS_1.* NOW' <<<"$dynamic" || echo "binding at the start (full RELRO)"
    grep -Eq 'GNU_STACK .* RW +0x' <<<"$segments" || echo "a stack that is not executable"
    ! grep -Eq 'LOAD .* RWE ' <<<"$segments" || echo "segments that are not both writable and executable"
    ! grep -Eq 'R(UN)?PATH' <<<"$dynamic" || echo "a library path that is the system's (RPATH is set)"
    grep -q __stack_chk_fail <<<"$symbols" || echo "stack canaries"
    grep -Eq ' __[a-z]+_chk@' <<<"$symbols" || echo "fortified library functions"
    case $header in
        *X86-64*) objdump -d --no-show-raw-insn "$1" | grep -A1 '<main>:' | grep -q endbr64 || echo "CET" ;;
        *AArch64*) objdump -d --no-show-raw-insn "$1" | grep -A1 '<main>:' | grep -Eq 'paciasp|bti' ||
            echo "branch protection" ;;
    esac
}

# What leaves no mark in a program is read from the compiler's lines: of every file, not of most.
uncompiled() { # uncompiled COMPILE_COMMANDS: one line for each flag that a file lacks
    local flag newer=
    printf 'int x;' | "${CC:-cc}" -Werror -fstrict-flex-arrays=3 -fsyntax-only -x c - 2>/dev/null &&
        newer=-fstrict-flex-arrays=3
    for flag in -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection \
        -ftrivial-auto-var-init=zero -Wformat-security $newer; do
        ! grep '"command":' "$1" | grep -qv -e " $flag " || echo "$flag"
    done
}

missing=()
for program in "${programs[@]}"; do
    [ -x "$program" ] || fail "$program is not there" "packaging/steps/build.sh dev"
    while read -r line; do missing+=("${program##*/} lacks $line"); done < <(lacks "$program")
done
while read -r line; do missing+=("a file is compiled without $line"); done < <(uncompiled "$build/compile_commands.json")
[ ${#missing[@]} = 0 ] || fail "$(printf '%s; ' "${missing[@]}")" "look at cmake/hardening.cmake"
echo "${#programs[@]} programs are hardened"

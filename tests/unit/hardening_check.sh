#!/usr/bin/env bash
# packaging/steps/hardened.sh refuses a program for each thing that it lacks, and takes one that has all.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/p.c" <<'C'
#include <stdio.h>
#include <string.h>
int main(int argc, char **argv)
{
    char text[64];
    strcpy(text, argv[argc - 1]);
    return puts(text) < 0;
}
C
cpu=()
case $(uname -m) in
    x86_64) cpu=(-fcf-protection=full) ;;
    aarch64) cpu=(-mbranch-protection=standard) ;;
esac
all=(-D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero -Wformat-security)
! printf 'int x;' | cc -Werror -fstrict-flex-arrays=3 -fsyntax-only -x c - 2>/dev/null || all+=(-fstrict-flex-arrays=3)

# judge WORD FLAG...: built with all and then these; the message must have WORD, or none must come
judge() {
    local word=$1 told
    shift
    cc -O2 -Wformat "${all[@]}" "${cpu[@]}" -fPIE -pie -Wl,-z,relro,-z,now,-z,noexecstack "$@" "$folder/p.c" -o "$folder/p"
    told=$("$root/packaging/steps/hardened.sh" "$folder" "$folder/p" 2>&1) && told=taken
    case $told in *"$word"*) ;; *) echo "wanted $word with $*, got: $told"; exit 1 ;; esac
}

echo "\"command\": \"cc ${all[*]} -o p.o -c p.c\"," >"$folder/compile_commands.json"
judge taken
judge PIE -fno-pie -no-pie
judge 'full RELRO' -Wl,-z,lazy
judge 'RELRO' -Wl,-z,norelro
judge 'not executable' -Wl,-z,execstack
judge canaries -fno-stack-protector
judge fortified -U_FORTIFY_SOURCE
judge RPATH -Wl,-rpath,/tmp
[ "$(uname -m)" != x86_64 ] || judge CET -fcf-protection=none
words=${all[*]}
for flag in "${all[@]}"; do
    echo "\"command\": \"cc ${words//$flag/} -o p.o -c p.c\"," >"$folder/compile_commands.json"
    judge "without $flag"
done
echo "every lack is told"

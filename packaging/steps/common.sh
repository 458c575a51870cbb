# shellcheck shell=bash disable=SC2034 # its users read the variables
# What every step shares: how it reports progress, and how it says what to do after a failure.
steps=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$steps/../.." && pwd)

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }

# fail WHAT NEXT...: ends the step; NEXT is what the person can do about it
fail() {
    printf '\nfailed: %s\n' "$1" >&2
    shift
    printf '  next: %s\n' "$@" >&2
    exit 1
}

# retry WORDS... -- COMMAND...: three tries, as downloads fail now and then
retry() {
    local try
    for try in 1 2 3; do
        "$@" && return 0
        say "try $try of 3 failed: $*"
    done
    return 1
}

#!/usr/bin/env bash
# Installs the Debian packages of the groups named (packages.GROUP beside this file), missing ones only. A line
# NAME|OTHER is one package that releases call by several names: the first that there is.
set -euo pipefail
source "$(dirname "$0")/common.sh"

read_group() { sed 's/#.*//' "$steps/packages.$1" | xargs -n1; }

installed() {
    case $(dpkg-query -W -f='${db:Status-Abbrev}' "$1" 2>/dev/null) in ii*) return 0 ;; esac
    return 1
}

# any_of TEST NAME|OTHER: the first of the names that passes
any_of() {
    local name
    for name in ${2//|/ }; do
        "$1" "$name" && { echo "$name"; return 0; }
    done
    return 1
}

available() { [[ $(LC_ALL=C apt-cache policy "$1" 2>/dev/null) =~ Candidate:\ [^\(] ]]; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else fail "installing packages needs root" "as root: apt-get install ${missing[*]}"
    fi
}

# No daemon may start because its package came: a policy says so meanwhile, and is taken away again.
policy=/usr/sbin/policy-rc.d
forbid_daemons() {
    [ -e "$policy" ] && return 0
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
    trap 'as_root rm -f "$policy"' EXIT
}

# ... nor at the next boot, where this step was what brought it.
disable_new_daemons() {
    [ -d /run/systemd/system ] || return 0
    local package
    for package in "${missing[@]}"; do
        case $package in
            rabbitmq-server) as_root systemctl disable rabbitmq-server.service epmd.socket || true ;;
            postgresql) as_root systemctl disable postgresql.service || true ;;
        esac
    done
}

[ $# -gt 0 ] || fail "no group named" "$0 build|runtime|servers|kairosdb|test|check"
command -v apt-get >/dev/null || fail "this is no Debian: apt-get is missing" \
    "install by hand what packaging/steps/packages.* list"
missing=()
for group in "$@"; do
    for package in $(read_group "$group"); do
        any_of installed "$package" >/dev/null || missing+=("$package")
    done
done
[ ${#missing[@]} -gt 0 ] || exit 0

say "installing ${#missing[@]} packages: ${missing[*]}"
options=(-y --no-install-recommends -o DPkg::Lock::Timeout=600 -o APT::Get::Assume-Yes=true)
retry as_root env DEBIAN_FRONTEND=noninteractive apt-get -q update -o DPkg::Lock::Timeout=600 ||
    fail "the package lists cannot be read" "check the network and /etc/apt, then run this again"
for i in "${!missing[@]}"; do
    name=$(any_of available "${missing[i]}") ||
        fail "this release has no package ${missing[i]//|/ or }" "Debian 12 and 13 are known to have it; look at /etc/apt"
    missing[i]=$name
done
forbid_daemons
retry as_root env DEBIAN_FRONTEND=noninteractive apt-get -q "${options[@]}" install "${missing[@]}" ||
    fail "the packages cannot be installed" "look at apt's message above" \
        "dpkg --configure -a and apt-get -f install mend most half-done states"
disable_new_daemons

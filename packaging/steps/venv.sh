#!/usr/bin/env bash
# Makes the Python environment of the system tests, .dev/venv, from tests/requirements.txt.
set -euo pipefail
source "$(dirname "$0")/common.sh"
venv=$root/.dev/venv
wanted=$root/tests/requirements.txt

cmp -s "$wanted" "$venv/requirements.txt" && exit 0
say "installing the Python packages of tests/requirements.txt into .dev/venv"
[ -x /usr/bin/python3 ] || fail "/usr/bin/python3 is missing" "packaging/steps/apt.sh test"
rm -rf "$venv"
mkdir -p "$root/.dev"
/usr/bin/python3 -m venv "$venv" || fail "no virtual environment" "packaging/steps/apt.sh test"
retry "$venv/bin/python" -m pip install -q --no-input --disable-pip-version-check --require-hashes \
    --only-binary=:all: -r "$wanted" ||
    fail "pip cannot install tests/requirements.txt" "check the network, then run this again"
cp "$wanted" "$venv/requirements.txt"

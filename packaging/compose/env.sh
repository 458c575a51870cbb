#!/usr/bin/env bash
# Makes .env with a password for each user of compose.yaml, where there is none yet; nobody else may read it.
set -euo pipefail
cd "$(dirname "$0")/../.."
umask 077
[ ! -e .env ] || { echo ".env is there: left alone"; exit 0; }
for name in RABBITMQ_ADMIN METERBEAT_BROKER POSTGRES_ADMIN METERBEAT_OWNER METERBEAT_DATABASE; do
    printf '%s_PASSWORD=%s\n' "$name" "$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')"
done >.env.new
mv .env.new .env

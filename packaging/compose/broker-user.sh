#!/usr/bin/env bash
# The broker's user of the programs: no administrator, and rights over their own queues and Celery's exchanges alone. By the
# management API and without a client, as passwords on a command line are for everybody on the machine to see.
set -euo pipefail
host=${RABBITMQ_HOST:-rabbitmq} port=${RABBITMQ_PORT:-15672} vhost=${METERBEAT_VHOST:-%2F}
login=$(printf '%s:%s' "${RABBITMQ_ADMIN:-admin}" "$RABBITMQ_ADMIN_PASSWORD" | base64 -w0)

put() { # put PATH JSON
    local code rest
    exec 3<>"/dev/tcp/$host/$port"
    printf 'PUT /api/%s HTTP/1.0\r\nHost: %s\r\nAuthorization: Basic %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
        "$1" "$host" "$login" "${#2}" "$2" >&3
    read -r _ code rest <&3
    exec 3>&-
    [[ $code = 20[14] ]] || { echo "$1: the broker answers $code $rest" >&2; exit 1; }
}

own='(meterbeat([.].+)?|.+[.]celery[.]pidbox|(reply[.])?celery[.]pidbox|celeryev)'
put users/meterbeat "{\"password\": \"$METERBEAT_BROKER_PASSWORD\", \"tags\": \"management\"}"
# write: amq.default is the way to every queue by its name; results go to their senders' queues by it
put "permissions/$vhost/meterbeat" "{\"configure\": \"^$own\$\", \"write\": \"^($own|amq[.]default)\$\", \"read\": \"^$own\$\"}"

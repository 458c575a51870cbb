#!/usr/bin/env bash
# The broker's user of the programs: no administrator, and rights over their own queues and Celery's exchanges alone.
set -euo pipefail
admin() {
    rabbitmqadmin -q -H "${RABBITMQ_HOST:-rabbitmq}" -P "${RABBITMQ_PORT:-15672}" -u "${RABBITMQ_ADMIN:-admin}" -p "$RABBITMQ_ADMIN_PASSWORD" "$@"
}
own='(meterbeat(\..+)?|.+\.celery\.pidbox|(reply\.)?celery\.pidbox|celeryev)'
admin declare user name=meterbeat "password=$METERBEAT_BROKER_PASSWORD" tags=management
# write: amq.default is the way to every queue by its name; results go to their senders' queues by it
admin declare permission "vhost=${METERBEAT_VHOST:-/}" user=meterbeat "configure=^$own\$" "write=^($own|amq\.default)\$" "read=^$own\$"

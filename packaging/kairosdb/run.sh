#!/usr/bin/env bash
# Runs KairosDB on its embedded H2 datastore: run.sh LIBRARIES FOLDER ADDRESS PORT; data stays in FOLDER.
set -euo pipefail
libraries=$1 folder=$2 address=$3 port=$4

# The folder h2 must not exist before the first start: KairosDB makes its tables only when it makes
# the folder, and would otherwise answer 204 and store nothing.
mkdir -p "$folder/temporary" "$folder/cache"
cat >"$folder/kairosdb.conf" <<CONF
kairosdb: {
  jetty.address: "$address"
  jetty.port: $port
  service.telnet: "<disabled>"
  service.datastore: "org.kairosdb.datastore.h2.H2Module"
  datastore.h2.database_path: "$folder/h2"
  query_cache.cache_dir: "$folder/cache"
}
CONF
cat >"$folder/logback.xml" <<'XML'
<configuration>
  <appender name="console" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d{ISO8601,UTC} %-5level [%thread] %logger{20} %msg%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="console"/></root>
</configuration>
XML

# UTC: in a zone with a repeated hour H2 keeps one reading of two. The openings are for Java 17.
exec java "-Xmx${KAIROSDB_HEAP:-512m}" -XX:+UseSerialGC -Duser.timezone=UTC \
    -Djava.io.tmpdir="$folder/temporary" -Dlogback.configurationFile="$folder/logback.xml" \
    --add-opens java.base/java.lang=ALL-UNNAMED \
    --add-opens java.base/java.util=ALL-UNNAMED \
    --add-opens java.base/java.util.concurrent=ALL-UNNAMED \
    -cp "$libraries/*" org.kairosdb.core.Main -c run -p "$folder/kairosdb.conf"

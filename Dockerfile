# Images of meterbeat and of KairosDB (there is no official one). Every step is one that ./dev runs too.
FROM debian:12-slim AS build
WORKDIR /src
COPY packaging/steps packaging/steps
RUN packaging/steps/apt.sh build
COPY . .
RUN packaging/steps/install.sh /opt/meterbeat

FROM debian:12-slim AS meterbeat
WORKDIR /src
COPY packaging/steps packaging/steps
RUN packaging/steps/apt.sh runtime
COPY --from=build /opt/meterbeat /usr/local
USER 65534:65534
WORKDIR /
ENTRYPOINT []
CMD ["meterbeat-worker", "--config", "/etc/meterbeat/meterbeat.conf"]

FROM debian:12-slim AS kairosdb
WORKDIR /src
COPY packaging packaging
RUN packaging/steps/apt.sh kairosdb
RUN packaging/steps/kairosdb.sh /opt/kairosdb
RUN packaging/steps/data-folder.sh /data
USER 65534:65534
VOLUME /data
EXPOSE 8080
CMD ["packaging/kairosdb/run.sh", "/opt/kairosdb/lib", "/data", "0.0.0.0", "8080"]

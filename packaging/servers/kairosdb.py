"""A private KairosDB with its embedded H2 datastore."""
import json
import pathlib
import signal
import time
import urllib.error
import urllib.request

from .process import Server, ServerError, free_port

LIBRARIES = pathlib.Path(__file__).resolve().parents[2] / ".dev/kairosdb/lib"

LOGGING = """<configuration>
  <appender name="console" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d{ISO8601,UTC} %-5level [%thread] %logger{20} %msg%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="console"/></root>
</configuration>
"""

CONFIGURATION = """kairosdb: {
  jetty.address: "127.0.0.1"
  jetty.port: %(port)d
  service.telnet: "<disabled>"
  service.datastore: "org.kairosdb.datastore.h2.H2Module"
  datastore.h2.database_path: "%(folder)s/h2"
  query_cache.cache_dir: "%(folder)s/cache"
}
"""


class KairosDB(Server):
    name = "kairosdb"
    stop_signal = signal.SIGTERM

    def __init__(self, folder, libraries=LIBRARIES):
        super().__init__(folder)
        self.port = free_port()
        self.libraries = pathlib.Path(libraries)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/api/v1"

    @property
    def insert_url(self):
        return f"{self.url}/datapoints"

    @property
    def query_url(self):
        return f"{self.url}/datapoints/query"

    def prepare(self):
        if not self.libraries.is_dir():
            raise ServerError("KairosDB is not there: packaging/steps/kairosdb.sh")
        (self.folder / "temporary").mkdir()
        (self.folder / "cache").mkdir()
        # the folder "h2" must not exist: KairosDB makes its tables only when it makes the folder
        (self.folder / "kairosdb.conf").write_text(
            CONFIGURATION % {"port": self.port, "folder": self.folder})
        (self.folder / "logback.xml").write_text(LOGGING)

    def command(self):
        opened = [word for package in ("java.lang", "java.util", "java.util.concurrent")
                  for word in ("--add-opens", f"java.base/{package}=ALL-UNNAMED")]
        return ["java", "-Xmx512m", "-XX:+UseSerialGC", "-Duser.timezone=UTC",
                f"-Djava.io.tmpdir={self.folder}/temporary",
                f"-Dlogback.configurationFile={self.folder}/logback.xml", *opened,
                "-cp", f"{self.libraries}/*", "org.kairosdb.core.Main",
                "-c", "run", "-p", str(self.folder / "kairosdb.conf")]

    def ready(self):
        """True once a point that was put in comes out again: its 204 alone means nothing."""
        now = int(time.time() * 1000)
        self.post("/datapoints", [{"name": "server.ready", "tags": {"of": "start"},
                                   "datapoints": [[now, 1.0, "double"]]}])
        return self.count("server.ready", {}, now, now) == 1

    def post(self, path, body):
        request = urllib.request.Request(self.url + path, data=json.dumps(body).encode(),
                                         headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def query(self, metric, tags=None, start_ms=0, end_ms=None, **more):
        """The results of one metric; `more` goes into the metric: group_by, aggregators, limit."""
        body = {"start_absolute": start_ms, "time_zone": "UTC", "cache_time": 0,
                "metrics": [{"name": metric, "tags": tags or {}, **more}]}
        if end_ms is not None:
            body["end_absolute"] = end_ms
        return self.post("/datapoints/query", body)["queries"][0]

    def count(self, metric, tags=None, start_ms=0, end_ms=None):
        return self.query(metric, tags, start_ms, end_ms)["sample_size"]

    def delete_metric(self, metric):
        request = urllib.request.Request(f"{self.url}/metric/{metric}", method="DELETE")
        urllib.request.urlopen(request, timeout=60).close()

"""A private KairosDB with its embedded H2 datastore."""
import json
import pathlib
import time
import urllib.request

from .process import Server, ServerError, free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIBRARIES = ROOT / ".dev/kairosdb/lib"
RUN = ROOT / "packaging/kairosdb/run.sh"


class KairosDB(Server):
    name = "kairosdb"

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

    def command(self):
        return [str(RUN), str(self.libraries), str(self.folder), "127.0.0.1", str(self.port)]

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

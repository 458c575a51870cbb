"""The demo's meterbeat: configuration, tables, records, one producer and two workers."""
import os
import pathlib
import re
import subprocess
from datetime import datetime

from servers import Server, ServerError
from progress import measure_progress, stored_sums

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / ".dev/install/bin"

# How each record's utility wants to be asked: every way that the seed's fields can say.
WAYS = {
    "electricity": {"date-pattern": "%m/%d/%Y"},
    "gas": {"date-pattern": "month/day/year"},
    "solar": {"time-type": "timestamp"},
    "office": {"date-pattern": "%Y-%m-%d"},
}


class Program(Server):
    """One of meterbeat's programs, under the same guard as the servers."""

    stop_limit = 90

    def __init__(self, folder, name, command, environment):
        self.name, self._command, self._environment = name, command, environment
        super().__init__(folder)

    def command(self):
        return self._command

    def environment(self):
        return self._environment

    def ready(self):
        return True


class Installation:
    def __init__(self, servers, feed_server):
        self.servers, self.feed_server = servers, feed_server
        self.folder = servers.folder
        self.environment = {
            "METERBEAT_BROKER_PASSWORD": "guest",
            "METERBEAT_DATABASE_PASSWORD": servers.postgresql.password,
        }
        self.programs = []
        self.configuration = self.folder / "meterbeat.conf"
        servers.postgresql.create_database("meterbeat")
        self.configuration.write_text(self._seed_configuration())

    def _seed_configuration(self):
        """config/seed.conf with the addresses of the private servers: the schedule stays the seed's."""
        text = (ROOT / "config/seed.conf").read_text()
        for group in ("broker", "database", "kairosdb", "feed"):
            text = re.sub(rf"(?ms)^{group}\s*[:=]\s*\{{.*?^\}};?\n", "", text)
        servers = self.servers
        return text + f"""
broker = {{
  url = "{servers.rabbitmq.url.rstrip('/')}";
  management_url = "{servers.rabbitmq.management_url}";
}};
database = {{ url = "{servers.postgresql.url('meterbeat')}"; }};
kairosdb = {{
  insert_url = "{servers.kairosdb.insert_url}";
  query_url = "{servers.kairosdb.query_url}";
  measurement = "demo";
}};
feed = {{ path = "/espi/1_1/resource/Batch/Subscription/"; allow_addresses = "127.0.0.0/8"; }};
"""

    def ctl(self, *arguments):
        done = subprocess.run(
            [PROGRAMS / "meterbeatctl", "--config", self.configuration, *arguments],
            env={**os.environ, **self.environment}, stdin=subprocess.DEVNULL, capture_output=True,
            text=True)
        if done.returncode != 0:
            raise ServerError(f"meterbeatctl {' '.join(arguments)}: exit {done.returncode}\n"
                              + done.stdout + done.stderr)
        return done.stdout

    def set_up(self, begin):
        self.ctl("init-db")
        self.ctl("check")
        for building, feed in enumerate(self.feed_server.feeds.values(), start=1):
            self._add_record(str(building), feed, begin)

    def _add_record(self, building, feed, begin):
        way = WAYS[feed.sub_id]
        feed.date_pattern = {"month/day/year": "%m/%d/%Y"}.get(
            way.get("date-pattern"), way.get("date-pattern", feed.date_pattern))
        options = {"url": self.feed_server.url, "sub-id": feed.sub_id, "building": building,
                   "min-parameter": feed.min_parameter,
                   "max-parameter": feed.max_parameter, **way}
        if way.get("time-type") == "timestamp":
            options["last-ts"] = str(begin)
        else:
            first = datetime.fromtimestamp(begin, feed.zone)
            options["last-date"] = first.strftime(feed.date_pattern)
        self.ctl("record", "add", *[word for name, value in options.items()
                                    for word in (f"--{name}", value)])

    def start_programs(self):
        for name, number in (("meterbeat-producer", ""), ("meterbeat-worker", "-1"),
                             ("meterbeat-worker", "-2")):
            program = Program(self.folder, name + number,
                              [str(PROGRAMS / name), "--config", str(self.configuration)],
                              self.environment)
            program.launch()
            self.programs.append(program)

    def check_programs(self):
        for program in self.programs:
            if not program.running():
                raise ServerError(f"{program.name} ended\n{program.log_tail()}")

    def stop_programs(self):
        for program in self.programs:
            program.stop()

    # --- what is there ------------------------------------------------------------------------------

    def sql(self, text):
        return self.servers.postgresql.sql(text, "meterbeat")

    def progress(self, feeds):
        return measure_progress(self.sql, self.servers.kairosdb, "demo", feeds,
                                self._dead_letters)

    def _dead_letters(self):
        queues = self.servers.rabbitmq.api("GET", "/queues")
        return sum(queue.get("messages", 0) for queue in queues if queue["name"].endswith(".dead"))

    def months(self):
        return stored_sums(self.sql)

    def print_where_to_look(self):
        servers, postgresql = self.servers, self.servers.postgresql
        print(f"""where to look while it runs:
  RabbitMQ    {servers.rabbitmq.management_url}  (guest / guest)
  PostgreSQL  PGPASSWORD={postgresql.password} psql {postgresql.url('meterbeat')}
  KairosDB    curl -s -d '{{"start_absolute":0,"metrics":[{{"name":"demo","tags":{{}},"limit":5}}]}}' \\
                {servers.kairosdb.query_url}
  meterbeat   METERBEAT_BROKER_PASSWORD=guest METERBEAT_DATABASE_PASSWORD={postgresql.password} \\
                {PROGRAMS}/meterbeatctl --config {self.configuration} status
  logs        {self.folder}/meterbeat-*/server.log
""", flush=True)

"""Private RabbitMQ, PostgreSQL and KairosDB on free ports of 127.0.0.1, in a folder that is removed afterwards."""
import pathlib
import shutil
import tempfile

from .kairosdb import KairosDB
from .postgresql import PostgreSQL
from .process import Server, ServerError, free_port, wait_until
from .rabbitmq import RabbitMQ

__all__ = ["KairosDB", "PostgreSQL", "RabbitMQ", "Server", "ServerError",
           "Servers", "free_port", "wait_until"]


class Servers:
    """The three servers in one temporary folder; a context manager that ends and removes all."""

    def __init__(self, rabbitmq_settings=()):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="meterbeat-"))
        self.rabbitmq = RabbitMQ(self.folder, rabbitmq_settings)
        self.postgresql = PostgreSQL(self.folder)
        self.kairosdb = KairosDB(self.folder)
        self.all = [self.rabbitmq, self.postgresql, self.kairosdb]

    def start(self):
        """All at once, as each takes some seconds; call it from the thread that lives longest."""
        try:
            for server in self.all:
                server.launch()
            for server in self.all:
                server.await_ready()
        except BaseException:
            self.end()
            raise

    def end(self):
        """Everything is thrown away, so nothing needs an orderly stop."""
        for server in self.all:
            server.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def environment(self):
        """What the command line and other programs need to find the servers."""
        return {
            "METERBEAT_BROKER_URL": self.rabbitmq.url,
            "METERBEAT_BROKER_PASSWORD": "guest",
            "METERBEAT_MANAGEMENT_URL": self.rabbitmq.management_url,
            "METERBEAT_DATABASE_URL": self.postgresql.url(),
            "METERBEAT_DATABASE_PASSWORD": self.postgresql.password,
            "METERBEAT_KAIROSDB_URL": self.kairosdb.url,
        }

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.end()

"""A private RabbitMQ node: own name, data, ports and epmd, with the management plugin."""
import base64
import json
import socket
import urllib.error
import urllib.parse
import urllib.request

from .process import Server, free_port

SCRIPT = "/usr/lib/rabbitmq/bin/rabbitmq-server"  # the one in sbin insists on a system user
USER = PASSWORD = "guest"


class RabbitMQ(Server):
    name = "rabbitmq"

    def __init__(self, folder, settings=()):
        """`settings`: further lines of rabbitmq.conf, such as "heartbeat = 5"."""
        super().__init__(folder)
        self.port, self.management_port = free_port(), free_port()
        self.distribution_port, self.epmd_port = free_port(), free_port()
        self.settings = list(settings)

    @property
    def url(self):
        return f"amqp://{USER}@127.0.0.1:{self.port}/"

    @property
    def management_url(self):
        return f"http://127.0.0.1:{self.management_port}"

    def prepare(self):
        (self.folder / "rabbitmq.conf").write_text("\n".join([
            f"listeners.tcp.1 = 127.0.0.1:{self.port}",
            "management.tcp.ip = 127.0.0.1",
            f"management.tcp.port = {self.management_port}",
            "collect_statistics_interval = 1000",
            "log.console = true",
            "log.console.level = info",
            "log.file = false",
            *self.settings, ""]))
        (self.folder / "enabled_plugins").write_text("[rabbitmq_management].\n")
        (self.folder / "environment.conf").write_text("")

    def environment(self):
        folder = str(self.folder)
        return {
            "HOME": folder,  # the Erlang cookie
            "RABBITMQ_CONF_ENV_FILE": f"{folder}/environment.conf",  # not the system's
            "RABBITMQ_NODENAME": "meterbeat@localhost",
            "RABBITMQ_MNESIA_BASE": f"{folder}/data",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_PID_FILE": f"{folder}/pid",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_ADVANCED_CONFIG_FILE": f"{folder}/advanced.config",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
            "RABBITMQ_GENERATED_CONFIG_DIR": f"{folder}/generated",
            "RABBITMQ_DIST_PORT": str(self.distribution_port),
            "ERL_EPMD_PORT": str(self.epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_CRASH_DUMP_SECONDS": "0",
            # no spinning for work: the machine's cores are shared with what is being tried
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS":
                "+sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}",
            "RUNNING_UNDER_SYSTEMD": "1",  # makes the script exec the node, so its pid gets the signals
        }

    def command(self):
        return [SCRIPT]

    def ready(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(b"AMQP\x00\x00\x09\x01")
            if connection.recv(1) != b"\x01":
                return False
        return self.api("GET", "/overview")["node"] == "meterbeat@localhost"

    def api(self, method, path, body=None):
        """One request to the management API; None for an answer without a body."""
        request = urllib.request.Request(
            f"{self.management_url}/api{path}", method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": "Basic "
                     + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()})
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def create_vhost(self, name):
        """A virtual host that `guest` may use; returns its AMQP URL (without the password)."""
        quoted = urllib.parse.quote(name, safe="")
        self.api("PUT", f"/vhosts/{quoted}", {})
        self.api("PUT", f"/permissions/{quoted}/{USER}",
                 {"configure": ".*", "write": ".*", "read": ".*"})
        return self.url + quoted

    def delete_vhost(self, name):
        self.api("DELETE", f"/vhosts/{urllib.parse.quote(name, safe='')}")

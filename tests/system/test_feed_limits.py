"""What a feed's host, or who writes a record's URL, cannot do to a worker: where requests go, how much comes back."""
import contextlib
import gzip
import http.server
import re
import socket
import socketserver
import ssl
import threading
import zlib

import feeds
import metering as m
import pytest
from custodian import Authority
from metering import Metering
from servers import wait_until

HEAD = b'<feed xmlns="http://www.w3.org/2005/Atom" xmlns:espi="http://naesb.org/espi">'


@pytest.fixture
def meters(meterbeat, rows):
    with feeds.FeedServer([]) as server:
        yield Metering(meterbeat, rows, server)


def compressed_zeros(megabytes):
    """gzip of a well-formed beginning and that much of nothing."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    out = packer.compress(HEAD)
    for _ in range(megabytes):
        out += packer.compress(b" " * (1 << 20))
    return out + packer.compress(b"</feed>") + packer.flush()


def encoded(body, coding):
    return lambda handler, _body: feeds.answer(handler, body, Content_Encoding=coding)


def headers_without_end(handler, _body):
    handler.send_response(200)
    for number in range(2000):
        handler.send_header(f"X-Filler-{number}", "x" * 100)
    handler.end_headers()


def dead(meters, record):
    state, code, text, _ = meters.run(meters.send("parse", record))
    assert state == "dead", (code, text)
    return code, text


def test_what_decompresses_without_measure_or_twice_is_refused_under_its_own_code(meters):
    once = gzip.compress(HEAD + b"</feed>")
    bomb = compressed_zeros(64)
    assert len(bomb) < 100_000
    cases = [(encoded(gzip.compress(gzip.compress(once)), "gzip, gzip, gzip"), "feed_bad_encoding"),
             (encoded(gzip.compress(once), "gzip,gzip"), "feed_bad_encoding"),
             (encoded(once, "br"), "feed_bad_encoding"),
             (encoded(bomb, "gzip"), "feed_ratio"),
             (headers_without_end, "feed_too_large")]
    meters.start()
    for number, (fault, code) in enumerate(cases):
        feed = m.house(f"b{number}", *m.days(2))
        record = meters.add(feed)
        meters.server.inject(feed.sub_id, fault, for_ever=True)
        seen, text = dead(meters, record)
        assert seen == code, text
        assert feed.sub_id not in text
    assert meters.rows("SELECT count(*) FROM meterbeat.day") == [(0,)]


def test_a_feed_that_compresses_well_is_taken(meters):
    feed = m.house("g1", *m.days(30))
    meters.add(feed, last_date="")
    meters.server.inject("g1", feeds.gzipped, for_ever=True)
    meters.start()
    meters.do("parse")


def test_by_default_records_lead_nowhere_on_this_machine_and_to_none_of_our_servers(meters, settings):
    meters.meterbeat.configure(feed={"allow_addresses": ""})
    meters.start()
    record = meters.add(m.house("s1", *m.days(2)))
    broker = settings["broker"]["url"].rsplit(":", 1)[1].split("/")[0]
    texts = set()
    for url in ("http://127.0.0.1:1/", f"http://127.0.0.1:{broker}/", "http://[::1]:80/", "http://169.254.169.254/",
                "http://[::ffff:127.0.0.1]:80/", "http://0.0.0.0/", "http://2130706433/", "http://localhost:8080/",
                "http://[64:ff9b::7f00:1]/", "http://[fd00:ec2::254]/", "http://10.0.0.1:22/"):
        meters.change(record, url=url)
        code, text = dead(meters, record)
        assert code == "feed_address", (url, text)
        texts.add(re.sub(r"https?://\S+", "URL", text))
    assert len(texts) == 1, texts
    assert not meters.server.requests
    assert any("169.254.169.254" in line["detail"] for line in meters.worker.events("task_dead"))


def test_our_own_servers_are_not_asked_even_where_their_network_is_allowed(meters, settings):
    meters.meterbeat.configure(feed={"record_addresses": "any"})
    meters.start()
    record = meters.add(m.house("s2", *m.days(2)))
    for url in (settings["kairosdb"]["query_url"], settings["broker"]["management_url"]):
        host = re.match(r"http://(?:[^@/]*@)?([^/]+)", url)[1]
        meters.change(record, url=f"http://{host}/")
        code, text = dead(meters, record)
        assert code == "feed_address", text


@contextlib.contextmanager
def listening(address, answer):
    """A TCP server at address that sends `answer` to whoever comes (None: nothing, for ever); its port."""
    stop = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            if answer is None:
                stop.wait(60)
            else:
                self.request.sendall(answer)

    class Server(socketserver.ThreadingTCPServer):
        address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        daemon_threads = True
        block_on_close = False

    with Server((address, 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        stop.set()
        server.shutdown()


def private_address():
    """An address of RFC 1918 or RFC 4193 that this machine has, or None."""
    for family, far in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"), (socket.AF_INET6, "fd00::ffff")):
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((far, 9))
            address = probe.getsockname()[0]
            if re.match(r"10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|f[cd]", address):
                return address
    return None


def test_a_record_cannot_find_out_which_ports_of_the_own_network_are_open(meters):
    address = private_address()
    if address is None:
        pytest.skip("this machine has no address of RFC 1918")
    host = f"[{address}]" if ":" in address else address
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as closed, listening(address, b"SSH-2.0-x\r\n") as ssh, \
            listening(address, b"") as closing, listening(address, None) as silent:
        closed.bind((address, 0))
        meters.meterbeat.configure(feed={"allow_addresses": "", "allow_ports": "1-65535", "timeout_s": 2,
                                         "connect_timeout_s": 1})
        meters.start()
        record, seen = meters.add(m.house("s3", *m.days(2))), {}
        for scheme in ("http", "https"):
            for port in (closed.getsockname()[1], ssh, closing, silent):
                meters.change(record, url=f"{scheme}://{host}:{port}/")
                code, text = meters.retrying(meters.send("parse", record))
                seen[scheme, port] = code, re.sub(r"https?://\S+", "URL", text)
                meters.rows("UPDATE meterbeat.run SET state = 'dead' WHERE state <> 'dead'")
        assert len(set(seen.values())) == 1, seen
        assert next(iter(seen.values()))[0] == "feed_unreachable"
        reasons = {line["detail"].split(": ", 1)[1] for line in meters.worker.events("task_retry")}
        assert len(reasons) > 1, "the log tells them apart"


@contextlib.contextmanager
def tls_server(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(404)

        def log_message(self, *_):
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_):
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_a_certificate_says_what_is_wrong_with_it_and_one_for_an_address_is_taken(meters, tmp_path):
    ours, other = Authority(tmp_path / "ours"), Authority(tmp_path / "other")
    cases = [(ours.issue("expired", "IP:127.0.0.1", days=-1), "has expired"),
             (other.issue("unknown", "IP:127.0.0.1"), "no authority that is known"),
             (ours.issue("name", "DNS:utility.example"), "another name"),
             (ours.issue("right", "IP:127.0.0.1"), None)]
    meters.meterbeat.configure(feed={"ca_file": str(ours.certificate)})
    meters.start()
    record = meters.add(m.house("t1", *m.days(2)))
    for files, wanted in cases:
        with tls_server(*files) as port:
            meters.change(record, url=f"https://127.0.0.1:{port}/")
            code, text = dead(meters, record)
            assert code == ("feed_tls_refused" if wanted else "feed_not_found"), text
            assert wanted is None or wanted in text


def test_a_host_that_sends_its_headers_byte_by_byte_is_given_up_in_time(meters):
    stop = threading.Event()

    def drip(handler, _body):
        handler.connection.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
        while not stop.wait(0.2):
            handler.connection.sendall(b"x")
        handler.close_connection = True

    meters.meterbeat.configure(feed={"timeout_s": 4})
    feed = m.house("d1", *m.days(2))
    record = meters.add(feed)
    meters.server.inject("d1", drip, for_ever=True)
    meters.start()
    code, _ = meters.retrying(meters.send("parse", record), limit=20)
    stop.set()
    assert code == "feed_timeout"
    wait_until(lambda: meters.worker.events("task_retry"), 10, "its retry")

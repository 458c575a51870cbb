"""A Data Custodian as utilities run one: OAuth 2.0, mutual TLS, 202 and BatchList, paging, gzip, ETag, limits."""
import base64
import calendar
import contextlib
import gzip
import hashlib
import http.server
import json
import re
import ssl
import subprocess
import threading
import time
import urllib.parse
from collections import namedtuple

import feeds

BASE = "/espi/1_1/resource"
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
CANARY = "canary"  # in every secret: it may turn up in no log and no table

Request = namedtuple("Request", "target headers at token certificate")


# --- certificates -----------------------------------------------------------------------------------

class Authority:
    """A certificate authority of the test's own, made by openssl(1)."""

    def __init__(self, folder, name="meterbeat-test"):
        self.folder, self.name = folder, name
        folder.mkdir(parents=True, exist_ok=True)
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                      "-keyout", folder / "ca.key", "-out", folder / "ca.pem", "-days", "2",
                      "-subj", f"/CN={name}")

    @property
    def certificate(self):
        return self.folder / "ca.pem"

    def issue(self, name, *alternative, days=2):
        """(certificate, key) of `name`, as file names."""
        key, request, certificate = (self.folder / f"{name}.{end}" for end in ("key", "csr", "pem"))
        extension = self.folder / f"{name}.ext"
        extension.write_text("subjectAltName=" + ",".join(alternative or [f"DNS:{name}"]))
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                      "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        self._openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.folder / "ca.key",
                      "-CAcreateserial", "-out", certificate, "-days", days, "-extfile", extension)
        return certificate, key

    @staticmethod
    def _openssl(*arguments):
        done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr


# --- documents --------------------------------------------------------------------------------------

def parts(document):
    """Head, entries and tail of a feed's bytes."""
    text = document.decode()
    head, _, rest = text.partition("<entry>")
    entries = ["<entry>" + entry for entry in rest.removesuffix("</feed>\n").split("<entry>")]
    return head, entries, "</feed>\n"


def only(document, *kinds):
    """The feed with nothing but its entries of these resources."""
    head, entries, tail = parts(document)
    return (head + "".join(entry for entry in entries
                           if re.search(r"<title>(\w+)</title>", entry)[1] in kinds) + tail).encode()


def batch_list(*urls):
    named = "".join(f"<resources>{url.replace('&', '&amp;')}</resources>" for url in urls)
    return f'<BatchList xmlns="http://naesb.org/espi">{named}</BatchList>'.encode()


# --- the server -------------------------------------------------------------------------------------

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 600

    def do_GET(self):
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.server.owner.get(self)

    def do_POST(self):
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.server.owner.post(self)

    def log_message(self, *_):
        pass


class Listener(feeds.Listener):
    def handle_error(self, request, client_address):
        pass  # a client that ends its connection, or shows no certificate


class Custodian:
    """Subscriptions by their id. What a test wants otherwise, it sets before the request comes."""

    def __init__(self, *members, authority=None, wants_certificate=False):
        self.feeds = {feed.sub_id: feed for feed in members}
        self.requests, self.posts = [], []
        self.closing = threading.Event()
        self.lock = threading.RLock()
        self.access, self.refresh = {}, {}  # token -> what it is for; refresh: one-time
        self.grace = None  # the refresh token that dies when the access token behind it is first used
        self.rotates, self.strict, self.lifetime = True, True, 3600
        self.client = ("client-1", f"{CANARY}-client-secret")
        self.token_faults, self.faults = [], {}
        self.page_entries, self.compresses, self.has_etags = 0, False, False
        self.pending = {}  # subscription -> number of 202s before the answer
        self.batch = {}  # subscription -> number of files that the answer comes in
        self.poll_location = False
        self.takes = 0.0  # seconds that each answer takes
        self.under_way = self.most_under_way = 0
        self.token_gate = None
        self.serial = 0
        self._listener = Listener(("127.0.0.1", 0), Handler)
        self._listener.owner = self
        self.scheme = "http"
        if authority:
            self.scheme = "https"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*authority.issue("localhost", "IP:127.0.0.1", "DNS:localhost"))
            if wants_certificate:
                context.load_verify_locations(authority.certificate)
                context.verify_mode = ssl.CERT_REQUIRED
            self._listener.socket = context.wrap_socket(self._listener.socket, server_side=True,
                                                        do_handshake_on_connect=False)
        threading.Thread(target=self._listener.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self._listener.server_address[1]}"

    @property
    def base(self):
        return self.url + BASE

    @property
    def token_url(self):
        return self.url + "/oauth/token"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closing.set()
        self._listener.shutdown()
        self._listener.server_close()

    def gets(self, word=""):
        return [request for request in list(self.requests) if word in request.target]

    # --- tokens ---

    def consent(self, sub_id):
        """What the token endpoint answered when the customer said yes."""
        with self.lock:
            return self._pair(sub_id)

    def _pair(self, about):
        self.serial += 1
        access, refresh = f"{CANARY}-access-{self.serial}", f"{CANARY}-refresh-{self.serial}"
        self.access[access] = about
        answer = {"access_token": access, "token_type": "Bearer", "expires_in": self.lifetime}
        if about is not None and self.rotates:
            self.refresh[refresh] = about
            answer["refresh_token"] = refresh
        return answer

    def expire(self):
        """No access token that was given out so far is good any more."""
        with self.lock:
            self.access.clear()

    def post(self, handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"])).decode()
        form = dict(urllib.parse.parse_qsl(body))
        with self.lock:
            self.posts.append(form)
            fault = self.token_faults.pop(0) if self.token_faults else None
        if fault:
            return fault(handler, b"")
        status, answer = self._token(handler, form)
        if self.token_gate:
            self.token_gate()
        return feeds.answer(handler, json.dumps(answer).encode(), status, "application/json")

    def _client_is_right(self, handler, form):
        given = (form.get("client_id"), form.get("client_secret"))
        basic = handler.headers.get("Authorization", "")
        if basic.startswith("Basic "):
            given = tuple(map(urllib.parse.unquote,
                              base64.b64decode(basic[6:]).decode().split(":", 1)))
        return given == self.client

    def _token(self, handler, form):
        if not self._client_is_right(handler, form):
            return 401, {"error": "invalid_client"}
        with self.lock:
            if form["grant_type"] == "client_credentials":
                return 200, self._pair(None)
            old = form.get("refresh_token")
            if old not in self.refresh:
                return 400, {"error": "invalid_grant", "error_description": "used, expired or withdrawn"}
            about = self.refresh[old]
            if self.rotates and self.strict:
                del self.refresh[old]
            answer = self._pair(about)
            if self.rotates and not self.strict:
                self.grace = answer["access_token"], old
            return 200, answer

    # --- feeds ---

    def get(self, handler):
        token = handler.headers.get("Authorization", "").removeprefix("Bearer ")
        certificate = handler.connection.getpeercert() if self.scheme == "https" else None
        with self.lock:
            self.requests.append(Request(handler.path, dict(handler.headers), time.time(), token, certificate))
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
            if self.grace and token == self.grace[0]:
                self.refresh.pop(self.grace[1], None)
        try:
            if self.takes:
                self.closing.wait(self.takes)
            self._answer(handler, token)
        finally:
            with self.lock:
                self.under_way -= 1

    def _answer(self, handler, token):
        url = urllib.parse.urlsplit(handler.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        names = [name for name in self.feeds if f"/{name}" in url.path + "/"]
        if not names:
            return feeds.status(404)(handler, b"")
        name = names[0]
        with self.lock:
            known = token in self.access and self.access[token] in (name, None)
            waiting = self.faults.get(name, [])
            fault = waiting.pop(0) if waiting else None
        if not known:
            return feeds.status(401)(handler, b"")
        if fault:
            return fault(handler, b"")
        if query.get("file", "0") == "0" and self._is_pending(handler, name):
            return None
        return self._document(handler, url, query, name)

    def _is_pending(self, handler, name):
        with self.lock:
            left = self.pending.get(name, 0)
            self.pending[name] = left - 1
        if left <= 0:
            return False
        headers = {"Location": f"{BASE}/Batch/Subscription/{name}?file=0"} if self.poll_location else {}
        feeds.status(202, **headers)(handler, b"")
        return True

    def _document(self, handler, url, query, name):
        feed = self.feeds[name]
        try:
            begin, end = (self._instant(query[word]) if word in query else None
                          for word in ("published-min", "published-max"))
        except ValueError as error:
            return feeds.answer(handler, str(error).encode(), 400, "text/plain")
        body = feed.document(begin, end, BASE)
        if name in self.batch:
            if query.get("file", "0") == "0":
                return feeds.answer(handler, batch_list(*(
                    f"{self.base}/Batch/Subscription/{name}?{url.query}&file={number}"
                    for number in range(1, self.batch[name] + 1))))
            body = self._slice(body, int(query["file"]) - 1, self.batch[name])
        if url.path.endswith("/IntervalBlock"):
            body = only(body, "IntervalBlock")
        if self.page_entries:
            body = self._page(body, url, query)
        return self._send(handler, body)

    @staticmethod
    def _instant(text):
        if not INSTANT.fullmatch(text):
            raise ValueError(f"not yyyy-MM-ddTHH:mm:ssZ: {text}")
        seconds = calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))
        if seconds > time.time() + 5:
            raise ValueError("in the future")
        return seconds

    @staticmethod
    def _slice(body, number, count):
        head, entries, tail = parts(body)
        return (head + "".join(entries[number::count]) + tail).encode()

    def _page(self, body, url, query):
        head, entries, tail = parts(body)
        first = int(query.get("start-index", 1)) - 1
        if first + self.page_entries < len(entries):
            more = urllib.parse.urlencode({**query, "start-index": first + 1 + self.page_entries}, safe=":")
            head += f'<link rel="next" href="{url.path}?{more.replace("&", "&amp;")}"/>\n'
        return (head + "".join(entries[first:first + self.page_entries]) + tail).encode()

    def _send(self, handler, body):
        headers = {}
        if self.has_etags:
            headers["ETag"] = '"' + hashlib.sha256(body).hexdigest()[:16] + '"'
            headers["Last-Modified"] = "Wed, 11 Mar 2026 10:00:00 GMT"
            if handler.headers.get("If-None-Match") == headers["ETag"]:
                return feeds.status(304, **headers)(handler, b"")
        if self.compresses and "gzip" in handler.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body)
            headers["Content_Encoding"] = "gzip"
        return feeds.answer(handler, body, **headers)

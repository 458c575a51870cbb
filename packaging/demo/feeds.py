"""Serves Green Button feeds over HTTP on 127.0.0.1, with the faults of real utilities where a test asks for them."""
import datetime
import gzip
import http.server
import re
import socket
import struct
import threading
import time
import urllib.parse
from collections import namedtuple

Request = namedtuple("Request", "sub_id target begin end headers at")


def answer(handler, body, status=200, content_type="application/atom+xml", **headers):
    """A whole answer; header names are given with _ for -."""
    handler.send_response(status)
    handler.send_header("Content-Type", content_type)
    handler.send_header("Content-Length", str(len(body)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), str(value))
    handler.end_headers()
    handler.wfile.write(body)


# --- faults: each is called as fault(handler, body) and writes the answer ---------------------------

def status(code, **headers):
    """An answer such as 503 or 429 (Retry_After=2) with a small page."""
    def fault(handler, _body):
        page = b"" if code in (204, 304) else f"<html><body>{code}</body></html>".encode()
        answer(handler, page, code, "text/html", **headers)
    return fault


def redirect(location, code=302):
    return status(code, Location=location)


def replaced(body, content_type="application/atom+xml"):
    """200, but other bytes: HTML, nothing, a document that is not well-formed."""
    return lambda handler, _body: answer(handler, body, content_type=content_type)


html = replaced(b"<!DOCTYPE html><html><body>Please log in</body></html>", "text/html")
empty = replaced(b"")


def cut_document(share=0.6):
    """A complete HTTP answer with the document cut off in the middle."""
    return lambda handler, body: answer(handler, body[:int(len(body) * share)])


def cut_connection(share=0.6, reset=False):
    """Announces all bytes, sends a part, closes (or resets) the connection."""
    def fault(handler, body):
        begin_answer(handler, len(body))
        handler.wfile.write(body[:int(len(body) * share)])
        handler.wfile.flush()
        if reset:
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                          struct.pack("ii", 1, 0))
        handler.close_connection = True
    return fault


def slow(bytes_per_second, limit=300):
    """The right bytes, a few at a time."""
    def fault(handler, body):
        begin_answer(handler, len(body))
        end = time.monotonic() + limit
        step = max(1, bytes_per_second // 10)
        for position in range(0, len(body), step):
            handler.wfile.write(body[position:position + step])
            if handler.server.owner.closing.wait(0.1) or time.monotonic() > end:
                break
    return fault


def endless(most=1 << 33):
    """A feed that never ends: well-formed so far, one empty title after the other."""
    def fault(handler, body):
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.close_connection = True
        handler.wfile.write(body[:body.index(b"<entry>")])
        sent, chunk = 0, b"<title>again</title>\n" * 4096
        while sent < most and not handler.server.owner.closing.is_set():
            handler.wfile.write(chunk)
            sent += len(chunk)
    return fault


def silent(limit=300):
    """Takes the request and says nothing."""
    def fault(handler, _body):
        handler.server.owner.closing.wait(limit)
        handler.close_connection = True
    return fault


def gzipped(handler, body):
    """What a server does when Accept-Encoding allows it."""
    answer(handler, gzip.compress(body), Content_Encoding="gzip")


class Gate:
    """Holds an answer after a part of it until open() is called: a worker is in the middle of a feed."""

    def __init__(self, share=0.5):
        self.share = share
        self.reached, self._open = threading.Event(), threading.Event()

    def open(self):
        self._open.set()

    def __call__(self, handler, body):
        part = int(len(body) * self.share)
        begin_answer(handler, len(body))
        handler.wfile.write(body[:part])
        handler.wfile.flush()
        self.reached.set()
        self._open.wait(300)
        handler.wfile.write(body[part:])


def begin_answer(handler, length):
    handler.send_response(200)
    handler.send_header("Content-Type", "application/atom+xml")
    handler.send_header("Content-Length", str(length))
    handler.end_headers()


# --- the server -------------------------------------------------------------------------------------

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 600

    def do_GET(self):
        try:
            self.server.owner.serve(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client had enough

    def log_message(self, *_):
        pass


class Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128


class FeedServer:
    """Feeds by their sub_id, wherever in the URL it stands, and the requests that came."""

    def __init__(self, feeds, port=0):
        self.feeds = {feed.sub_id: feed for feed in feeds}
        self.requests = []
        self.closing = threading.Event()
        self._faults, self._lock = {}, threading.Lock()
        self._listener = Listener(("127.0.0.1", port), Handler)
        self._listener.owner = self
        self._thread = threading.Thread(target=self._listener.serve_forever, daemon=True)
        self._thread.start()

    @property
    def port(self):
        return self._listener.server_address[1]

    @property
    def url(self):
        """The address before path and sub_id, as a record's url has it."""
        return f"http://127.0.0.1:{self.port}"

    def close(self):
        self.closing.set()
        self._listener.shutdown()
        self._listener.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def add(self, feed):
        self.feeds[feed.sub_id] = feed

    def inject(self, sub_id, *faults, for_ever=False):
        """The next answers of this feed: one fault each; the last one for ever if asked."""
        with self._lock:
            self._faults[sub_id] = (list(faults), for_ever)

    def _next_fault(self, sub_id):
        with self._lock:
            waiting, for_ever = self._faults.get(sub_id, ([], False))
            if not waiting:
                return None
            return waiting[0] if for_ever and len(waiting) == 1 else waiting.pop(0)

    def requests_of(self, sub_id):
        return [request for request in list(self.requests) if request.sub_id == sub_id]

    def serve(self, handler):
        feed, parameters = self._find(handler.path)
        if feed is None:
            return status(404)(handler, b"")
        try:
            begin = instant(feed, parameters.get(feed.min_parameter), is_end=False)
            end = instant(feed, parameters.get(feed.max_parameter), is_end=True)
        except ValueError as error:
            return answer(handler, str(error).encode(), 400, "text/plain")
        self.requests.append(Request(feed.sub_id, handler.path, begin, end, dict(handler.headers),
                                     time.time()))
        fault = self._next_fault(feed.sub_id) or answer
        return fault(handler, feed.document(begin, end))

    def _find(self, target):
        """SEED's URLs have no '?': whatever stands between '/', '?' and '&' may be the sub_id."""
        words, parameters = [], {}
        for part in re.split("[?&]", target):
            name, equals, text = part.partition("=")
            if equals:
                parameters[urllib.parse.unquote_plus(name)] = urllib.parse.unquote_plus(text)
            else:
                words += [urllib.parse.unquote(word) for word in part.split("/")]
        for word in words + list(parameters.values()):
            if word in self.feeds:
                return self.feeds[word], parameters
        return None, parameters


def instant(feed, text, is_end):
    """The epoch second that a date parameter means; the last day of a range belongs to it."""
    if text is None:
        return None
    if re.fullmatch(r"\d{9,10}", text):
        return int(text)
    if re.fullmatch(r"\d{12,13}", text):
        return int(text) // 1000
    try:
        moment = datetime.datetime.strptime(text, feed.date_pattern)
    except ValueError:
        moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
        if moment.tzinfo:
            return int(moment.timestamp())
    if (moment.hour, moment.minute, moment.second) != (0, 0, 0):
        return int(moment.replace(tzinfo=feed.zone).timestamp())
    return feed.midnight(moment.date() + datetime.timedelta(days=1 if is_end else 0))

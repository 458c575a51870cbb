"""A TCP proxy before PostgreSQL: answers swallowed, connections cut, stalled, let through again."""
import contextlib
import select
import socket
import threading


class Proxy:
    """`url(database_url)` leads through it. Each connection has two sockets and a thread of its own."""

    def __init__(self, port, host="127.0.0.1"):
        self.target = host, port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.lock, self.pairs, self.patterns = threading.Lock(), set(), []
        self.swallowed, self.answers, self.stalled, self.stalls = [], 0, False, False
        threading.Thread(target=self.accept, daemon=True).start()

    def url(self, database_url):
        return database_url.replace(f":{self.target[1]}/", f":{self.port}/")

    def swallow_answer_to(self, pattern, then=None):
        """The answer to the next statement with that text is kept back and the connection cut: it took effect.
        `then`: that of the statement with this text which follows it on the same connection."""
        with self.lock:
            self.patterns.append((pattern.encode(), then and then.encode()))

    def stall_before(self, pattern, then):
        """Nothing is carried any more, on no connection, from that statement on, which does not arrive."""
        self.swallow_answer_to(pattern, then)
        self.stalls = True

    def cut(self):
        """All connections that there are, as a firewall's restart would."""
        with self.lock:
            pairs = list(self.pairs)
        for pair in pairs:
            self.close(pair)

    def close(self, pair):
        with self.lock:
            self.pairs.discard(pair)
        for end in pair:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def end(self):
        self.listener.close()
        self.stalled = False
        self.cut()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                pair = client, socket.create_connection(self.target, 5)
            except OSError:
                client.close()
                continue
            with self.lock:
                self.pairs.add(pair)
            threading.Thread(target=self.carry, args=pair, daemon=True).start()

    def wanted(self, data):
        with self.lock:
            for entry in self.patterns:
                if entry[0] in data:
                    self.patterns.remove(entry)
                    return entry
        return None

    def carry(self, client, server):
        """Until one of them ends. Answers end with ReadyForQuery: from then on the statement has taken effect."""
        found, is_due, answer = None, False, b""
        with contextlib.suppress(OSError, ValueError):
            while True:
                ready, _, _ = select.select([client, server], [], [], 0.2)
                if self.stalled:
                    threading.Event().wait(0.2)
                    continue
                for end in ready:
                    data = end.recv(65536)
                    if not data:
                        return self.close((client, server))
                    if end is client:
                        is_due = is_due or bool(found and found[1] in data)
                        if not found:
                            found = self.wanted(data)
                            is_due = bool(found) and not found[1]
                        if is_due and self.stalls:
                            self.stalled = True
                            continue
                        server.sendall(data)
                    elif is_due:
                        answer += data
                        if answer[-6:-1] == b"Z\0\0\0\5":
                            self.swallowed.append((found[1] or found[0]).decode())
                            return self.close((client, server))
                    else:
                        self.answers += 1
                        client.sendall(data)
        self.close((client, server))

"""TLS before a server that speaks none: what comes in is carried on in clear text, on this machine only."""
import contextlib
import socket
import ssl
import threading


class TlsProxy:
    """Listens on a port of 127.0.0.1 with that certificate; each connection has a thread for either direction."""

    def __init__(self, target_port, certificate, key):
        self.target = "127.0.0.1", target_port
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.carried = 0  # bytes that went in
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with contextlib.suppress(OSError), contextlib.closing(client):
            client.settimeout(120)
            with self.context.wrap_socket(client, server_side=True) as inside, \
                    socket.create_connection(self.target, 5) as server:
                back = threading.Thread(target=self.carry, args=(server, inside), daemon=True)
                back.start()
                self.carry(inside, server, counts=True)
                back.join()

    def carry(self, source, sink, counts=False):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self.carried += len(data) if counts else 0
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)

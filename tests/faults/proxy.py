"""A TCP proxy between our programs and one server, which does to connections what networks do."""
import asyncio
import random
import re
import socket
import threading

PASS, HOLE, STALL, SLOW, SWALLOW = "pass", "hole", "stall", "slow", "swallow"
SLOW_STEP_S = 0.05
TCP_REPAIR = 19  # closed in this mode a socket sends neither FIN nor RST: its machine has vanished


class Side(asyncio.Protocol):
    """One end of a link: `toward` is where what it reads goes, "server" or "client"."""

    def __init__(self, link, toward):
        self.link, self.toward, self.transport = link, toward, None

    def connection_made(self, transport):
        self.transport = transport
        self.link.made(self)

    def data_received(self, data):
        self.link.data(self.toward, data)

    def connection_lost(self, _error):
        self.link.lost(self)


class Link:
    """One connection of a program through the proxy to the server."""

    def __init__(self, proxy):
        self.proxy, self.mode, self.rate = proxy, PASS, 0
        self.client, self.server = Side(self, "server"), None
        self.waiting = {"server": bytearray(), "client": bytearray()}  # not passed on yet
        self.pump = None

    def made(self, side):
        if side is self.client:
            self.proxy.links.add(self)
            if self.proxy.refuses:
                self.cut()
            else:
                self.proxy.loop.create_task(self._connect())

    async def _connect(self):
        try:
            _, self.server = await self.proxy.loop.create_connection(
                lambda: Side(self, "client"), "127.0.0.1", self.proxy.target)
        except OSError:
            return self.cut()
        if self not in self.proxy.links:  # the client has gone meanwhile
            return self.server.transport.abort()
        self._pass_on("server")

    def data(self, toward, data):
        if self.mode == HOLE or (self.mode == SWALLOW and toward == "client"):
            if self.mode == SWALLOW:  # the server has answered, so it has done it
                self.proxy.swallowed += 1
                self.cut()
            return
        self.waiting[toward] += data
        if self.mode == PASS:
            if toward == "server" and self.proxy.armed and self.proxy.armed[0].search(data):
                self.proxy.armed.pop(0)
                self.mode = SWALLOW
                self.proxy.loop.call_later(2, self.cut_if, SWALLOW)
            self._pass_on(toward)

    def _pass_on(self, toward, most=None):
        side = self.server if toward == "server" else self.client
        if side is None or side.transport is None or self.mode == STALL or self.mode == HOLE:
            return
        data = bytes(self.waiting[toward][:most])
        del self.waiting[toward][:most]
        if data and not side.transport.is_closing():
            side.transport.write(data)

    def lost(self, side):
        """One end has closed: so does the other, unless the network is not there to tell it."""
        if self.mode == HOLE:
            return
        other = self.server if side is self.client else self.client
        self.proxy.links.discard(self)
        if other is not None and other.transport is not None:
            if self.mode in (PASS, SLOW) and side.toward in self.waiting:
                self._pass_on(side.toward)
            other.transport.close()

    def cut(self):
        """RST to both ends."""
        self.proxy.links.discard(self)
        for side in (self.client, self.server):
            if side is not None and side.transport is not None:
                side.transport.abort()

    def vanish(self):
        """Both ends lose their peer and are not told."""
        self.proxy.links.discard(self)
        for side in (self.client, self.server):
            if side is not None and side.transport is not None:
                side.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
                side.transport.abort()

    def client_port(self):
        return self.client.transport.get_extra_info("peername")[1]

    def cut_if(self, mode):
        if self.mode == mode and self in self.proxy.links:
            self.cut()

    def slow(self, rate):
        self.mode, self.rate = SLOW, rate
        if self.pump is None:
            self.pump = self.proxy.loop.create_task(self._pump())

    async def _pump(self):
        while self.mode == SLOW and self in self.proxy.links:
            for toward in self.waiting:
                self._pass_on(toward, max(1, int(self.rate * SLOW_STEP_S)))
            await asyncio.sleep(SLOW_STEP_S)
        self.pump = None

    def heal(self):
        if self.mode in (HOLE, SWALLOW):  # bytes are missing: nothing can come of it any more
            return self.cut()
        self.mode = PASS
        for toward in self.waiting:
            self._pass_on(toward)


def can_vanish():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as one:
        try:
            one.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        except OSError:
            return False
    return True


class Loop:
    """The event loop of all proxies, in a thread of its own."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def call(self, function, *arguments):
        """Runs function(...) in the loop's thread; its value."""
        async def run():
            value = function(*arguments)
            return await value if asyncio.iscoroutine(value) else value
        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(30)


class Proxy:
    """Listens on a port of its own and connects to `target`, a port of 127.0.0.1. Any thread."""

    def __init__(self, loop, target):
        self._runner, self.loop, self.target = loop, loop.loop, target
        self.links, self.armed, self.swallowed, self.refuses = set(), [], 0, False
        self._listener = loop.call(self._listen)
        self.port = self._listener.sockets[0].getsockname()[1]

    def _listen(self):
        return self.loop.create_server(lambda: Link(self).client, "127.0.0.1", 0)

    def _some(self, seed, share):
        links = sorted(self.links, key=id)
        chance = random.Random(seed)
        return [link for link in links if chance.random() < share] or links[:1]

    def cut(self, seed, share=0.5):
        """Resets some connections; returns how many."""
        def do():
            links = self._some(seed, share)
            for link in links:
                link.cut()
            return len(links)
        return self._runner.call(do)

    def turn(self, mode, seed, share=0.5, rate=0):
        """Some connections become holes, stall or are slow (`rate` bytes a second); returns how many."""
        def do():
            links = [link for link in self._some(seed, share) if link.mode == PASS]
            for link in links:
                if mode == SLOW:
                    link.slow(rate)
                else:
                    link.mode = mode
            return len(links)
        return self._runner.call(do)

    def vanish(self, ports=None, seed=0):
        """The connections from these ports, or some, are gone without a word; returns how many."""
        def do():
            links = self._some(seed, 0.4) if ports is None else [
                link for link in list(self.links) if link.client_port() in ports]
            for link in links:
                link.vanish()
            return len(links)
        return self._runner.call(do)

    def refuse(self, refuses):
        """New connections are reset, as by a network that is down or a full server."""
        self.refuses = refuses

    def swallow(self, pattern):
        """The next request that holds `pattern` is carried out, and its answer never arrives: the connection is reset."""
        self._runner.call(self.armed.append, re.compile(pattern))

    def heal(self):
        def do():
            self.refuses = False
            self.armed.clear()
            for link in list(self.links):
                link.heal()
        self._runner.call(do)

    def close(self):
        def do():
            self._listener.close()
            for link in list(self.links):
                link.cut()
        self._runner.call(do)

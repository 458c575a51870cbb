"""Green Button documents of our own making, and a server that hands each out under its name."""
import contextlib
import http.server
import threading

ENTRY = """ <entry>
  <link rel="self" href="{self}"/>
  <link rel="up" href="{up}"/>
{related}  <updated>{updated}</updated>
  <content>
   {content}
  </content>
 </entry>
"""


def entry(self, content, related=(), up=None, updated="2024-06-01T00:00:00Z"):
    return ENTRY.format(self=self, up=up or self.rpartition("/")[0], content=content, updated=updated,
                        related="".join(f'  <link rel="related" href="{href}"/>\n' for href in related))


def fields(**values):
    return "".join(f"<{name}>{value}</{name}>" for name, value in values.items() if value is not None)


def reading(start, value, duration=3600, cost=None, quality=None, tou=None):
    """Any of them None: not there."""
    period = "" if start is None else f"<timePeriod>{fields(duration=duration, start=start)}</timePeriod>"
    qualities = "" if quality is None else f"<ReadingQuality><quality>{quality}</quality></ReadingQuality>"
    return f"<IntervalReading>{fields(cost=cost)}{qualities}{period}{fields(value=value, tou=tou)}</IntervalReading>"


def block(meter, number, readings, start=None, updated="2024-06-01T00:00:00Z"):
    interval = "" if start is None else f"<interval>{fields(duration=3600, start=start)}</interval>"
    return entry(f"{meter}/IntervalBlock/{number}",
                 f'<IntervalBlock xmlns="http://naesb.org/espi">{interval}{"".join(readings)}</IntervalBlock>',
                 updated=updated)


def meter_reading(point, number, blocks, **kind):
    """A MeterReading of a usage point with its ReadingType; blocks are lists of readings or ready entries."""
    meter, name = f"{point}/MeterReading/{number}", f"ReadingType/{point.replace('/', '-')}-{number}"
    kind = {"accumulationBehaviour": 4, "commodity": 1, "flowDirection": 1, "intervalLength": 3600,
            "kind": 12, "powerOfTenMultiplier": 0, "uom": 72, **kind}
    parts = [entry(meter, '<MeterReading xmlns="http://naesb.org/espi"/>', [f"{meter}/IntervalBlock", name]),
             entry(name, f'<ReadingType xmlns="http://naesb.org/espi">{fields(**kind)}</ReadingType>')]
    for i, one in enumerate(blocks):
        parts.append(one if isinstance(one, str) else block(meter, i + 1, one))
    return "".join(parts)


def usage_point(point, service=0, local_time=None):
    """local_time: (tzOffset, dstOffset, dstStartRule, dstEndRule)"""
    related = [f"{point}/MeterReading", f"{point}/UsageSummary"]
    zone = ""
    if local_time:
        related.append(f"LocalTimeParameters/{point.replace('/', '-')}")
        offset, dst, start, end = local_time
        zone = entry(related[-1], '<LocalTimeParameters xmlns="http://naesb.org/espi">' + fields(
            dstEndRule=end, dstOffset=dst, dstStartRule=start, tzOffset=offset) + "</LocalTimeParameters>")
    return zone + entry(point, '<UsagePoint xmlns="http://naesb.org/espi"><ServiceCategory>'
                        f"{fields(kind=service)}</ServiceCategory></UsagePoint>", related)


def summary(point, number, start, days, cost=None, value=None, multiplier=0, uom=72, updated="2024-06-01T00:00:00Z"):
    used = "" if value is None else "<overallConsumptionLastPeriod>" + fields(
        powerOfTenMultiplier=multiplier, uom=uom, value=value) + "</overallConsumptionLastPeriod>"
    return entry(f"{point}/UsageSummary/{number}", '<UsageSummary xmlns="http://naesb.org/espi"><billingPeriod>'
                 f"{fields(duration=days * 86400, start=start)}</billingPeriod>"
                 f"{fields(billLastPeriod=cost, currency=840)}{used}</UsageSummary>", updated=updated)


def feed(*parts):
    return ('<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">\n'
            + "".join(parts) + "</feed>\n").encode()


@contextlib.contextmanager
def served():
    """(url, {name: bytes}): GET url/<name> answers with the bytes, gzipped where they begin so."""
    documents = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = documents[self.path.rpartition("/")[2]]
            self.send_response(200)
            if body[:2] == b"\x1f\x8b":
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", documents
    server.shutdown()

"""The audit task: what KairosDB shows otherwise than it was booked lately is fetched again."""
import json
import urllib.request

import metering as m
from servers import wait_until
from test_aggregate import begin_of
from test_parse import kairosdb, meters  # noqa: F401  (fixtures)


def test_values_of_a_stale_worker_that_came_late_are_noticed_and_mended(meters, servers, place, rows, kairosdb):  # noqa: F811
    feed = m.house("stale", *m.days(3))
    record = meters.add(feed, last_date=begin_of(feed))
    meters.start()
    meters.do("parse", record)
    meters.do("aggregate", "42")
    whole = kairosdb()
    (tags,), = rows("SELECT tags FROM meterbeat.series")
    reading = list(feed.readings(feed.series[0]))[5]
    body = [{"name": place.measurement, "tags": tags, "type": "double",
             "datapoints": [[reading.start * 1000, reading.value + 1000.5]]}]
    urllib.request.urlopen(urllib.request.Request(servers.kairosdb.insert_url, json.dumps(body).encode()), timeout=30).close()
    wait_until(lambda: kairosdb() != whole, 20, "KairosDB shows the stale value")
    state, _, _, progress = meters.do("audit")
    assert (state, progress[:20]) == ("done", "3 days of 1 series; ")
    assert "; 1 differ from the ledger, 1 parses enqueued" in progress
    wait_until(lambda: kairosdb() == whole, 30, "it is mended")
    assert "; 0 differ from the ledger" in meters.do("audit", days=1)[3]
    rows("UPDATE meterbeat.day SET booked_at = now() - interval '3 days'")
    assert meters.do("audit")[3].startswith("0 days of 0 series")


def test_arguments_of_an_audit_that_mean_nothing_are_refused(meters):  # noqa: F811
    meters.start()
    for arguments, keywords in (([7], {}), ([], {"days": 0}), ([], {"days": 367}), ([], {"days": "2"}), ([], {"day": 2})):
        assert meters.run(meters.send("audit", *arguments, **keywords))[:2] == ("dead", "bad_arguments")

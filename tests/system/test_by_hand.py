"""What a person does by hand on the real servers: audit and its repair, import and its dry run."""
import json
import urllib.request

import greenbutton
import metering as m
from test_aggregate import begin_of, lose
from test_parse import kairosdb, last_day, meters  # noqa: F401  (fixtures)


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def day_name(second):
    return last_day(second).strftime("%Y-%m-%d")


# --- audit ------------------------------------------------------------------------------------------

def test_an_audit_of_books_that_agree_says_so_and_ends_with_0(meters):  # noqa: F811
    meters.meterbeat.ctl("init-db")
    assert meters.meterbeat.ctl("audit") == "0 series, 0 days: all agree\n"
    feed = m.house("agrees", *m.days(20))
    record = meters.add(feed, last_date=begin_of(feed))
    meters.start()
    meters.do("parse", record)
    assert meters.meterbeat.ctl("audit") == "1 series, 20 days: all agree\n"
    assert meters.meterbeat.ctl("audit", "--building", "7") == "0 series, 0 days: all agree\n"
    assert meters.meterbeat.ctl("audit", "--from", day_name(m.END - 3 * m.DAY), "--to",
                                day_name(m.END - m.DAY)).endswith(" 2 days: all agree\n")


def test_what_kairosdb_lost_is_found_by_an_audit_and_comes_back_through_a_worker(
        meters, servers, place, rows, kairosdb):  # noqa: F811
    feed = m.house("audited", *m.days(20))
    record = meters.add(feed, last_date=begin_of(feed))
    meters.start()
    meters.do("parse", record)
    meter, = rows("SELECT id FROM seed_meter")[0]
    whole, costs = kairosdb(), kairosdb(suffix=".cost")
    lost = feed.begin + 5 * m.DAY
    lose(servers, place, lost, lost + 2 * m.DAY)
    text = meters.meterbeat.ctl("audit", "--meter", meter, status=1)
    assert f"{day_name(lost)}  " in text and "2 differ (KairosDB has less on 2" in text
    found = lines(meters.meterbeat.ctl("audit", "--json", status=1))
    assert [line["day"] for line in found[:-1]] == [day_name(lost), day_name(lost + m.DAY)]
    assert found[0]["books"]["readings"] == 96 and found[0]["kairosdb"]["readings"] == 0
    assert found[0]["record"] == record and found[0]["repair"] is None
    assert found[-1] == {"series": 1, "days": 20, "differ": 2, "less": 2, "other": 0, "more": 0,
                         "promised": 0, "hopeless": 0}
    assert rows("SELECT count(*) FROM meterbeat.outbox") == [(0,)], "without --repair nothing is asked"
    repaired = lines(meters.meterbeat.ctl("audit", "--repair", "--json", status=1))
    assert [line["repair"] for line in repaired[:-1]] == ["promised", "promised"]
    assert repaired[-1]["promised"] == 1, "two days that follow one another are one parse"
    meters.idle()
    assert (kairosdb(), kairosdb(suffix=".cost")) == (whole, costs)
    assert meters.meterbeat.ctl("audit").endswith("all agree\n")


def test_a_point_too_many_is_more_and_one_changed_is_another_sum(meters, servers, place):  # noqa: F811
    feed = m.house("touched", *m.days(5))
    record = meters.add(feed, last_date=begin_of(feed))
    meters.start()
    meters.do("parse", record)
    put(servers, place, {m.END - m.DAY + 1: 5.0, m.END - 3 * m.DAY: 1e6})
    found = lines(meters.meterbeat.ctl("audit", "--json", status=1))
    assert [(line["day"], line["differs"]) for line in found[:-1]] == \
        [(day_name(m.END - 3 * m.DAY), "other"), (day_name(m.END - m.DAY), "more")]


def test_a_repair_is_not_promised_twice_and_what_nobody_can_be_asked_for_is_said(
        meters, servers, place, rows):  # noqa: F811
    feed = m.house("waits", *m.days(20))
    record = meters.add(feed, last_date=begin_of(feed))
    worker = meters.start()
    meters.do("parse", record)
    worker.stop()
    lose(servers, place, feed.begin, feed.begin + m.DAY)
    assert "on the queue\n" in meters.meterbeat.ctl("audit", "--repair", status=1)
    assert "on the queue already" in meters.meterbeat.ctl("audit", "--repair", status=1)
    assert rows("SELECT count(*) FROM meterbeat.run WHERE state = 'waiting'") == [(1,)]
    meters.meterbeat.ctl("record", "pause", record)
    paused = meters.meterbeat.ctl("audit", "--repair", status=1)
    assert "record is paused" in paused and "1 days have a record that cannot be asked again" in paused
    rows("DELETE FROM seed_ts_parser_record")
    assert "record is gone" in meters.meterbeat.ctl("audit", "--repair", status=1)


def put(servers, place, points, suffix=""):
    """Points put past meterbeat under the tags of the only series there is."""
    question = {"start_absolute": 1, "metrics": [{"name": place.measurement + suffix, "limit": 1}]}
    with ask(servers.kairosdb.query_url, question) as answer:
        found = json.load(answer)["queries"][0]["results"][0]["tags"]
    tags = {name: names[0] for name, names in found.items()}
    ask(servers.kairosdb.insert_url, [{
        "name": place.measurement + suffix, "type": "double", "tags": tags,
        "datapoints": [[start * 1000, number] for start, number in points.items()]}]).close()


def ask(url, body):
    return urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode()), timeout=30)

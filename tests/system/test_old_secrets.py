"""Secrets that version 5 of the schema held for no server in particular: init-db binds them, or a person does."""
import base64
import ctypes
import ctypes.util
import os
import pathlib

import psycopg
import pytest

from custodian import Custodian
from metering import days, house
from test_custodian import KEY, Asking

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "common/store/schema"
SODIUM = ctypes.CDLL(ctypes.util.find_library("sodium"))


def sealed_by_version_1(place, secret, key=bytes.fromhex(KEY)):
    """XChaCha20-Poly1305, authenticated with its place alone: "v1.<the key's id>.<nonce and box>"."""
    context, name, nonce = b"meterbeat key id", ctypes.create_string_buffer(16), os.urandom(24)
    SODIUM.crypto_generichash(name, ctypes.c_size_t(16), context, ctypes.c_ulonglong(len(context)), key, ctypes.c_size_t(32))
    box, place, secret = ctypes.create_string_buffer(len(secret) + 16), place.encode(), secret.encode()
    SODIUM.crypto_aead_xchacha20poly1305_ietf_encrypt(box, None, secret, ctypes.c_ulonglong(len(secret)), place,
                                                      ctypes.c_ulonglong(len(place)), None, nonce, key)
    return f"v1.{name.raw[:8].hex()}." + base64.urlsafe_b64encode(nonce + box.raw).decode().rstrip("=")


@pytest.fixture
def custodian():
    with Custodian() as made:
        yield made


@pytest.fixture
def version_5(servers, place, custodian):
    """A database as version 5 left it, with a custodian and a customer's tokens; these, by grant."""
    consent = custodian.consent("7")
    custodian.expire()
    with psycopg.connect(place.database_url, password=servers.postgresql.password, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA meterbeat; CREATE TABLE meterbeat.migration (version integer PRIMARY KEY,"
                           " applied_at timestamptz NOT NULL DEFAULT now(), applied_by text NOT NULL DEFAULT current_user,"
                           " made_tables text NOT NULL DEFAULT ''); INSERT INTO meterbeat.migration (version) VALUES (0)")
        for version in range(1, 6):
            connection.execute((SCHEMA / f"{version}.sql").read_text())
            connection.execute("INSERT INTO meterbeat.migration (version) VALUES (%s)", (version,))
        connection.execute(
            "INSERT INTO meterbeat.custodian (id, name, base_url, token_url, client_id, client_secret, requests_per_minute)"
            " VALUES (3, 'hydro', %s, %s, %s, %s, 10000)",
            (custodian.base, custodian.token_url, custodian.client[0],
             sealed_by_version_1("meterbeat.custodian.client_secret of 3", custodian.client[1])))
        connection.execute(
            "INSERT INTO meterbeat.authorization (id, custodian_id, grant_type, access_token, expires_at, refresh_token)"
            " VALUES (5, 3, 'refresh_token', %s, now() - interval '1 day', %s)",
            (sealed_by_version_1("meterbeat.authorization.access_token of 5", consent["access_token"]),
             sealed_by_version_1("meterbeat.authorization.refresh_token of 5", consent["refresh_token"])))


def subscribed(asking, custodian):
    """A record that asks with the tokens that were there before."""
    feed = house("7", *days(3))
    record = asking.subscribe(custodian, feed, "--subscription", "7", "--grant", "none")
    asking.rows("UPDATE meterbeat.subscription SET authorization_id = 5 WHERE record_id = %s", (record,))
    asking.starts(record, 3)
    return record


def sealed(asking):
    return asking.rows("SELECT left(client_secret, 3), left(access_token, 3), left(refresh_token, 3)"
                       " FROM meterbeat.custodian c JOIN meterbeat.authorization a ON a.custodian_id = c.id WHERE a.id = 5")


def test_init_db_binds_them_to_their_servers_with_the_key(version_5, custodian, meterbeat, rows):
    meterbeat.environment["METERBEAT_CREDENTIALS_KEY"] = KEY
    asking = Asking(meterbeat, rows)  # which runs init-db
    assert f"sealed      hydro: 3 for {custodian.base} {custodian.token_url}\n" in meterbeat.texts[-1][1]
    assert sealed(asking) == [("v2.", "v2.", "v2.")]
    assert "sealed" not in meterbeat.ctl("init-db")
    record = subscribed(asking, custodian)
    asking.start()
    asking.do("parse", record)
    assert custodian.posts[0]["grant_type"] == "refresh_token" and custodian.gets("Subscription/7")
    asking.no_secret_in_sight()


def test_without_the_key_they_wait_for_a_person_and_are_sent_nowhere(version_5, custodian, meterbeat, rows):
    asking = Asking(meterbeat, rows)
    assert "sealed      hydro: not for its servers yet" in meterbeat.texts[-1][1]
    assert "custodian reseal hydro" in meterbeat.texts[-1][1]
    assert sealed(asking) == [("v1.", "v1.", "v1.")]
    # nor does a later init-db with the key: who changed token_url meanwhile nobody knows
    assert "not for its servers yet" in meterbeat.ctl("init-db")
    record = subscribed(asking, custodian)
    asking.start()
    state, code, text, _ = asking.run(asking.send("parse", record))
    assert (state, code) == ("dead", "seal_refused") and "custodian reseal" in text
    assert custodian.posts == [] and custodian.requests == []
    meterbeat.ctl("custodian", "reseal", "hydro")
    assert sealed(asking) == [("v2.", "v2.", "v2.")]
    asking.do("parse", record)
    assert custodian.gets("Subscription/7")
    asking.no_secret_in_sight()

"""The books on a real PostgreSQL: connection, tables, runs, outbox and records, through the C library itself."""
import itertools
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from servers import PostgreSQL
from servers.postgresql import binaries

ROOT = pathlib.Path(__file__).resolve().parents[2]
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def postgresql():
    """PostgreSQL alone: nothing here needs the other two servers."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="meterbeat-"))
    server = PostgreSQL(folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database(postgresql):
    name = f"books{os.getpid()}_{next(numbers)}"
    postgresql.create_database(name)
    yield name
    postgresql.drop_database(name)


def run(build, program, postgresql, url):
    environment = {**os.environ, "METERBEAT_TEST_DATABASE": url,
                   "METERBEAT_DATABASE_PASSWORD": postgresql.password}
    environment.pop("PGPASSWORD", None)
    return subprocess.run([build / "tests" / program], env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)


def dump(postgresql, database, *options):
    """What pg_dump writes of a database; its \\restrict lines carry a random key and are left out."""
    done = subprocess.run(
        [binaries() / "pg_dump", *options, "-d", postgresql.url(database)], cwd="/",
        env={**os.environ, "PGPASSWORD": postgresql.password}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))]


@pytest.mark.parametrize("program", ["test_pg", "test_schema", "test_run", "test_run_ends", "test_lost", "test_outbox", "test_record",
                                     "test_revoked_books", "test_custodian"])
def test_the_library_does_what_it_promises(build, postgresql, database, program):
    done = run(build, program, postgresql, postgresql.url(database))
    assert done.returncode == 0, done.stdout
    assert "FAILED" not in done.stdout


def test_init_twice_leaves_the_same_tables(build, postgresql, database):
    first = run(build, "books_init", postgresql, postgresql.url(database))
    assert first.returncode == 0, first.stdout
    assert "seed_timeseries" in first.stdout.splitlines()[0]
    before = dump(postgresql, database)
    second = run(build, "books_init", postgresql, postgresql.url(database))
    assert second.returncode == 0, second.stdout
    assert second.stdout.splitlines()[0] == "made: "
    assert dump(postgresql, database) == before


def test_nothing_of_djangos_tables_is_altered(build, postgresql, database):
    """Another role owns them, and ours may create nothing beside them: only a schema of its own."""
    role, django = f"{database}_meterbeat", f"{database}_django"
    postgresql.sql(f"CREATE ROLE {django}; CREATE ROLE {role} LOGIN PASSWORD '{postgresql.password}';"
                   f"GRANT CREATE ON DATABASE {database} TO {role}")
    postgresql.sql(f"GRANT CREATE ON SCHEMA public TO {django}; SET ROLE {django};"
                   + (ROOT / "tests/data/seed_by_django.sql").read_text()
                   + f"GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO {role};"
                   f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}", database)
    try:
        before = dump(postgresql, database, "--schema=public")
        url = postgresql.url(database).replace("meterbeat@", f"{role}@")
        done = run(build, "books_init", postgresql, url)
        assert done.returncode == 0, done.stdout
        made, found, remarks = done.stdout.splitlines()
        assert (made, remarks) == ("made: ", "remarks: ")
        assert "seed_ts_parser_record" in found
        assert dump(postgresql, database, "--schema=public") == before
        assert postgresql.sql("SELECT count(*) FROM meterbeat.migration WHERE version = 1", database) == [["1"]]
    finally:
        postgresql.drop_database(database)
        postgresql.sql(f"DROP ROLE {role}; DROP ROLE {django}")


def test_without_the_right_to_create_it_says_so(build, postgresql, database):
    role = f"{database}_guest"
    postgresql.sql(f"CREATE ROLE {role} LOGIN PASSWORD '{postgresql.password}'")
    try:
        url = postgresql.url(database).replace("meterbeat@", f"{role}@")
        done = run(build, "books_init", postgresql, url)
        assert done.returncode == 1
        assert done.stdout.startswith("fatal database_privilege: ")
    finally:
        postgresql.sql(f"DROP ROLE {role}")



def test_the_rights_that_the_page_on_tables_names_suffice(build, postgresql, database):
    page = (ROOT / "docs/tables.md").read_text()
    grants = page[page.index("GRANT USAGE ON SCHEMA meterbeat"):].split("```")[0]
    assert run(build, "books_init", postgresql, postgresql.url(database)).returncode == 0
    role = f"{database}_worker"
    postgresql.sql(f"CREATE ROLE {role} LOGIN PASSWORD '{postgresql.password}'")
    try:
        postgresql.sql(grants.replace("worker_role", role).replace("DATABASE seed", f"DATABASE {database}"),
                       database)
        url = postgresql.url(database).replace("meterbeat@", f"{role}@")
        done = run(build, "books_init", postgresql, url)
        assert done.returncode == 0, done.stdout
        made, _, remarks = done.stdout.splitlines()
        assert (made, remarks) == ("made: ", "remarks: ")
    finally:
        postgresql.drop_database(database)
        postgresql.sql(f"DROP ROLE {role}")

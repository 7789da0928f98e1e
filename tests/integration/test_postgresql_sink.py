"""The PostgreSQL sink against a real server: everything arrives once, whatever happens to the server meanwhile.

The rows come from sink_feed.cc.
"""

import socket
import subprocess

import pytest
from harness import accepts, wait_until
from made_up_rows import Feed, expected
from postgresql_servers import PostgreSQL

EPOCH_MS = "round(extract(epoch FROM {}) * 1000)::bigint"
TOTALS_SINCE_8 = ["coverage_percent", "since", "covered_s", "quality", "rule", "u95_kg", "u95_meter_kg", "u95_factor_kg",
                  "market_u95_kg", "market_u95_meter_kg", "market_u95_factor_kg"]
U95_STATED = "array_position(ARRAY['part', 'all'], {}.u95_stated) AS u95_stated"  # numbered as in a time-series store
TABLES = ["readings", "intervals", "entries", "rollups", "totals"]
ACCOUNT = "a.site, a.device, a.point, a.carrier, a.energy_user AS \"user\""
QUERIES = {
    "reading": f"""SELECT p.site, p.device, p.point, p.unit, {EPOCH_MS.format("r.time")} AS at, r.value, r.quality, r.rule
                   FROM carbongate.readings r JOIN carbongate.points p ON p.id = r.point_id""",
    "interval": f"""SELECT p.site, p.device, p.point, i.carrier, i.unit, {EPOCH_MS.format("i.begins_at")} AS at,
                    {EPOCH_MS.format("i.ends_at")} AS ends, i.amount, i.covered_s, i.coverage_percent, i.quality, i.rule
                    FROM carbongate.intervals i JOIN carbongate.points p ON p.id = i.point_id""",
    "entry": f"""SELECT {ACCOUNT}, e.unit, e.factor, e.factor_version, {EPOCH_MS.format("e.begins_at")} AS at,
                 {EPOCH_MS.format("e.ends_at")} AS ends, e.amount, e.co2e_kg, e.u95_kg, {U95_STATED.format("e")}, e.coal_kgce, e.covered_s, e.coverage_percent, e.quality, e.rule
                 FROM carbongate.entries e JOIN carbongate.accounts a ON a.id = e.account_id""",
    "rollup": f"""SELECT {ACCOUNT}, r.unit, r.period, {EPOCH_MS.format("r.begins_at")} AS at, {EPOCH_MS.format("r.ends_at")} AS ends,
                  r.amount, r.co2e_kg, r.u95_kg, {U95_STATED.format("r")}, r.coal_kgce, r.covered_s, r.coverage_percent, r.quality, r.rule
                  FROM carbongate.rollups r JOIN carbongate.accounts a ON a.id = r.account_id""",
    "total": f"""SELECT {ACCOUNT}, t.unit, {EPOCH_MS.format("t.time")} AS at, t.amount, t.co2e_kg, t.u95_kg, {U95_STATED.format("t")}, t.amount_per_hour,
                 t.co2e_kg_per_hour, extract(epoch FROM t.time - t.since) AS duration_s, t.covered_s, t.coverage_percent, t.quality, t.rule FROM carbongate.totals t JOIN carbongate.accounts a ON a.id = t.account_id""",
}
TAGS = {"site", "device", "point", "unit", "carrier", "user", "factor", "factor_version", "period"}
QUALITY = {"measured": 0, "estimated": 2, "missing": 5}
RULE = {None: 0, "not-a-number": 1, "gap": 12}


def stored(server, measurements=QUERIES):
    """The same shape as expected(). Fails if a row is there twice."""
    points = {}
    for measurement in measurements:
        for row in server.rows(QUERIES[measurement]):
            tags = {key: value.replace("\\", "%5C") for key, value in row.items() if key in TAGS and value}
            fields = {key: float(value) for key, value in row.items()
                      if key not in TAGS | {"at", "ends", "quality", "rule"} and value is not None}
            if "ends" in row:
                fields["duration_s"] = (row["ends"] - row["at"]) / 1000
            if "quality" in row:
                fields |= {"quality": QUALITY[row["quality"]], "rule": RULE[row["rule"]]}
            point = "carbongate_" + measurement, frozenset(tags.items()), row["at"]
            assert point not in points, f"stored twice: {point}"
            points[point] = fields
    return points


def versions(server):
    """Which version of every row is there: whatever writes a row makes another one."""
    return [server.psql(f"SELECT ctid, xmin FROM carbongate.{table} ORDER BY 1") for table in TABLES + ["points", "accounts"]]


def feed(tmp_path, server, count, first=0, **keys):
    url = keys.pop("url", server.url())
    return Feed(tmp_path, url, count, first, sink="postgresql", **keys)


@pytest.fixture
def server():
    with PostgreSQL() as running:
        yield running


def test_every_row_arrives_to_the_last_digit(tmp_path, server):
    with feed(tmp_path, server, 20_000).start() as rows:
        assert rows.finish() == {"accepted": 20_000, "requests": 2, "failures": 0, "rejected": [], "skipped": 0}
    assert stored(server) == expected(20_000)
    uncommented = server.psql("""SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'carbongate' AND c.relkind = 'r' AND a.attnum > 0 AND col_description(c.oid, a.attnum) IS NULL
          AND a.attname ~ '(_kg|_kgce|_s|amount|value|valid_hours|unit|per_hour)$'""")
    assert uncommented == "", "columns with a unit say which"


def test_staging_tables_have_nothing_beside_them_that_a_commit_would_have_to_rebuild(tmp_path, server):
    with feed(tmp_path, server, 20_000, batch_rows=10).start():
        staged = wait_until(lambda: server.rows("SELECT relname, reltoastrelid <> 0 OR relhasindex AS has_more FROM pg_class WHERE relname LIKE 'stage_%'"))
        assert sorted(table["relname"] for table in staged) == sorted(f"stage_{table}" for table in [*TABLES, "alerts", "points", "accounts", "rules"])
        assert not any(table["has_more"] for table in staged)


def test_writing_everything_again_changes_nothing(tmp_path, server):
    with feed(tmp_path, server, 5_000).start() as rows:
        rows.finish()
    before = versions(server)
    for run in range(2):
        with feed(tmp_path, server, 5_000, name=f"again{run}", batch_rows=700 + run).start() as rows:
            assert rows.finish()["rejected"] == []
    assert versions(server) == before


def test_a_batch_sent_again_keeps_the_name_that_an_energy_user_got_in_it(tmp_path, server):
    names = "SELECT DISTINCT user_name FROM carbongate.accounts"
    with feed(tmp_path, server, 500).start() as rows:
        rows.finish()
    assert server.psql(names) == ""
    seen = []
    for run in range(2):
        with feed(tmp_path, server, 1_000, name=f"run{run}", renamed=500).start() as rows:
            assert rows.finish()["requests"] == 1, "both names are in one batch"
        assert server.psql(names) == "renamed"
        seen.append(versions(server))
    assert seen[0] == seen[1]


def test_two_gateways_at_once_make_one_schema_and_one_set_of_rows(tmp_path, server):
    with feed(tmp_path, server, 10_000, name="one", batch_rows=400).start() as one, \
            feed(tmp_path, server, 10_000, name="two", batch_rows=300).start() as two:
        assert one.finish()["accepted"] == two.finish()["accepted"] == 10_000
    assert stored(server) == expected(10_000)
    assert server.psql("SELECT max(version), count(*) FROM carbongate.schema_version") == "10|10"


def test_a_server_killed_stopped_and_restarted_in_mid_flight_has_everything_once(tmp_path, server):
    rows = 60_000
    with feed(tmp_path, server, rows, batch_rows=150).start() as running:
        for part, end in ((1, server.kill), (2, server.stop), (3, server.kill)):
            wait_until(lambda: running.settled() > rows * part // 5, 60, "a part being settled")
            end()
            wait_until(lambda: running.output().count("trying again") >= part, 30, "the feed noticing")
            server.start()
        status = running.finish()
    assert status["accepted"] == rows and status["rejected"] == [] and status["failures"] >= 3
    assert stored(server) == expected(rows)


def test_terminated_backends_are_replaced_and_nothing_is_lost(tmp_path, server):
    rows = 40_000
    with feed(tmp_path, server, rows, batch_rows=150).start() as running:
        for part in (1, 2, 3):
            wait_until(lambda: running.settled() > rows * part // 5, 60, "a part being settled")
            wait_until(lambda: server.psql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                                           "WHERE application_name = 'carbongate'") != "0", what="a backend to terminate")
            wait_until(lambda: running.output().count("trying again") >= part, 30, "the feed noticing")
        assert running.finish()["accepted"] == rows
        assert "terminating connection due to administrator command" in running.output()
    assert stored(server) == expected(rows)


def test_a_server_that_comes_later_than_the_gateway_gets_everything(tmp_path):
    server = PostgreSQL()
    with feed(tmp_path, server, 1_000).start() as running:
        wait_until(lambda: "Connection refused" in running.output(), what="the feed noticing that nobody is there")
        assert not accepts(server.port)
        with server:
            running.finish()
            assert stored(server) == expected(1_000)


def test_a_missing_database_is_named_and_nothing_is_lost_until_it_is_there(tmp_path, server):
    with feed(tmp_path, server, 1_000, url=server.url("later")).start() as running:
        wait_until(lambda: 'database "later" does not exist' in running.output(), what="the reason in the log")
        server.psql('CREATE DATABASE "later"')
        assert running.finish()["rejected"] == []
    assert server.one("SELECT count(*) FROM carbongate.readings", "later") == "200"


def test_a_read_only_database_is_waited_for(tmp_path, server):
    rows = 20_000
    with feed(tmp_path, server, rows, batch_rows=100).start() as running:
        wait_until(lambda: running.settled() > rows // 10, 60, "a part being settled")
        server.psql("ALTER DATABASE carbon SET default_transaction_read_only = on", "postgres")
        server.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'carbongate'", "postgres")
        wait_until(lambda: "read-only transaction (25006)" in running.output(), 30, "the reason in the log")
        assert running.settled() < rows
        server.psql("ALTER DATABASE carbon SET default_transaction_read_only = off", "postgres")
        assert running.finish()["rejected"] == []
    assert stored(server) == expected(rows)


def test_a_lock_that_somebody_holds_is_not_waited_for_without_end(tmp_path, server):
    with feed(tmp_path, server, 100).start() as running:
        running.finish()
    with subprocess.Popen(["psql", "-X", "-q", "-h", server.directory, "-p", str(server.port), "-U", "postgres", "carbon"],
                          stdin=subprocess.PIPE, text=True) as holder:
        holder.stdin.write("BEGIN; LOCK TABLE carbongate.entries;\n")
        holder.stdin.flush()
        wait_until(lambda: server.psql("SELECT count(*) FROM pg_locks WHERE relation = 'carbongate.entries'::regclass "
                                       "AND mode = 'AccessExclusiveLock' AND granted") == "1", what="the lock")
        with feed(tmp_path, server, 400, 100, name="locked", timeout="1s").start() as running:
            wait_until(lambda: "trying again" in running.output(), 30, "the feed giving up for now")
            holder.stdin.write("ROLLBACK;\n\\q\n")
            holder.stdin.flush()
            assert running.finish()["accepted"] == 400
    assert stored(server) == expected(500)
    idle = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'carbongate'"
    wait_until(lambda: server.psql(idle) == "0", what="no transaction being left behind")


def test_a_server_that_takes_the_connection_and_says_nothing_is_given_up_in_time(tmp_path):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"postgresql://postgres@127.0.0.1:{silent.getsockname()[1]}/carbon"
        with Feed(tmp_path, url, 100, sink="postgresql", timeout="1s").start() as running:
            wait_until(lambda: "no connection within 1000 ms" in running.output(), 30, "the feed giving up")
            assert running.settled() == 0


def test_what_the_server_refuses_for_good_is_set_aside_with_its_words(tmp_path, server):
    with feed(tmp_path, server, 10).start() as running:
        running.finish()
    server.psql("ALTER TABLE carbongate.intervals ALTER amount TYPE numeric(6, 6)")  # less than 1 kWh
    rows = 1_500
    with feed(tmp_path, server, rows, name="tight").start() as running:
        result = running.finish()
        assert "numeric field overflow (22003)" in running.output()
    too_large = [n for n in range(rows) if n % 5 == 1 and n * 1001 + 7 >= 1_000_000]
    assert result["rejected"] == too_large
    assert result["accepted"] == rows - len(too_large)
    assert result["requests"] < 2 * len(too_large) + 30, "they stand together"
    wanted = {point: fields for n, (point, fields) in enumerate(expected(rows).items()) if n not in set(too_large)}
    assert stored(server) == wanted


def test_one_row_that_breaks_a_constraint_costs_that_row_alone(tmp_path, server):
    with feed(tmp_path, server, 10).start() as running:
        running.finish()
    server.psql("ALTER TABLE carbongate.totals ADD CONSTRAINT odd CHECK (amount_per_hour <> 606)")
    with feed(tmp_path, server, 3_000, name="tight").start() as running:
        result = running.finish()
        assert 'violates check constraint "odd" (23514)' in running.output()
    assert result["rejected"] == [2424]
    assert result["requests"] < 40


def test_a_schema_of_version_1_is_migrated_with_what_is_in_it(tmp_path, server):
    with feed(tmp_path, server, 1_000).start() as running:
        running.finish()
    before = stored(server)
    server.psql("DROP VIEW carbongate.entries_known, carbongate.rollups_known; DROP FUNCTION carbongate.hj212_flag; "
                "DELETE FROM carbongate.schema_version WHERE version > 1")
    server.psql("DROP TABLE carbongate.alerts, carbongate.rules")
    for table in ("intervals", "entries", "rollups"):
        server.psql(f"ALTER TABLE carbongate.{table} DROP COLUMN coverage_percent")
    server.psql("ALTER TABLE carbongate.entries DROP COLUMN gwp_set, DROP COLUMN market_gwp_set")
    server.psql("ALTER TABLE carbongate.totals " + ", ".join(f"DROP COLUMN {column}" for column in TOTALS_SINCE_8))
    server.psql("ALTER TABLE carbongate.accounts DROP COLUMN part_of")
    for table in ("entries", "rollups", "totals"):
        server.psql(f"ALTER TABLE carbongate.{table} DROP COLUMN u95_stated, DROP COLUMN market_u95_stated")
    for table in ("entries", "rollups"):
        server.psql(f"ALTER TABLE carbongate.{table} ALTER COLUMN coal_kgce SET NOT NULL")
    # NOT NULL of u95_kg is not put back: what is in it now has none.
    server.psql("""CREATE VIEW carbongate.entries_known AS
      SELECT a.site, a.energy_user, a.user_name, a.carrier, a.device, a.point, a.flow, a.scope, e.account_id, e.begins_at,
         max(e.ends_at) AS ends_at, sum(e.amount) AS amount, max(e.unit) AS unit, sum(e.co2e_kg) AS co2e_kg,
         sum(e.co2e_kg) FILTER (WHERE e.revision = 0) AS co2e_kg_first, sum(e.market_co2e_kg) AS market_co2e_kg,
         sum(e.coal_kgce) AS coal_kgce, max(e.revision) AS revision,
         (array_agg(e.quality ORDER BY e.revision DESC))[1] AS quality
      FROM carbongate.entries e JOIN carbongate.accounts a ON a.id = e.account_id GROUP BY a.id, e.account_id, e.begins_at;
      CREATE VIEW carbongate.rollups_known AS
      SELECT DISTINCT ON (r.account_id, r.period, r.begins_at)
         a.site, a.energy_user, a.user_name, a.carrier, a.device, a.point, a.flow, a.scope, r.*
      FROM carbongate.rollups r JOIN carbongate.accounts a ON a.id = r.account_id
      ORDER BY r.account_id, r.period, r.begins_at, r.revision DESC""")
    with feed(tmp_path, server, 500, first=1_000, name="again").start() as running:
        assert running.finish()["rejected"] == []
    assert server.psql("SELECT max(version), count(*) FROM carbongate.schema_version") == "10|10"
    assert server.psql("SELECT count(period_begin), count(period_end), count(coverage_percent) FROM carbongate.alerts") == "0|0|0"
    # A row from before says no GWP set, until it is sent again.
    with feed(tmp_path, server, 1_500, name="everything").start() as running:
        running.finish()
    assert stored(server) == expected(1_500)
    assert before == expected(1_000)
    for view in ("entries_known", "rollups_known"):
        assert server.psql(f"SELECT count(*) FROM carbongate.{view} WHERE coverage_percent = round(covered_s / 9, 2)") == "300"


def test_a_migration_takes_longer_than_a_transaction_may(tmp_path, server):
    # As the change of a large table, which rewrites it.
    server.psql("""CREATE FUNCTION slow() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
          IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity = 'carbongate.totals') THEN
            PERFORM pg_sleep(1.5);
          END IF;
        END $$;
        CREATE EVENT TRIGGER slow ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION slow()""")
    with feed(tmp_path, server, 100, timeout="1s").start() as running:
        assert running.finish()["failures"] == 0
    assert stored(server) == expected(100)


def test_a_schema_of_a_newer_program_is_refused_and_left_alone(tmp_path, server):
    server.psql("CREATE SCHEMA carbongate; CREATE TABLE carbongate.schema_version (version integer); "
                "INSERT INTO carbongate.schema_version VALUES (1), (99)")
    with feed(tmp_path, server, 100).start() as running:
        wait_until(lambda: "the schema carbongate is of version 99, made by a newer CarbonGate" in running.output(),
                   what="the reason in the log")
        assert running.settled() == 0
    assert server.psql("SELECT count(*) FROM pg_class WHERE relnamespace = 'carbongate'::regnamespace") == "1"
    with feed(tmp_path, server, 100, name="elsewhere", schema="carbongate_2").start() as running:
        running.finish()
    assert server.one("SELECT count(*) FROM carbongate_2.readings") == "20"


def test_a_role_needs_no_more_than_its_schema(tmp_path, server):
    server.psql("CREATE ROLE gateway LOGIN; REVOKE CREATE ON DATABASE carbon FROM PUBLIC")
    with feed(tmp_path, server, 100, url=server.url(user="gateway")).start() as running:
        wait_until(lambda: "permission denied for database carbon (42501)" in running.output(), what="the reason in the log")
        assert "GRANT CREATE ON DATABASE" in running.output()
        server.psql("CREATE SCHEMA carbongate AUTHORIZATION gateway")
        assert running.finish()["rejected"] == []
    assert stored(server) == expected(100)


def test_hypertables_are_made_where_the_extension_is(tmp_path, server):
    # Debian has no TimescaleDB. What it would be asked to do is recorded by functions of its names and signatures.
    server.psql("""
        CREATE SCHEMA timescaledb_information;
        CREATE TABLE calls (hypertable_schema name, hypertable_name name, dimension name);
        CREATE VIEW timescaledb_information.hypertables AS SELECT * FROM calls;
        CREATE FUNCTION create_hypertable(relation regclass, time_column_name name, partitioning_column name = NULL,
            number_partitions int = NULL, associated_schema_name name = NULL, associated_table_prefix name = NULL,
            chunk_time_interval anyelement = NULL::bigint, create_default_indexes boolean = true, if_not_exists boolean = false,
            partitioning_func regproc = NULL, migrate_data boolean = false) RETURNS void LANGUAGE sql AS
          $$ SELECT pg_sleep(0.4);  -- there may be much to move: longer than `timeout` for all of them
             INSERT INTO calls SELECT relnamespace::regnamespace::name, relname, time_column_name FROM pg_class
             WHERE oid = relation AND NOT create_default_indexes AND if_not_exists AND migrate_data $$;
        SET allow_system_table_mods = on;
        INSERT INTO pg_extension VALUES (99999, 'timescaledb', 10, 'public'::regnamespace, false, '2.11.2', NULL, NULL)""")
    for name in ("first", "second"):
        with feed(tmp_path, server, 100, name=name, timeout="1s").start() as running:
            assert running.finish()["failures"] == 0
    assert sorted(server.psql("SELECT hypertable_schema, hypertable_name, dimension FROM calls").splitlines()) == [
        "carbongate|entries|begins_at", "carbongate|intervals|begins_at", "carbongate|readings|time",
        "carbongate|rollups|begins_at", "carbongate|totals|time"]


@pytest.fixture
def certificate(tmp_path):
    """A key and a self-signed certificate for localhost alone."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", cert,
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    return key, cert


def test_tls_and_passwords_are_as_strict_as_the_configuration_says(tmp_path, certificate):
    key, cert = certificate
    hba = "local all all trust\nhostssl all all all scram-sha-256\n"
    server = PostgreSQL(["ssl=on", "ssl_cert_file=server.crt", "ssl_key_file=server.key"], hba=hba)
    server.write_data("server.crt", cert.read_text())
    server.write_data("server.key", key.read_text())
    with server:
        server.psql("CREATE ROLE gateway LOGIN PASSWORD 's3cret'; CREATE SCHEMA carbongate AUTHORIZATION gateway")
        by_name = server.url(user="gateway", host="localhost")
        with feed(tmp_path, server, 100, url=by_name, ca_file=str(cert), password_env="FEED_SECRET").start() as running:
            assert running.finish()["failures"] == 0
        wrong = {
            "unknown": {"url": by_name + "?sslmode=verify-full&sslrootcert=/nowhere/ca.pem", "password_env": "FEED_SECRET"},
            "address": {"url": server.url(user="gateway"), "ca_file": str(cert), "password_env": "FEED_SECRET"},
            "nobody": {"url": by_name, "ca_file": str(cert)},
            "plain": {"url": by_name + "?sslmode=disable", "password_env": "FEED_SECRET"},
        }
        words = {"unknown": 'root certificate file "/nowhere/ca.pem" does not exist', "address": "does not match host name",
                 "nobody": "no password supplied", "plain": "no encryption"}
        for name, keys in wrong.items():
            with feed(tmp_path, server, 100, name=name, **keys).start() as running:
                wait_until(lambda: words[name] in running.output(), 30, f"the reason in the log: {words[name]}")
                assert running.settled() == 0
                assert "s3cret" not in running.output()
        assert stored(server) == expected(100)

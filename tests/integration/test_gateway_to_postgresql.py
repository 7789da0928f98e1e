"""From a broker through the whole gateway into PostgreSQL: what lies there is what `carbongate export` says, to the digit.

Meanwhile server and gateway are killed; at the end the journal is sent once more from its beginning.
"""

import json
import os
import sqlite3
import subprocess
import threading
from datetime import datetime
from decimal import Decimal

import pytest
from harness import CARBONGATE, wait_until
from mqtt_park import ENVIRONMENT, METERS, READINGS, START_MS, export, gateway_process, messages, write_config
from mqtt_servers import Mosquitto
from postgresql_servers import PostgreSQL

ACCOUNT = 'a.energy_user AS "user", a.device, a.point, a.carrier, a.flow, coalesce(a.scope::text, \'\') AS scope'
MASSES = """, {co2e} AS co2e_kg, r.u95_kg, r.gases_kg, r.market_co2e_kg, r.market_u95_kg, r.coal_kgce,
            coalesce(r.u95_stated, '') AS u95_stated, coalesce(r.market_u95_stated, '') AS market_u95_stated"""
QUALITY = "r.quality, coalesce(r.rule, '') AS rule"
FLAG = "carbongate.hj212_flag(r.quality, r.rule) AS hj212_flag"
QUERIES = {
    "readings": f"""SELECT p.device, p.point, p.unit, r.time, r.value, {QUALITY}, {FLAG}
                    FROM carbongate.readings r JOIN carbongate.points p ON p.id = r.point_id""",
    "intervals": f"""SELECT p.device, p.point, r.carrier, r.unit, r.begins_at AS begin, r.ends_at AS end, r.amount, r.covered_s, r.coverage_percent,
                     {QUALITY}, {FLAG} FROM carbongate.intervals r JOIN carbongate.points p ON p.id = r.point_id""",
    "entries": f"""SELECT {ACCOUNT}, r.unit, r.begins_at AS begin, r.ends_at AS end, r.revision, r.amount, r.covered_s, r.coverage_percent, {QUALITY},
                   coalesce(r.factor, '') AS factor, coalesce(r.factor_version, '') AS factor_version,
                   coalesce(r.market_factor, '') AS market_factor, coalesce(r.market_factor_version, '') AS market_factor_version,
                   coalesce(r.gwp_set, '') AS gwp_set, coalesce(r.market_gwp_set, '') AS market_gwp_set,
                   coalesce(r.coal_factor, '') AS coal_factor, coalesce(r.cause, '') AS cause, coalesce(r.note, '') AS note,
                   r.booked_at {MASSES.format(co2e="r.co2e_kg")} FROM carbongate.entries r JOIN carbongate.accounts a ON a.id = r.account_id""",
    "rollups": f"""SELECT {ACCOUNT.replace("a.", "r.")}, r.unit, r.period, r.begins_at AS begin, r.ends_at AS end, r.revision, r.amount,
                   r.covered_s, r.coverage_percent, {QUALITY}, r.valid_hours, coalesce(r.validity, '') AS validity {MASSES.format(co2e="coalesce(r.co2e_kg, 0)")}
                   FROM carbongate.rollups_known r""",
}
SETTLED = "SELECT settled FROM cursor WHERE sink = 'db'"  # in the gateway's store
TIMES = {"time", "begin", "end", "booked_at"}
NUMBERS = {"amount", "covered_s", "coverage_percent", "co2e_kg", "u95_kg", "market_co2e_kg", "market_u95_kg", "coal_kgce", "valid_hours", "revision"}


def plain(row, columns):
    """A row of either side as a comparable tuple, of these columns."""
    values = []
    for column in columns:
        value = row[column]
        if column in TIMES:
            value = datetime.fromisoformat(value).timestamp() if value else None
        elif column in NUMBERS:
            value = Decimal(str(value)) if value not in (None, "") else None
        elif column == "value":
            value = float(value) if value is not None else None
        elif column == "gases_kg":
            value = gases(value)
        values.append(value)
    return tuple(values)


def gases(masses):
    """Of "CO2:1.25;CH4:0.001", or of an object."""
    if isinstance(masses, str):
        masses = dict(part.split(":") for part in masses.split(";") if part)
    return frozenset((gas, Decimal(str(kilograms))) for gas, kilograms in masses.items())


def rank(row):
    return row["quality"] != "missing", row["value"] is not None, row["rule"] != "out-of-order"


def exported(config, what, columns):
    rows = [row for row in export(config, what) if row.get("state") != "open" and row["rule"] != "duplicate"]
    if what == "readings":  # of one instant the best, of equally good ones the last
        best = {}
        for row in rows:
            key = row["device"], row["point"], row["time"]
            if key not in best or rank(row) >= rank(best[key]):
                best[key] = row
        rows = list(best.values())
    return sorted((plain(row, columns) for row in rows), key=repr)


def stored(server, what):
    rows = server.rows(QUERIES[what])
    columns = sorted(rows[0]) if rows else []
    return sorted((plain(row, columns) for row in rows), key=repr), columns


def left_out(config):
    told = subprocess.run([CARBONGATE, "conservation", config, "--format", "json"], check=True, capture_output=True, text=True,
                          env={**os.environ, **ENVIRONMENT}).stdout
    return json.loads(told)["sinks"][0]["left_out"]


def versions(server):
    """Which version of every row is there: whatever writes a row makes another one."""
    tables = ("readings", "intervals", "entries", "rollups", "totals", "points", "accounts")
    return {table: set(server.psql(f"SELECT ctid, xmin FROM carbongate.{table}").splitlines()) for table in tables}


def is_equal(config, server):
    for what in QUERIES:
        found, columns = stored(server, what)
        if not found or found != exported(config, what, columns):
            return False
    return True


@pytest.fixture
def broker(tmp_path):
    with Mosquitto(tmp_path / "broker") as server:
        yield server


def publish(broker):
    """As meters do: some messages come late, when others have been counted, and some twice."""
    for meter in range(METERS):
        lines = list(messages(meter))
        late = lines[40:45] + lines[200:203] if meter == 0 else []
        broker.publish_lines(f"park/m{meter}", [line for line in lines if line not in late])
        broker.publish_lines(f"park/m{meter}", late + lines[100:110] + lines[-1:])


def test_what_is_exported_lies_in_postgresql_though_everything_was_killed_meanwhile(tmp_path, broker):
    with PostgreSQL() as server:
        sink = {"type": "postgresql", "name": "db", "url": server.url(), "batch_rows": 60}
        users = [{"id": f"u{n}", "name": f"车间{n}", "consumes": [{"carrier": "electricity", "from": f"m{n}.energy"}]} for n in range(METERS)]
        users[1]["part_of"] = "u0"
        config = write_config(tmp_path / "park.yaml", broker, [sink], corrections={"quiet": "1s"}, energy_users=users)
        gateway = gateway_process(tmp_path, config)
        with gateway.start(ready=lambda: "new session" in gateway.output()):
            publishing = threading.Thread(target=publish, args=(broker,))
            publishing.start()
            count = "SELECT count(*) FROM carbongate.readings"
            wait_until(lambda: server.psql("SELECT to_regclass('carbongate.readings')") != "", 30, "the schema")
            for part, end_server in ((1, server.kill), (2, server.stop), (3, server.kill)):
                wait_until(lambda: int(server.psql(count)) > METERS * READINGS * part // 5, 60, "a part being delivered")
                troubles = gateway.output().count("trying again")
                end_server()
                gateway.kill()
                gateway.start()
                wait_until(lambda: gateway.output().count("trying again") > troubles, 30, "the sink being out of reach")
                server.start()
            publishing.join()
            wait_until(lambda: int(server.psql(count)) >= METERS * READINGS, 90, "all readings in PostgreSQL")
            wait_until(lambda: server.psql("SELECT count(*) FROM carbongate.entries WHERE cause = 'late-data'") != "0", 60,
                       "corrections in PostgreSQL")
            wait_until(lambda: is_equal(config, server), 90, "the same on both sides")
            assert gateway.stop() == 0
        for what in QUERIES:
            found, columns = stored(server, what)
            assert found == exported(config, what, columns)
        twice = sum(row["rule"] == "duplicate" for row in export(config, "readings"))
        assert left_out(config) == twice > 0, "no other row has its place taken"
        assert server.psql("SELECT energy_user, part_of FROM carbongate.accounts WHERE part_of IS NOT NULL") == "u1|u0"
        for view in ("entries_known", "rollups_known"):
            assert server.psql(f"SELECT DISTINCT energy_user FROM carbongate.{view} WHERE part_of = 'u0'") == "u1"
        corrected = server.rows("SELECT k.amount, k.co2e_kg, k.co2e_kg_first FROM carbongate.entries_known k WHERE k.revision > 0")
        assert corrected and all(row["co2e_kg"] is not None for row in corrected)

        with sqlite3.connect(tmp_path / "store" / "carbongate.db") as store:
            settled = store.execute(SETTLED).fetchone()[0]
            store.execute("UPDATE cursor SET settled = 0 WHERE sink = 'db'")
        entries = server.psql("SELECT count(*) FROM carbongate.entries")
        server.psql("DELETE FROM carbongate.entries WHERE begins_at = (SELECT max(begins_at) FROM carbongate.entries)")
        before = versions(server)
        with gateway.start():
            wait_until(lambda: server.psql("SELECT count(*) FROM carbongate.entries") == entries, 60, "the lost entries")
            assert gateway.stop() == 0  # it delivers what is left, and saves how far it came
        with sqlite3.connect(tmp_path / "store" / "carbongate.db") as store:
            assert store.execute(SETTLED).fetchone()[0] >= settled
        after = versions(server)
        assert before.pop("totals") <= after.pop("totals"), "a running gateway adds totals"
        assert len(after["entries"] - before["entries"]) == METERS and before["entries"] < after["entries"]
        del before["entries"], after["entries"]
        assert after == before


def test_postgresql_and_export_name_the_same_flags(tmp_path, broker):
    with PostgreSQL() as server:
        sink = {"type": "postgresql", "name": "db", "url": server.url()}
        config = write_config(tmp_path / "park.yaml", broker, [sink])
        recording = tmp_path / "flags.csv"
        flags = ["N", "F", "S", "M", "D", "C", "T", "B", "X", "N"]
        shown = {"N": 1000, "F": 1000, "S": 1000}
        recording.write_text("time,point,value,flag\n" + "".join(
            f"{START_MS + 300_000 * k},m0.energy,{shown.get(flag, 5) + k},{flag}\n" for k, flag in enumerate(flags)))
        subprocess.run([CARBONGATE, "replay", config, "--input", recording], check=True, env={**os.environ, **ENVIRONMENT})
        gateway = gateway_process(tmp_path, config)
        with gateway.start(ready=lambda: "new session" in gateway.output()):
            wait_until(lambda: server.psql("SELECT to_regclass('carbongate.readings')") != "", 30, "the schema")
            wait_until(lambda: is_equal(config, server), 30, "the same on both sides")
            assert gateway.stop() == 0
        assert set(server.psql(f"SELECT {FLAG} FROM carbongate.readings r").split()) == set("NFSMDCTB")

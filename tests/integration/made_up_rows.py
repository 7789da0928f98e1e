"""The rows that sink_feed.cc makes up, by the same formulas, and the feed as a process."""

import json
import math
from decimal import Decimal

from harness import BUILD, Process

FEED = BUILD / "tests" / "integration" / "sink_feed"
START_MS = 1_600_000_000_000
MEASUREMENTS = ["reading", "interval", "entry", "rollup", "total"]
DEVICES = ["press shop", "a,b=c", "冲压车间", "back%5Cslash"]
USERS = ["press", "x y", "冲压", "u%5C"]
PERIODS = ["15min", "hour", "day", "month", "year"]


def expected(rows, first=0, measurements=MEASUREMENTS):
    """{(measurement, frozenset of tags, time in ms): {field: value}}"""
    points = {}
    for n in range(first, first + rows):
        measurement = MEASUREMENTS[n % 5]
        tags = {"site": "edz-1", "device": DEVICES[n % 4], "point": "energy import", "unit": "kWh"}
        amount = float(Decimal(n * 1001 + 7) / 1_000_000)
        co2e = float(Decimal(n * 530 + 3) / 1_000_000)
        covered = Decimal(n % 900_000) / 1000
        coverage = (covered / 9).quantize(Decimal("0.01"), rounding="ROUND_HALF_UP")
        period = {"duration_s": 900.0, "covered_s": float(covered), "coverage_percent": float(coverage), "quality": 0, "rule": 0}
        account = {"carrier": "electricity", "user": USERS[n % 4]}
        if measurement == "reading":
            tags["unit"] = "Wh"
            fields = {"quality": 5, "rule": 1} if n % 50 == 0 else {"value": n * 0.1, "quality": 0, "rule": 0}
        elif measurement == "interval":
            tags["carrier"] = "electricity"
            fields = {"amount": amount, **period, "quality": 2, "rule": 12}
        elif measurement == "entry":
            tags |= account | {"factor": "cn grid/a=b", "factor_version": "2025"}
            fields = {"amount": amount, "co2e_kg": co2e, "coal_kgce": 0, **period}
        elif measurement == "rollup":
            tags |= account | {"period": PERIODS[n // 5 % 5]}
            fields = {"amount": amount, "co2e_kg": co2e, "coal_kgce": 0, **period}
        else:
            tags |= account
            u95 = round(math.sqrt(5) * n) / 1e6  # n mg by the meter, 2 n mg by the factor
            fields = {"amount": amount, "co2e_kg": co2e, "u95_kg": u95, "u95_stated": 2, "amount_per_hour": n * 0.25, "co2e_kg_per_hour": n * 0.125,
                      "duration_s": 3600, "covered_s": 2700, "coverage_percent": 75, "quality": 2, "rule": 12}
        if measurement in measurements:
            points["carbongate_" + measurement, frozenset(tags.items()), START_MS + n * 1000] = fields
    return points


class Feed(Process):
    """Rows first to first + count through a sink of its own to a real server; `keys` are keys of its configuration.
    From row `renamed` on, energy users have another name."""

    def __init__(self, tmp_path, url, count, first=0, name="feed", sink="line-protocol", renamed=None, **keys):
        config = tmp_path / f"{name}.yaml"
        config.write_text(json.dumps({"type": sink, "url": url, **keys}))  # JSON is YAML
        more = [] if renamed is None else [renamed]
        super().__init__([FEED, config, count, first, *more], tmp_path / f"{name}.log", env={"FEED_SECRET": "s3cret"})

    def settled(self):
        seen = [json.loads(line)["settled"] for line in self.output().splitlines() if line.startswith('{"settled"')]
        return seen[-1] if seen else 0

    def finish(self, timeout=120.0):
        """Waits for the end and returns what the sink said of itself."""
        assert self.child.wait(timeout) == 0, self.output()
        return next(json.loads(line) for line in self.output().splitlines() if line.startswith('{"accepted"'))

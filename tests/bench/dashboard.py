#!/usr/bin/python3
"""How heavy the dashboard is, and how soon it shows something, in Debian's Chromium.

    tests/bench/dashboard.py [--rounds N] [--users N]

A gateway with a year of quarter hours of some energy users (2); each round is a new browser with an empty cache. The goals: 500 kB over
the wire, a first view within a second of asking for the page, a year of quarter hours of one user drawn in 300 ms. Of that year it also
prints how long the gateway takes to answer, as the browser sees it and as CPU, and all of it from the click to the picture.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import Request, urlopen

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
from test_dashboard import Site  # noqa: E402

GOALS = {"bytes": 500_000, "first_view_ms": 1000, "year_drawn_ms": 300, "year_asked_ms": None, "year_shown_ms": None}
YEAR_MINUTES = 365 * 24 * 60


def year_cpu_ms(site, times=20):
    """What one answer costs the gateway, which has nearly nothing else to do."""
    def cpu_ms():
        fields = Path(f"/proc/{site.gateway.child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")
    now = int(time.time())
    query = urlencode({"measure": "energy", "interval": "quarter_hour",
                       **{key: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)) for key, at in (("from", now - YEAR_MINUTES * 60), ("until", now))}})
    ask = Request(f"{site.url}/api/v1/energy-users/hall/series?{query}", headers={"Accept-Encoding": "gzip"})
    before = cpu_ms()
    for _ in range(times):
        with urlopen(ask) as answer:
            assert answer.read()
    return (cpu_ms() - before) / times


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--users", type=int, default=2)
    options = parser.parse_args()
    rounds = options.rounds
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder), minutes=YEAR_MINUTES, step=15, more_users=options.users - 2)
        try:
            site.start()
            said = [json.loads(site.browse("weight")) for _ in range(rounds)]
            cpu = year_cpu_ms(site)
        finally:
            site.stop()
    missed = 0
    for what, goal in GOALS.items():
        values = [one[what] for one in said]
        median = statistics.median(values)
        missed += goal is not None and median > goal
        print(f"{what:16} {median:10.0f}  ({min(values)} .. {max(values)})" + (f", goal {goal}" if goal else ""))
    print(f"{'year_cpu_ms':16} {cpu:10.0f}  of the gateway")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

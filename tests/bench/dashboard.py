#!/usr/bin/python3
"""How heavy the dashboard is, and how soon it shows something, in Debian's Chromium.

    tests/bench/dashboard.py [--rounds N]

A gateway with a year of quarter hours of two energy users; each round is a new browser with an empty cache. The goals: 500 kB over
the wire, a first view within a second of asking for the page, a year of quarter hours drawn in 300 ms.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
from test_dashboard import Site  # noqa: E402

GOALS = {"bytes": 500_000, "first_view_ms": 1000, "year_drawn_ms": 300}
YEAR_MINUTES = 365 * 24 * 60


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder), minutes=YEAR_MINUTES, step=15)
        try:
            site.start()
            said = [json.loads(site.browse("weight")) for _ in range(rounds)]
        finally:
            site.stop()
    missed = 0
    for what, goal in GOALS.items():
        values = [one[what] for one in said]
        median = statistics.median(values)
        missed += median > goal
        print(f"{what:16} {median:10.0f}  ({min(values)} .. {max(values)}), goal {goal}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

"""Real series that several tests replay. Source and licence of each: deploy/demo/data/README.md."""

import csv
import gzip
from datetime import datetime, timedelta
from decimal import Decimal

from harness import SOURCE


def steel_year():
    """(end of the quarter hour in local time of 2023, kWh) of every row of the steel plant (UCI, CC BY 4.0).

    The data are of 2018, the earliest grid factor is of 2021: the year is moved to 2023, which has the same number of days.
    """
    rows = []
    with gzip.open(SOURCE / "deploy/demo/data/steel_industry_2018_15min.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            end = datetime.strptime(row["date"], "%d/%m/%Y %H:%M").replace(year=2023)
            if (end.hour, end.minute) == (0, 0):  # the row 00:00 closes the day whose date it carries
                end += timedelta(days=1)
            rows.append((end, Decimal(row["Usage_kWh"])))
    return rows

"""A plant with twelve meters through `replay`, against a second calculation: amount, each gas, CO2e by location and by market,
and standard coal, of every quarter hour and every month, to the last digit.

The second calculation works with integers and fractions alone, from the readings and from the published tables of factors. It
shares nothing with the product but these rules, which are its documented ones: a factor is kept in 10^-12 mg per smallest unit
of the amount; an account never gives away a fraction of a milligram but carries it on; what a derived
counter adds in a quarter hour is rounded to the smallest unit; a rate is integrated by trapezoids, rounded per quarter hour.

Only the electricity is real: three months of a steel plant's quarter hours (UCI, CC BY 4.0). The other meters follow its shape,
each scaled by its own factor, with states of temperature and pressure that go round and round. The heat of steam is worked out
in doubles: where what a quarter hour adds exactly lies within a thousandth of a joule of a half, it may be rounded either way.
"""

import csv
import io
import subprocess
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor

import pytest
from harness import CARBONGATE, SOURCE
from recordings import steel_year
from steam_decimal import enthalpy

TABLES = SOURCE / "tests/unit/gateway/pipeline/factors_csv"
QUARTERS = 90 * 96  # January to March
QUARTER = timedelta(minutes=15)
START = datetime(2023, 1, 1)

CONFIG = """
site:
  id: plant
  timezone: Asia/Shanghai
  grid_region: CN-SC
  factors: {sets: [cn-grid, cn-fuels, cn-heat, direct, own-generation, ipcc-2006, chiller]}
  gwp: AR5
  standard_coal: {sets: [cn-standard-coal, cn-standard-coal-by-ncv, chiller-coal]}
brokers: {plant: {url: "mqtt://127.0.0.1:1883"}}
devices:
  - id: plant
    driver: mqtt
    broker: plant
    topic: plant
    timestamp: {json: /time, format: iso8601}
    interval: 15min
    points:
      - {name: incomer, json: /incomer, unit: kWh, kind: cumulative, rollover_at: 100000, power_max: 2 MW}
      - {name: roof, json: /roof, unit: kWh, kind: interval}
      - {name: gas, json: /gas, unit: m3, kind: cumulative}
      - {name: burner, json: /burner, unit: m3/h, kind: instantaneous}
      - {name: burner_t, json: /burner_t, unit: "°C", kind: instantaneous}
      - {name: burner_p, json: /burner_p, unit: kPa, kind: instantaneous}
      - {name: steam, json: /steam, unit: t, kind: cumulative}
      - {name: steam_t, json: /steam_t, unit: "°C", kind: instantaneous}
      - {name: steam_p, json: /steam_p, unit: MPa, kind: instantaneous}
      - {name: oil, json: /oil, unit: L, kind: cumulative}
      - {name: coal, json: /coal, unit: t, kind: interval}
      - {name: chilled, json: /chilled, unit: GJ, kind: cumulative, power_max: 5 MW}
      - {name: air, json: /air, unit: Nm3, kind: cumulative}
      - {name: water, json: /water, unit: t, kind: interval}
      - {name: stack_v, json: /stack_v, unit: m/s, kind: instantaneous}
      - {name: stack_co2, json: /stack_co2, unit: "%vol", kind: instantaneous}
      - {name: stack_t, json: /stack_t, unit: "°C", kind: instantaneous}
      - {name: product, json: /product, unit: t, kind: interval}
derived:
  - {id: gas, type: gas-at-reference, volume: plant.gas, temperature: 20 °C, pressure: 101.325 kPa}
  - {id: burner, type: gas-at-reference, volume: plant.burner, temperature: plant.burner_t, gauge_pressure: plant.burner_p,
     barometric: 95.8 kPa, compressibility: 0.998}
  - {id: steam, type: steam-heat, mass: plant.steam, temperature: plant.steam_t, pressure: plant.steam_p, power_max: 30 MW}
  - {id: oil, type: mass-from-volume, volume: plant.oil, density: 0.84 kg/L}
  - {id: stack, type: cems-co2, concentration: plant.stack_co2, basis: dry, velocity: plant.stack_v, area: 12 m2,
     temperature: plant.stack_t, static_pressure: -150 Pa, barometric: 101325 Pa, moisture: 8.2 %}
energy_users:
  - {id: incomer, consumes: [{carrier: electricity, from: plant.incomer}]}
  - {id: roof, consumes: [{carrier: electricity, from: plant.roof, supply: own-renewable, certificates_sold: true}]}
  - {id: gas, consumes: [{carrier: natural-gas, from: gas.volume, factor_set: cn-fuels, coal_method: gas-field}]}
  - {id: burner, consumes: [{carrier: natural-gas, from: burner.volume, factor_set: ipcc-2006, coal_method: oil-field}]}
  - {id: steam, consumes: [{carrier: steam, from: steam.heat, coal_method: default}]}
  - {id: oil, consumes: [{carrier: diesel, from: oil.mass, factor_set: ipcc-2006}]}
  - {id: coal, consumes: [{carrier: bituminous-coal, from: plant.coal, factor_set: cn-fuels, method: industrial-boiler}]}
  - {id: chilled, consumes: [{carrier: cooling, from: plant.chilled, factor_set: chiller}]}
  - {id: air, consumes: [{carrier: compressed-air, from: plant.air}]}
  - {id: water, consumes: [{carrier: fresh-water, from: plant.water}]}
  - {id: stack, emits: [{carrier: co2, from: stack.co2}]}
  - {id: product, produces: [{carrier: product, from: plant.product}]}
store: {path: store}
"""

# The supplier of the chilled water is not in any table: the site has sets of its own.
CHILLER = """
set: chiller
version: "1"
publisher: the supplier
factors:
  - {carrier: cooling, year: 2023, value: 41.37, unit: kgCO2/GJ, source: contract, publication: 2023-01-01, confidence: own_measurement}
"""
CHILLER_COAL = """
kind: standard-coal
set: chiller-coal
version: "1"
publisher: the supplier
factors:
  - {carrier: cooling, year: 2023, value: 8.53, unit: kgce/GJ, source: contract, publication: 2023-01-01, confidence: own_measurement}
"""

MWH, J, NML, MG, MICRO = 10**6, 10**9, 10**6, 10**6, 10**6  # smallest units in kWh, GJ, Nm3, kg and in a kilogram of a gas


# -- The published tables, in milligrams per smallest unit of the amount ----------------------------------------------------


def published(table, **wanted):
    with open(TABLES / f"{table}.csv", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if all(row[key] == value for key, value in wanted.items())]
    assert len(rows) == 1, (table, wanted)
    return rows[0]


def grid(code, factor_type, year):
    return Fraction(published("grid_cn", code=code, factor_type=factor_type, year=str(year))["value"])  # kg/kWh is mg/mWh


def chinese_fuel(name, oxidation=None):
    """t CO2 per t, or per 10^4 Nm3: heating value * carbon content * oxidation * 44/12."""
    row = published("fuels_cn", set="A", fuel_en=name)
    percent = Fraction(oxidation if oxidation is not None else row["oxidation_pct"])
    return Fraction(row["ncv"]) * Fraction(row["carbon_tC_per_GJ"]) * percent / 100 * Fraction(44, 12)


def ipcc_fuel(name, gigajoules_per_quantum):
    row = published("ipcc_fuels", fuel_en=name)
    columns = {"CO2": "co2_kg_per_TJ", "CH4": "ch4_kg_per_TJ_energy_industries", "N2O": "n2o_kg_per_TJ_energy_industries"}
    # kg/TJ is 1000 mg/GJ.
    return {gas: Fraction(row[column]) * 1000 * gigajoules_per_quantum for gas, column in columns.items()}


def standard_coal(name):
    return Fraction(published("standard_coal", name_en=name)["coefficient"])


def gwp(gas):
    return Fraction(published("gwp", gas=gas, assessment="AR5")["gwp100"])


@dataclass
class Account:
    """What an account should come to. Amounts: smallest units moved in the quarter hour that begins then."""

    per_unit: int  # smallest units of the amount in the exported one
    amounts: dict
    totals: list = field(default_factory=list)  # what the amounts were rounded from, if they were
    gases: dict = field(default_factory=dict)  # gas: milligrams per smallest unit, a Fraction
    market: Fraction | None = None
    coal: Fraction = Fraction(0)


# -- What the meters show, and what follows from it ------------------------------------------------------------------------


def half_even(value):
    return round(Fraction(value))


def half_up(value):
    return floor(value + Fraction(1, 2))


def steps(totals):
    return [after - before for before, after in zip(totals, totals[1:])]


class Plant:
    """The readings, (time, point, text), and the accounts that they should come to."""

    def __init__(self):
        self.readings = []
        self.accounts = {}
        self.usage = [energy for _, energy in steel_year()][:QUARTERS]
        self.begins = [START + i * QUARTER for i in range(QUARTERS)]
        self.electricity()
        self.fuels()
        self.steam()
        self.media()
        self.stack()

    def scaled(self, factor, digits):
        """The shape of the plant's usage in another unit, as a meter with so many digits shows it."""
        step = Decimal(1).scaleb(-digits)
        return [(usage * Decimal(factor)).quantize(step) for usage in self.usage]

    def read(self, point, at, value):
        self.readings.append((at, f"plant.{point}", value))

    def read_amounts(self, point, amounts):
        for begin, amount in zip(self.begins, amounts):
            self.read(point, begin + QUARTER, amount)

    def read_counter(self, point, steps, start, rollover=None, delay=timedelta()):
        state = Decimal(start)
        self.read(point, START + delay, state)
        for begin, step in zip(self.begins, steps):
            state += step
            if rollover and state >= rollover:
                state -= rollover
            self.read(point, begin + delay + QUARTER, state)

    def read_states(self, point, states):
        """A state at the begin of every quarter hour and at the end of the last."""
        for i, state in enumerate(states):
            self.read(point, START + i * QUARTER, state)

    def going_round(self, *states):
        return [Decimal(states[i % len(states)]) for i in range(QUARTERS + 1)]

    def whole(self, amounts, per_unit):
        quanta = [amount * per_unit for amount in amounts]
        assert all(q == int(q) for q in quanta)
        return dict(zip(self.begins, map(int, quanta)))

    def of_totals(self, totals):
        """Amounts from exact running totals; what each quarter hour adds is rounded to the smallest unit."""
        return dict(zip(self.begins, [half_even(step) for step in steps(totals)]))

    def of_rates(self, rates):
        """Amounts from rates in smallest units per hour, at the ends of the quarter hours."""
        rounded = [half_up(rate) for rate in rates]
        return dict(zip(self.begins, (half_up(Fraction(a + b, 8)) for a, b in zip(rounded, rounded[1:]))))

    def electricity(self):
        coal = standard_coal("electricity (calorific)")
        residual = grid("CN", "average_excl_market_traded_nonfossil", 2023)
        self.read_counter("incomer", self.usage, start="53700.25", rollover=100_000)
        self.accounts["incomer"] = Account(MWH, self.whole(self.usage, MWH), gases={"CO2": grid("510000", "average", 2023)},
                                           market=residual, coal=coal)
        roof = self.scaled("0.317", 3)
        self.read_amounts("roof", roof)
        self.accounts["roof"] = Account(MWH, self.whole(roof, MWH), gases={"CO2": Fraction(0)}, market=residual, coal=coal)

    def fuels(self):
        # Counted at 20 °C, accounted at 0 °C.
        gas = self.scaled("0.731", 3)
        self.read_counter("gas", gas, start="8812.125")
        totals, total = [Fraction(0)], Fraction(0)
        for volume in gas:
            total += Fraction(volume) * NML
            totals.append(total * Fraction("273.15") / Fraction("293.15"))
        # t per 10^4 Nm3 is a tenth of kg/Nm3, which is mg/NmL.
        self.accounts["gas"] = Account(NML, self.of_totals(totals), gases={"CO2": chinese_fuel("natural gas") / 10},
                                       coal=standard_coal("gas-field natural gas"))

        # A flow at the meter's own conditions.
        flow = [Decimal("12.5")] + self.scaled("1.93", 2)
        celsius = self.going_round("18.5", "19.25", "21", "17.75", "-3.5")
        kilopascal = self.going_round("9.8", "10.15", "10.02")
        for point, states in {"burner_t": celsius, "burner_p": kilopascal, "burner": flow}.items():
            self.read_states(point, states)
        rates = [Fraction(q) * NML * Fraction("273.15") / (Fraction("273.15") + Fraction(t)) *
                 (Fraction(p) + Fraction("95.8")) / Fraction("101.325") / Fraction("0.998")
                 for q, t, p in zip(flow, celsius, kilopascal)]
        heating_value = Fraction(published("fuels_cn", set="A", fuel_en="natural gas")["ncv"]) / 10**4 / NML  # GJ per NmL
        self.accounts["burner"] = Account(NML, self.of_rates(rates), gases=ipcc_fuel("Natural gas", heating_value),
                                          coal=standard_coal("oil-field natural gas"))

        oil = self.scaled("0.0917", 3)
        self.read_counter("oil", oil, start="120.5")
        mass = [volume * Decimal("0.84") for volume in oil]
        heating_value = Fraction(published("ipcc_fuels", fuel_en="Gas/diesel oil")["ncv_TJ_per_Gg"]) / 1000 / MG  # GJ per mg
        self.accounts["oil"] = Account(MG, self.whole(mass, MG), gases=ipcc_fuel("Gas/diesel oil", heating_value),
                                       coal=standard_coal("diesel"))

        coal = self.scaled("0.00231", 4)
        self.read_amounts("coal", coal)
        ncv = Fraction(published("fuels_cn", set="A", fuel_en="bituminous coal")["ncv"])
        self.accounts["coal"] = Account(MG, self.whole(coal, 1000 * MG), gases={"CO2": chinese_fuel("bituminous coal", 85)},
                                        coal=ncv * 1000 / Fraction("29307.6"))

    def steam(self):
        mass = self.scaled("0.00712", 4)
        celsius = self.going_round("225", "231.5", "240.25", "228", "236.75", "252", "244.5")
        megapascal = self.going_round("1.05", "1.08", "1.1", "0.985")
        for point, states in {"steam_t": celsius, "steam_p": megapascal}.items():
            self.read_states(point, states)
        self.read_counter("steam", mass, start="11.5")
        heats = {}
        totals, total = [Fraction(0)], Fraction(0)
        for step, state in zip(mass, list(zip(megapascal, celsius))[1:]):
            if state not in heats:
                heats[state] = Fraction(enthalpy(state[0], state[1] + Decimal("273.15")) - Decimal("83.74")) / 1000  # GJ/t
            total += Fraction(step) * heats[state] * J
            totals.append(total)
        factor = Fraction("0.11")  # t/GJ, which is mg/J: Chinese sector guidelines
        self.accounts["steam"] = Account(J, self.of_totals(totals), totals=totals, gases={"CO2": factor}, market=factor,
                                         coal=standard_coal("heat (calorific)"))

    def media(self):
        # Read in the middle of the quarter hours: half of every step belongs to the one, the rest to the next.
        chilled = self.scaled("0.00347", 5)
        self.read_counter("chilled", chilled, start="4051.7", delay=QUARTER / 2)
        amounts = dict.fromkeys([*self.begins, START + QUARTERS * QUARTER], 0)
        for begin, step in zip(self.begins, chilled):
            moved = int(step * J)
            amounts[begin] += moved // 2
            amounts[begin + QUARTER] += moved - moved // 2
        factor = Fraction("0.04137")  # 41.37 kg/GJ in mg/J
        self.accounts["chilled"] = Account(J, amounts, gases={"CO2": factor}, market=factor, coal=Fraction("0.00853"))

        air = self.scaled("11.3", 2)
        self.read_counter("air", air, start="700000")
        self.accounts["air"] = Account(NML, self.whole(air, NML), coal=standard_coal("compressed air"))
        water = self.scaled("0.0204", 3)
        self.read_amounts("water", water)
        self.accounts["water"] = Account(MG, self.whole(water, 1000 * MG), coal=standard_coal("fresh water") / 1000)
        product = self.scaled("0.00052", 5)
        self.read_amounts("product", product)
        self.accounts["product"] = Account(MG, self.whole(product, 1000 * MG))

    def stack(self):
        velocity = [Decimal("3.5")] + [v + Decimal("1.25") for v in self.scaled("0.0713", 2)]
        percent = self.going_round("11.95", "12.05", "12", "11.8", "12.15")
        celsius = self.going_round("118.5", "121", "117.25")
        for point, states in {"stack_co2": percent, "stack_t": celsius, "stack_v": velocity}.items():
            self.read_states(point, states)
        # HJ 212 appendix D, dry: concentration * 44/22.4 * flow at 0 °C without its moisture.
        rates = [Fraction(c) / 100 * Fraction("44") / Fraction("22.4") * 3600 * 12 * Fraction(v) * 273 /
                 (273 + Fraction(t)) * (101325 - 150) / 101325 * (1 - Fraction("0.082")) * MG
                 for c, t, v in zip(percent, celsius, velocity)]
        self.accounts["stack"] = Account(MG, self.of_rates(rates), gases={"CO2": Fraction(1)})


def settle_ties(account, shown):
    """Takes the rounding that is shown where what a quarter hour adds lies at a half."""
    if not account.totals:
        return
    for exact, begin in zip(steps(account.totals), account.amounts):
        distance = abs(exact - floor(exact) - Fraction(1, 2))
        either = distance < Fraction(1, 1000) and shown[begin] in (floor(exact), floor(exact) + 1)
        account.amounts[begin] = shown[begin] if either else half_even(exact)


def carried(amounts, factor):
    """What every quarter hour adds: whole milligrams of the running total, by the factor as it is kept."""
    kept = half_up(factor * 10**12)
    result, total, given = {}, 0, 0
    for begin, amount in amounts.items():
        total += amount * kept
        result[begin] = total // 10**12 - given
        given += result[begin]
    return result


def expected_figures(account):
    """{begin: {column: exact value in the exported unit}} of every quarter hour."""
    columns = {"amount": {begin: Fraction(a, account.per_unit) for begin, a in account.amounts.items()}}
    for gas, factor in account.gases.items():
        columns[gas] = carried(account.amounts, factor)
    kept = sum(half_up(factor * gwp(gas) * 10**12) for gas, factor in account.gases.items())
    columns["co2e_kg"] = carried(account.amounts, Fraction(kept, 10**12))
    columns["market_co2e_kg"] = carried(account.amounts, account.market or Fraction(0))
    columns["coal_kgce"] = carried(account.amounts, account.coal)
    return {begin: {column: values[begin] if column == "amount" else Fraction(values[begin], MICRO)
                    for column, values in columns.items()} for begin in account.amounts}


# -- The product -------------------------------------------------------------------------------------------------------------


def run(*args):
    result = subprocess.run([CARBONGATE, *args], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def plant():
    return Plant()


@pytest.fixture(scope="module")
def config(plant, tmp_path_factory):
    folder = tmp_path_factory.mktemp("plant")
    (folder / "factors").mkdir()
    (folder / "factors/chiller.yaml").write_text(CHILLER)
    (folder / "factors/chiller-coal.yaml").write_text(CHILLER_COAL)
    file = folder / "site.yaml"
    file.write_text(CONFIG)
    with open(folder / "input.csv", "w") as out:
        out.write("time,point,value\n")
        for at, point, value in sorted(plant.readings, key=lambda reading: reading[0]):
            out.write(f"{at.isoformat()}+08:00,{point},{value}\n")
    run("replay", file, "--input", folder / "input.csv")
    return file


def exported(config, what):
    return list(csv.DictReader(io.StringIO(run("export", config, "--what", what))))


def figures(row):
    """The exact figures of an exported row; a gas that is not named is zero."""
    found = defaultdict(Fraction)
    for column in ("amount", "co2e_kg", "market_co2e_kg", "coal_kgce"):
        found[column] = Fraction(row[column] or 0)
    for part in filter(None, row["gases_kg"].split(";")):
        gas, mass = part.split(":")
        found[gas] = Fraction(mass)
    return found


def assert_same(found, expected, where):
    for column in {*found, *expected}:
        assert found[column] == expected.get(column, 0), (*where, column)


def begin_of(row):
    return datetime.fromisoformat(row["begin"]).replace(tzinfo=None)


@pytest.fixture(scope="module")
def entries(config):
    by_user = defaultdict(dict)
    for row in exported(config, "entries"):
        by_user[row["user"]][begin_of(row)] = row
    return by_user


@pytest.fixture(scope="module")
def months(config):
    rows = [row for row in exported(config, "rollups") if row["period"] == "month"]
    return {(row["user"], begin_of(row).month): row for row in rows}


@pytest.fixture(scope="module")
def expected(plant, entries):
    for user, account in plant.accounts.items():
        settle_ties(account, {begin: int(Fraction(row["amount"]) * account.per_unit) for begin, row in entries[user].items()})
    return {user: expected_figures(account) for user, account in plant.accounts.items()}


USERS = ["incomer", "roof", "gas", "burner", "steam", "oil", "coal", "chilled", "air", "water", "stack", "product"]


def test_the_second_steam_table_has_the_verified_values():
    assert round(enthalpy(Decimal("0.0035"), Decimal(300)), 5) == Decimal("2549.91145")
    assert round(enthalpy(Decimal("0.0035"), Decimal(700)), 5) == Decimal("3335.68375")
    assert round(enthalpy(Decimal(30), Decimal(700)), 5) == Decimal("2631.49474")


@pytest.mark.parametrize("user", USERS)
def test_every_quarter_hour_is_the_second_calculations(expected, entries, user):
    # The chilled water was last read in the middle of a quarter hour: that one is not complete.
    incomplete = {START + QUARTERS * QUARTER} if user == "chilled" else set()
    assert set(entries[user]) == set(expected[user]) - incomplete
    assert len(entries[user]) == QUARTERS
    for begin, row in entries[user].items():
        assert_same(figures(row), expected[user][begin], (user, begin))


@pytest.mark.parametrize("user", USERS)
def test_every_month_is_the_second_calculations(expected, months, user):
    sums = defaultdict(lambda: defaultdict(Fraction))
    for begin, columns in expected[user].items():
        for column, value in columns.items():
            sums[begin.month][column] += value
    assert {month for of, month in months if of == user} == set(sums)
    for month, columns in sums.items():
        assert_same(figures(months[user, month]), columns, (user, month))


@pytest.mark.parametrize("user", USERS)
def test_nothing_is_estimated(entries, user):
    assert {row["quality"] for row in entries[user].values()} == {"measured"}
    assert {row["rule"] for row in entries[user].values()} <= {"", "rollover"}
    assert ("rollover" in {row["rule"] for row in entries[user].values()}) == (user == "incomer")


@pytest.mark.parametrize("user", USERS)
def test_what_is_kept_of_a_factor_costs_no_milligram_in_a_month(plant, user):
    """The rule of the 10^-12 mg beside the factor itself, which 44/12 makes a number without end."""
    account = plant.accounts[user]
    for factor in [*account.gases.values(), account.coal]:
        moved = sum(account.amounts.values())
        assert abs(sum(carried(account.amounts, factor).values()) - moved * factor) <= 1, (user, factor)

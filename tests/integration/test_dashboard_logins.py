"""The dashboard where people have to log in, in a real browser: who sees and may do what, when a session ends, and what is printed."""

import datetime
import json
import re
import subprocess
import time

import pytest
import yaml

from harness import BUILD, SOURCE, wait_until
from test_dashboard import SHANGHAI, Site, Watching
from test_access import PASSWORDS, ROLES

BROWSER = SOURCE / "tests/integration/logins_browser.mjs"
NAME = "广元经开区一号园区"


class GuardedSite(Site):
    """With a user of each role. `ops`: more keys of the section."""

    script = BROWSER
    ops = ', logins: true, login_tries: {per_address: 100, per_user: 100}'  # all of these tests come from one address

    def start(self):
        for user in PASSWORDS:
            self.add_user(user)
        super().start()

    def add_user(self, user):
        file = self.config.with_name("password")
        file.write_text(PASSWORDS[user])
        self.carbongate("users", self.config, "add", user, "--role", ROLES[user], "--password-file", file)

    def remove_user(self, user):
        self.carbongate("users", self.config, "remove", user)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    one = GuardedSite(tmp_path_factory.mktemp("site"), step=5, more_users=12)
    try:
        one.start()
        one.meters.kw["incomer"] = 950.0
        wait_until(lambda: '"firing"' in one.carbongate("alerts", one.config, "--format", "json"), 30, "the alert firing")
        yield one
    finally:
        one.stop()


def can_read_devices():
    description = yaml.safe_load((SOURCE / "gateway/ops/openapi.yaml").read_text())
    return "yes" if "/devices/{id}/read" in description["paths"] else "no"


def test_who_is_not_logged_in_sees_nothing_and_logging_out_ends_it_everywhere(site):
    site.browse("door", "vera", PASSWORDS["vera"], NAME)


@pytest.mark.parametrize("user, may", [("vera", "see"), ("otto", "operate"), ("ada", "administrate")])
def test_a_role_is_offered_what_it_may_do_and_nothing_else(site, user, may):
    site.browse("role", user, PASSWORDS[user], "furnace", may, can_read_devices())


def test_an_acknowledgement_says_by_whom(site):
    site.browse("acknowledge", "otto", PASSWORDS["otto"], "vera", PASSWORDS["vera"], "电工已到场")
    known = json.loads(site.carbongate("alerts", site.config, "--format", "json"))
    one = next(one for one in known if one["rule"] == "overload")
    assert (one["state"], one["note"], one["by"]) == ("acknowledged", "电工已到场", "otto")
    events = [json.loads(line) for line in site.carbongate("audit", site.config, "--format", "jsonl", "--last", "1000").splitlines()]
    done = [event for event in events if event["action"].startswith("POST /api/v1/alerts/") and event["outcome"] == "done"]
    assert [event["user"] for event in done] == ["otto"]


def test_a_user_who_is_removed_is_shown_the_door(site, tmp_path):
    watching = Watching(site, "removed", tmp_path, "vera", PASSWORDS["vera"])
    with watching.process.start():
        watching.until("ready")
        site.remove_user("vera")
        began = time.monotonic()
        watching.until("out", timeout=20)
        assert time.monotonic() - began < 10
        assert watching.process.child.wait(30) == 0, watching.process.output()
    site.add_user("vera")


def test_the_login_page_fits_every_screen(site):
    pictures = BUILD / "tests" / "integration" / "dashboard"
    pictures.mkdir(parents=True, exist_ok=True)
    site.browse("pictures", pictures)


def pages_of(pdf):
    text = subprocess.run(["pdftotext", "-layout", pdf, "-"], capture_output=True, text=True, check=True).stdout
    return [re.sub(r"\s+", " ", page) for page in text.removesuffix("\f").split("\f")]


@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_a_statement_is_printed_whole_and_without_what_is_for_screens(site, tmp_path, locale):
    yesterday = str(datetime.datetime.now(SHANGHAI).date() - datetime.timedelta(days=1))
    rows = json.loads(site.browse("print", "vera", PASSWORDS["vera"], yesterday, tmp_path, locale))
    pdf = tmp_path / f"statement-{locale}.pdf"
    pages = pages_of(pdf)
    printed = " ".join(pages)
    assert yesterday in printed and NAME in printed
    figures = [figure for row in rows for cell in row for figure in re.findall(r"[\d,]*\d\.\d+", cell)]
    assert len(rows) >= 50 and len(figures) >= 200
    assert len(pages) >= 2 and all("kgce" in page and "CO₂e" in page for page in pages), "each page has the columns' titles"
    missing = [figure for figure in figures if figure not in printed]
    assert not missing, f"{missing} of the table are not on paper:\n{printed}"
    said = json.loads(site.carbongate("statement", site.config, "--period", "day", "--of", yesterday, "--format", "json"))
    total = next(line for line in lines_of(said) if line["level"] == "site" and line["sum"] == "total")
    assert f"{total['co2e_kg']:,.3f}".rstrip("0").rstrip(".") in printed, (total, printed)
    for word in ("Log out", "退出", "CSV", "JSON", "Devices", "设备"):
        assert word not in printed
    info = subprocess.run(["pdfinfo", pdf], capture_output=True, text=True, check=True).stdout
    size = re.search(r"Page size:\s+([\d.]+) x ([\d.]+)", info)
    assert [round(float(length)) for length in size.groups()] == [842, 595], "A4 across"


def lines_of(value):
    """Every line of a statement, wherever it stands."""
    if isinstance(value, dict):
        if isinstance(value.get("level"), str) and isinstance(value.get("sum"), str):
            yield value
        else:
            for one in value.values():
                yield from lines_of(one)
    elif isinstance(value, list):
        for one in value:
            yield from lines_of(one)

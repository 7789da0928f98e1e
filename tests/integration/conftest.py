"""A test that was skipped has shown nothing: here it counts as failed. One that failed shows what its processes said."""

import pytest

SHOWN = 3_000  # characters of each log, from its end


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped ({call.excinfo.value}); what it needs is listed in deploy/packages"
    if report.failed and "tmp_path" in getattr(item, "funcargs", {}):
        for log in sorted(item.funcargs["tmp_path"].rglob("*.log")):
            report.sections.append((log.name, log.read_text(errors="replace")[-SHOWN:]))

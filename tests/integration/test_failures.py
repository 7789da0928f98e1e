"""What tests/run counts and names: tests/failures.py reads the reports of ctest, and the GoogleTest cases in them."""

import subprocess
from xml.sax.saxutils import escape, quoteattr

from harness import SOURCE

PASSED = """\
[==========] Running 2 tests from 1 test suite.
[ RUN      ] Meter.Counts
no newline[       OK ] Meter.Counts (0 ms)
[ RUN      ] Seeds/Meter.Rolls/1
[       OK ] Seeds/Meter.Rolls/1 (7 ms)
[==========] 2 tests from 1 test suite ran. (7 ms total)
"""
FAILED = """\
[==========] Running 4 tests from 1 test suite.
[ RUN      ] Meter.Counts
[       OK ] Meter.Counts (0 ms)
[ RUN      ] Meter.IsAbsent
meter_test.cc:3: Skipped
[  SKIPPED ] Meter.IsAbsent (0 ms)
[ RUN      ] Seeds/Meter.Rolls/1
meter_test.cc:4: Failure
[  FAILED  ] Seeds/Meter.Rolls/1, where GetParam() = 2 (1 ms)
[ RUN      ] Meter.Resets
[       OK ] Meter.Resets (0 ms)
[==========] 4 tests from 1 test suite ran. (1 ms total)
[  FAILED  ] 1 test, listed below:
[  FAILED  ] Seeds/Meter.Rolls/1, where GetParam() = 2
"""
CRASHED = """\
[==========] Running 5 tests from 1 test suite.
[ RUN      ] Meter.Counts
[       OK ] Meter.Counts (0 ms)
[ RUN      ] Meter.Resets
==1==ERROR: AddressSanitizer: heap-use-after-free
"""


def of_report(tmp_path, *tests):
    """What is said of ctest's (name, status, output): (count, failed), and the lines of what failed."""
    report = tmp_path / "report.xml"
    cases = (f'<testcase name={quoteattr(name)} time="1.5" status="{status}"><system-out>{escape(output)}</system-out></testcase>'
             for name, status, output in tests)
    report.write_text(f"<testsuite>{''.join(cases)}</testsuite>")

    def run(*options):
        command = ["/usr/bin/python3", SOURCE / "tests/failures.py", *options, report]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout

    return tuple(int(n) for n in run("--count").split()), run().replace(f", of {report}", "").splitlines()


def test_a_program_is_as_many_tests_as_it_has_cases(tmp_path):
    assert of_report(tmp_path, ("meter_test.0", "run", PASSED), ("dashboard.check", "run", "fine")) == ((3, 0), [])


def test_a_part_without_a_case_is_none(tmp_path):
    assert of_report(tmp_path, ("meter_test.1", "run", "[==========] Running 0 tests from 0 test suites.\n")) == ((0, 0), [])


def test_what_failed_and_what_skipped_itself_is_named_with_its_own_output(tmp_path):
    assert of_report(tmp_path, ("meter_test.0", "fail", FAILED)) == ((4, 2), [
        "",
        "skipped: Meter.IsAbsent of meter_test.0; it printed",
        "  [ RUN      ] Meter.IsAbsent",
        "  meter_test.cc:3: Skipped",
        "  [  SKIPPED ] Meter.IsAbsent (0 ms)",
        "",
        "failed: Seeds/Meter.Rolls/1 of meter_test.0; it printed",
        "  [ RUN      ] Seeds/Meter.Rolls/1",
        "  meter_test.cc:4: Failure",
        "  [  FAILED  ] Seeds/Meter.Rolls/1, where GetParam() = 2 (1 ms)",
    ])


def test_a_crash_fails_its_case_and_those_behind_it(tmp_path):
    assert of_report(tmp_path, ("meter_test.0", "fail", CRASHED)) == ((5, 4), [
        "",
        "did not end: Meter.Resets of meter_test.0; it printed",
        "  [ RUN      ] Meter.Resets",
        "  ==1==ERROR: AddressSanitizer: heap-use-after-free",
        "",
        "did not run: 3 of 5 tests of meter_test.0",
    ])


def test_a_program_that_fails_behind_its_cases_is_one_more(tmp_path):
    count, lines = of_report(tmp_path, ("meter_test.0", "fail", PASSED + "ERROR: LeakSanitizer: detected memory leaks\n"))
    assert count == (3, 1)
    assert lines[1] == "fail: meter_test.0, 1.5 s; it printed"
    assert lines[-1] == "  ERROR: LeakSanitizer: detected memory leaks"


def test_what_is_no_program_of_cases_is_one_test(tmp_path):
    assert of_report(tmp_path, ("integration.park", "fail", "E assert 1 == 2"), ("io_test.0", "notrun", "")) == ((2, 2), [
        "", "fail: integration.park, 1.5 s; it printed", "  E assert 1 == 2", "", "notrun: io_test.0, 1.5 s"])


def test_the_middle_of_a_long_output_is_left_out(tmp_path):
    _, lines = of_report(tmp_path, ("fuzz_pdu", "fail", "\n".join(f"line {n}" for n in range(100))))
    assert lines[41:44] == ["  line 39", "  ... 20 lines ...", "  line 60"]
    assert lines[-1] == "  line 99"

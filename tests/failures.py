#!/usr/bin/python3
"""usage: failures.py [--count] REPORT...: names each test that did not pass in JUnit reports of ctest, with what it printed.

--count prints how many there are, and how many of them did not pass. A test of ctest that is a program of GoogleTest cases is as many
tests as it has cases: one that skipped itself did not pass, nor did those that a program that crashed never came to.
"""

import re
import sys
import xml.etree.ElementTree as xml

LINES = 40  # of the beginning and of the end of what was printed

CASES = re.compile(r"^\[=+\] Running (\d+) tests? from", re.MULTILINE)
BEGUN = re.compile(r"^\[ RUN      \] (\S+)$", re.MULTILINE)
ENDED = re.compile(r"\[ +(OK|FAILED|SKIPPED) +\] (\S+?)(?:, where .*)? \(\d+ ms\)$", re.MULTILINE)  # behind what has no newline


def results(test):
    """Of a test of ctest: how many tests it is, how many of them did not pass, and what there is to say: pairs of a title and an output."""
    name, output = test.get("name"), test.findtext("system-out") or ""
    whole = (f"{test.get('status')}: {name}, {test.get('time')} s", output)
    header = CASES.search(output)
    if not header:
        return (1, 0, []) if test.get("status") == "run" else (1, 1, [whole])
    count, passed, bad = int(header[1]), 0, []
    ended = {match[2]: match for match in ENDED.finditer(output)}
    begun = list(BEGUN.finditer(output))
    for case, next_one in zip(begun, begun[1:] + [None]):
        title = case[1] if case[1] == name else f"{case[1]} of {name}"
        end = ended.get(case[1])
        if end and end[1] == "OK":
            passed += 1
        elif end:
            bad.append((f"{end[1].lower()}: {title}", output[case.start():end.end()]))
        else:
            bad.append((f"did not end: {title}", output[case.start():next_one.start() if next_one else None]))
    if count > len(begun):
        bad.append((f"did not run: {count - len(begun)} of {count} tests of {name}", ""))
    elif test.get("status") != "run" and not bad:  # such as a leak
        count += 1
        bad.append(whole)
    return count, count - passed, bad


counting = sys.argv[1:2] == ["--count"]
counts = failures = 0
for report in sys.argv[1 + counting:]:
    for test in xml.parse(report).getroot().iter("testcase"):
        count, failed, bad = results(test)
        counts += count
        failures += failed
        for title, output in [] if counting else bad:
            print(f"\n{title}, of {report}" + ("; it printed" if output else ""))
            lines = output.splitlines()
            if len(lines) > 2 * LINES:
                lines[LINES:-LINES] = [f"... {len(lines) - 2 * LINES} lines ..."]
            for line in lines:
                print("  " + line)
if counting:
    print(counts, failures)

#!/usr/bin/python3
"""usage: failures.py REPORT...: names each test that did not pass in JUnit reports of ctest, with the end of what it printed."""

import sys
import xml.etree.ElementTree as xml

LINES = 40

for report in sys.argv[1:]:
    for case in xml.parse(report).getroot().iter("testcase"):
        if case.get("status") == "run":
            continue
        print(f"\n{case.get('status')}: {case.get('name')}, {case.get('time')} s, of {report}; it ended with")
        for line in (case.findtext("system-out") or "").splitlines()[-LINES:]:
            print("  " + line)

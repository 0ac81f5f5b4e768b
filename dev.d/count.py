"""Prints how many tests passed and failed, from nextest's JUnit report and Playwright's JSON report.

A report that is missing counts as one failure: its runner did not get as far as writing it.
"""

import json
import sys
import xml.etree.ElementTree as xml


def rust(path):
    cases = list(xml.parse(path).iter("testcase"))
    failed = sum(1 for case in cases if case.find("failure") is not None or case.find("error") is not None)
    return len(cases) - failed, failed, 0


def browser(path):
    with open(path, encoding="utf-8") as file:
        report = json.load(file)
    stats = report["stats"]
    # A test that needed a second try is a broken test; an error outside of a test (a file that does not load) has no test.
    failed = stats["unexpected"] + stats["flaky"] + len(report.get("errors", []))
    return stats["expected"], failed, stats["skipped"]


def count(read, path):
    try:
        return read(path)
    except (OSError, ValueError, KeyError, xml.ParseError) as error:
        print(f"dev: no test report in {path}: {error}", file=sys.stderr)
        return 0, 1, 0


results = [count(rust, sys.argv[1]), count(browser, sys.argv[2])]
passed, failed, skipped = (sum(column) for column in zip(*results))
print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
sys.exit(failed > 0 or passed == 0)

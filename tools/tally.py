#!/usr/bin/env python3
"""Counts test cases over all runners and closes a test run.

    tools/tally.py RESULTS

RESULTS holds what the runners wrote: PRESET.xml (ctest's JUnit report), PRESET/*.json (GoogleTest, one a program),
NAME.vitest.json (Vitest). A ctest entry that is a GoogleTest program counts as its cases, any other as one; a
program that failed beyond its cases (crash, time-out, leak) counts as one failed case more.
Prints the failed cases and, last, 'N passed, N failed'. Exits 1 where a case failed or none ran.
"""
import json
import pathlib
import subprocess
import sys
import xml.etree.ElementTree as ET


def programs(build):
    """Maps ctest's test names to the programs that they run."""
    text = subprocess.run(["ctest", "--test-dir", str(build), "--show-only=json-v1"], check=True,
                          capture_output=True, text=True).stdout
    return {test["name"]: pathlib.Path(test["command"][0]).name for test in json.loads(text)["tests"]
            if test.get("command")}


def gtest_cases(file):
    """(name, outcome) of every case of one GoogleTest report."""
    for suite in json.loads(file.read_text())["testsuites"]:
        for case in suite["testsuite"]:
            if case["status"] == "NOTRUN":
                continue
            skipped = case.get("result") == "SKIPPED"
            outcome = "failed" if case.get("failures") else "skipped" if skipped else "passed"
            yield f"{case['classname']}.{case['name']}", outcome


def ctest_cases(report, build):
    """(name, outcome) of every case that one run of ctest held."""
    program_of = programs(build)
    for entry in ET.parse(report).getroot().iter("testcase"):
        name, status = entry.get("name"), entry.get("status")
        cases = []
        file = report.with_suffix("") / f"{program_of.get(name, name)}.json"
        if file.exists():
            try:
                cases = list(gtest_cases(file))
            except (ValueError, KeyError):  # the program died while it wrote
                cases = []
        yield from ((f"{name}: {case}", outcome) for case, outcome in cases)
        if status == "fail" and not any(outcome == "failed" for _, outcome in cases):
            yield f"{name}: the program (crash, time-out or leak; see above)", "failed"
        elif not cases:
            yield name, {"run": "passed", "fail": "failed"}.get(status, "skipped")


def vitest_cases(report):
    outcome_of = {"passed": "passed", "failed": "failed"}
    for file in json.loads(report.read_text())["testResults"]:
        name = pathlib.Path(file["name"]).name
        for case in file["assertionResults"]:
            yield f"{name}: {case['fullName']}", outcome_of.get(case["status"], "skipped")
        if file["status"] == "failed" and not any(c["status"] == "failed" for c in file["assertionResults"]):
            yield f"{name}: the file (see above)", "failed"


def main(results):
    count = {"passed": 0, "failed": 0, "skipped": 0}
    cases = []
    for report in sorted(results.glob("*.xml")):
        cases += ctest_cases(report, pathlib.Path("build") / report.stem)
    for report in sorted(results.glob("*.vitest.json")):
        cases += vitest_cases(report)
    print()
    for name, outcome in cases:
        count[outcome] += 1
        if outcome == "failed":
            print(f"failed: {name}")
        elif outcome == "skipped":
            print(f"skipped: {name}")
    line = f"{count['passed']} passed, {count['failed']} failed"
    print(line + (f", {count['skipped']} skipped" if count["skipped"] else ""))
    return 1 if count["failed"] or not count["passed"] else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(pathlib.Path(sys.argv[1])))

"""Tests of tally.py: what it counts, on reports written as the runners write them."""
import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import tally  # noqa: E402


def gtest(*outcomes):
    """One GoogleTest report; an outcome is passed, failed, skipped or disabled."""
    cases = []
    for i, outcome in enumerate(outcomes):
        case = {"name": f"Case{i}", "classname": "Suite", "status": "NOTRUN" if outcome == "disabled" else "RUN",
                "result": {"skipped": "SKIPPED", "disabled": "SUPPRESSED"}.get(outcome, "COMPLETED")}
        if outcome == "failed":
            case["failures"] = [{"failure": "1 != 2"}]
        cases.append(case)
    return json.dumps({"testsuites": [{"name": "Suite", "testsuite": cases}]})


class Tally(unittest.TestCase):
    def run_tally(self, ctest, reports, vitest=None):
        """Exit code and last line. ctest: name -> status; reports: program -> text of its GoogleTest report."""
        with tempfile.TemporaryDirectory() as folder:
            results = pathlib.Path(folder)
            entries = "".join(f'<testcase name="{name}" status="{status}"/>' for name, status in ctest.items())
            (results / "release.xml").write_text(f"<testsuite>{entries}</testsuite>")
            (results / "release").mkdir()
            for program, text in reports.items():
                (results / "release" / f"{program}.json").write_text(text)
            if vitest is not None:
                (results / "studio.vitest.json").write_text(json.dumps(vitest))
            out = io.StringIO()
            with mock.patch.object(tally, "programs", lambda build: {"core": "core_test"}), contextlib.redirect_stdout(out):
                code = tally.main(results)
            return code, out.getvalue().splitlines()[-1]

    def test_cases_of_a_program_are_counted_one_by_one_and_scripts_as_one(self):
        result = self.run_tally({"core": "run", "layers": "run"},
                                {"core_test": gtest("passed", "passed", "skipped", "disabled")})
        self.assertEqual(result, (0, "3 passed, 0 failed, 1 skipped"))

    def test_a_failed_case_fails_the_run(self):
        self.assertEqual(self.run_tally({"core": "fail"}, {"core_test": gtest("passed", "failed")}),
                         (1, "1 passed, 1 failed"))

    def test_a_program_that_fails_beyond_its_cases_counts_as_failed(self):
        self.assertEqual(self.run_tally({"core": "fail"}, {"core_test": gtest("passed")}), (1, "1 passed, 1 failed"))
        self.assertEqual(self.run_tally({"core": "fail"}, {}), (1, "0 passed, 1 failed"))
        self.assertEqual(self.run_tally({"core": "fail"}, {"core_test": '{"testsui'}), (1, "0 passed, 1 failed"))

    def test_a_run_without_a_test_fails(self):
        self.assertEqual(self.run_tally({}, {}), (1, "0 passed, 0 failed"))

    def test_the_studio_counts_too(self):
        cases = [{"fullName": "a", "status": "passed"}, {"fullName": "b", "status": "failed"},
                 {"fullName": "c", "status": "pending"}]
        vitest = {"testResults": [{"name": "x/plot.test.ts", "status": "failed", "assertionResults": cases},
                                  {"name": "x/broken.test.ts", "status": "failed", "assertionResults": []}]}
        self.assertEqual(self.run_tally({"core": "run"}, {"core_test": gtest("passed")}, vitest),
                         (1, "2 passed, 2 failed, 1 skipped"))


if __name__ == "__main__":
    unittest.main()

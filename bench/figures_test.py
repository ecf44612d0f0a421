"""Tests of bench/figures: verdicts, and what it says of a command that cannot run."""
import contextlib
import importlib.machinery
import importlib.util
import io
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
PATH = pathlib.Path(__file__).with_name("figures")
SPEC = importlib.util.spec_from_loader("figures", importlib.machinery.SourceFileLoader("figures", str(PATH)))
figures = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(figures)


def figure(value, sense, bound=None):
    return {"name": "x", "value": value, "unit": "m", "bound": bound, "sense": sense}


class Figures(unittest.TestCase):
    def measure(self, script, required=()):
        """What measure() returns for a command that runs a shell script, and what it printed."""
        with tempfile.NamedTemporaryFile("w", suffix=".sh") as file, contextlib.redirect_stdout(io.StringIO()) as out:
            file.write(script)
            file.flush()
            return figures.measure(figures.Command(["/bin/sh", file.name], list(required), "here")), out.getvalue()

    def test_a_value_on_its_bound_keeps_it_and_one_beyond_does_not(self):
        self.assertEqual(figures.judge(figure(2, "max", 2)), "ok")
        self.assertEqual(figures.judge(figure(2.1, "max", 2)), "short")
        self.assertEqual(figures.judge(figure(2, "min", 2)), "ok")
        self.assertEqual(figures.judge(figure(1.9, "min", 2)), "short")
        self.assertEqual(figures.judge(figure(5, "report")), "report")

    def test_what_is_no_finite_number_is_short(self):
        for value in (float("nan"), float("inf"), None, "1", True):
            self.assertEqual(figures.judge(figure(value, "max", 2)), "short", value)

    def test_a_figure_without_a_bound_to_judge_by_is_refused(self):
        with self.assertRaises(ValueError):
            figures.judge(figure(1, "max"))
        with self.assertRaises(ValueError):
            figures.judge(figure(1, "best", 2))

    def test_figures_are_found_among_other_lines(self):
        found, text = self.measure("echo hello; echo '" + '{"name":"a","value":1,"unit":"ns","bound":2,"sense":"max"}' + "'")
        self.assertEqual([f["verdict"] for f in found], ["ok"])
        self.assertIn("<= 2", text)

    def test_a_command_that_fails_or_prints_nothing_is_short(self):
        for script, why in (("echo no such file >&2; exit 3", "exit code 3: no such file"), ("true", "printed no figure"),
                            ("echo '{broken'", "not a figure")):
            found, text = self.measure(script)
            self.assertEqual(found[0]["verdict"], "short")
            self.assertIn(why, text)

    def test_a_required_figure_that_is_not_printed_is_short(self):
        line = '{"name":"a","value":1,"unit":"ns","bound":2,"sense":"max"}'
        found, text = self.measure(f"echo '{line}'", ["a", "b"])
        self.assertEqual([(f["name"], f["verdict"]) for f in found], [("a", "ok"), ("b", "short")])
        self.assertIn("did not print it", text)


if __name__ == "__main__":
    unittest.main()

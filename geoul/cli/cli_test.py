"""The real program from outside: on the real scenario, on every kind of bad input, and as a live server.

python3 geoul/cli/cli_test.py PATH_TO_GEOUL
"""

import base64
import ctypes
import json
import math
import os
import pty
import pathlib
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCENARIO = ROOT / "scenarios" / "ur3e_cell"
MODULES = [ROOT / "geoul/history/testdata/oracle/node_modules", *map(pathlib.Path, os.environ.get("GEOUL_NODE_MODULES", "").split(":"))]
GEOUL = ""


def run(*arguments, cwd=None, timeout=120):
    return subprocess.run([GEOUL, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=timeout)


class Sandbox(unittest.TestCase):
    """A folder with a copy of the scenario whose files a test may spoil."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.site = self.folder / "site.yaml"
        (self.folder / "data").mkdir()
        for file in list(SCENARIO.glob("*.usda")) + [SCENARIO / "site.yaml"] + list((SCENARIO / "data").glob("*.csv")):
            (self.folder / file.relative_to(SCENARIO)).write_bytes(file.read_bytes())

    def spoil(self, name, old, new, count=1):
        text = (self.folder / name).read_bytes()
        self.assertIn(old.encode(), text)
        (self.folder / name).write_bytes(text.replace(old.encode(), new.encode(), count))

    def expect_refused(self, *arguments, place, says, mend, site=None):
        """One line that names place, problem and remedy; exit code 2; nothing written."""
        before = sorted(self.folder.rglob("*"))
        done = run("run", site or self.site, "--out", self.folder / "out", *arguments, cwd=self.folder)
        self.assertEqual(done.returncode, 2, done.stderr + done.stdout)
        lines = done.stderr.strip().splitlines()
        self.assertEqual(len(lines), 1, done.stderr)
        for part in (place, says, mend):
            self.assertRegex(lines[0], part)
        self.assertEqual(done.stdout, "")
        self.assertEqual(sorted(self.folder.rglob("*")), before, "something was written")


class BadInput(Sandbox):
    def test_a_site_file_that_is_missing(self):
        self.expect_refused("--check", site=self.folder / "nowhere.yaml", place="nowhere.yaml: ", says="no such file", mend="check the path")

    def test_a_scene_that_is_missing(self):
        self.spoil("site.yaml", "scene: cell.usda", "scene: sell.usda")
        self.expect_refused("--check", place=r"site\.yaml:\d+: ", says="no file", mend="did you mean 'cell.usda'")

    def test_a_recording_that_is_missing(self):
        (self.folder / "data" / "L1L2.csv").unlink()
        self.expect_refused("--check", place=r"site\.yaml:\d+: ", says="L1L2.csv", mend="did you mean '")

    def test_a_row_that_is_cut_off(self):
        file = self.folder / "data" / "L4L5.csv"
        file.write_bytes(file.read_bytes()[:-700])
        self.expect_refused("--check", place=r"L4L5\.csv:43: ", says=r"the row has \d+ fields, the header 175", mend="delete it or record it again")

    def test_a_value_that_is_not_a_number(self):
        for written, says in [("nan", "holds 'nan'"), ("inf", "holds 'inf'"), ("", "is empty"), ("fast", "holds 'fast'")]:
            with self.subTest(written):
                original = (SCENARIO / "data" / "L2L3.csv").read_bytes()
                lines = original.split(b"\r")
                fields = lines[7].split(b",")
                fields[lines[0].split(b",").index(b"actual_q_3")] = written.encode()
                lines[7] = b",".join(fields)
                (self.folder / "data" / "L2L3.csv").write_bytes(b"\r".join(lines))
                self.expect_refused("--check", place=r"L2L3\.csv:8: error: actual_q_3", says=says, mend="delete the row|write a decimal number")

    def test_a_joint_that_does_not_exist(self):
        self.spoil("site.yaml", "joint: /Cell/UR3e/Joints/elbow", "joint: /Cell/UR3e/Joints/elbo")
        self.spoil("site.yaml", "joints: [/Cell/UR3e/Joints/shoulder_lift, /Cell/UR3e/Joints/elbow,", "joints: [/Cell/UR3e/Joints/shoulder_lift,")
        self.spoil("site.yaml", "      /Cell/UR3e/Joints/elbow: {", "      /Cell/UR3e/Joints/elbo: {")
        self.expect_refused("--check", place=r"site\.yaml:\d+: error: /Cell/UR3e/Joints/elbo:", says="no joint of this name", mend="did you mean '/Cell/UR3e/Joints/elbow'")

    def test_two_bindings_of_one_joint(self):
        self.spoil("site.yaml", "joint: /Cell/UR3e/Joints/wrist_2", "joint: /Cell/UR3e/Joints/wrist_1")
        self.spoil("site.yaml", "      /Cell/UR3e/Joints/wrist_2: {", "      /Cell/UR3e/Joints/wrist_3: {", 1)
        self.expect_refused("--check", place=r"site\.yaml:\d+: error: /Cell/UR3e/Joints/wrist_1", says=r"bound on line \d+ already", mend="delete one")

    def test_a_column_that_does_not_exist(self):
        self.spoil("site.yaml", "position: rtde/actual_q_0", "position: rtde/actual_q0")
        done = run("run", self.site, "--check", "--no-record")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(len(done.stderr.strip().splitlines()), 5)  # one a recording
        self.assertIn("did you mean 'actual_q_0'", done.stderr)

    def test_a_key_that_is_misspelt(self):
        self.spoil("site.yaml", "judge:", "jugde:")
        self.expect_refused("--check", place=r"site\.yaml:\d+: ", says="no key 'jugde'", mend="did you mean 'judge'")

    def test_yaml_that_is_broken(self):
        self.spoil("site.yaml", "sources:", "sources: [")
        self.expect_refused("--check", place=r"site\.yaml:\d+: ", says=".", mend="check indentation")

    def test_a_port_that_is_in_use(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            self.expect_refused("--port", taken.getsockname()[1], place=str(taken.getsockname()[1]), says="in use", mend="port")

    def test_an_address_that_is_not_this_machines(self):
        self.expect_refused("--host", "192.0.2.1", "--port", 0, place=r"192\.0\.2\.1", says="needs users", mend="geoul user add")

    def test_a_folder_that_cannot_be_written(self):
        (self.folder / "out").write_text("a file, not a folder")
        done = run("run", self.site, "--check", "--out", self.folder / "out")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        self.assertIn("--out", done.stderr)

    def test_usage(self):
        for arguments in [[], ["fly"], ["run"], ["run", "x.yaml", "--speed", "0"], ["run", "x.yaml", "--no-such"], ["sim", "x.usda", "--dt", "-1"]]:
            done = run(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
            self.assertIn("--help", done.stderr)

    def test_an_integrator_that_does_not_exist(self):
        done = run("sim", SCENARIO / "cell.usda", "--headless", "--integrator", "implicitt")
        self.assertEqual(done.returncode, 2)
        self.assertIn("did you mean 'implicit'", done.stderr)

    def test_converting_a_broken_scene_writes_nothing(self):
        (self.folder / "broken.urdf").write_text("<robot name='r'><link name='a'/>")
        done = run("convert", self.folder / "broken.urdf", self.folder / "new.usda")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertFalse((self.folder / "new.usda").exists())
        self.assertEqual(run("check", self.folder / "broken.urdf").returncode, 1)
        self.assertEqual(run("check", self.folder / "none.urdf").returncode, 2)

    def test_a_bound_that_is_missed_is_exit_code_1(self):
        self.spoil("site.yaml", "max_relative_error: 0.002", "max_relative_error: 0.0001")
        done = run("run", self.site, "--check", "--no-record")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("FAIL  gravity torque at rest", done.stdout)
        self.assertIn("bounds missed", done.stderr)


class Doctor(Sandbox):
    """geoul check: report, exit codes, mends, folders."""

    BAD = ROOT / "geoul/runtime/testdata/doctor/bad"
    GOOD = ROOT / "geoul/runtime/testdata/doctor/good"

    def test_exit_codes(self):
        self.assertEqual(run("check", self.GOOD / "bad-inertia.urdf", "--strict").returncode, 0)
        self.assertEqual(run("check", self.BAD / "bad-inertia.urdf").returncode, 1)
        self.assertEqual(run("check", self.BAD / "com-outside.urdf").returncode, 0)
        self.assertEqual(run("check", self.BAD / "com-outside.urdf", "--strict").returncode, 1)
        self.assertEqual(run("check", self.BAD / "com-outside.urdf", "--strict", "--ignore", "com-outside").returncode, 0)
        self.assertEqual(run("check", self.BAD / "mesh-open.urdf", "--strict").returncode, 0)  # a note
        self.assertEqual(run("check", self.folder / "nowhere.urdf").returncode, 2)
        (self.folder / "empty").mkdir()
        for arguments in ([self.folder / "empty"], [self.GOOD / "degrees.urdf", "--only", "degrees"], [self.GOOD, "--mend", "x.usda"],
                          [self.BAD / "degrees.urdf", "--mend", "x.usda", "--only", "degree"],
                          [self.BAD / "degrees.urdf", "--mend", "x.stl"]):
            done = run("check", *arguments, cwd=self.folder)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        self.assertFalse((self.folder / "x.usda").exists())

    def test_a_finding_says_where_what_why_and_how_to_mend_it(self):
        done = run("check", self.BAD / "bad-inertia.urdf")
        self.assertRegex(done.stdout, r"(?s)^error  bad-inertia  --mend\n  bad-inertia.urdf:3  /arm/part\n    principal moments .*no solid has that\n"
                                      r"  why   No solid .*\n  mend  compute it .*\nFAIL  ")
        self.assertNotIn("\033", done.stdout)

    def test_lines_keep_to_the_width_and_colour_to_terminals(self):
        for width in (50, 80):
            done = subprocess.run([GEOUL, "check", self.BAD / "inertia-size.urdf"], capture_output=True, text=True, cwd=self.BAD,
                                  env={**os.environ, "COLUMNS": str(width)})
            long = [line for line in done.stdout.splitlines() if len(line) > width and "/" not in line]
            self.assertEqual(long, [])
        for no_colour, expected in ((None, True), ("1", False)):
            pid, terminal = pty.fork()
            if pid == 0:
                os.environ.pop("NO_COLOR", None)
                if no_colour:
                    os.environ["NO_COLOR"] = no_colour
                os.execv(GEOUL, ["geoul", "check", str(self.BAD / "bad-inertia.urdf")])
            out = b""
            try:
                while chunk := os.read(terminal, 65536):
                    out += chunk
            except OSError:
                pass  # the program has ended
            os.close(terminal)
            os.waitpid(pid, 0)
            self.assertEqual(b"\033[1;31merror" in out, expected, out)

    def test_a_mended_copy_passes_and_can_be_simulated(self):
        out = self.folder / "mended.usda"
        self.assertEqual(run("sim", self.BAD / "bad-inertia.urdf", "--headless", "--seconds", "0.01").returncode, 2)
        done = run("check", self.BAD / "bad-inertia.urdf", "--mend", out)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"mended  bad-inertia  /arm/part\n    nearest possible inertia: ixx")
        self.assertEqual(run("check", out, "--strict").returncode, 0)
        self.assertEqual(run("sim", out, "--headless", "--seconds", "0.01").returncode, 0)
        report = json.loads(run("check", self.BAD / "degrees.urdf", "--mend", out, "--json").stdout)
        self.assertEqual(report["mended"]["changes"][0]["code"], "degrees")
        self.assertTrue(report["mended"]["after"]["ok"])

    def test_nothing_to_mend_writes_nothing(self):
        done = run("check", self.GOOD / "degrees.urdf", "--mend", self.folder / "out.usda")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("nothing to mend", done.stderr)
        self.assertFalse((self.folder / "out.usda").exists())

    def test_hulls_srdf_and_xacro_arguments_are_heard(self):
        # A ring as a colliding mesh: its surface, one hull, several.
        n, text = 16, ""
        for k in range(n):
            for r, z in ((1, 0), (2, 0), (2, 1), (1, 1)):
                text += f"v {r * math.cos(2 * math.pi * k / n):.9f} {r * math.sin(2 * math.pi * k / n):.9f} {z}\n"
        for k in range(n):
            for j in range(4):
                a, b, c, d = (4 * (i % n) + e + 1 for i, e in ((k, j), (k, (j + 1) % 4), (k + 1, (j + 1) % 4), (k + 1, j)))
                text += f"f {a} {d} {c} {b}\n"
        (self.folder / "ring.obj").write_text(text)
        link = "<link name='{}'><inertial><mass value='1'/><inertia ixx='1' iyy='1' izz='1' ixy='0' ixz='0' iyz='0'/></inertial>{}</link>"
        shape = "<collision><geometry><mesh filename='ring.obj'/></geometry></collision>"
        (self.folder / "r.urdf").write_text("<robot name='r'>" + link.format("a", shape) + link.format("b", "") +
                                            "<joint name='j' type='continuous'><parent link='a'/><child link='b'/></joint></robot>")
        (self.folder / "other.srdf").write_text("<robot name='r'><disable_collisions link1='a' link2='b' reason='Never'/></robot>")
        written = self.folder / "out.usda"
        for hulls, word in ((0, '"none"'), (1, '"convexHull"'), (9, '"convexDecomposition"')):
            done = run("convert", self.folder / "r.urdf", written, "--hulls", hulls, "--srdf", self.folder / "other.srdf")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("approximation = " + word, written.read_text())
            self.assertIn("filteredPairs", written.read_text())
        self.assertNotIn("filteredPairs", run("convert", self.folder / "r.urdf", written).stdout + written.read_text())
        done = run("check", self.folder / "r.urdf", "--hulls", 9)
        self.assertIn("decomposition", done.stdout)
        self.assertNotIn("decomposition", run("check", self.folder / "r.urdf").stdout)
        self.assertEqual(run("sim", self.folder / "r.urdf", "--headless", "--seconds", "0.01", "--hulls", 9).returncode, 0)
        # In the place of xacro: a program that puts its arguments into the name.
        program = self.folder / "xacro"
        program.write_text("#!/bin/sh\nsed \"s/name='r'/name='$2$3'/\" \"$1\"\n")
        program.chmod(0o755)
        (self.folder / "r.urdf").rename(self.folder / "r.urdf.xacro")
        done = subprocess.run([GEOUL, "convert", self.folder / "r.urdf.xacro", written, "--xacro-arg", "one:=1", "--xacro-arg", "two:=2"],
                              capture_output=True, text=True, env={**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("one:=1two:=2", written.read_text())
        for arguments, says in ((["--xacro-arg", "one"], "name:=value"), (["--hulls", 257], "--hulls"), (["--srdf", "nowhere.srdf"], "nowhere.srdf")):
            done = run("convert", self.folder / "r.urdf.xacro", self.folder / "no.usda", *arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn(says, done.stderr)
        for arguments in (["--xacro-arg", "one:=1"], ["--srdf", self.folder / "other.srdf"]):
            done = run("convert", SCENARIO / "cell.usda", self.folder / "no.usda", *arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
            self.assertEqual(run("check", SCENARIO / "cell.usda", *arguments).returncode, 1)
        self.assertFalse((self.folder / "no.usda").exists())

    def test_a_folder_is_one_line_a_file_whatever_the_threads(self):
        one, two = (run("check", self.BAD, "--threads", n) for n in (1, 3))
        self.assertEqual(one.returncode, 1)
        self.assertEqual(one.stdout, two.stdout)
        lines = one.stdout.split("\n\n")[0].splitlines()
        self.assertEqual([line.split()[1] for line in lines], sorted(line.split()[1] for line in lines))
        self.assertRegex(one.stdout, r"FAIL  bad-inertia.urdf +bad-inertia\n")
        self.assertRegex(one.stdout, r"\d+ files: \d+ ok, \d+ with errors; \d+ others are parts of these\n$")
        self.assertNotIn("inside_out.obj", one.stdout)


class Identify(Sandbox):
    """A pendulum of 1.5 kg at 0.4 m about a level axis, from a closed form; the scene says 3 kg at 0.3 m."""

    URDF = """<robot name="pendulum"><link name="base"/><link name="rod"><inertial><origin xyz="0 0 -0.3"/><mass value="3"/>
      <inertia ixx="0.03" iyy="0.03" izz="0.01" ixy="0" ixz="0" iyz="0"/></inertial></link>
      <joint name="swing" type="continuous"><parent link="base"/><child link="rod"/><axis xyz="0 1 0"/></joint></robot>"""
    NAMES = ["--position", "q{0}", "--velocity", "dq{0}", "--torque", "tau{0}", "--time", "t"]

    def record(self, rows=2000, scale=1.0, **changes):
        (self.folder / "pendulum.urdf").write_text(self.URDF)
        state = 12345
        lines = ["t,q0,dq0,tau0"]
        for i in range(rows):
            t = 0.01 * i
            sines = [(0.6, 1.7, 0.3), (0.4, 2.9, 1.1), (0.2, 4.3, 2.0)]
            q = sum(a * math.sin(w * t + p) for a, w, p in sines)
            v = sum(a * w * math.cos(w * t + p) for a, w, p in sines)
            acc = sum(-a * w * w * math.sin(w * t + p) for a, w, p in sines)
            tau = (1.5 * 0.4**2 + 0.02) * acc + 1.5 * 9.81 * 0.4 * math.sin(q) + 0.3 * v + 0.5 * math.tanh(v / 0.02)
            state = (1103515245 * state + 12345) % 2**31
            tau += 0.1 * (state / 2**31 - 0.5)
            row = {"t": t, "q": q, "v": v * scale, "tau": tau}
            row.update({k: f(row) for k, f in changes.items()})
            lines.append(f"{row['t']:.4f},{row['q']:.9g},{row['v']:.9g},{row['tau']:.9g}")
        (self.folder / "run.csv").write_text("\n".join(lines) + "\n")
        return ["identify", self.folder / "pendulum.urdf", self.folder / "run.csv", *self.NAMES]

    def expect_bad(self, arguments, *says):
        before = sorted(self.folder.rglob("*"))
        done = run(*arguments, "--out", self.folder / "new.usda", "--report", self.folder / "page.html")
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        for part in says:
            self.assertIn(part, done.stderr)
        self.assertEqual(sorted(self.folder.rglob("*")), before)

    def test_the_closed_form_is_found_and_written_back(self):
        arguments = self.record()
        done = run(*arguments, "--out", self.folder / "new.usda", "--report", self.folder / "page.html", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)
        base = {row["name"].split(" ")[0]: row["values"] for row in report["tables"][0]["rows"]}
        weight = max(("rod.hx", "rod.hy"), key=lambda name: abs(base[name][0]))  # joint frame: z is the axis
        for name, truth in ((weight, 0.6), ("swing.viscous", 0.3), ("swing.coulomb", 0.5)):
            estimate, half_width, physical, _ = (abs(x) if x is not None else None for x in base[name])
            self.assertLess(abs(estimate - truth), 3 * half_width + 0.01 * abs(truth), name)
            self.assertLess(abs(physical - truth), 0.05 * abs(truth), name)
        page = (self.folder / "page.html").read_text()
        self.assertEqual(page.count("<svg"), 2)
        self.assertIn("swing.viscous", page)
        self.assertEqual(run("check", self.folder / "new.usda").returncode, 0)
        # Identified again from the written scene: it starts from what was found.
        again = run("identify", self.folder / "new.usda", *arguments[2:], "--json")
        self.assertEqual(again.returncode, 0, again.stderr)
        base = {row["name"].split(" ")[0]: row["values"] for row in json.loads(again.stdout)["tables"][0]["rows"]}
        self.assertLess(abs(abs(base[weight][3]) - 0.6), 0.03)

    def test_a_recording_of_geoul_gives_its_own_masses_back(self):
        # The mirror's efforts are inverse dynamics of the same scene: what is found must be what is there.
        done = run("run", SCENARIO / "site.yaml", "--check", "--out", self.folder / "out")
        self.assertEqual(done.returncode, 0, done.stderr)
        done = run("identify", SCENARIO / "cell.usda", self.folder / "out" / "ur3e_cell.mcap", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual(len([line for line in report["lines"] if line["name"].startswith("torque error")]), 6)
        for line in report["lines"][:6]:
            self.assertLess(line["value"], 1e-3, line["name"])
        refused = run("identify", SCENARIO / "cell.usda", self.folder / "none.mcap")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("cannot be opened", refused.stderr)

    def test_bad_recordings_are_refused_with_their_mend(self):
        self.expect_bad(self.record(rows=40), "run.csv", "too few", "100 at least")
        self.expect_bad(self.record(q=lambda row: 0.5), "'swing' never moves", "--joints")
        self.expect_bad(self.record(scale=180 / math.pi), "degrees")
        self.expect_bad(self.record(rows=105), "too short", "record")
        self.expect_bad(self.record(tau=lambda row: float("nan")), "run.csv", "nan")
        arguments = self.record()
        self.expect_bad([*arguments[:3], "--time", "t"], "no joint of the scene has columns", "--position", "tau0")
        self.expect_bad([*arguments, "--joints", "elbow"], "no joint 'elbow'", "swing")


class Works(Sandbox):
    def test_help_has_examples(self):
        history = (["history", name] for name in ("show", "export", "verify", "prune"))
        for command in (["run"], ["sim"], ["check"], ["convert"], ["identify"], ["history"], *history, []):
            done = run(*command, "--help")
            self.assertEqual(done.returncode, 0)
            examples = done.stdout.split("Examples:")[1].split("Exit codes")[0].strip().splitlines()
            self.assertGreaterEqual(len(examples), 2, command)
        self.assertRegex(run("--version").stdout, r"^geoul \d+\.\d+\.\d+$")

    def test_the_check_of_the_real_robot_is_within_its_bounds(self):
        out = self.folder / "out"
        done = run("run", SCENARIO / "site.yaml", "--check", "--json", "--out", out)
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)
        self.assertTrue(report["ok"])
        figures = {line["name"]: line for line in report["lines"]}
        self.assertLess(figures["fixed-joint position error"]["value"], 1e-14)
        for joint in ("shoulder_lift", "elbow", "wrist_1"):
            self.assertLess(figures["gravity torque at rest, " + joint]["value"], 0.2)
        self.assertEqual(json.loads((out / "report.json").read_text())["lines"][0], report["lines"][0])
        self.assertTrue((out / "torque_residuals.svg").read_text().startswith("<svg"))
        self.assertEqual(sorted(f.name for f in out.iterdir()), ["report.json", "report.txt", "torque_residuals.svg", "torques.svg", "ur3e_cell.mcap"])

    def test_the_public_reader_of_mcap_finds_every_row(self):
        """npm's @mcap/core, with checksums; where one of the folders that tools/setup fills has it."""
        found = [f for f in MODULES if (f / "@mcap/core").is_dir() and (f / "@mcap/support").is_dir() and (f / "@mcap/nodejs").is_dir()]
        if not found:
            self.skipTest("npm's @mcap/core, @mcap/support and @mcap/nodejs are not installed")
        file = self.folder / "out" / "ur3e_cell.mcap"
        self.assertEqual(run("run", SCENARIO / "site.yaml", "--check", "--out", file.parent).returncode, 0)
        script = """
          import { McapIndexedReader } from "@mcap/core";
          import { FileHandleReadable } from "@mcap/nodejs";
          import { open } from "node:fs/promises";
          import { loadDecompressHandlers } from "@mcap/support";
          const readable = new FileHandleReadable(await open(process.argv[2], "r"));
          const reader = await McapIndexedReader.Initialize({ readable, decompressHandlers: await loadDecompressHandlers() });
          const count = {};
          for await (const m of reader.readMessages({ validateCrcs: true })) {
            const topic = reader.channelsById.get(m.channelId).topic;
            count[topic] = (count[topic] ?? 0) + 1;
          }
          console.log(JSON.stringify(count));"""
        path = found[0] / f".read_{os.getpid()}.mjs"
        path.write_text(script)
        self.addCleanup(path.unlink)
        done = subprocess.run(["node", str(path), str(file)], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        counts = json.loads(done.stdout)
        for topic in ("/tf", "/joints", "/fixed_joints", "/signals"):
            self.assertEqual(counts[topic], 225, counts)
        self.assertEqual(counts["/scene"], 1)

    def test_a_scene_is_simulated_and_recorded(self):
        file = self.folder / "fall.mcap"
        done = run("sim", SCENARIO / "cell.usda", "--headless", "--seconds", "0.2", "--record", file, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        figures = {line["name"]: line["value"] for line in json.loads(done.stdout)["lines"]}
        self.assertAlmostEqual(figures["time simulated"], 0.2)
        self.assertLess(figures["fixed-joint position error"], 1e-14)
        self.assertTrue(file.read_bytes().endswith(b"\x89MCAP0\r\n"))

    def write(self, name, text):
        (self.folder / name).write_text(text)
        return self.folder / name

    def stiff_rod(self):
        return self.write("rod.xml", """<mujoco><worldbody><body name="rod"><joint name="hinge3" axis="0 0 1"/>
          <geom type="box" size="0.5 0.01 0.01" pos="0.5 0 0" mass="1"/></body></worldbody>
          <actuator><position joint="hinge3" kp="1e9"/></actuator></mujoco>""")

    def overlapping_boxes(self):
        return self.write("boxes.xml", """<mujoco><worldbody><geom name="floor" type="plane" size="5 5 0.1"/>
          <body name="box" pos="0 0 0.08"><freejoint/><geom name="g" type="box" size="0.1 0.1 0.1" mass="1"/></body></worldbody></mujoco>""")

    def test_trouble_is_foretold(self):
        done = run("check", self.stiff_rod(), "--dt", "0.002", "--integrator", "euler", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        finding = json.loads(done.stdout)["files"][0]["findings"][0]
        self.assertTrue(finding["path"].endswith("hinge3"))
        self.assertRegex(finding["message"], "drive gain 1e\\+09 N.m/rad at dt 2 ms.*would explode")
        self.assertIn("take dt below 0.0365 ms", finding["mend"])
        self.assertIn("start 20 mm inside each other", run("check", self.overlapping_boxes()).stdout)
        self.assertEqual(run("check", self.stiff_rod(), "--integrator", "eulr").returncode, 2)

    def test_what_leaves_its_bound_is_said_in_words(self):
        done = run("sim", self.overlapping_boxes(), "--headless", "--seconds", "1", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, "warning: at 0.0010 s: .*are 20.00 mm inside each other .bound 0.1000 mm.; part them")
        self.assertLess(len(done.stderr.splitlines()), 8)
        figures = {line["name"]: line["value"] for line in json.loads(done.stdout)["lines"]}
        self.assertAlmostEqual(figures["deepest penetration"], 0.02)

    def test_what_if_is_answered_for_every_condition(self):
        scene = SCENARIO / "cell.usda"
        done = run("whatif", scene, "payload 3 kg", "friction shoulder_lift 10 N.m", "--to", "elbow=60deg", "--draws", 4,
                   "--seconds", 2, "--plots", self.folder / "plots", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        answer = json.loads(done.stdout)
        rows = {(row["condition"], row["action"]): row for row in answer["rows"]}
        self.assertEqual(len(rows), 12)
        self.assertGreater(rows["payload 3 kg", "move"]["effort_share"]["median"], rows["as it is", "move"]["effort_share"]["median"])
        self.assertTrue((self.folder / "plots" / "what_if.svg").read_text().startswith("<svg"))
        text = run("whatif", scene, "payload 3 kg", "--certain", "--seconds", 1)
        self.assertIn("asked: payload 3 kg on /Cell/Tool/payload", text.stdout)
        bad = run("whatif", scene, "payload 3 apples")
        self.assertEqual(bad.returncode, 2)
        self.assertIn("What can be asked:", bad.stderr)
        self.assertIn("joints: shoulder_pan, shoulder_lift, elbow", bad.stderr)

    def test_a_terminal_sees_a_table_that_redraws_itself(self):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(GEOUL, ["geoul", "sim", str(self.overlapping_boxes()), "--headless", "--seconds", "60"])
        out = b""
        try:
            while chunk := os.read(terminal, 65536):
                out += chunk
        except OSError:
            pass  # the program has ended
        os.close(terminal)
        self.assertEqual(os.waitpid(pid, 0)[1], 0)
        for name in (b"contacts ", b"penetration ", b"contact residual ", b"loop closure ", b"iterations ", b"energy "):
            self.assertIn(b"    " + name, out)
        self.assertIn(b"\x1b[7A", out)  # over the table before

    def test_a_converted_scene_gives_the_same_report(self):
        flat = self.folder / "flat.usda"
        self.assertEqual(run("convert", SCENARIO / "cell.usda", flat).returncode, 0)
        done = run("run", SCENARIO / "site.yaml", "--check", "--no-record", "--json", "--scene", flat)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_scene_converted_to_a_package_reads_again(self):
        package = self.folder / "cell.usdz"
        self.assertEqual(run("convert", SCENARIO / "cell.usda", package).returncode, 0)
        self.assertEqual(package.read_bytes()[:4], b"PK\x03\x04")
        # The package holds what the text file says: read, both are written alike.
        text, of_package, of_text = (self.folder / name for name in ("text.usda", "of_package.usda", "of_text.usda"))
        self.assertEqual(run("convert", SCENARIO / "cell.usda", text).returncode, 0)
        self.assertEqual(run("convert", package, of_package).returncode, 0)
        self.assertEqual(run("convert", text, of_text).returncode, 0)
        self.assertEqual(of_package.read_bytes(), of_text.read_bytes())

    def test_a_scene_is_converted_to_every_format_and_says_what_is_lost(self):
        for ending in ("urdf", "sdf", "xml", "glb", "gltf"):
            out = self.folder / ("ur3e." + ending)
            done = run("convert", SCENARIO / "ur3e.usda", out)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertGreater(out.stat().st_size, 1000)
            if ending in ("urdf", "sdf"):
                self.assertIn("armature", done.stderr)
            if ending in ("urdf", "sdf", "xml"):
                self.assertEqual(run("check", out).returncode, 0)
        done = run("convert", SCENARIO / "ur3e.usda", self.folder / "ur3e.step")
        self.assertEqual(done.returncode, 2)
        self.assertIn("'.step' are not written", done.stderr)


class Anomalies(Sandbox):
    def recording(self, rows=3000, spike=2500, line=None, dates=False, name="recording.csv"):
        lines = ["time,level,flow"]
        for i in range(rows):
            level = 10 + math.sin(i / 20) + 0.05 * ((i * 7919) % 13 - 6) + (9 if i == spike else 0)
            stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(1600000000 + 60 * i)) if dates else i
            lines.append(f"{stamp},{level},{2 * level + 0.05 * ((i * 104729) % 11)}")
        if line:
            lines[1000] = line
        file = self.folder / name
        file.write_text("\n".join(lines) + "\n")
        return file

    def test_a_spike_is_found_and_explained(self):
        plot = self.folder / "plot.svg"
        done = run("anomalies", self.recording(), "--column", "level", "--plot", plot)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^2500\.000 s +0\.[5-9]\d +level +saw 1[89]\.?\d*, expected .*: \w+")
        self.assertIn("in 3000 rows of 1 signal", done.stdout)
        self.assertIn("</svg>", plot.read_text())

    def test_dates_are_read_and_written_and_json_is_whole(self):
        done = run("anomalies", self.recording(dates=True), "--json")
        found = json.loads(done.stdout)
        self.assertEqual((found["rows"], found["signals"]), (3000, ["level", "flow"]))
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(1600000000 + 60 * 2500))
        self.assertIn((at, "level"), [(a["time"], a["signal"]) for a in found["anomalies"]])
        self.assertTrue(all(0.5 <= a["score"] <= 1 for a in found["anomalies"]))

    def test_what_is_wrong_is_said_and_nothing_is_written(self):
        plot = self.folder / "plot.svg"
        for arguments, says in [((self.folder / "absent.csv",), r"absent.csv.*no such file"),
                                ((self.recording(line="999,,1", name="empty.csv"),), r"empty.csv:1001: error: level: .*empty"),
                                ((self.recording(rows=50, name="short.csv"),), r"50 rows are too few"),
                                ((self.recording(), "--column", "levle"), r"levle.*no column.*level"),
                                ((self.recording(), "--sensitivity", "0"), r"sensitivity must lie"),
                                ((self.recording(), "--time-unit", "-1"), r"time unit must")]:
            done = run("anomalies", *arguments, "--plot", plot)
            self.assertEqual(done.returncode, 2, done.stdout)
            self.assertRegex(done.stderr, says)
            self.assertEqual(done.stdout, "")
            self.assertFalse(plot.exists())

    def test_bad_rows_are_left_out_where_asked(self):
        done = run("anomalies", self.recording(line="999,,1"), "--skip-bad-rows")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"recording.csv:1001: warning: level")
        self.assertIn("in 2999 rows of 2 signals", done.stdout)


class History(Sandbox):
    def record(self, *more):
        store = self.folder / "history"
        done = run("sim", SCENARIO / "cell.usda", "--headless", "--seconds", "1.2", "--history", store, *more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return store

    def test_a_run_is_listed_shown_exported_and_verified(self):
        store = self.record()
        self.assertRegex(run("history", "ls", store).stdout, r"^run 1  \d{4}-\d\d-\d\d .*  1\.200 s  1 segment, ")
        listed = json.loads(run("history", "ls", store, "--json").stdout)
        self.assertEqual([r["run"] for r in listed["runs"]], [1])
        shown = json.loads(run("history", "show", store, "--json").stdout)
        self.assertEqual(shown["snapshots"], 4)  # at 0, 500, 1000 and 1200 steps
        self.assertEqual(len(shown["segment_files"]), 1)
        out = self.folder / "run.mcap"
        done = run("history", "export", store, out, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["messages"], 4)
        self.assertTrue(out.read_bytes().endswith(b"\x89MCAP0\r\n"))
        done = run("history", "export", store, out)
        self.assertEqual(done.returncode, 2)
        self.assertIn("is there already", done.stderr)
        done = run("history", "verify", store)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout.startswith("ok  1 segment"))

    def test_an_instant_is_the_same_by_whatever_way(self):
        store = self.record()
        first = json.loads(run("history", "show", store, "--time", "0.7654", "--json").stdout)
        self.assertAlmostEqual(first["time_s"], 0.765)
        self.assertEqual(len([j for j in first["joints"] if j["path"].startswith("/Cell/UR3e/Joints/")]), 6)
        self.assertRegex(first["state_hash"], "^[0-9a-f]{16}$")
        self.record()  # the same again, as run 2
        again = json.loads(run("history", "show", store, "--run", "2", "--time", "0.7654", "--json").stdout)
        self.assertEqual(again["state_hash"], first["state_hash"])
        self.assertEqual(again["bodies"], first["bodies"])
        done = run("history", "show", store, "--time", "9")
        self.assertEqual(done.returncode, 2)
        self.assertIn("is known from 0 to 1.200 s; 9.000 s is outside", done.stderr)
        done = run("history", "show", store, "--run", "7")
        self.assertEqual(done.returncode, 2)
        self.assertIn("there is no run 7; there are: 1, 2", done.stderr)

    def test_damage_is_named_and_exits_1(self):
        store = self.record()
        segment = next((store / "segments").iterdir())
        data = bytearray(segment.read_bytes())
        data[len(data) // 2] ^= 4
        segment.write_bytes(data)
        done = run("history", "verify", store, "--json")
        self.assertEqual(done.returncode, 1, done.stderr)
        report = json.loads(done.stdout)
        self.assertFalse(report["ok"])
        self.assertIn("bad-crc", {f["code"] for f in report["findings"]})
        self.assertIn(segment.name, done.stderr)

    def test_pruning_says_what_goes_and_the_audit_trail_keeps_it(self):
        store = self.record()
        self.record()
        done = run("history", "prune", store, "--keep-runs", "1", "--dry-run", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(json.loads(done.stdout)["files"]), 1)
        self.assertEqual(len(list((store / "segments").iterdir())), 2)
        self.assertIn("deleted 1 segment", run("history", "prune", store, "--keep-runs", "1").stdout)
        self.assertEqual(len(list((store / "segments").iterdir())), 1)
        checked = json.loads(run("history", "verify", store, "--json").stdout)
        self.assertEqual((checked["ok"], checked["audit_records"]), (True, 1))
        self.assertIn("\tprune\t", (store / "audit.log").read_text())
        trail = (store / "audit.log").read_text()
        (store / "audit.log").write_text(trail.replace("prune", "purge"))
        done = run("history", "verify", store)
        self.assertEqual(done.returncode, 1)
        self.assertIn("record 1", done.stderr)
        (store / "audit.log").write_text(trail)
        self.assertEqual(run("history", "verify", store, "--head", checked["audit_head"]).returncode, 0)
        self.assertEqual(run("history", "verify", store, "--head", "2:" + "0" * 64).returncode, 1)
        self.assertIn("say what to keep", run("history", "prune", store).stderr)

    def test_a_killed_recording_is_whole_up_to_its_last_snapshots(self):
        store = self.folder / "history"
        process = subprocess.Popen([GEOUL, "sim", str(SCENARIO / "cell.usda"), "--headless", "--seconds", "1000", "--history", str(store)],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.kill)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not (store / "journal-0").exists():
            time.sleep(0.05)
        time.sleep(1)
        process.kill()
        process.wait(timeout=10)
        listed = json.loads(run("history", "ls", store, "--json").stdout)
        self.assertTrue(listed["runs"][0]["closed"])
        end = listed["runs"][0]["end_s"]
        self.assertEqual(run("history", "show", store, "--time", str(end)).returncode, 0)
        self.assertEqual(run("history", "verify", store).returncode, 0)

    def test_bad_use_is_refused_in_words(self):
        done = run("history", "ls", self.folder / "none")
        self.assertEqual(done.returncode, 2)
        self.assertIn("holds no history; record one with 'geoul sim SCENE --history FOLDER'", done.stderr)
        self.assertEqual(run("history").returncode, 2)
        self.assertEqual(run("history", "ls").returncode, 2)
        self.assertEqual(run("history", "show", self.folder, "--run", "-1").returncode, 2)


class Socket:
    """A WebSocket client of a few lines, for loopback."""

    def __init__(self, port, target="/"):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: foxglove.websocket.v1\r\n\r\n").encode())
        self.file = self.socket.makefile("rb")
        assert b" 101 " in self.file.readline()
        while self.file.readline().strip():
            pass

    def receive(self):
        first, second = self.file.read(2)
        size = second & 127
        if size == 126:
            size = struct.unpack(">H", self.file.read(2))[0]
        elif size == 127:
            size = struct.unpack(">Q", self.file.read(8))[0]
        return first & 15, self.file.read(size)

    def send(self, opcode, payload):
        mask = os.urandom(4)
        size = struct.pack(">B", 128 | len(payload)) if len(payload) < 126 else struct.pack(">BH", 128 | 126, len(payload))
        self.socket.sendall(bytes([128 | opcode]) + size + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload)))

    def until(self, wanted):
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            opcode, payload = self.receive()
            found = wanted(opcode, payload)
            if found is not None:
                return found
        raise AssertionError("not received in 15 s")


class Served(Sandbox):
    def start(self, *arguments):
        process = subprocess.Popen([GEOUL, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)
        for line in process.stderr:
            found = re.search(r"ws://127\.0\.0\.1:(\d+)", line)
            if found:
                return process, int(found.group(1))
        raise AssertionError("no address was printed")


class Live(Served):
    def test_a_run_is_served_steered_and_ended_cleanly(self):
        process, port = self.start("run", SCENARIO / "site.yaml", "--port", 0, "--out", self.folder / "out")
        client = Socket(port)
        channels = client.until(lambda op, data: json.loads(data)["channels"] if op == 1 and b'"advertise"' in data else None)
        topics = {channel["topic"]: channel for channel in channels}
        self.assertEqual(set(topics), {"/scene", "/model", "/tf", "/joints", "/fixed_joints", "/signals", "/clock", "/report", "/log",
                                       "/contacts", "/wrenches", "/residuals", "/drags", "/links", "/events",
                                       "/alarms", "/estimates", "/advice", "/commands"})
        service = client.until(lambda op, data: json.loads(data)["services"][0] if op == 1 and b'"advertiseServices"' in data else None)
        self.assertEqual(service["name"], "/clock/control")
        ids = {topic: i for i, topic in enumerate(topics)}
        client.send(1, json.dumps({"op": "subscribe", "subscriptions": [{"id": i, "channelId": topics[t]["id"]} for t, i in ids.items()]}).encode())
        seen = set()

        def collect(op, data):
            if op == 2 and data[0] == 1:
                seen.add(struct.unpack("<I", data[1:5])[0])
            return True if all(ids[t] in seen for t in ("/scene", "/model", "/tf", "/joints", "/signals", "/clock")) else None

        client.until(collect)
        # Pause: ClockCommand {mode: PAUSED} is field 1, value 0.
        client.send(2, struct.pack("<BII", 2, service["id"], 7) + struct.pack("<I", 8) + b"protobuf" + b"\x08\x00")
        answer = client.until(lambda op, data: data if op == 2 and data[0] == 3 else None)
        self.assertEqual(struct.unpack("<I", answer[5:9])[0], 7)
        # An empty command is refused in words.
        client.send(2, struct.pack("<BII", 2, service["id"], 8) + struct.pack("<I", 8) + b"protobuf")
        refusal = client.until(lambda op, data: data.decode() if op == 1 and b"serviceCallFailure" in data else None)
        self.assertIn("empty", refusal)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=10), 0)
        self.assertTrue((self.folder / "out/ur3e_cell.mcap").read_bytes().endswith(b"\x89MCAP0\r\n"))

    def test_the_studio_is_served_from_the_same_port(self):
        studio = self.folder / "studio"
        studio.mkdir()
        (studio / "index.html").write_text("<title>studio</title>")
        process, port = self.start("sim", SCENARIO / "cell.usda", "--port", 0, "--studio", studio)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as page:
            self.assertIn("<title>studio</title>", page.read().decode())
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=10), 0)


class LiveLinks(Served):
    """A recording played as if it were live stands for the plant; real servers are behind the tests of geoul/link."""

    def setUp(self):
        super().setUp()
        self.plant = f"csv:{','.join(str(f) for f in sorted((self.folder / 'data').glob('*.csv'))[:1])}"

    def test_probe_lists_what_a_plant_offers(self):
        done = run("link", "probe", self.plant, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        names = {signal["name"] for signal in json.loads(done.stdout)}
        self.assertIn("actual_q_0", names)
        self.assertGreater(len(names), 100)

    def test_probe_names_the_protocols(self):
        done = run("link", "probe", "pigeon://coop")
        self.assertEqual(done.returncode, 2)
        self.assertIn("mqtt://", done.stderr)
        self.assertIn("opc.tcp://", done.stderr)

    def test_init_binds_every_joint_and_the_check_agrees(self):
        site = self.folder / "first.yaml"
        done = run("site", "init", self.folder / "cell.usda", self.plant, "--out", site)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("6 of 6 joints", done.stderr)
        self.assertEqual(run("check", site).returncode, 0)
        again = run("site", "init", self.folder / "cell.usda", self.plant, "--out", site)
        self.assertEqual(again.returncode, 2)
        self.assertIn("--force", again.stderr)

    def follow(self, *arguments, seconds):
        process, _ = self.start("run", self.site, "--port", 0, "--out", self.folder / "out", *arguments)
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        errors = process.stderr.read()
        return process.wait(timeout=60), errors

    def test_run_follows_a_link_and_records(self):
        code, errors = self.follow("--link", f"rtde={self.plant},loop=true", seconds=4)
        self.assertEqual(code, 0, errors)
        self.assertIn("link rtde: live", errors)
        report = json.loads((self.folder / "out" / "report.json").read_text())
        lines = {line["name"]: line for line in report["lines"]}
        self.assertLess(lines["fixed-joint position error"]["value"], 1e-12)
        self.assertEqual(lines["link rtde: updates dropped"]["value"], 0)
        self.assertGreater((self.folder / "out" / "ur3e_cell.mcap").stat().st_size, 10_000)

    def killed(self, store, seconds):
        """Follows the plant with a history until it is killed; the UNIX time of that."""
        process, _ = self.start("run", self.site, "--port", 0, "--link", f"rtde={self.plant},loop=true", "--history", store)
        time.sleep(seconds)
        at = time.time()
        process.kill()
        process.wait(timeout=10)
        return at

    def test_a_live_history_outlives_kills_and_knows_every_instant(self):
        store = self.folder / "history"
        kills = [self.killed(store, seconds) for seconds in (2.3, 1.1, 3.2)]
        self.assertFalse(list(self.folder.glob("recordings/*")))
        done = run("history", "verify", store)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        runs = json.loads(run("history", "ls", store, "--json").stdout)["runs"]
        self.assertEqual([r["run"] for r in runs], [1, 2, 3])
        for made, killed in zip(runs, kills):
            self.assertTrue(made["closed"])
            self.assertGreater(made["messages"], 10)
            self.assertGreater(made["end_s"], killed - 1)  # a second on a busy machine: what was acknowledged
            self.assertLess(made["end_s"], killed + 0.5)
        hashes = set()
        for made in runs:
            for part in (0.3, 0.9, 1.0):
                at = made["begin_s"] + part * (made["end_s"] - made["begin_s"])
                words = ["history", "show", store, "--run", made["run"], "--time", f"{at:.6f}", "--json"]
                if part == 1.0:
                    words[6] = f"{at - 1e-6:.6f}"
                done = run(*words)
                self.assertEqual(done.returncode, 0, done.stderr)
                shown = json.loads(done.stdout)
                self.assertLessEqual(shown["time_s"], at)
                self.assertGreater(shown["time_s"], at - 0.2)
                self.assertEqual(len([j for j in shown["joints"] if j["path"].startswith("/Cell/UR3e/Joints/")]), 6)
                hashes.add(shown["state_hash"])
        self.assertGreater(len(hashes), 6)
        text = run("history", "show", store, "--run", 1).stdout
        self.assertRegex(text, r"UTC  link/rtde, link-live: ")
        done = run("history", "show", store, "--run", 1, "--time", "12")
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r"run 1 is known from 20\d\d-\d\d-\d\d .* UTC to 20")

    def test_a_history_needs_a_live_site_and_a_folder_of_its_own(self):
        done = run("run", self.site, "--check", "--history", self.folder / "h", "--no-record")
        self.assertEqual(done.returncode, 2)
        self.assertIn("give --live too", done.stderr)
        store = self.folder / "history"
        process, _ = self.start("run", self.site, "--port", 0, "--link", f"rtde={self.plant},loop=true", "--history", store)
        done = run("run", self.site, "--port", 0, "--link", f"rtde={self.plant}", "--history", store)
        self.assertEqual(done.returncode, 2)
        self.assertIn("another", done.stderr)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=60), 0)
        self.assertEqual(run("history", "verify", store).returncode, 0)

    def test_a_link_that_nobody_serves_says_why_and_the_twin_stays(self):
        code, errors = self.follow("--link", "rtde=rtde://127.0.0.1:9", seconds=3)
        self.assertEqual(code, 0, errors)
        self.assertRegex(errors, r"link rtde: .*127\.0\.0\.1:9")

    def test_words_of_a_link_that_are_wrong_are_named(self):
        for words, part in {
            "rtde": "ID=URL",
            "rdte=csv:x.csv": "rtde",
            "rtde=csv:x.csv,sped=2": "speed",
            "rtde=rtde://host,frequency_hz=0": "1 to 500",
            "rtde=mqtt://": "mqtt://",
        }.items():
            done = run("run", self.site, "--link", words, cwd=self.folder)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn(part, done.stderr)
            self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)


def unpacked(recording):
    """The bytes of an MCAP file with its chunks decompressed (record 6: times, size, check sum, compression, records)."""
    zstd = ctypes.CDLL("libzstd.so.1")
    zstd.ZSTD_decompress.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
    zstd.ZSTD_decompress.restype = ctypes.c_size_t
    out, at = [recording], 8
    while at + 9 <= len(recording):
        opcode, size = struct.unpack_from("<BQ", recording, at)
        if opcode == 6:
            whole, _, name = struct.unpack_from("<QII", recording, at + 9 + 16)
            begin = at + 9 + 32 + name + 8
            buffer = ctypes.create_string_buffer(whole)
            assert zstd.ZSTD_decompress(buffer, whole, recording[begin : at + 9 + size], at + 9 + size - begin) == whole
            out.append(buffer.raw)
        at += 9 + size
    assert len(out) > 1, "the recording has no chunk"
    return b"".join(out)


class Access(Served):
    PASSWORD = "correct horse battery"

    def user(self, *arguments, password=PASSWORD):
        return subprocess.run([GEOUL, "user", *map(str, arguments), "--access", self.folder / "access"], input=password + "\n", capture_output=True, text=True, timeout=60)

    def sign_in(self, port, password):
        body = json.dumps({"name": "ann", "password": password}).encode()
        return urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/api/login", body, {"Content-Type": "application/json"}), timeout=20)

    def test_users_are_kept_by_the_command_line(self):
        self.assertIn("no users", self.user("list").stderr)
        self.assertEqual(self.user("add", "ann", "--role", "operate", "--password-stdin").returncode, 0)
        self.assertEqual((self.folder / "access/users.json").stat().st_mode & 0o777, 0o600)
        token = self.user("token", "ann", "--role", "view", "--label", "foxglove").stdout.strip()
        self.assertRegex(token, r"^geoul_[\w-]{43}$")
        listed = self.user("list").stdout
        self.assertRegex(listed, r"ann +operate\n  token (\w{8}) +view +until \d{4}-\d\d-\d\d, used never  foxglove")
        self.assertNotIn(token, listed)
        for arguments, says in [
            (("add", "ann", "--role", "view", "--password-stdin"), "already"),
            (("add", "Bob!", "--role", "view", "--password-stdin"), "cannot be a name"),
            (("role", "anm", "view"), "did you mean 'ann'"),
            (("token", "ann", "--role", "administer"), "at most the role"),
            (("revoke", "ann", "abc"), "no token 'abc'"),
        ]:
            done = self.user(*arguments)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(says, done.stderr)
        self.assertEqual(self.user("passwd", "ann", "--password-stdin", password="short").returncode, 2)
        for arguments in [("role", "ann", "view"), ("revoke", "ann", re.search(r"token (\w{8})", listed).group(1)), ("remove", "ann")]:
            self.assertEqual(self.user(*arguments).returncode, 0)
        self.assertIn("no users", self.user("list").stderr)

    def test_a_password_is_not_shown_while_it_is_typed(self):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(GEOUL, ["geoul", "user", "add", "ann", "--role", "view", "--access", str(self.folder / "access")])
        shown = b""
        for prompt in (b"password: ", b"once more: "):
            while prompt not in shown:
                shown += os.read(terminal, 1024)
            time.sleep(0.2)
            os.write(terminal, self.PASSWORD.encode() + b"\n")
        try:
            while chunk := os.read(terminal, 1024):
                shown += chunk
        except OSError:
            pass  # the program has ended
        os.close(terminal)
        self.assertEqual(os.waitpid(pid, 0)[1], 0, shown)
        self.assertNotIn(self.PASSWORD.encode(), shown)

    def test_the_network_is_not_let_in_unasked(self):
        done = run("sim", SCENARIO / "cell.usda", "--port", 0, "--host", "0.0.0.0", "--access", self.folder / "access")
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, "needs users; add one with 'geoul user add")

    def test_no_secret_is_written_anywhere(self):
        self.user("add", "ann", "--role", "operate", "--password-stdin")
        token = self.user("token", "ann").stdout.strip()
        process, port = self.start("run", SCENARIO / "site.yaml", "--port", 0, "--out", self.folder / "out", "--access", self.folder / "access")
        with self.assertRaises(AssertionError):
            Socket(port)  # not without
        client = Socket(port, f"/?token={token}")
        service = client.until(lambda op, data: json.loads(data)["services"][0] if op == 1 and b'"advertiseServices"' in data else None)
        client.send(2, struct.pack("<BII", 2, service["id"], 7) + struct.pack("<I", 8) + b"protobuf" + b"\x08\x00")
        client.until(lambda op, data: data if op == 2 and data[0] == 3 else None)
        with self.assertRaises(urllib.error.HTTPError) as refused:
            self.sign_in(port, "wrong " + self.PASSWORD)
        self.assertEqual(refused.exception.code, 401)
        refused.exception.close()
        with self.sign_in(port, self.PASSWORD) as answer:
            cookie = re.match(r"geoul_session_\d+=(geoul_[\w-]+); ", answer.headers["Set-Cookie"]).group(1)
            csrf = json.load(answer)["csrf"]
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
        self.assertEqual(process.wait(timeout=10), 0)
        journal = (self.folder / "access/access.log").read_text()
        for what in ('"token-accepted"', '"signed-in"', '"sign-in-refused"'):
            self.assertIn(what, journal)
        files = [file for folder in ("out", "access") for file in (self.folder / folder).rglob("*") if file.is_file()]
        self.assertIn("ur3e_cell.mcap", [file.name for file in files])
        recorded = unpacked((self.folder / "out/ur3e_cell.mcap").read_bytes())
        self.assertIn(b"wrist_3", recorded)
        everything = said.encode() + recorded + b"".join(file.read_bytes() for file in files)
        for secret in (token, cookie, csrf, self.PASSWORD):
            self.assertNotIn(secret.encode(), everything)


if __name__ == "__main__":
    GEOUL = str(pathlib.Path(sys.argv.pop(1)).resolve())
    with tempfile.TemporaryDirectory() as state:
        os.environ["XDG_STATE_HOME"] = state  # the users of who runs the tests stay out of it
        unittest.main(verbosity=2)

"""Tests of check_layers.py: a small tree that keeps the rules, and one violation at a time."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).with_name("check_layers.py")
GOOD = {
    "tools/layers.txt": "# comment\ncore:\nscene: core\nlink: core\n",
    "tools/libraries.txt": "eigen: any | Eigen/\ntests: | gtest/\nspdlog: core | spdlog/ fmt/\npugixml: scene | pugixml.hpp\n",
    "geoul/core/CMakeLists.txt": "geoul_module(core SOURCES log.cpp HEADERS log.h TESTS log_test.cpp)",
    "geoul/core/log.h": "#pragma once\n#include <string_view>\n",
    "geoul/core/log.cpp": '#include "geoul/core/log.h"\n\n#include <spdlog/spdlog.h>\n#include <sys/stat.h>\n#include <Eigen/Core>\n',
    "geoul/core/log_test.cpp": '#include <gtest/gtest.h>\n\n#include "geoul/core/log.h"\n',
    "geoul/scene/CMakeLists.txt": "geoul_module(scene SOURCES formats/urdf.cpp\n  MODULES core)",
    "geoul/scene/formats/urdf.cpp": '#include <pugixml.hpp>\n#include "geoul/core/log.h"  // "geoul/link/x.h"\n',
    "bench/scene_bench.cpp": '#include "geoul/core/log.h"\n',
}


class CheckLayers(unittest.TestCase):
    def findings(self, changes=None):
        """Exit code and output for the good tree with some files changed (None: removed)."""
        with tempfile.TemporaryDirectory() as folder:
            for name, text in (GOOD | (changes or {})).items():
                if text is not None:
                    path = pathlib.Path(folder, name)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(text)
            done = subprocess.run([sys.executable, SCRIPT, folder], capture_output=True, text=True, check=False)
            return done.returncode, done.stdout + done.stderr

    def expect_one(self, changes, words):
        code, text = self.findings(changes)
        self.assertEqual(code, 1, text)
        self.assertEqual(len(text.splitlines()), 1, text)
        self.assertIn(words, text)

    def test_a_tree_that_keeps_the_rules_passes(self):
        self.assertEqual(self.findings(), (0, "layers: nothing found\n"))

    def test_an_include_against_the_layers_is_found_with_its_line(self):
        self.expect_one({"geoul/core/log.cpp": '// up\n#include "geoul/scene/scene.h"\n',
                         "geoul/scene/scene.h": "#pragma once\n",
                         "geoul/scene/CMakeLists.txt": "geoul_module(scene SOURCES formats/urdf.cpp HEADERS scene.h)"},
                        "geoul/core/log.cpp:2: geoul/core may not include geoul/scene")

    def test_an_unknown_module_is_found(self):
        self.expect_one({"geoul/magic/magic.h": "#pragma once\n"}, "geoul/magic/magic.h: module 'magic' is missing")

    def test_a_relative_include_is_found(self):
        self.expect_one({"geoul/core/log.cpp": '#include "log.h"\n'}, "is no path from the root")
        self.expect_one({"geoul/core/log.cpp": '#include "geoul/core/../core/log.h"\n'}, "does not exist")

    def test_a_header_that_does_not_exist_is_found(self):
        self.expect_one({"geoul/core/log.cpp": '#include "geoul/core/lag.h"\n'}, "does not exist")

    def test_a_library_of_another_module_is_found(self):
        self.expect_one({"geoul/scene/formats/urdf.cpp": "#include <fmt/format.h>\n"}, "belongs to spdlog, which core owns")

    def test_a_library_that_nobody_owns_is_found(self):
        self.expect_one({"geoul/scene/formats/urdf.cpp": "#include <tinyxml2/tinyxml2.h>\n"}, "belongs to no library")

    def test_gtest_outside_a_test_is_found(self):
        self.expect_one({"geoul/core/log.cpp": "#include <gtest/gtest.h>\n"}, "may only appear in a *_test.cpp")

    def test_a_source_that_no_list_names_is_found(self):
        self.expect_one({"geoul/scene/forgotten.cpp": "int x;\n"}, "geoul/scene/forgotten.cpp: no CMakeLists.txt names it")

    def test_a_glob_is_found(self):
        self.expect_one({"geoul/core/CMakeLists.txt": "file(GLOB all *.cpp)\n" + GOOD["geoul/core/CMakeLists.txt"]}, "GLOB")

    def test_a_long_file_needs_a_reason_in_its_first_comment(self):
        long_header = "#pragma once\n" + "int f();\n" * 400
        self.expect_one({"geoul/core/log.h": long_header}, "401 lines, above 400")
        reason = "// The log. long\n// because one table must stand in one place.\n"
        self.assertEqual(self.findings({"geoul/core/log.h": reason + long_header})[0], 0)
        self.expect_one({"geoul/core/log.cpp": "int f();\n" * 1001}, "1001 lines, above 1000")

    def test_a_module_may_not_name_one_below_it(self):
        code, text = self.findings({"tools/layers.txt": "core: scene\nscene: core\nlink: core\n"})
        self.assertEqual(code, 2)
        self.assertIn("layers.txt:1: 'core' may only name modules above it", text)

    def test_modules_may_not_include_programs(self):
        self.expect_one({"bench/timer.h": "#pragma once\n", "geoul/core/log.cpp": '#include "bench/timer.h"\n'},
                        "it stands above the modules")


if __name__ == "__main__":
    unittest.main()

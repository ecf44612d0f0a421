#!/usr/bin/env python3
"""What `geoul check` finds in folders of other people's models, as a table: docs/notes/doctor_corpus.md.

    tools/doctor_corpus.py [--geoul PROGRAM] [--list CODE] [FOLDER...]

Folders: default ../shared/data/urdf and ../shared/data/mjcf. With --list every finding of one code is printed instead,
to look through by hand. Every file counts by itself, also those that others include.
"""

import argparse
import collections
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
WORDS = {"error": "errors", "warning": "warnings", "info": "notes"}


def scenes(folder):
    """URDF files, and XML files that are MJCF; not the meshes."""
    for file in sorted(folder.rglob("*")):
        if file.suffix == ".urdf" or (file.suffix == ".xml" and b"<mujoco" in file.read_bytes()[:65536]):
            yield file


def findings(geoul, files):
    """(file, finding) of every file; a file at a time, so that one that breaks is known by name."""
    for file in files:
        done = subprocess.run([geoul, "check", "--json", str(file)], capture_output=True, text=True, timeout=600)
        if done.returncode not in (0, 1):
            sys.exit(f"{file}: exit code {done.returncode}: {done.stderr}")
        for finding in json.loads(done.stdout)["files"][0]["findings"]:
            yield file, finding


def table(found, count):
    """One row a code, the worst first: how many findings in how many files."""
    rows = collections.defaultdict(list)
    for file, finding in found:
        rows[(["error", "warning", "info"].index(finding["severity"]), finding["code"])].append(file)
    text = f"{count} files.\n\n| severity | code | findings | files |\n|---|---|---|---|\n"
    for (severity, code), files in sorted(rows.items()):
        text += f"| {['error', 'warning', 'note'][severity]} | `{code}` | {len(files)} | {len(set(files))} |\n"
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--geoul", default=str(ROOT / "build/release/bin/geoul"))
    parser.add_argument("--list", metavar="CODE")
    parser.add_argument("folders", nargs="*", type=pathlib.Path)
    options = parser.parse_args()
    for folder in options.folders or [ROOT / "../shared/data/urdf", ROOT / "../shared/data/mjcf"]:
        if not folder.is_dir():
            sys.exit(f"{folder} is absent")
        files = list(scenes(folder))
        found = list(findings(options.geoul, files))
        if not options.list:
            print(f"## {folder.name}\n\n{table(found, len(files))}")
        for file, finding in found:
            if finding["code"] == options.list:
                print(f"{file.relative_to(folder)}:{finding['line']}  {finding['path']}\n    {finding['message']}")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Figures of the mirrored UR3e, for bench/figures: runs `geoul run --check` on the cell and prints its report as figures.

Builds the program first, in the build/release that bench/figures has configured. Exit code: that of geoul.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]


def main():
    subprocess.run(["cmake", "--build", ROOT / "build/release", "--target", "geoul"], stdout=subprocess.DEVNULL, check=True)
    with tempfile.TemporaryDirectory() as out:
        call = [ROOT / "build/release/bin/geoul", "run", ROOT / "scenarios/ur3e_cell/site.yaml", "--check", "--json", "--out", out]
        done = subprocess.run(call, stdout=subprocess.PIPE, text=True)
    for line in json.loads(done.stdout)["lines"]:
        figure = {"name": f"UR3e/{line['name']}", "value": line["value"], "unit": line["unit"]}
        if line.get("bound") is None:
            figure["sense"] = "report"
        else:
            figure |= {"sense": "max", "bound": line["bound"]}
        print(json.dumps(figure))
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())

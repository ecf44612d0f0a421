#!/usr/bin/env python3
"""Compares values that Geoul reads of USD files with TinyUSDZ (PyPI tinyusdz), a second judge. Not part of ./test.

    tools/oracles/usd_tinyusdz_compare.py USD_DUMP FILE_OR_FOLDER...      USD_DUMP: see usd_compare.py

For every prim that both have under the same path: attributes of one value (TinyUSDZ 0.9.4 gives no arrays to Python), within
1e-6 of their size; TinyUSDZ composes less than Geoul, so prims and attributes that only one of them has are not compared,
nor are matrices. Exit code: 0 all agree, 1 some differ.
"""
import json
import pathlib
import subprocess
import sys

import tinyusdz


def flat(value):
    if isinstance(value, (bool, int, float)):
        return [float(value)]
    if isinstance(value, str):
        return [value.strip("@")]  # assets come as they are written
    return [x for item in value for x in flat(item)]


def walk(prim, path, out):
    out[path] = prim
    for child in prim.children():
        walk(child, f"{path}/{child.name}", out)


def prims_of(file):
    """Prims by path; None where TinyUSDZ does not read the file."""
    out = {}
    try:
        for root in tinyusdz.load(str(file)).root_prims():
            walk(root, f"/{root.name}", out)
    except Exception:
        return None
    return out


def scalar(prim, name):
    """Numbers or words of an attribute; None where it has none of one value."""
    try:
        return flat(prim.get_attribute(name).value.as_scalar())
    except Exception:
        return None


def same(a, b):
    if isinstance(a, str) or isinstance(b, str):
        return a == b
    return abs(float(a) - float(b)) <= 1e-6 * (1 + abs(float(b)))


def main():
    dump, *roots = sys.argv[1:]
    files = []
    for root in map(pathlib.Path, roots):
        files += sorted(f for f in root.rglob("*") if f.suffix in (".usd", ".usda", ".usdc")) if root.is_dir() else [root]
    opened = equal = differ = 0
    for file in files:
        text = subprocess.run([dump, str(file)], capture_output=True, text=True, check=False).stdout
        lines = [json.loads(line) for line in text.splitlines()]
        theirs = prims_of(file) if lines and lines[0]["parsed"] else None
        if theirs is None:
            continue
        opened += 1
        for line in lines[1:]:
            prim = theirs.get(line["path"])
            for name, (kind, value, *_) in line["attributes"].items() if prim else ():
                numbers = None if kind.endswith("[]") or kind.startswith("matrix") else scalar(prim, name)
                if not value or numbers is None or len(numbers) != len(value):
                    continue
                if all(map(same, numbers, value)):
                    equal += 1
                else:
                    differ += 1
                    print(f"{file}: {line['path']}.{name}: {value}, not {numbers}")
    print(f"{opened} of {len(files)} files opened by both, {equal} values equal, {differ} differ")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())

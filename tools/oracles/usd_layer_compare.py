#!/usr/bin/env python3
"""Compares Geoul's reader of binary USD with OpenUSD (PyPI usd-core), layer by layer. Not part of ./test.

    pip install usd-core
    g++ -std=c++20 -O2 -I. tools/oracles/usd_layer_dump.cpp build/release/lib/libgeoul_{scene,core}.a -lpugixml \\
        -lspdlog -lfmt -o usd_layer_dump
    tools/oracles/usd_layer_compare.py ./usd_layer_dump FILE_OR_FOLDER ...

usd-core writes every binary file as text into a temporary folder, and every text file as binary; Geoul reads the pair;
what it holds must be the same, spec by spec. Prints the first differing line of a pair, and the findings of the reader
(lines of text files are left out of what is compared). Exit code: 0 all agree, 1 some differ.
"""
import os
import re
import subprocess
import sys
import tempfile

from pxr import Sdf, Tf


def files(arguments):
    for argument in arguments:
        if os.path.isfile(argument):
            yield argument
        for folder, _, names in os.walk(argument):
            for name in sorted(names):
                if name.endswith((".usd", ".usda", ".usdc")):
                    yield os.path.join(folder, name)


def main():
    dump, *arguments = sys.argv[1:]
    same = differ = refused = unread = 0
    for path in files(arguments):
        with open(path, "rb") as f:
            binary = f.read(8) == b"PXR-USDC"
        with tempfile.TemporaryDirectory() as folder:
            pair = [os.path.join(folder, "a.usdc"), os.path.join(folder, "a.usda")]
            try:
                layer = Sdf.Layer.OpenAsAnonymous(path)
                if not layer:
                    raise ValueError("not opened")
                layer.Export(pair[1 if binary else 0])
            except (Tf.ErrorException, ValueError) as error:
                print(f"{path}: usd-core does not read it: {str(error).strip().splitlines()[0][:160]}")
                unread += 1
                continue
            os.symlink(os.path.abspath(path), pair[0 if binary else 1])
            out = [subprocess.run([dump, p], capture_output=True, text=True) for p in pair]
            said = [re.sub(r"^\S*a\.usd[ac](:\d+)?: ", "", o.stdout, flags=re.M).splitlines() for o in out]
            errors = [[line for line in s if line.startswith("error")] for s in said]
            if any(o.returncode != 0 for o in out):
                print(f"{path}: {out[0].stderr}{out[1].stderr}")
                differ += 1
                continue
            texts = [open(p + ".dump").read().splitlines() for p in pair]
            if errors[0] or errors[1]:
                print(f"{path}: findings: binary {errors[0][:3]} text {errors[1][:3]}")
                refused += 1
            if texts[0] != texts[1]:
                n = next((i for i, (a, b) in enumerate(zip(*texts)) if a != b), min(map(len, texts)))
                print(f"{path}: line {n}\n  binary: {(texts[0] + ['-'])[n][:300]}\n  text:   {(texts[1] + ['-'])[n][:300]}")
                differ += not (errors[0] or errors[1])
            elif not (errors[0] or errors[1]):
                same += 1
    print(f"{same} the same, {differ} differ, {refused} with errors, {unread} that usd-core does not read")
    return 0 if differ == 0 else 1


if __name__ == "__main__":
    sys.exit(main())

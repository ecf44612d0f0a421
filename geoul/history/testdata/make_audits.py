#!/usr/bin/env python3
"""Writes bad_audits/: audit trails with changes, and what is to be said of each. The format: geoul/history/audit.h."""
import hashlib
import pathlib
import struct

FOLDER = pathlib.Path(__file__).resolve().parent / "bad_audits"


def digest(sequence, time, texts):
    data = struct.pack("<qq", sequence, time) + b"".join(struct.pack("<I", len(t)) + t.encode() for t in texts)
    return hashlib.sha256(data).hexdigest()


def chain(count):
    lines, previous = [], "0" * 64
    for i in range(1, count + 1):
        texts = ["operator", "drag", '{"body": "/A"}', previous]
        previous = digest(i, 1000 * i, texts)
        lines.append("\t".join([str(i), str(1000 * i), *texts, previous]) + "\n")
    return lines


def write(name, code, data):
    (FOLDER / name).write_bytes(data.encode() if isinstance(data, str) else data)
    return f"{name} {code}\n"


if __name__ == "__main__":
    print(digest(1, 7, ["a", "b", "c", "0" * 64]))
    FOLDER.mkdir(exist_ok=True)
    lines = chain(5)
    sound = "".join(lines)
    expected = [
        write("sound.log", "-", sound),
        write("changed.log", "audit-hash", sound.replace("3000", "3001")),
        write("deleted.log", "audit-order", "".join(lines[:2] + lines[3:])),
        write("moved.log", "audit-chain", "".join([lines[0], lines[2], lines[1], *lines[3:]])),
        write("first_cut_off.log", "audit-order", "".join(lines[1:])),
        write("repeated.log", "audit-order", "".join(lines[:2] + lines[1:])),
        write("torn.log", "audit-torn", sound[:-30]),
        write("binary.log", "audit-line", bytes(range(256))),
        write("plus_sign.log", "audit-line", "+" + sound),
        write("hash_in_capitals.log", "audit-line", lines[0][:-65] + lines[0][-65:].upper()),
    ]
    (FOLDER / "expected.txt").write_text("".join(expected))

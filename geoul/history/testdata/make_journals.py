#!/usr/bin/env python3
"""Writes bad_journals/: journals with damage, and what is to be said of each. The format: geoul/history/journal.h."""
import pathlib
import struct
import zlib

FOLDER = pathlib.Path(__file__).resolve().parent / "bad_journals"
SALT = 0x1234
BLOCK = 4096


def header(generation=1, first=1):
    one = b"GEOULJ1\n" + struct.pack("<QQQ", generation, SALT, first)
    one += struct.pack("<I", zlib.crc32(one))
    return one.ljust(BLOCK // 2, b"\0") + one.ljust(BLOCK // 2, b"\0")


def record(kind, sequence, payload):
    size = struct.pack("<I", len(payload))
    head = struct.pack("<QB", sequence, kind)
    return size + struct.pack("<I", zlib.crc32(struct.pack("<Q", SALT) + size + head + payload)) + head + payload


def message(sequence):
    return record(4, sequence, struct.pack("<HQQ", 1, sequence, sequence) + b"message %d" % sequence)


def commit(acknowledged, *records):
    out = record(1, acknowledged, struct.pack("<Q", acknowledged)) + b"".join(records)
    return out.ljust(-(-len(out) // BLOCK) * BLOCK, b"\0")


def flip(data, at):
    return data[:at] + bytes([data[at] ^ 4]) + data[at + 1:]


sound = header() + commit(0, message(1), message(2), message(3)) + commit(3, message(4), message(5)) + commit(5)
first = len(record(1, 0, bytes(8)))
files = {
    "sound.journal": (sound, "-", 5),
    "never_used.journal": (bytes(3 * BLOCK), "-", 0),
    "header_damaged.journal": (b"x" * BLOCK + sound[BLOCK:], "journal-header", 0),
    "flip_in_acknowledged.journal": (flip(sound, BLOCK + first + 40), "journal-damaged", 4),
    "page_lost.journal": (sound[:2 * BLOCK] + bytes(BLOCK) + sound[3 * BLOCK:], "journal-damaged", 3),
    "flip_in_last_commit.journal": (flip(header() + commit(0, message(1), message(2)), BLOCK + first + 60 + 20), "journal-torn", 1),
    "hole_before_unacknowledged.journal": (header() + commit(0, message(1)) + commit(1, message(3)), "journal-torn", 1),
    "huge_size.journal": (header() + commit(0, message(1)) + b"\xff\xff\xff\x7f" + bytes(BLOCK - 4), "-", 1),
}
FOLDER.mkdir(exist_ok=True)
for name, (data, code, records) in files.items():
    (FOLDER / name).write_bytes(data)
(FOLDER / "expected.txt").write_text("".join(f"{name} {code} {records}\n" for name, (_, code, records) in files.items()))

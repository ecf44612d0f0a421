#!/usr/bin/env python3
"""Writes the bad logs of this folder again: bad/NAME.log, and in bad/expected.txt 'NAME.log CODE RECORDS' for each: the
first finding, and how many records stand before it.

    make_logs.py
"""
import pathlib
import zlib

BAD = pathlib.Path(__file__).parent / "bad"


def line(sequence, event, *rest, time=1_000_000_000):
    text = "\t".join([str(sequence), str(time), event, *rest])
    return f"{text}\t{zlib.crc32(text.encode()):08x}\n"


PROPOSED = line(1, "proposed", "c1", "ann", "proposed by ann", "c1", "usual", "valve", "10", "", "0", "9000000000", "5",
                "valve", "9.8", "10.2", "reaches")
CHECKED = line(2, "checked", "c1", "", "within limits")
FILES = {
    "changed.log": ("record-line", 1, PROPOSED + CHECKED.replace("within", "beyond")),
    "bad_crc.log": ("record-line", 0, PROPOSED[:-2] + ("0" if PROPOSED[-2] != "0" else "1") + "\n"),
    "unknown_event.log": ("record-line", 1, PROPOSED + line(2, "blessed", "c1", "", "")),
    "too_few_fields.log": ("record-line", 0, line(1, "checked", "c1")),
    "too_many_fields.log": ("record-line", 0, line(1, "checked", *["x"] * 300)),
    "bad_escape.log": ("record-line", 0, line(1, "checked", "c1", "", "a \\x b")),
    "escape_at_end.log": ("record-line", 0, line(1, "checked", "c1", "", "a \\")),
    "plus_sign.log": ("record-line", 0, line("+1", "checked", "c1", "", "")),
    "number_too_large.log": ("record-line", 0, line(1, "checked", "c1", "", "", time=2**63)),
    "empty_line.log": ("record-line", 1, PROPOSED + "\n"),
    "missing.log": ("record-order", 1, PROPOSED + line(3, "checked", "c1", "", "")),
    "twice.log": ("record-order", 1, PROPOSED + PROPOSED),
    "starts_late.log": ("record-order", 0, CHECKED),
    "bomb.log": ("record-size", 0, line(1, "checked", "c1", "", "x" * 70_000)),
    "torn.log": ("record-torn", 1, PROPOSED + CHECKED[:-5]),
    "no_end.log": ("record-torn", 1, PROPOSED + CHECKED[:-1]),
    "zeros.log": ("record-torn", 0, "\0" * 40),
}
BAD.mkdir(exist_ok=True)
for name, (_, _, text) in FILES.items():
    (BAD / name).write_text(text)
(BAD / "expected.txt").write_text("".join(f"{n} {code} {count}\n" for n, (code, count, _) in sorted(FILES.items())))

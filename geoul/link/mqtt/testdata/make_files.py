#!/usr/bin/env python3
"""Makes the small Sparkplug payloads beside it: damaged ones in bad/, sound ones in ../sparkplug_fuzz_seeds/.

Run once after a change, by hand: python3 geoul/link/mqtt/testdata/make_files.py. It shares nothing with the C++ encoder.
bad/expected.txt: file, code of the error.
"""
import struct
from pathlib import Path

HERE = Path(__file__).parent


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def number(field, n): return varint(field << 3) + varint(n)
def data(field, b): return varint(field << 3 | 2) + varint(len(b)) + b
def double(field, x): return varint(field << 3 | 1) + struct.pack("<d", x)
def single(field, x): return varint(field << 3 | 5) + struct.pack("<f", x)


NAME = data(1, b"m")
METRIC = NAME + number(2, 1) + number(3, 1700000000000) + number(4, 10) + double(13, 1.5)
SOUND = number(1, 1700000000000) + data(2, METRIC) + number(3, 7)
UNIT = data(1, b"engUnit") + data(2, number(1, 12) + data(8, b"rad"))
QUALITY = data(1, b"Quality") + data(2, number(1, 3) + number(3, 500))

bad = {
    "text.bin": ("bad-wire-type", b'{"timestamp": 1}'),
    "cut_in_number.bin": ("cut-off", SOUND[:4]),
    "cut_in_metric.bin": ("cut-off", SOUND[:20]),
    "cut_in_double.bin": ("cut-off", data(2, NAME + double(13, 1.5)[:5])),
    "cut_in_float.bin": ("cut-off", data(2, NAME + single(12, 1.5)[:3])),
    "length_beyond_end.bin": ("cut-off", varint(2 << 3 | 2) + varint(1 << 40) + b"x"),
    "length_beyond_metric.bin": ("cut-off", data(2, varint(1 << 3 | 2) + varint(9) + b"abc")),
    "length_overflows.bin": ("cut-off", varint(2 << 3 | 2) + varint((1 << 64) - 1) + b"x"),
    "varint_eleven_bytes.bin": ("bad-varint", b"\x18" + b"\xff" * 10 + b"\x01"),
    "varint_65_bits.bin": ("bad-varint", b"\x18" + b"\xff" * 9 + b"\x03"),
    "field_zero.bin": ("bad-field", b"\x00\x01"),
    "field_beyond.bin": ("bad-field", varint(1 << 33) + b"\x01"),
    "group.bin": ("bad-wire-type", b"\x2b\x2c"),
    "wire_type_seven.bin": ("bad-wire-type", b"\x2f"),
    "name_no_utf8.bin": ("bad-utf8", data(2, data(1, b"a\xff"))),
    "name_overlong_utf8.bin": ("bad-utf8", data(2, data(1, b"\xc0\xaf"))),
    "name_surrogate.bin": ("bad-utf8", data(2, data(1, b"\xed\xa0\x80"))),
    "text_no_utf8.bin": ("bad-utf8", data(2, NAME + number(4, 12) + data(15, b"\x80"))),
    "key_no_utf8.bin": ("bad-utf8", data(2, NAME + data(9, data(1, b"\xfe") + data(2, b"")))),
    "key_without_value.bin": ("property-mismatch", data(2, NAME + data(9, UNIT + data(1, b"more")))),
    "value_without_key.bin": ("property-mismatch", data(2, NAME + data(9, UNIT + data(2, number(1, 3))))),
    "too_many_keys.bin": ("too-many-properties", data(2, NAME + data(9, data(1, b"k") * 300))),
    "too_many_values.bin": ("too-many-properties", data(2, NAME + data(9, data(2, b"") * 300))),
    "property_cut.bin": ("cut-off", data(2, NAME + data(9, data(1, b"k") + data(2, b"\x1a\x05a")))),
}
sound = {
    "data.bin": b"spBv1.0/plant/DDATA/cell/robot\n" + SOUND,
    "birth.bin": b"spBv1.0/plant/NBIRTH/cell\n" + number(1, 1) + data(2, data(1, b"bdSeq") + number(4, 4) + number(11, 3)) +
                 data(2, METRIC + data(9, UNIT + QUALITY)) + number(3, 0),
    "data_set.bin": b"spBv1.0/plant/NBIRTH/cell\n" + data(2, NAME + number(4, 16) + data(17, number(1, 2))) + number(3, 0),
    "death.bin": b"spBv1.0/plant/NDEATH/cell\n" + data(2, data(1, b"bdSeq") + number(4, 4) + number(11, 3)),
    "flags.bin": b"spBv1.0/plant/NDATA/cell\n" + data(2, number(2, 1) + number(5, 1) + number(6, 1) + number(7, 1)) + number(3, 2),
    "text.bin": b"spBv1.0/plant/NDATA/cell\n" + data(2, NAME + data(15, "거울".encode())) + number(3, 2),
    "state.bin": b'spBv1.0/STATE/host\n{"online":true,"timestamp":1700000000000}',
    "command.bin": b"spBv1.0/plant/NCMD/cell\n" + data(2, data(1, b"Node Control/Rebirth") + number(4, 11) + number(14, 1)),
    "plain.bin": b'line/temperature\n{"timestamp": 1, "a": [1, {"b": true}]}',
}

(HERE / "bad").mkdir(exist_ok=True)
seeds = HERE.parent / "sparkplug_fuzz_seeds"
seeds.mkdir(exist_ok=True)
for name, (_, content) in bad.items():
    (HERE / "bad" / name).write_bytes(content)
(HERE / "bad/expected.txt").write_text("".join(f"{name} {code}\n" for name, (code, _) in sorted(bad.items())))
for name, content in sound.items():
    (seeds / name).write_bytes(content)

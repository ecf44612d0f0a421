#!/usr/bin/env python3
"""PyPI rosbags as a judge of Geoul's ROS 2 messages; run by ros_judge_test.cpp with the packages of requirements.txt.

    judge.py read FOLDER [STORE]   every NAME.cdr there is a message of the type in NAME.type: its fields must be the lines of
                                   NAME.txt, and written again it must be the same bytes
    judge.py write FOLDER          writes such files: random messages of every type in FOLDER/types.txt, of both byte orders
    judge.py definitions FILE      the definitions of the file (parted as in a bag) against those of ROS 2 Jazzy

Prints what differs, then "compared N"; exits 1 where anything differs.
"""
import pathlib
import random
import sys

import numpy
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.interfaces import Nodetype

INTEGERS = {"int8", "int16", "int32", "int64", "uint16", "uint32", "uint64", "uint8", "byte", "char", "octet"}


def fnv(data):
    out = 14695981039346656037
    for byte in data:
        out = ((out ^ byte) * 1099511628211) & 0xFFFFFFFFFFFFFFFF
    return out


def dump_one(store, kind, value, path, lines):
    node, detail = kind
    if node == Nodetype.NAME:
        dump(store, value, detail, path, lines)
    elif detail[0] == "bool":
        lines.append(f"{path}\t{'true' if value else 'false'}")
    elif detail[0] in INTEGERS:
        lines.append(f"{path}\t{int(value)}")
    elif detail[0] in ("float32", "float64"):
        lines.append(f"{path}\t{float(value):.17g}")
    else:
        lines.append(f"{path}\t{value}")


def dump(store, message, name, path, lines):
    """Every field of a message, one a line, as Dump of dds_test_tools.h."""
    for field, kind in store.fielddefs[name][1]:
        value, here = getattr(message, field), f"{path}/{field}"
        if kind[0] not in (Nodetype.ARRAY, Nodetype.SEQUENCE):
            dump_one(store, kind, value, here, lines)
            continue
        item = kind[1][0]
        if item[0] == Nodetype.BASE and item[1][0] in ("uint8", "byte", "char", "octet"):
            data = bytes(bytearray(int(v) & 0xFF for v in value))
            if data:
                lines.append(f"{here}\tbytes {len(data)} {fnv(data):016x}")
            continue
        for i, part in enumerate(value):
            dump_one(store, item, part, f"{here}/{i}", lines)


NUMPY = {"bool": numpy.bool_, "int8": numpy.int8, "uint8": numpy.uint8, "byte": numpy.uint8, "char": numpy.uint8,
         "octet": numpy.uint8, "int16": numpy.int16, "uint16": numpy.uint16, "int32": numpy.int32, "uint32": numpy.uint32,
         "int64": numpy.int64, "uint64": numpy.uint64, "float32": numpy.float32, "float64": numpy.float64}


def random_one(store, kind, chance):
    node, detail = kind
    if node == Nodetype.NAME:
        return random_message(store, detail, chance)
    name = detail[0]
    if name == "string":
        return "".join(chance.choice("abc \u00e9\u4e16") for _ in range(chance.randrange(9)))
    if name == "bool":
        return chance.random() < 0.5
    if name in ("float32", "float64"):
        return float(NUMPY[name](chance.gauss(0, 1e3)))
    if name == "byte":  # which rosbags writes as a signed number
        return chance.randrange(128)
    info = numpy.iinfo(NUMPY[name])
    return chance.randint(int(info.min), min(int(info.max), 2**63 - 1))


def random_message(store, name, chance):
    values = []
    for _, kind in store.fielddefs[name][1]:
        if kind[0] not in (Nodetype.ARRAY, Nodetype.SEQUENCE):
            values.append(random_one(store, kind, chance))
            continue
        item, size = kind[1]
        count = size if kind[0] == Nodetype.ARRAY else chance.randrange(6)
        items = [random_one(store, item, chance) for _ in range(count)]
        is_number = item[0] == Nodetype.BASE and item[1][0] != "string"
        values.append(numpy.array(items, dtype=NUMPY[item[1][0]]) if is_number else items)
    return store.types[name](*values)


def read(folder, store):
    count = failures = 0
    for file in sorted(folder.glob("*.cdr")):
        name = file.with_suffix(".type").read_text().strip()
        data = file.read_bytes()
        message = store.deserialize_cdr(data, name)
        lines = []
        dump(store, message, name, "", lines)
        text = file.with_suffix(".txt").read_text()
        expected = text.split("\n")[:-1]
        again = bytes(store.serialize_cdr(message, name))
        if lines != expected:
            failures += 1
            print(f"{file.name} ({name}): other fields: {[p for p in zip(lines, expected) if p[0] != p[1]][:3]}")
        if again.ljust(len(data), b"\0") != data.ljust(len(again), b"\0") or abs(len(again) - len(data)) > 3:
            failures += 1
            print(f"{file.name} ({name}): other bytes: {again.hex()[:200]} instead of {data.hex()[:200]}")
        count += 1
    print(f"compared {count}")
    return failures == 0


def write(folder, store):
    chance = random.Random(5)
    count = 0
    for name in (folder / "types.txt").read_text().split():
        for i in range(6):
            message = random_message(store, name, chance)
            file = folder / f"{count:04d}"
            file.with_suffix(".cdr").write_bytes(bytes(store.serialize_cdr(message, name, little_endian=i % 2 == 0)))
            file.with_suffix(".type").write_text(name)
            lines = []
            dump(store, message, name, "", lines)
            file.with_suffix(".txt").write_text("".join(line + "\n" for line in lines))
            count += 1
    print(f"compared {count}")
    return True


def without_bounds(kind):
    """A field's type, comparable: a bound of a string or a sequence says nothing about the bytes."""
    node, detail = kind
    if node == Nodetype.BASE:
        return "uint8" if detail[0] in ("byte", "char", "octet") else detail[0]
    if node == Nodetype.NAME:
        return detail
    return (node.name, without_bounds(detail[0]), detail[1] if node == Nodetype.ARRAY else 0)


def definitions(file, store):
    parts = file.read_text().split("=" * 20 + "\nMSG: ")
    good = True
    for part in parts[1:]:
        name, _, text = part.partition("\n")
        name = name.replace("/", "/msg/", 1)
        ours = get_types_from_msg(text, name)[name][1] or [("structure_needs_at_least_one_member", (Nodetype.BASE, ("uint8", 0)))]
        theirs = store.fielddefs[name][1]
        if [(f, without_bounds(k)) for f, k in ours] != [(f, without_bounds(k)) for f, k in theirs]:
            good = False
            print(f"{name}: {ours} instead of {theirs}")
    print(f"compared {len(parts) - 1}")
    return good


def main(arguments):
    store = get_typestore(getattr(Stores, arguments[2] if len(arguments) > 2 else "ROS2_JAZZY"))
    run = {"read": read, "write": write, "definitions": definitions}[arguments[0]]
    return 0 if run(pathlib.Path(arguments[1]), store) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

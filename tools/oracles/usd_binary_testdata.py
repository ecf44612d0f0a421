#!/usr/bin/env python3
"""Makes the binary USD files that the tests and the fuzz targets start from. Not part of ./test.

    pip install usd-core
    tools/oracles/usd_binary_testdata.py

Writes into geoul/scene/formats/usd/: by usd-core testdata/binary/, testdata/two_links.usdc and the seeds of
usdc_fuzz_seeds/ and usdz_fuzz_seeds/; byte by byte testdata/bad_usdc/ and testdata/bad_usdz/, each with an expected.txt
of lines "FILE CODE": the finding that the file must give.
"""
import io
import os
import struct
import zipfile
import zlib

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../geoul/scene/formats/usd")
NONE = 0xFFFFFFFF
ROOT, PRIM, ATTRIBUTE, VARIANT_SET = 7, 6, 1, 11


def u32(*x):
    return struct.pack(f"<{len(x)}I", *x)


def u64(*x):
    return struct.pack(f"<{len(x)}Q", *x)


def lz4_length(n):
    return bytes([255] * (n // 255) + [n % 255])


def literals(data, match=0):
    """LZ4 sequence: these bytes, then `match` copies of the last of them (0, or 19 and more)."""
    token = (15 if len(data) >= 15 else len(data)) << 4 | (15 if match else 0)
    out = bytes([token]) + (lz4_length(len(data) - 15) if len(data) >= 15 else b"") + data
    return out + (struct.pack("<H", 1) + lz4_length(match - 19) if match else b"")


def block(data):
    return b"\0" + literals(data)


def sized(data):
    return u64(len(data)) + data


def integers(values):
    """Compressed int32s, each difference with all of its four bytes."""
    codes = bytearray((len(values) + 3) // 4)
    out, before = b"", 0
    for i, v in enumerate(values):
        codes[i // 4] |= 3 << 2 * (i % 4)
        out += struct.pack("<I", (v - before) & NONE)
        before = v
    return sized(block(u32(0) + bytes(codes) + out)) if values else sized(block(u32(0)))


def run_of_integers(n, step):
    """n integers, each `step` more than the one before: codes of 0 alone, which LZ4 folds 255 times."""
    codes = (n + 3) // 4
    return sized(b"\0" + literals(struct.pack("<i", step) + b"\0", codes - 6) + literals(b"\0" * 5))


class Crate:
    """A crate file of version 0.8. Fields: name -> 64 bits of type, flags and value."""

    def __init__(self):
        self.tokens, self.strings, self.fields, self.sets = [""], [], [], []
        self.paths, self.specs, self.values = [], [], bytearray()
        self.version = (0, 8, 0)
        self.sections = {}  # bytes that replace a section's own

    def token(self, text):
        if text not in self.tokens:
            self.tokens.append(text)
        return self.tokens.index(text)

    def string(self, text):
        self.strings.append(self.token(text))
        return len(self.strings) - 1

    def at(self, data):
        """Offset of bytes among the values."""
        self.values += data
        return 88 + len(self.values) - len(data)

    def inline(self, kind, value):
        return 1 << 62 | kind << 48 | value & NONE

    def value(self, kind, data, array=False, compressed=False):
        return int(array) << 63 | int(compressed) << 61 | kind << 48 | self.at(data)

    def token_vector(self, names):
        return self.value(41, u64(len(names)) + u32(*[self.token(n) for n in names]))

    def spec(self, element, jump, kind, fields, is_property=False, path=None):
        token = self.token(element)
        index = len(self.paths) if path is None else path
        self.paths.append((index, -token if is_property else token, jump))
        self.specs.append((index, len(self.sets), kind))
        for name, rep in fields.items():
            self.sets.append(len(self.fields))
            self.fields.append((self.token(name), rep))
        self.sets.append(NONE)

    def prim(self, name, jump, fields=None, children=(), properties=()):
        f = {"specifier": self.inline(42, 0), "typeName": self.inline(11, self.token("Xform"))}
        if children:
            f["primChildren"] = self.token_vector(children)
        if properties:
            f["properties"] = self.token_vector(properties)
        self.spec(name, jump, PRIM, {**f, **(fields or {})})

    def attribute(self, name, jump, type_name, fields):
        self.spec(name, jump, ATTRIBUTE, {"typeName": self.inline(11, self.token(type_name)), **fields}, True)

    def root(self, children, fields=None):
        self.spec("", -1, ROOT, {"primChildren": self.token_vector(children), **(fields or {})})

    def bytes(self):
        text = b"".join(t.encode() + b"\0" for t in self.tokens)
        columns = list(zip(*self.paths)) or [(), (), ()]
        specs = list(zip(*self.specs)) or [(), (), ()]
        sections = {
            "TOKENS": u64(len(self.tokens), len(text)) + sized(block(text)),
            "STRINGS": u64(len(self.strings)) + u32(*self.strings),
            "FIELDS": u64(len(self.fields)) + integers([t for t, _ in self.fields]) +
                      sized(block(u64(*[r for _, r in self.fields]))),
            "FIELDSETS": u64(len(self.sets)) + integers(self.sets),
            "PATHS": u64(len(self.paths), len(self.paths)) + b"".join(integers(c) for c in columns),
            "SPECS": u64(len(self.specs)) + b"".join(integers(c) for c in specs),
        }
        sections.update(self.sections)
        body, table = bytes(self.values), b""
        for name, data in sections.items():
            if data is None:
                continue
            table += struct.pack("<16s", name.encode()) + u64(88 + len(body), len(data))
            body += data
        head = b"PXR-USDC" + bytes(self.version) + bytes(5) + u64(88 + len(body)) + bytes(64)
        return head + body + u64(len(table) // 32) + table


def with_value(type_name, rep_of, field="default"):
    """A file of one prim with one attribute, whose value rep_of(crate) gives."""
    c = Crate()
    c.root(["A"])
    c.prim("A", -1, properties=["x"])
    c.attribute("x", -2, type_name, {field: rep_of(c)})
    return c


def plain():
    return with_value("int", lambda c: c.inline(3, 5))


def dictionary(c, entries):
    """Payload of a dictionary of (name, rep)."""
    out = u64(len(entries))
    for name, rep in entries:
        out += u32(c.string(name)) + struct.pack("<q", 8) + u64(rep)
    return c.value(31, out)


def bad_crates():
    def changed(at, data):
        out = bytearray(plain().bytes())
        out[at:at + len(data)] = data
        return bytes(out)

    def section(name, data):
        c = plain()
        c.sections[name] = data
        return c.bytes()

    whole = plain().bytes()
    yield "header_cut", whole[:50], "bad-crate"
    yield "cut_in_table", whole[:-20], "bad-crate"
    yield "version_0_3", changed(8, bytes([0, 3, 0])), "unsupported-version"
    yield "version_0_13", changed(8, bytes([0, 13, 0])), "unsupported-version"
    yield "version_1_0", changed(8, bytes([1, 0, 0])), "unsupported-version"
    yield "table_beyond", changed(16, u64(1 << 40)), "bad-crate"
    for name in ("TOKENS", "STRINGS", "FIELDS", "FIELDSETS", "PATHS", "SPECS"):
        yield f"no_{name.lower()}", section(name, None), "bad-crate"
    yield "section_beyond", whole[:-8] + u64(1 << 50), "bad-crate"
    yield "tokens_bomb", section("TOKENS", u64(5, 1 << 40) + sized(block(b"a\0b\0c\0"))), "bad-crate"
    yield "tokens_many", section("TOKENS", u64(1 << 60, 1 << 62) + sized(block(b"a\0b\0c\0"))), "too-large"
    yield "tokens_short", section("TOKENS", u64(4, 6) + sized(block(b"a\0b\0c\0"))), "bad-crate"
    yield "lz4_before_start", section("TOKENS", u64(1, 8) + sized(b"\0\x10a\x09\x00\x00")), "bad-crate"
    yield "lz4_cut", section("TOKENS", u64(1, 8) + sized(b"\0\xf0")), "bad-crate"
    yield "lz4_chunk_beyond", section("TOKENS", u64(1, 8) + sized(b"\2" + u32(100) + b"\x10a")), "bad-crate"
    yield "string_of_no_token", section("STRINGS", u64(1) + u32(99)), "bad-crate"
    yield "strings_many", section("STRINGS", u64(1 << 61)), "bad-crate"
    yield "field_of_no_token", section("FIELDS", u64(1) + integers([99]) + sized(block(u64(0)))), "bad-crate"
    yield "fields_many", section("FIELDS", u64(1 << 22) + integers([1]) + sized(block(u64(0)))), "bad-crate"
    yield "field_set_open", section("FIELDSETS", u64(2) + integers([0, 1])), "bad-crate"
    yield "field_set_of_no_field", section("FIELDSETS", u64(2) + integers([99, NONE])), "bad-crate"
    three = [u64(3, 3) + integers([0, 1, 2])]
    yield "path_jump_beyond", section("PATHS", three[0] + integers([0, 1, 2]) + integers([-1, 7, -2])), "bad-crate"
    yield "path_jump_wild", section("PATHS", three[0] + integers([0, 1, 2]) + integers([-1, -9, -2])), "bad-crate"
    yield "path_entry_shared", section("PATHS", three[0] + integers([0, 1, 2]) + integers([-1, 1, -2])), "bad-crate"
    yield "path_twice", section("PATHS", u64(3, 3) + integers([0, 1, 1]) + integers([0, 1, 2]) + integers([-1, -1, -2])), "bad-crate"
    yield "path_name_missing", section("PATHS", three[0] + integers([0, 999, 2]) + integers([-1, -1, -2])), "bad-crate"
    yield "root_with_sibling", section("PATHS", three[0] + integers([0, 1, 2]) + integers([0, -1, -2])), "bad-crate"
    yield "paths_bomb", section("PATHS", u64(1 << 40, 1 << 40) + integers([0])), "too-large"
    yield "specs_bomb", section("SPECS", u64(4000000) + run_of_integers(4000000, 0) * 3), "bad-crate"
    yield "two_specs", section("SPECS", u64(2) + integers([0, 0]) + integers([0, 0]) + integers([7, 7])), "bad-crate"
    yield "spec_of_no_path", section("SPECS", u64(1) + integers([9]) + integers([0]) + integers([7])), "bad-crate"
    yield "no_root_spec", section("SPECS", u64(1) + integers([1]) + integers([0]) + integers([6])), "bad-crate"
    c = Crate()
    c.root(["A", "B"])
    c.prim("A", -2)
    yield "child_missing", c.bytes(), "bad-crate"
    c = Crate()
    c.root(["A"])
    for i in range(250):
        c.prim("A", -2 if i == 249 else -1, children=["A"] if i < 249 else ())
    yield "deep_prims", c.bytes(), "too-deep"
    c = plain()
    n = 2000  # all below each other
    c.sections["PATHS"] = u64(n + 1, n) + run_of_integers(n, 1) + integers([1] * n) + integers([-1] * (n - 1) + [-2])
    yield "deep_paths", c.bytes(), "too-deep"

    def value(name, type_name, rep_of, code, field="default"):
        return name, with_value(type_name, rep_of, field).bytes(), code

    yield value("token_missing", "token", lambda c: c.inline(11, 999), "bad-crate")
    yield value("string_missing", "string", lambda c: c.inline(10, 999), "bad-crate")
    yield value("wrong_type", "float", lambda c: c.inline(3, 5), "wrong-type")
    yield value("unknown_type", "quaternion", lambda c: c.inline(3, 5), "unknown-type")
    yield value("unknown_value", "int", lambda c: c.inline(200, 5), "unsupported-value")
    yield value("spline", "double", lambda c: c.value(59, u64(1)), "unsupported-value", "spline")
    yield value("quaternion_inlined", "quatf", lambda c: c.inline(17, 1), "bad-crate")
    yield value("value_beyond", "double", lambda c: 9 << 48 | 1 << 40, "bad-crate")
    yield value("array_many", "int[]", lambda c: c.value(3, u64(1 << 50), True), "bad-crate")
    yield value("array_many_compressed", "int[]", lambda c: c.value(3, u64(1 << 50) + sized(block(u32(0))), True, True),
                "bad-crate")
    yield value("array_codes_cut", "int[]", lambda c: c.value(3, u64(99) + sized(block(u32(0))), True, True), "bad-crate")
    yield value("array_values_cut", "int[]",
                lambda c: c.value(3, u64(99) + sized(block(u32(0) + b"\xff" * 25)), True, True), "bad-crate")
    yield value("array_bomb", "int[]",
                lambda c: c.value(3, u64(40000000) + run_of_integers(40000000, 0), True, True), "too-large")
    yield value("arrays_bomb", "int[]", lambda c: c.value(46, struct.pack("<q", 8) + u64(
        c.value(48, u64(6) + struct.pack("<6d", *range(6)))) + struct.pack("<q", 8) + u64(6, *[
            c.value(3, u64(3000000) + run_of_integers(3000000, i), True, True) for i in range(6)])), "too-large",
                "timeSamples")
    yield value("float_table_beyond", "float[]",
                lambda c: c.value(8, u64(16) + b"t" + u32(1) + struct.pack("<f", 1) + integers([0] * 15 + [1]), True, True),
                "bad-crate")
    yield value("float_way_unknown", "float[]", lambda c: c.value(8, u64(16) + b"x" + u32(0), True, True), "bad-crate")
    yield value("samples_mismatch", "int", lambda c: c.value(
        46, struct.pack("<q", 8) + u64(c.value(48, u64(1) + struct.pack("<d", 1))) + struct.pack("<q", 8) + u64(0)),
                "bad-crate", "timeSamples")
    yield value("samples_at_nan", "int", lambda c: c.value(
        46, struct.pack("<q", 8) + u64(c.value(48, u64(1) + struct.pack("<d", float("nan")))) + struct.pack("<q", 8) +
        u64(1, c.inline(3, 1))), "bad-crate", "timeSamples")

    def circle(c):
        at = 88 + len(c.values)
        return c.value(31, u64(2) + (u32(c.string("k")) + struct.pack("<q", 8) + u64(31 << 48 | at)) * 2)

    yield value("dictionary_in_itself", "int", circle, "too-deep", "customData")

    def tower(c):
        rep = dictionary(c, [("k", c.inline(3, 1))])
        for _ in range(60):
            rep = dictionary(c, [("a", rep), ("b", rep)])
        return rep

    yield value("dictionary_tower", "int", tower, "too-large", "customData")

    def chain(c):
        rep = c.inline(3, 1)
        for _ in range(80):
            rep = dictionary(c, [("a", rep)])
        return rep

    yield value("dictionary_deep", "int", chain, "too-deep", "customData")
    yield value("list_op_long", "int", lambda c: c.value(32, b"\x20" + u64(1 << 40)), "bad-crate", "apiSchemas")


ROOT_LAYER = b'#usda 1.0\n(\n    defaultPrim = "W"\n    metersPerUnit = 1\n    upAxis = "Z"\n)\ndef Xform "W"%s\n{\n}\n'
PART = ROOT_LAYER % b""


class Zip:
    """A zip archive, member by member; what is wrong with it is said by the keywords."""

    def __init__(self):
        self.body, self.list, self.count = b"", b"", 0

    def add(self, name, data, flags=0, method=0, stored=None, aligned=True, crc=None, local=None, local_name=None):
        name = name.encode()
        start = len(self.body) if local is None else local
        used = len(self.body) + 30 + len(name) + 4
        fill = -used % 64 if aligned else 1
        crc = zlib.crc32(data) if crc is None else crc
        size = len(data) if stored is None else stored
        head = struct.pack("<HHHHHIII", 20, flags, method, 0, 0x21, crc, size, len(data))
        if local is None:
            self.body += b"PK\3\4" + head + struct.pack("<HH", len(name), fill + 4) + (local_name or name)
            self.body += struct.pack("<HH", 0x1986, fill) + bytes(fill) + data
        self.list += b"PK\1\2" + struct.pack("<H", 20) + head + struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, start) + name
        self.count += 1
        return self

    def bytes(self, disk=0, count=None, begin=None):
        n = self.count if count is None else count
        return self.body + self.list + b"PK\5\6" + struct.pack("<HHHHIIH", disk, disk, n, n, len(self.list),
                                                                len(self.body) if begin is None else begin, 0)


def bad_packages():
    whole = Zip().add("root.usda", PART).bytes()
    yield "no_zip", b"This is no archive, but a text of more than twenty-two bytes.", "bad-package"
    yield "empty", b"", "bad-package"
    yield "cut", whole[:-30], "bad-package"
    yield "no_members", Zip().bytes(), "bad-package"
    yield "count_high", Zip().add("root.usda", PART).bytes(count=9), "bad-package"
    yield "list_beyond", Zip().add("root.usda", PART).bytes(begin=1 << 30), "bad-package"
    yield "several_disks", Zip().add("root.usda", PART).bytes(disk=1), "unsupported-package"
    yield "zip64", Zip().add("root.usda", PART).bytes(count=0xFFFF), "unsupported-package"
    yield "zip64_member", Zip().add("root.usda", PART, local=0xFFFFFFFF).bytes(), "unsupported-package"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(zipfile.ZipInfo("root.usda", (1980, 1, 1, 0, 0, 0)), PART, zipfile.ZIP_DEFLATED)
    yield "compressed", out.getvalue(), "compressed-member"
    yield "bomb", Zip().add("root.usda", b"x", method=8, stored=1 << 30).bytes(), "compressed-member"
    yield "encrypted", Zip().add("root.usda", PART, flags=1).bytes(), "encrypted-member"
    yield "escape", Zip().add("root.usda", PART).add("../evil.usda", PART).bytes(), "package-path"
    yield "escape_inside", Zip().add("root.usda", PART).add("a/../../evil.usda", PART).bytes(), "package-path"
    yield "absolute", Zip().add("root.usda", PART).add("/etc/evil.usda", PART).bytes(), "package-path"
    yield "drive", Zip().add("root.usda", PART).add("C:evil.usda", PART).bytes(), "package-path"
    yield "backslash", Zip().add("root.usda", PART).add("..\\evil.usda", PART).bytes(), "package-path"
    yield "no_name", Zip().add("", PART).bytes(), "package-path"
    yield "nested", Zip().add("root.usda", PART).add("inner.usdz", whole).bytes(), "nested-package"
    yield "twice", Zip().add("root.usda", PART).add("root.usda", PART).bytes(), "duplicate-member"
    yield "overlap", Zip().add("root.usda", PART, local_name=b"root.usda").add(
        "root.usd2", PART, local=0).bytes(), "bad-package"
    z = Zip().add("root.usda", PART)
    inner = Zip().add("b.usda", PART)
    z.add("a.png", inner.body)
    z.list += Zip().add("b.usda", PART, local=z.body.index(b"PK\3\4", 64 + len(PART) + 64)).list
    z.count += 1
    yield "overlap_inside", z.bytes(), "bad-package"
    yield "header_missing", Zip().add("root.usda", PART, local=7).bytes(), "bad-package"
    yield "other_name", Zip().add("root.usda", PART, local_name=b"soot.usda").bytes(), "bad-package"
    yield "checksum", Zip().add("root.usda", PART, crc=1).bytes(), "bad-package"
    yield "first_is_picture", Zip().add("a.png", b"\x89PNG").add("root.usda", PART).bytes(), "no-root-layer"
    for name, asset, code in (("reference_out", b"../../other.usda", "package-path"),
                              ("reference_absolute", b"/etc/passwd.usda", "package-path"),
                              ("reference_missing", b"parts/none.usda", "missing-file"),
                              ("reference_nested", b"inner.usdz[a.usda]", "nested-package"),
                              ("reference_to_itself", b"root.usda", "circular-reference")):
        yield name, Zip().add("root.usda", ROOT_LAYER % (b" (references = @" + asset + b"@)")).bytes(), code


VALUES = """#usda 1.0
(
    customLayerData = { int number = 3; dictionary deep = { string[] words = ["a", "b"]; double x = 0.25 } }
    defaultPrim = "World"
    doc = "All that a layer can say."
    endTimeCode = 10
    metersPerUnit = 1
    subLayers = [ @./below.usda@ (offset = 1; scale = 2), @./other.usda@ ]
    upAxis = "Z"
    relocates = { </World/From> : </World/To> }
)

def Xform "World" (
    prepend apiSchemas = ["PhysicsRigidBodyAPI", "PhysicsMassAPI"]
    delete apiSchemas = ["CollectionAPI:x"]
    assetInfo = { asset identifier = @a.usd@ }
    inherits = </Class>
    kind = "component"
    prepend payload = @p.usda@</P> (offset = 3)
    references = [ @r.usda@</R> (scale = 2), </Class> ]
    specializes = </Class>
    variants = { string shape = "round" }
    append variantSets = "shape"
)
{
    reorder nameChildren = ["Two", "One"]
    bool b = 1
    bool[] bs = [1, 0, 1]
    uchar uc = 200
    int i = -7
    int wide = 2000000000
    uint u = 4000000000
    int64 l = -9000000000000000000
    int64 small = -3
    uint64 ul = 18446744073709551615
    half h = 1.5
    half2 h2 = (1.5, -2)
    half3[] h3 = [(1, 2, 3), (0.5, 0.25, 65504)]
    float f = 0.1
    double d = 0.1
    double even = 0.5
    timecode t = 3.5
    timecode[] ts = [1, 2.5]
    string s = "a \\"quoted\\" line"
    string[] ss = ["one", "two"]
    token tok = "word"
    uniform token[] toks = ["x", "y"]
    asset a = @tex.png@
    asset[] as = [@a.png@, @b.png@]
    float2 f2 = (1, 2)
    float3 f3 = (0.1, 0.2, 0.3)
    double4 d4 = (1, -2, 3, -128)
    int2 i2 = (1, 100000)
    int3 i3 = (1, -2, 3)
    quatf qf = (1, 0.5, 0.25, 0.125)
    quatd[] qd = [(1, 2, 3, 4), (5, 6, 7, 8)]
    quath qh = (1, 0.5, 0.25, 0.125)
    matrix2d m2 = ((1, 2), (3, 4))
    matrix3d m3 = ((2, 0, 0), (0, 3, 0), (0, 0, 4))
    matrix4d m4 = ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (5.5, 6, 7, 1))
    matrix4d[] m4s = [((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1))]
    int[] counts = [3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3]
    int[] indices = [0, 1, 2, 300, 5, -70000, 8, 2000000000, -2000000000, 10, 11, 12, 13, 14, 15, 16, 17, 18]
    uint[] us = [4000000000, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]
    int64[] ls = [0, 1, 70000, -3000000000, 9000000000000000000, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]
    uint64[] uls = [18446744073709551615, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]
    float[] whole = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, -17]
    float[] few = [0.1, 0.2, 0.1, 0.2, 0.1, 0.2, 0.1, 0.2, 0.1, 0.2, 0.1, 0.2, 0.1, 0.2, 0.1, 0.2, 0.1, 0.2]
    double[] fewd = [0.1, 0.2, 0.1, 0.2, 0.1, 0.2, 0.1, 0.2, 0.1, 0.2, 0.1, 0.2, 0.1, 0.2, 0.1, 0.2, 0.1, 0.2]
    half[] fewh = [0.5, 0.25, 0.5, 0.25, 0.5, 0.25, 0.5, 0.25, 0.5, 0.25, 0.5, 0.25, 0.5, 0.25, 0.5, 0.25, 0.5]
    float[] extremes = [inf, -inf, 1e-30, 3.4e38]
    int[] none = []
    float3 blocked = None
    float3 moving = (0, 0, 0)
    float3 moving.timeSamples = { 1: (0, 0, 1), 2.5: (0, 0, 2), 3: None }
    float connected.connect = [</World/One.outputs:x>]
    custom rel targets = [</World/One>, </World/One.outputs:x>]
    prepend rel more = </Class>
    custom string note = "n" (
        customData = { bool flag = true }
        hidden = true
    )

    def Cube "One"
    {
        reorder properties = ["size", "outputs:x"]
        float outputs:x = 1
        double size = 2
    }

    over "Two" (
        active = false
        instanceable = true
    )
    {
    }

    variantSet "shape" = {
        "round" {
            double radius = 1
            def Sphere "Ball"
            {
            }
        }
        "square" (
            kind = "subcomponent"
        ) {
        }
    }
}

class "Class"
{
}
"""


def write(folder, name, data):
    with open(os.path.join(FOLDER, folder, name), "wb") as f:
        f.write(data)


def main():
    from pxr import Sdf

    for folder in ("usdc_fuzz_seeds", "usdz_fuzz_seeds", "testdata/binary", "testdata/bad_usdc", "testdata/bad_usdz"):
        os.makedirs(os.path.join(FOLDER, folder), exist_ok=True)
        for name in os.listdir(os.path.join(FOLDER, folder)):
            os.remove(os.path.join(FOLDER, folder, name))
    write("testdata/binary", "values.usda", VALUES.encode())
    source = os.path.join(FOLDER, "testdata/binary/values.usda")
    values = os.path.join(FOLDER, "usdc_fuzz_seeds/values.usdc")
    Sdf.Layer.OpenAsAnonymous(source).Export(values)
    two_links = os.path.join(FOLDER, "testdata/two_links.usdc")  # beside the files that it names
    Sdf.Layer.OpenAsAnonymous(os.path.join(FOLDER, "testdata/two_links.usda")).Export(two_links)
    write("usdc_fuzz_seeds", "plain.usdc", plain().bytes())
    write("usdc_fuzz_seeds", "dictionary.usdc",
          with_value("int", lambda c: dictionary(c, [("k", c.inline(3, 1))]), "customData").bytes())
    with open(two_links, "rb") as f:
        arm = f.read()
    package = Zip().add("two_links.usdc", arm)
    for name in ("parts/stronger.usda", "parts/link.usda"):
        with open(os.path.join(FOLDER, "testdata", name), "rb") as f:
            package.add(name, f.read())
    write("usdz_fuzz_seeds", "two_links.usdz", package.add("parts/picture.png", b"\x89PNG").bytes())
    write("usdz_fuzz_seeds", "unaligned.usdz", Zip().add("root.usda", PART, aligned=False).bytes())
    for folder, ending, files in (("testdata/bad_usdc", ".usdc", bad_crates()), ("testdata/bad_usdz", ".usdz", bad_packages())):
        lines = []
        for name, data, code in files:
            write(folder, name + ending, data)
            lines.append(f"{name}{ending} {code}\n")
        write(folder, "expected.txt", "".join(sorted(lines)).encode())


if __name__ == "__main__":
    main()

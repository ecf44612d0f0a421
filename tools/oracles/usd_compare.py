#!/usr/bin/env python3
"""Compares Geoul's composition of USD files with OpenUSD (PyPI usd-core), prim by prim. Not part of ./test.

    pip install usd-core
    g++ -std=c++20 -O2 -I. tools/oracles/usd_dump.cpp $(find build/release -name libgeoul_scene.a) \\
        $(find build/release -name libgeoul_core.a) -lpugixml -lspdlog -lfmt -o /tmp/usd_dump
    tools/oracles/usd_compare.py /tmp/usd_dump FILE_OR_FOLDER... [--table TABLE.md] [--root FOLDER]
    tools/oracles/usd_compare.py --bodies ORIGINAL CONVERTED     what `geoul convert` wrote, body by body

For every prim that is active, defined and no class (instances opened): path, type, applied schemas, every authored
attribute's type, connections and value (default; where none the earliest sample; and all of them again in the middle
between the first two samples of the file), relationship targets, and the transform to the world of Xformable prims.
Values must be equal after rounding to the attribute's type, transforms within 1e-12 of their size (1e-6 where an op is
float or quatf). Files that usd-core does not open, or whose text Geoul refuses, are counted by the reason.
--table writes a Markdown row a file: what Geoul says of it, and whether the composition agrees.
Exit code: 0 all agree, 1 some differ.
"""
import json
import math
import os
import pathlib
import struct
import subprocess
import sys

from pxr import Gf, Sdf, Tf, Usd, UsdGeom, UsdPhysics

FLOATS = {"half": 11, "float": 24}  # bits of the mantissa
# Findings of a layer that the file names and that Geoul does not read as usd-core does: nothing to compare.
UNREAD = {"syntax", "unknown-type", "bad-number", "bad-crate"}
PREDICATE = Usd.TraverseInstanceProxies(Usd.PrimIsActive & Usd.PrimIsDefined & ~Usd.PrimIsAbstract)
LENGTH = 1e-5  # of --bodies, relative to the scene's size: floats of the originals round at 6e-8


def numbers(value):
    """A value of usd-core as a flat list of numbers or strings, None where it has none."""
    if value is None or isinstance(value, Sdf.ValueBlock):
        return None
    if isinstance(value, bool):
        return [int(value)]
    if isinstance(value, (int, float)):
        return [value]
    if isinstance(value, str):
        return [value]
    if isinstance(value, Sdf.AssetPath):
        return [value.authoredPath if hasattr(value, "authoredPath") and value.authoredPath else value.path]
    if isinstance(value, Sdf.TimeCode):
        return [value.GetValue()]
    if isinstance(value, Sdf.PathExpression):
        return [value.GetText()]
    if hasattr(value, "real"):  # quaternions
        return [value.real, *value.imaginary]
    if isinstance(value, dict):
        return None
    return [x for item in value for x in numbers(item)]


def rounded(x, type_name):
    """A number as the type holds it."""
    if isinstance(x, str):
        return x
    scalar = type_name.removesuffix("[]")
    if scalar.startswith("half") or (scalar[-1] == "h" and scalar[:-1].rstrip("234") in ROLES):
        try:
            return struct.unpack("e", struct.pack("e", x))[0]
        except OverflowError:
            return math.copysign(math.inf, x)
    if scalar.startswith("float") or scalar.endswith("Float") or (scalar[-1] == "f" and scalar[:-1].rstrip("234") in ROLES):
        try:
            return struct.unpack("f", struct.pack("f", x))[0]
        except OverflowError:
            return math.copysign(math.inf, x)
    return x


ROLES = {"point", "normal", "vector", "color", "texCoord", "quat", "Vec", "Quat"}


def near(a, b, type_name, sampled):
    if isinstance(a, str) or isinstance(b, str):
        return a == b
    a, b = rounded(a, type_name), rounded(b, type_name)
    if a == b or (a != a and b != b):
        return True
    return sampled and abs(a - b) <= 1e-3 * (abs(a) + abs(b)) if "half" in type_name else \
        sampled and abs(a - b) <= 1e-6 * (abs(a) + abs(b) + 1e-6)


def their_value(attribute, time):
    """Value of usd-core without the schema's fallbacks."""
    stack = attribute.GetPropertyStack(Usd.TimeCode.Default() if time is None else time)
    if attribute.GetResolveInfo().ValueIsBlocked() and time is None:
        return None
    if time is not None:
        info = attribute.GetResolveInfo(time)
        if info.GetSource() in (Usd.ResolveInfoSourceNone, Usd.ResolveInfoSourceFallback):
            return None
        return numbers(attribute.Get(time))
    if any(s.HasInfo("default") for s in stack):
        return numbers(attribute.Get())
    if attribute.GetNumTimeSamples() > 0:
        return numbers(attribute.Get(Usd.TimeCode.EarliestTime()))
    return None


def compare_attribute(prim, attribute, ours, time):
    name = attribute.GetName()
    if name not in ours["attributes"]:
        return f"{prim.GetPath()}.{name}: we have no such attribute"
    type_name, value, connections = ours["attributes"][name]
    written = str(attribute.GetPropertyStack()[0].typeName)  # GetTypeName() is the schema's, where it has the name
    if type_name != written:
        return f"{prim.GetPath()}.{name}: type {type_name}, usd-core {written}"
    if type_name.startswith("pathExpression"):
        return None  # usd-core makes their paths absolute; Geoul keeps them as text
    if time is None:
        targets = [str(p) for p in attribute.GetConnections()]
        if connections != targets:
            return f"{prim.GetPath()}.{name}: connections {connections}, usd-core {targets}"
    theirs = their_value(attribute, time)
    if theirs is None and value is None:
        return None
    if theirs is None or value is None or len(theirs) != len(value):
        return f"{prim.GetPath()}.{name}: {str(value)[:80]}, usd-core {str(theirs)[:80]}"
    for a, b in zip(value, theirs):
        if not near(a, b, type_name, time is not None):
            return f"{prim.GetPath()}.{name}: {a}, usd-core {b}"
    return None


def compare_prim(prim, ours, cache, time, clips):
    """Differences of one prim."""
    out = []
    if ours["type"] != str(prim.GetTypeName()):
        out.append(f"{prim.GetPath()}: type {ours['type']}, usd-core {prim.GetTypeName()}")
    apis = [str(a) for a in prim.GetPrimTypeInfo().GetAppliedAPISchemas()]
    if ours["apis"] != apis:
        out.append(f"{prim.GetPath()}: schemas {ours['apis']}, usd-core {apis}")
    if ours["instance"] != prim.IsInstance():
        out.append(f"{prim.GetPath()}: instance {ours['instance']}, usd-core {prim.IsInstance()}")
    theirs = set()
    for attribute in prim.GetAuthoredAttributes():
        theirs.add(attribute.GetName())
        if clips and not any(s.HasInfo("default") for s in attribute.GetPropertyStack()):
            continue
        difference = compare_attribute(prim, attribute, ours, time)
        if difference:
            out.append(difference)
    extra = set(ours["attributes"]) - theirs
    if extra:
        out.append(f"{prim.GetPath()}: attributes that usd-core does not have: {sorted(extra)[:5]}")
    for relationship in prim.GetAuthoredRelationships():
        targets = [str(p) for p in relationship.GetTargets()]
        if ours["relationships"].get(relationship.GetName()) != targets:
            out.append(f"{relationship.GetPath()}: {ours['relationships'].get(relationship.GetName())}, "
                       f"usd-core {targets}")
    if prim.IsA(UsdGeom.Xformable) and not clips:
        matrix = cache.GetLocalToWorldTransform(prim)
        flat = [matrix[i][j] for i in range(4) for j in range(4)]
        size = max(1e-30, max(abs(x) for x in flat))
        worst = max(abs(a - b) for a, b in zip(flat, ours["world"]))
        if not worst <= 1e-6 * size:
            out.append(f"{prim.GetPath()}: world transform differs by {worst:.2e} of {size:.2e}")
    return out


def dump(program, file, time=None):
    command = [program] + ([] if time is None else ["-t", repr(time)]) + [file]
    lines = subprocess.run(command, capture_output=True, check=True).stdout.decode("utf-8", "replace").splitlines()
    return json.loads(lines[0]), {p["path"]: p for p in map(json.loads, lines[1:])}


def compare_stage(stage, prims, time, clips=False):
    """Differences of all prims at a time (None: default); with clips only of what they do not change."""
    code = Usd.TimeCode.EarliestTime() if time is None else Usd.TimeCode(time)
    cache = UsdGeom.XformCache(code)
    out = []
    seen = []
    for prim in Usd.PrimRange(stage.GetPseudoRoot(), PREDICATE):
        if prim.IsPseudoRoot():
            continue
        path = str(prim.GetPath())
        seen.append(path)
        if path in prims:
            out += compare_prim(prim, prims[path], cache, time, clips)
        else:
            out.append(f"{path}: only usd-core has this prim")
    known = set(seen)
    out += [f"{path}: only we have this prim" for path in prims if path not in known]
    if not out and seen != list(prims):
        out.append(f"order of prims: {list(prims)[:20]}, usd-core {seen[:20]}")
    return out


def sample_time(stage):
    """A time between two samples of the stage, none where there are none."""
    for prim in Usd.PrimRange(stage.GetPseudoRoot(), PREDICATE):
        for attribute in prim.GetAuthoredAttributes():
            times = attribute.GetTimeSamples()
            if times:
                return 0.5 * (times[0] + times[min(1, len(times) - 1)])
    return None


def judge(program, file):
    """What Geoul says, what usd-core says, differences (None: not compared)."""
    head, prims = dump(program, file)
    try:
        stage = Usd.Stage.Open(file)
    except Tf.ErrorException as error:
        return head, str(error).strip().splitlines()[-1].strip(), None
    if not head["parsed"]:
        return head, "opens", None
    if UNREAD & set(head["codes"]):
        return head, "opens", None
    clips = "unsupported-clips" in head["codes"]  # refused; the rest of the composition is compared all the same
    differences = compare_stage(stage, prims, None, clips)
    time = None if clips else sample_time(stage)
    if time is not None:
        _, at_time = dump(program, file, time)
        differences += [f"t = {time}: {d}" for d in compare_stage(stage, at_time, time)]
    return head, "finds faults" if stage.GetCompositionErrors() else "opens", differences


def open_stage(path):
    try:
        return Usd.Stage.Open(path)
    except Tf.ErrorException as error:
        print(f"{path}: usd-core: {str(error).splitlines()[0]}")
        return None


def bodies(stage):
    """Path -> (world position [m], rotation, mass [kg] or None) of every enabled rigid body."""
    meters = UsdGeom.GetStageMetersPerUnit(stage)
    kilograms = UsdPhysics.GetStageKilogramsPerUnit(stage)
    cache = UsdGeom.XformCache()
    found = {}
    for prim in stage.Traverse(Usd.TraverseInstanceProxies()):
        if not prim.HasAPI(UsdPhysics.RigidBodyAPI):
            continue
        if not UsdPhysics.RigidBodyAPI(prim).GetRigidBodyEnabledAttr().Get():
            continue
        world = cache.GetLocalToWorldTransform(prim)
        rotation = world.RemoveScaleShear().ExtractRotationQuat().GetNormalized()
        mass = UsdPhysics.MassAPI(prim).GetMassAttr().Get() if prim.HasAPI(UsdPhysics.MassAPI) else None
        found[str(prim.GetPath())] = ([meters * x for x in world.ExtractTranslation()], rotation,
                                      kilograms * mass if mass else None)
    return found


def joints(stage):
    """Paths of all joints."""
    return {str(p.GetPath()) for p in stage.Traverse(Usd.TraverseInstanceProxies()) if p.IsA(UsdPhysics.Joint)}


def compare_bodies(original, converted):
    """A scene and what `geoul convert` made of it: poses, authored masses, names of joints."""
    a, b = open_stage(original), open_stage(converted)
    if not a or not b:
        return False
    first, second = bodies(a), bodies(b)
    if set(first) != set(second):
        print(f"{original}: bodies differ: {sorted(set(first) ^ set(second))[:5]}")
        return False
    size = max([1.0] + [abs(x) for p, _, _ in first.values() for x in p])
    shift = turn = weight = 0.0
    for path, (p, q, m) in first.items():
        p2, q2, m2 = second[path]
        shift = max(shift, math.dist(p, p2))
        d = abs(q.GetReal() * q2.GetReal() + sum(x * y for x, y in zip(q.GetImaginary(), q2.GetImaginary())))
        turn = max(turn, 2 * math.acos(min(1.0, d)))
        if m:
            weight = max(weight, abs(m - (m2 or 0)) / m)
    missing = joints(a) ^ joints(b)
    good = shift <= LENGTH * size and turn < 1e-3 and weight < 1e-6 and not missing
    print(f"{'ok  ' if good else 'DIFF'} {original}: {len(first)} bodies, {len(joints(a))} joints, "
          f"position {shift:.2e} m, angle {turn:.2e} rad, mass {weight:.2e}, joints missing {len(missing)}")
    return good


def files_of(arguments):
    for argument in arguments:
        path = pathlib.Path(argument)
        if path.is_dir():
            yield from sorted(str(p) for p in path.rglob("*") if p.suffix in (".usd", ".usda", ".usdc", ".usdz"))
        else:
            yield str(path)


def outcome(head):
    """What Geoul says of a file, for the table."""
    if head["read"]:
        parts = [f"{head[k]} {k}" for k in ("bodies", "joints", "shapes") if head[k]]
        return "read" + (": " + ", ".join(parts) if parts else "")
    return "refused: " + head["errors"][0].replace("|", "/").replace("\n", " ")[:160]


def main():
    arguments = sys.argv[1:]
    if arguments[:1] == ["--bodies"]:
        results = [compare_bodies(*arguments[i:i + 2]) for i in range(1, len(arguments) - 1, 2)]
        return 0 if all(results) else 1
    table, root = None, ""
    for option in ("--table", "--root"):
        if option in arguments:
            at = arguments.index(option)
            table, root = (arguments[at + 1], root) if option == "--table" else (table, arguments[at + 1])
            del arguments[at:at + 2]
    if len(arguments) < 2:
        print(__doc__)
        return 2
    rows, tally, bad = [], {}, 0
    for file in files_of(arguments[1:]):
        head, theirs, differences = judge(arguments[0], file)
        if differences is None:
            verdict = "not compared: " + ("Geoul refuses its text" if theirs == "opens" else "usd-core does not open it")
        else:
            verdict = "equal" if not differences else f"{len(differences)} differences"
            if differences and theirs == "finds faults":
                verdict += ", where usd-core finds faults of composition as well"
            else:
                bad += bool(differences)
        kind = verdict if differences is None else "equal" if not differences else "differs" + verdict.partition(",")[2]
        tally[kind] = tally.get(kind, 0) + 1
        name = os.path.relpath(file, root) if root else file
        rows.append(f"| {name} | {outcome(head)} | {verdict} |")
        if differences and theirs != "finds faults":
            print(f"DIFF {file}: {len(differences)}")
            for d in differences[:6]:
                print("    " + d)
    for verdict, count in sorted(tally.items()):
        print(f"{count:5d}  {verdict}")
    if table:
        with open(table, "w", encoding="utf-8") as out:
            out.write("# USD files of other projects: what Geoul makes of them\n\nBy tools/oracles/usd_compare.py "
                      f"with usd-core {'.'.join(map(str, Usd.GetVersion()[1:]))}: every prim, attribute, target and "
                      "transform of the composed stage.\n\n")
            out.write("".join(f"- {count} files: {verdict}\n" for verdict, count in sorted(tally.items())) + "\n")
            out.write("\n".join(["| file | Geoul | composition beside usd-core |", "|---|---|---|", *rows]) + "\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Compares the looks that Geoul reads of USD files with OpenUSD (PyPI usd-core). Not part of ./test.

    tools/oracles/usd_look_compare.py USD_DUMP FILE_OR_FOLDER...      USD_DUMP: see usd_compare.py

For every shape that Geoul reads and usd-core has under the same path: the material that it binds (usd-core's
ComputeBoundMaterial for preview, else all, else full), those of its GeomSubsets, and, of meshes, weighted sums over the
corners of the triangles of faceVarying or uniform normals, every texture coordinate and displayColor: 1e-4 of their size,
they are floats. Copies of point instancers and meshes with sheared places are not compared.
Exit code: 0 all agree, 1 some differ.
"""
import json
import math
import pathlib
import subprocess
import sys

from pxr import Usd, UsdGeom, UsdShade

EARLIEST = Usd.TimeCode.EarliestTime()


def bound(prim):
    """Path of the bound material; empty where there is none."""
    for purpose in (UsdShade.Tokens.preview, UsdShade.Tokens.full):
        material, _ = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial(purpose)
        if material:
            return str(material.GetPath())
    return ""


def corners(mesh):
    """(index in faceVertexIndices, face) of each corner of the fans."""
    counts = mesh.GetFaceVertexCountsAttr().Get(EARLIEST) or []
    holes = set(mesh.GetHoleIndicesAttr().Get(EARLIEST) or [])
    flip = mesh.GetOrientationAttr().Get() == "leftHanded"
    out, at = [], 0
    for face, count in enumerate(counts):
        for k in range(1, count - 1):
            if face not in holes:
                second, third = (k + 1, k) if flip else (k, k + 1)
                out += [(at, face), (at + second, face), (at + third, face)]
        at += count
    return out


def by_corner(mesh, values, indices, interpolation):
    """The value of each corner, or None where the numbers do not fit."""
    points = mesh.GetFaceVertexIndicesAttr().Get(EARLIEST)
    out = []
    for corner, face in corners(mesh):
        i = {"constant": 0, "uniform": face, "faceVarying": corner}.get(interpolation, points[corner])
        if indices:
            i = indices[i] if i < len(indices) else len(values)
        if i >= len(values):
            return None
        out.append(values[i])
    return out


def weighted(values, number):
    return sum(number(v) * (1 + i % 97) for i, v in enumerate(values))


def unit(v):
    length = math.sqrt(sum(x * x for x in v))
    return [x / length for x in v] if length > 1e-12 else None


def looks(prim):
    """The same as a line of usd_dump -l."""
    physics, _ = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial("physics")
    out = {"material": bound(prim), "sets": [], "physics": str(physics.GetPath()) if physics else ""}
    if not prim.IsA(UsdGeom.Mesh):
        return out
    mesh = UsdGeom.Mesh(prim)
    own = out["material"]
    for child in prim.GetChildren():
        subset = UsdGeom.Subset(child)
        if child.GetTypeName() == "GeomSubset" and subset.GetIndicesAttr().Get() is not None:
            if subset.GetElementTypeAttr().Get() == "face" and bound(child) != own:
                out["sets"].append(bound(child))
    primvars = UsdGeom.PrimvarsAPI(prim)
    out["textures"] = {}
    for p in primvars.GetPrimvarsWithValues():
        values = p.Get(EARLIEST)
        if p.GetTypeName().isArray and values and hasattr(values[0], "__len__") and len(values[0]) == 2:
            flat = by_corner(mesh, values, p.GetIndices(), p.GetInterpolation())
            if flat is not None:
                out["textures"][p.GetPrimvarName()] = weighted(flat, lambda v: v[0] + 2 * v[1])
    normals, indices, by = mesh.GetNormalsAttr().Get(EARLIEST), None, mesh.GetNormalsInterpolation()
    if primvars.GetPrimvar("normals").HasValue():
        p = primvars.GetPrimvar("normals")
        normals, indices, by = p.Get(EARLIEST), p.GetIndices(), p.GetInterpolation()
    if normals and by in ("uniform", "faceVarying"):
        flat = by_corner(mesh, normals, indices, by)
        if flat is not None and all(unit(v) for v in flat):
            out["normals"] = weighted(flat, lambda v: sum(x * w for x, w in zip(unit(v), (1, 2, 3))))
    color = primvars.GetPrimvar("displayColor")
    if color and color.HasAuthoredValue() and color.GetInterpolation() != "constant":
        flat = by_corner(mesh, color.Get(EARLIEST), color.GetIndices(), color.GetInterpolation())
        if flat is not None:
            out["colors"] = weighted(flat, lambda v: v[0] + 2 * v[1] + 3 * v[2])
    return out


def near(a, b):
    return abs(a - b) <= 1e-4 * (1 + abs(a) + abs(b))


def differences(ours, theirs):
    def is_material(name, path):
        # Ours is named by the look and the physics, and by the display colour where there is no look.
        physics = theirs["physics"]
        both = path + "_" + physics.rpartition("/")[2]
        return name in (path, both) or "/displayColor" in name or (not path and name == physics)

    if not is_material(ours["material"], theirs["material"]):
        yield f"material {ours['material']!r}, not {theirs['material']!r}"
    if len(ours["sets"]) != len(theirs["sets"]) or not all(map(is_material, ours["sets"], theirs["sets"])):
        yield f"face sets {ours['sets']}, not {theirs['sets']}"
    for name in ("normals", "colors"):
        if name in theirs and not near(ours.get(name, 0), theirs[name]):
            yield f"{name} {ours.get(name)}, not {theirs[name]}"
    if "textures" in theirs:
        for name, value in theirs["textures"].items():
            if name not in ours["textures"] or not near(ours["textures"][name], value):
                yield f"{name} {ours['textures'].get(name)}, not {value}"


def main():
    dump, *roots = sys.argv[1:]
    files = []
    for root in map(pathlib.Path, roots):
        files += sorted(f for f in root.rglob("*") if f.suffix in (".usd", ".usda", ".usdc", ".usdz")) if root.is_dir() else [root]
    shapes = differ = with_look = 0
    for file in files:
        text = subprocess.run([dump, "-l", str(file)], capture_output=True, text=True, check=False).stdout
        lines = [json.loads(line) for line in text.splitlines()[1:]]
        if not lines:
            continue
        try:
            stage = Usd.Stage.Open(str(file))
        except Exception:  # usd-core refuses it
            continue
        for line in lines:
            prim = stage.GetPrimAtPath(line["shape"])
            if not prim:
                continue
            theirs = looks(prim)
            shapes += 1
            with_look += bool(theirs["material"] or theirs["sets"] or "normals" in theirs or theirs.get("textures"))
            for text in differences(line, theirs):
                differ += 1
                print(f"{file}: {line['shape']}: {text}")
    print(f"{shapes} shapes compared, {with_look} of them with a material or values by corner; {differ} differences")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Compares the USD reader and writer with OpenUSD (PyPI usd-core), scene by scene. Not part of ./test.

    pip install usd-core
    tools/oracles/usd_compare.py ORIGINAL.usda CONVERTED.usda [ORIGINAL CONVERTED ...]

CONVERTED is what `geoul convert ORIGINAL CONVERTED` wrote. Both are opened with usd-core; every rigid body's path, world
pose [m] and authored mass [kg] must agree, and the paths of the joints; prints the largest differences. Joint frames,
limits, inertias and shapes are not compared.
Exit code: 0 all agree, 1 some differ or do not open.
"""
import math
import sys

from pxr import Usd, UsdGeom, UsdPhysics

LENGTH = 1e-5  # relative to the scene's size: floats of the originals round at 6e-8


def open_stage(path):
    try:
        return Usd.Stage.Open(path)
    except Exception as error:  # usd-core raises its own type for syntax errors
        print(f"{path}: usd-core: {str(error).splitlines()[0]}")
        return None


def bodies(stage):
    """Path -> (world position [m], mass [kg] or None) of every enabled rigid body."""
    meters = UsdGeom.GetStageMetersPerUnit(stage)
    kilograms = UsdPhysics.GetStageKilogramsPerUnit(stage)
    cache = UsdGeom.XformCache()
    found = {}
    for prim in stage.Traverse():
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
    return {str(p.GetPath()) for p in stage.Traverse() if p.IsA(UsdPhysics.Joint)}


def compare(original, converted):
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
    missing = set(joints(a)) ^ set(joints(b))
    good = shift <= LENGTH * size and turn < 1e-3 and weight < 1e-6 and not missing
    print(f"{'ok  ' if good else 'DIFF'} {original}: {len(first)} bodies, {len(joints(a))} joints, "
          f"position {shift:.2e} m, angle {turn:.2e} rad, mass {weight:.2e}, joints missing {len(missing)}")
    return good


def main():
    if len(sys.argv) < 3 or len(sys.argv) % 2 == 0:
        print(__doc__)
        return 2
    results = [compare(sys.argv[i], sys.argv[i + 1]) for i in range(1, len(sys.argv), 2)]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())

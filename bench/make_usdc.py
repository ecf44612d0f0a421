#!/usr/bin/env python3
"""Makes the large binary USD files that scenes_figures measures, with OpenUSD (PyPI usd-core, numpy).

    pip install usd-core numpy
    bench/make_usdc.py build/bench/usd

mesh.usdc       a height field of 2000 x 2000 points as a Mesh: points, normals, indices, texture coordinates
instancer.usdc  a PointInstancer of 1 million instances: positions, orientations, velocities, ids, at 3 times
prims.usdc      100,000 Xform prims with a translation and a mass each
"""
import os
import sys

import numpy as np
from pxr import Gf, Sdf, Usd, UsdGeom, UsdPhysics, Vt


def stage(folder, name):
    made = Usd.Stage.CreateNew(os.path.join(folder, name))
    UsdGeom.SetStageMetersPerUnit(made, 1)
    UsdGeom.SetStageUpAxis(made, "Z")
    made.SetDefaultPrim(UsdGeom.Xform.Define(made, "/World").GetPrim())
    return made


def mesh(folder, n=2000):
    made = stage(folder, "mesh.usdc")
    x, y = np.meshgrid(np.arange(n, dtype=np.float32), np.arange(n, dtype=np.float32))
    z = np.sin(0.01 * x) * np.cos(0.013 * y) + np.random.default_rng(1).normal(0, 0.01, (n, n)).astype(np.float32)
    points = np.stack([0.01 * x, 0.01 * y, z], axis=-1).reshape(-1, 3).astype(np.float32)
    normals = np.stack([-np.gradient(z, axis=1), -np.gradient(z, axis=0), np.ones_like(z)], axis=-1)
    normals = (normals / np.linalg.norm(normals, axis=-1, keepdims=True)).reshape(-1, 3).astype(np.float32)
    v = np.arange(n * n, dtype=np.int32).reshape(n, n)
    a, b, c, d = v[:-1, :-1], v[:-1, 1:], v[1:, 1:], v[1:, :-1]
    indices = np.stack([a, b, c, a, c, d], axis=-1).reshape(-1)
    prim = UsdGeom.Mesh.Define(made, "/World/Ground")
    prim.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(points))
    prim.CreateNormalsAttr(Vt.Vec3fArray.FromNumpy(normals))
    prim.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(indices))
    prim.CreateFaceVertexCountsAttr(Vt.IntArray.FromNumpy(np.full(len(indices) // 3, 3, dtype=np.int32)))
    coordinates = UsdGeom.PrimvarsAPI(prim).CreatePrimvar("st", Sdf.ValueTypeNames.TexCoord2fArray, "vertex")
    coordinates.Set(Vt.Vec2fArray.FromNumpy(np.ascontiguousarray(points[:, :2] / 20)))
    made.Save()


def instancer(folder, n=1_000_000):
    made = stage(folder, "instancer.usdc")
    prim = UsdGeom.PointInstancer.Define(made, "/World/Stones")
    UsdGeom.Sphere.Define(made, "/World/Stones/Stone")
    prim.CreatePrototypesRel().AddTarget("/World/Stones/Stone")
    random = np.random.default_rng(2)
    prim.CreateProtoIndicesAttr(Vt.IntArray.FromNumpy(np.zeros(n, dtype=np.int32)))
    prim.CreateIdsAttr(Vt.Int64Array.FromNumpy(np.arange(n, dtype=np.int64)))
    turns = random.normal(size=(n, 4))
    turns = (turns / np.linalg.norm(turns, axis=1, keepdims=True)).astype(np.float16)
    prim.CreateOrientationsAttr(Vt.QuathArray.FromNumpy(turns))
    positions = random.uniform(-50, 50, (n, 3)).astype(np.float32)
    for time in range(3):
        step = random.normal(0, 0.01, (n, 3)).astype(np.float32)
        positions = positions + step
        prim.CreatePositionsAttr().Set(Vt.Vec3fArray.FromNumpy(positions), time)
        prim.CreateVelocitiesAttr().Set(Vt.Vec3fArray.FromNumpy(step), time)
    made.Save()


def prims(folder, n=100_000):
    layer = Sdf.Layer.CreateNew(os.path.join(folder, "prims.usdc"))
    world = Sdf.PrimSpec(layer, "World", Sdf.SpecifierDef, "Xform")
    layer.defaultPrim = "World"
    random = np.random.default_rng(3)
    with Sdf.ChangeBlock():
        for i in range(n):
            prim = Sdf.PrimSpec(world, f"body_{i}", Sdf.SpecifierDef, "Xform")
            prim.SetInfo("apiSchemas", Sdf.TokenListOp.Create(prependedItems=["PhysicsRigidBodyAPI"]))
            place = Sdf.AttributeSpec(prim, "xformOp:translate", Sdf.ValueTypeNames.Double3)
            place.default = Gf.Vec3d(*map(float, random.uniform(-50, 50, 3)))
            order = Sdf.AttributeSpec(prim, "xformOpOrder", Sdf.ValueTypeNames.TokenArray, Sdf.VariabilityUniform)
            order.default = ["xformOp:translate"]
            mass = Sdf.AttributeSpec(prim, "physics:mass", Sdf.ValueTypeNames.Float)
            mass.default = float(random.uniform(0.1, 1))
    layer.Save()


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    for make in (mesh, instancer, prims):
        make(folder)
    for name in sorted(os.listdir(folder)):
        print(f"{name}: {os.path.getsize(os.path.join(folder, name)) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()

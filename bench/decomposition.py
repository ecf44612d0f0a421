#!/usr/bin/env python3
"""Geoul's convex decomposition beside CoACD and V-HACD: writes bench/results/decomposition.md.

    bench/decomposition.py [--geoul PROGRAM]      PROGRAM: build/release/bin/decompose_file

Needs PyPI coacd, vhacdx, trimesh, manifold3d, shapely, networkx. Meshes: four of MuJoCo's and of the USD converter's tests
(../shared/data; left out where it is absent) and four that are made here. Each program at its defaults but for 32 hulls at
most: Geoul tolerance 0.02, CoACD threshold 0.05 and seed 0, V-HACD 400,000 voxels. Each mesh is decomposed in a process of
its own; the time is processor time of the decomposition alone, all threads together. The judge is manifold3d's exact boolean
of the hulls and the solid: what the hulls hold beyond it, and what of it they leave out, over its volume.
"""
import argparse
import json
import pathlib
import platform
import resource
import subprocess
import sys
import tempfile

import numpy
import trimesh

ROOT = pathlib.Path(__file__).resolve().parents[1]
SHARED = ROOT / "../shared/data"
FILES = {
    "cube_cup": "mjcf/mujoco_tests/test/user/testdata/cube_cup.obj",
    "cube_cup_hi": "mjcf/mujoco_tests/test/user/testdata/cube_cup_hi.obj",
    "torus": "mjcf/mujoco_tests/test/user/testdata/torus.obj",
    "two_boxes": "urdf/usd_converter_tests/tests/data/assets/two_boxes.obj",
}


def made():
    from shapely.geometry import Polygon

    def extruded(points, height):
        return trimesh.creation.extrude_polygon(Polygon(points), height)

    askew = trimesh.transformations.rotation_matrix(0.7, [1, 2, 3])
    bracket = extruded([(0, 0), (3, 0), (3, 1), (1, 1), (1, 3), (0, 3)], 1)
    turned = bracket.copy()
    turned.apply_transform(askew)
    # Arms of 20, 75 and 130 degrees: no three directions fit all of its faces.
    star = None
    for degrees in (20, 75, 130):
        arm = trimesh.creation.box((4, 0.6, 0.8))
        arm.apply_transform(trimesh.transformations.rotation_matrix(numpy.radians(degrees), [0, 0, 1]))
        star = arm if star is None else trimesh.boolean.union([star, arm], engine="manifold")
    return {"L": bracket, "L turned askew": turned, "ring": trimesh.creation.annulus(0.7, 1, 0.4, sections=128), "star of six arms": star}


def decompose_here(program, file):
    """Runs in a process of its own: prints JSON as decompose_file does."""
    mesh = trimesh.load(file, force="mesh")
    mesh.merge_vertices(merge_norm=True, merge_tex=True)
    before = resource.getrusage(resource.RUSAGE_SELF)
    if program == "coacd":
        import coacd
        coacd.set_log_level("error")
        parts = [p[0] for p in coacd.run_coacd(coacd.Mesh(mesh.vertices, mesh.faces), threshold=0.05, max_convex_hull=32, seed=0)]
    else:
        import vhacdx
        parts = [p[0] for p in vhacdx.compute_vhacd(mesh.vertices, numpy.hstack([numpy.full((len(mesh.faces), 1), 3), mesh.faces]).astype(numpy.uint32).ravel(),
                                                    maxConvexHulls=32, resolution=400000)]
    after = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
                      "hulls": [numpy.asarray(p).tolist() for p in parts]}))


def judged(solid, hulls):
    """Volumes beyond the solid and missing of it, over its volume."""
    import manifold3d

    def manifold(mesh):
        return manifold3d.Manifold(manifold3d.Mesh(vert_properties=numpy.asarray(mesh.vertices, numpy.float32),
                                                   tri_verts=numpy.asarray(mesh.faces, numpy.uint32)))

    whole = manifold(solid)
    union = manifold3d.Manifold.batch_boolean([manifold3d.Manifold.hull_points(numpy.asarray(h)) for h in hulls], manifold3d.OpType.Add)
    return (union - whole).volume() / whole.volume(), (whole - union).volume() / whole.volume()


def version(package):
    from importlib.metadata import version as of
    return of(package)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--geoul", default=ROOT / "build/release/bin/decompose_file")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        return decompose_here(*arguments.one)
    meshes = made()
    for name, file in FILES.items():
        if (SHARED / file).exists():
            meshes[name] = trimesh.load(SHARED / file, force="mesh")
        else:
            print(f"decomposition: {SHARED / file} is absent; left out", file=sys.stderr)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, mesh in meshes.items():
            mesh.merge_vertices(merge_norm=True, merge_tex=True)
            file = pathlib.Path(folder) / "mesh.obj"
            file.write_text("".join("v %.9g %.9g %.9g\n" % tuple(v) for v in mesh.vertices) +
                            "".join("f %d %d %d\n" % tuple(f + 1) for f in mesh.faces))
            cells = [name, f"{len(mesh.faces):,}", f"{mesh.convex_hull.volume / mesh.volume:.3f}"]
            for program in ("geoul", "coacd", "vhacd"):
                command = ([arguments.geoul, file, "32", "0.02"] if program == "geoul"
                           else [sys.executable, __file__, "--one", program, file])
                done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=900)
                if done.returncode != 0:
                    cells += ["fails", "", "", ""]
                    print(f"decomposition: {program} on {name}: {done.stderr[-300:]}", file=sys.stderr)
                    continue
                result = json.loads(done.stdout.strip().splitlines()[-1])
                beyond, missing = judged(mesh, result["hulls"])
                cells += [str(len(result["hulls"])), f"{beyond:.4f}", f"{missing:.4f}", f"{result['seconds']:.3g}"]
                print(name, program, *cells[-4:], file=sys.stderr, flush=True)
            rows.append("| " + " | ".join(cells) + " |")
    head = "| mesh | triangles | hull / solid |" + "".join(f" {p} hulls | beyond | missing | s |" for p in ("Geoul", "CoACD", "V-HACD"))
    text = ("# Convex decompositions beside each other\n\n"
            "Made by `bench/decomposition.py`, which says what is measured and how; at most 32 hulls, each program's defaults else.\n"
            "beyond: what the union of the hulls holds that the solid does not; missing: what of the solid it leaves out; both over\n"
            f"the solid's volume. CoACD {version('coacd')}, V-HACD by vhacdx {version('vhacdx')}, judged by manifold3d {version('manifold3d')};\n"
            f"s: processor time, on {platform.machine()}, a machine shared with others.\n\n" + head + "\n|" + "---|" * (head.count("|") - 1) + "\n" + "\n".join(rows) + "\n")
    (ROOT / "bench/results/decomposition.md").write_text(text)
    print(text)


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Lets other programs judge what Geoul writes: MuJoCo (PyPI `mujoco`) the MJCF, libsdformat 12 the SDF, urdfdom through
Pinocchio (PyPI `pin`) the URDF, gltf-validator (npm) the .glb. Run by hand, in a virtual environment, with the programs
that sdf_compare.py and urdf_compare.py say how to build:

    python tools/oracles/write_compare.py build/release/bin/geoul /tmp/mechanics_dump /tmp/sdformat_dump FOLDER

Prints a Markdown row a scene file in FOLDER: whether each program loads what was written; the largest relative
differences of Geoul's mass matrix of the file itself from MuJoCo's and Pinocchio's of what was written, at 20 random
configurations (without armature for the URDF, which has none); and of the link masses in libsdformat. Where GLTF_VALIDATOR names a folder with node_modules, its errors.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

import mujoco
import numpy as np
import pinocchio as pin

from urdf_compare import clean, ours, relative

CONFIGURATIONS = 20
VALIDATE = """const v=require(process.argv[1]+'/node_modules/gltf-validator'),fs=require('fs');
v.validateBytes(new Uint8Array(fs.readFileSync(process.argv[2]))).then(r=>console.log(JSON.stringify(r.issues)))"""


def convert(geoul, file, out):
    done = subprocess.run([geoul, "convert", file, out], capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stderr.strip().splitlines()[-1]


def random_states(first):
    random = np.random.default_rng(7)
    one_degree = {n: j for n, j in first["joints"].items() if j[0] in ("revolute", "continuous", "prismatic")}
    states = []
    for _ in range(CONFIGURATIONS):
        q = np.zeros(first["sizes"][0])
        for kind, at, _, _ in first["joints"].values():
            if kind == "free":
                q[at + 3] = 1
            elif kind == "spherical":
                q[at] = 1
        for _, at, _, _ in one_degree.values():
            q[at] = random.uniform(-1.5, 1.5)
        states.append(q)
    return states, one_degree


def by_mujoco(file, first, full, states, joints):
    try:
        model = mujoco.MjModel.from_xml_path(file)
    except ValueError as failure:
        return str(failure).splitlines()[0][:100]
    data = mujoco.MjData(model)
    names = [n for n in joints if mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_JOINT, clean(n)) >= 0]
    if len(names) != len(joints):
        return f"{len(joints) - len(names)} joints lack"
    ids = [mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_JOINT, clean(n)) for n in names]
    worst = 0.0
    for k, q in enumerate(states):
        data.qpos[:] = model.qpos0
        for name, i in zip(names, ids):
            data.qpos[model.jnt_qposadr[i]] = q[joints[name][1]]
        mujoco.mj_forward(model, data)
        M = np.zeros((model.nv, model.nv))
        mujoco.mj_fullM(model, M, data.qM) if hasattr(data, "qM") else mujoco.mj_fullM(model, data, M)
        at = [model.jnt_dofadr[i] for i in ids]
        nv = first["sizes"][1]
        mine = full["answers"][3 * k + 2].reshape(nv, nv)[np.ix_(*[[joints[n][2] for n in names]] * 2)]
        worst = max(worst, relative(mine, M[np.ix_(at, at)]))
    return f"{worst:.0e}"


def by_pinocchio(file, first, full, states, joints):
    try:
        model = pin.buildModelFromUrdf(file)
    except Exception as failure:
        return str(failure).strip().splitlines()[-1][:100]
    data = model.createData()
    ids = {clean(n): i for i, n in enumerate(model.names)}
    if any(clean(n) not in ids for n in joints):
        return "joints lack"
    worst = 0.0
    for k, values in enumerate(states):
        q = pin.neutral(model)
        for name, (_, at, _, _) in joints.items():
            joint = model.joints[ids[clean(name)]]
            value = values[at]
            if joint.nq == 2:
                q[joint.idx_q:joint.idx_q + 2] = np.cos(value), np.sin(value)
            else:
                q[joint.idx_q] = value
        M = pin.crba(model, data, q)
        M = np.triu(M) + np.triu(M, 1).T
        at = [model.joints[ids[clean(n)]].idx_v for n in joints]
        nv = first["sizes"][1]
        mine = full["answers"][3 * k + 2].reshape(nv, nv)[np.ix_(*[[j[2] for j in joints.values()]] * 2)]
        mine = mine - np.diag([j[3][4] for j in joints.values()])  # a URDF has no armature
        worst = max(worst, relative(mine, M[np.ix_(at, at)]))
    return f"{worst:.0e}"


def by_libsdformat(dump, file, first):
    out = subprocess.run([dump, file], capture_output=True, text=True).stdout.splitlines()
    if not out or out[0] != "ok":
        return (out[0] if out else "crashed")[:100]
    worst, seen = 0.0, 0
    for line in out[1:]:
        word = line.split(" ")
        name = re.sub(r"\W", "_", word[1].split("::")[-1])
        if word[0] == "link" and name in first["bodies"]:
            worst, seen = max(worst, relative([float(x) for x in word[2:12]], first["bodies"][name])), seen + 1
    heavy = sum(v[0] > 0 for v in first["bodies"].values())
    return f"{worst:.0e}" if seen >= heavy else f"{heavy - seen} links lack"


def by_gltf_validator(file):
    folder = os.environ.get("GLTF_VALIDATOR")
    if not folder:
        return "-"
    out = subprocess.run(["node", "-e", VALIDATE, folder, file], capture_output=True, text=True)
    issues = json.loads(out.stdout)
    first = [m["code"] + " " + m["pointer"] for m in issues["messages"] if m["severity"] == 0][:1]
    return f"{issues['numErrors']} errors, {issues['numWarnings']} warnings" + "".join(": " + f for f in first)


def main():
    geoul, mechanics, sdformat, folder = sys.argv[1:5]
    endings = (".urdf", ".usda", ".sdf", ".xml")
    files = sorted(os.path.join(d, f) for d, _, names in os.walk(folder) for f in names if f.endswith(endings))
    print("| file | joints | MuJoCo | Pinocchio | libsdformat | glTF |\n|---|---|---|---|---|---|")
    for file in files:
        first, why = ours(mechanics, file, "")
        if first is None:
            print(f"| {os.path.relpath(file, folder)} | {why.replace(folder, '')[:100].replace('|', '/')} | | | | |")
            continue
        states, joints = random_states(first)
        text = "\n".join(" ".join(repr(float(x)) for x in q) for q in states) + "\n"
        full, _ = ours(mechanics, file, text)
        with tempfile.TemporaryDirectory() as place:
            says = []
            for ending, judge in ((".xml", lambda f: by_mujoco(f, first, full, states, joints)),
                                  (".urdf", lambda f: by_pinocchio(f, first, full, states, joints)),
                                  (".sdf", lambda f: by_libsdformat(sdformat, f, first)),
                                  (".glb", by_gltf_validator)):
                out = os.path.join(place, "out" + ending)
                says.append((convert(geoul, file, out) or judge(out)).replace(place, "").replace("|", "/"))
        print(f"| {os.path.relpath(file, folder)} | {len(joints)} | " + " | ".join(says) + " |", flush=True)


if __name__ == "__main__":
    main()

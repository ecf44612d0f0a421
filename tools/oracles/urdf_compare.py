#!/usr/bin/env python3
"""Compares Geoul's reading of URDF files with Pinocchio's (PyPI `pin`). Run by hand, in a virtual environment:

    g++ -std=c++20 -O2 -I. tools/oracles/mechanics_dump.cpp build/release/geoul/dynamics/libgeoul_dynamics.a \\
        build/release/geoul/collision/libgeoul_collision.a build/release/geoul/scene/libgeoul_scene.a \\
        build/release/geoul/core/libgeoul_core.a -lpugixml -lz -lspdlog -lfmt -o /tmp/mechanics_dump
    python tools/oracles/urdf_compare.py /tmp/mechanics_dump FOLDER > table.md

Prints a Markdown row a file that both load: links, joints that move, and the largest relative differences of mass,
centre and inertia of every link (as Pinocchio gathers them on its joints), of position limits, effort and velocity, of
link poses at 200 random configurations, of gravity torques and of the mass matrix there (relative to the largest entry).
Then the files that one side refuses, with what it says.
"""
import os
import re
import subprocess
import sys

import numpy as np
import pinocchio as pin

CONFIGURATIONS = 200


def clean(name):
    text = re.sub(r"[^\w]", "_", name, flags=re.ASCII)
    return "_" + text if text[:1].isdigit() else text


def ours(dump, file, states):
    process = subprocess.run([dump, file], input=states, capture_output=True, text=True)
    if process.returncode != 0:
        return None, process.stderr.strip()
    out = {"bodies": {}, "joints": {}, "answers": [], "sizes": None}
    for line in process.stdout.splitlines():
        word = line.split(" ")
        if word[0] == "body":
            out["bodies"][word[1]] = [float(x) for x in word[2:]]
        elif word[0] == "joint":
            out["joints"][word[1]] = (word[2], int(word[3]), int(word[4]), [float(x) for x in word[5:]])
        elif word[0] == "sizes":
            out["sizes"] = (int(word[1]), int(word[2]))
        else:
            out["answers"].append(np.array([float(x) for x in word[1:]]))
    return out, ""


def relative(a, b, scale=None):
    a, b = np.atleast_1d(a).astype(float), np.atleast_1d(b).astype(float)
    if a.size == 0:
        return 0.0
    largest = max(np.abs(a).max(), np.abs(b).max()) if scale is None else scale
    return float(np.abs(a - b).max() / largest) if largest > 0 else 0.0


def composite(bodies, X):
    """Mass, first and second moments of all bodies together, about the world's origin."""
    mass, first, second = 0.0, np.zeros(3), np.zeros((3, 3))
    for (name, v), (p, R) in zip(bodies, X):
        c = R @ np.array(v[1:4]) + p
        I = np.array([[v[4], v[7], v[8]], [v[7], v[5], v[9]], [v[8], v[9], v[6]]])
        mass += v[0]
        first += v[0] * c
        second += R @ I @ R.T + v[0] * (c @ c * np.eye(3) - np.outer(c, c))
    return mass, first, second


def pose(v):
    w, x, y, z = v[3:7]
    R = np.array([[1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                  [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                  [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]])
    return v[:3], R


def theirs_to_ours(model, first, random):
    """A random configuration of both, and which of our velocities each of theirs is."""
    q, mine = pin.neutral(model), np.zeros(first["sizes"][0])
    order = -np.ones(model.nv, int)
    for i in range(1, model.njoints):
        joint, name = model.joints[i], clean(model.names[i])
        kind, at, va, _ = first["joints"][name]
        if kind in ("revolute", "continuous", "prismatic"):
            value = random.uniform(-1.5, 1.5)
            mine[at] = value
            if joint.nq == 2:
                q[joint.idx_q:joint.idx_q + 2] = np.cos(value), np.sin(value)
            else:
                q[joint.idx_q] = value
            order[joint.idx_v] = va
        elif kind == "planar":
            x, y, angle = random.uniform(-1, 1, 3)
            mine[at:at + 3] = x, y, angle
            q[joint.idx_q:joint.idx_q + 4] = x, y, np.cos(angle), np.sin(angle)
            order[joint.idx_v:joint.idx_v + 3] = range(va, va + 3)
        else:
            raise ValueError(f"joints of kind {kind} are not compared")
    return q, mine, order


def compare(dump, file):
    first, why = ours(dump, file, "")
    try:
        model = pin.buildModelFromUrdf(file)
    except Exception as failure:  # whatever the judge throws is its refusal
        return None, why, str(failure).strip().splitlines()[-1] if str(failure).strip() else "refused"
    if first is None:
        return None, why, ""
    if model.njoints - 1 != len(first["joints"]):
        return None, "", f"{model.njoints - 1} joints that move, Geoul has {len(first['joints'])}"
    data = model.createData()
    random = np.random.default_rng(20)
    cases = [theirs_to_ours(model, first, random) for _ in range(CONFIGURATIONS)]
    states = "\n".join(" ".join(repr(float(x)) for x in mine) for _, mine, _ in cases)
    full, why = ours(dump, file, states + "\n")
    limits = 0.0
    for i in range(1, model.njoints):
        joint = model.joints[i]
        kind, _, _, (lower, upper, effort, speed, _) = first["joints"][clean(model.names[i])]
        if kind not in ("revolute", "continuous", "prismatic"):
            continue
        pairs = [(effort, model.upperEffortLimit[joint.idx_v]), (speed, model.upperVelocityLimit[joint.idx_v])]
        if kind != "continuous":
            pairs += [(lower, model.lowerPositionLimit[joint.idx_q]), (upper, model.upperPositionLimit[joint.idx_q])]
        limits = max([limits] + [relative(a, b) for a, b in pairs if a != b and np.isfinite(a) and abs(b) < 1e300])
    frames = {clean(f.name): i for i, f in enumerate(model.frames) if f.type == pin.FrameType.BODY}
    names = list(first["bodies"])
    worst = dict(mass=0.0, poses=0.0, gravity=0.0, M=0.0)
    extent = 1.0
    for k, (q, _, order) in enumerate(cases):
        X = full["answers"][3 * k].reshape(len(names), 7)
        pin.framesForwardKinematics(model, data, q)
        for name, v in zip(names, X):
            p, R = pose(v)
            target = data.oMf[frames[name]]
            extent = max(extent, np.abs(target.translation).max())
            worst["poses"] = max(worst["poses"], np.abs(target.rotation - R).max(),
                                 np.abs(target.translation - p).max() / extent)
        if k == 0:  # all mass together: of the moving joints in this pose, and of what is fixed to the world
            mine = composite(list(first["bodies"].items()), [pose(v) for v in X])
            both = pin.Inertia(model.inertias[0])
            total = [both.mass, both.mass * both.lever, both.matrix()[3:, 3:]]
            for i in range(1, model.njoints):
                I = data.oMi[i].act(model.inertias[i])
                total = [total[0] + I.mass, total[1] + I.mass * I.lever, total[2] + I.matrix()[3:, 3:]]
            worst["mass"] = max(relative(a, b) for a, b in zip(mine, total))
        if model.nv == 0:
            continue
        g = pin.computeGeneralizedGravity(model, data, q)
        M = pin.crba(model, data, q)
        M = np.triu(M) + np.triu(M, 1).T
        ours_g, ours_M = full["answers"][3 * k + 1][order], full["answers"][3 * k + 2].reshape(-1, model.nv)
        worst["gravity"] = max(worst["gravity"], relative(ours_g, g, max(np.abs(g).max(), 1e-9 * np.abs(M).max())))
        worst["M"] = max(worst["M"], relative(ours_M[np.ix_(order, order)], M))
    return (len(names), model.njoints - 1, limits, worst), "", ""


def main():
    dump, folder = sys.argv[1:3]
    files = sorted(os.path.join(d, f) for d, _, names in os.walk(folder) for f in names if f.endswith(".urdf"))
    refused, equal = [], 0
    print("| file | links | moving joints | limits | mass, centre, inertia | poses | gravity torques | mass matrix |")
    print("|---|---|---|---|---|---|---|---|")
    for file in files:
        shown = os.path.relpath(file, folder)
        try:
            result, we, they = compare(dump, file)
        except ValueError as failure:
            result, we, they = None, "", str(failure)
        if result is None:
            refused.append((shown, we.replace(folder, "").replace("|", "/")[:160], they.replace("|", "/")[:160]))
            continue
        links, joints, limits, worst = result
        equal += max(worst.values()) < 1e-9
        print(f"| {shown} | {links} | {joints} | {limits:.0e} | {worst['mass']:.0e} | {worst['poses']:.0e} | "
              f"{worst['gravity']:.0e} | {worst['M']:.0e} |")
    print(f"\n{equal} files agree to 1e-9. Not compared:\n\n| file | Geoul says | Pinocchio says |\n|---|---|---|")
    for row in refused:
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Compares Geoul's reading of URDF files with Pinocchio's (PyPI `pin`). Run by hand, in a virtual environment:

    g++ -std=c++20 -O2 -I. tools/oracles/urdf_dump.cpp build/release/geoul/scene/libgeoul_scene.a \\
        build/release/geoul/core/libgeoul_core.a -lassimp -lpugixml -lz -lspdlog -lfmt -o /tmp/urdf_dump
    python tools/oracles/urdf_compare.py /tmp/urdf_dump FILE.urdf ...

Prints a Markdown row a robot: joints that move, total mass and largest differences of mass, limits, and link poses
at q = 0 (Geoul's own start poses) and at a random q (forward kinematics below, from Geoul's joint frames).
"""
import os
import re
import subprocess
import sys

import numpy as np
import pinocchio as pin


def rotation(w, x, y, z):
    return np.array([[1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                     [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                     [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]])


def pose(p, q):
    X = np.eye(4)
    X[:3, :3], X[:3, 3] = rotation(*q), p
    return X


def motion(kind, axis, q):
    X = np.eye(4)
    if kind == "prismatic":
        X[:3, 3] = q * axis
    elif kind in ("revolute", "continuous"):
        K = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
        X[:3, :3] = np.eye(3) + np.sin(q) * K + (1 - np.cos(q)) * K @ K
    return X


def read_geoul(dump, file):
    bodies, joints = [], []
    for line in subprocess.run([dump, file], check=True, capture_output=True, text=True).stdout.splitlines():
        word = line.split()
        name = word[1].split("/")[-1]
        if word[0] == "body":
            v = [float(x) for x in word[2:]]
            bodies.append((name, v[0], pose(v[1:4], v[4:8])))
        else:
            v = [float(x) for x in word[5:]]
            joints.append(dict(name=name, kind=word[2], parent=int(word[3]), child=int(word[4]), limits=v[:4],
                               axis=np.array(v[4:7]), X_PJ=pose(v[7:10], v[10:14])))
    return bodies, joints


def forward(bodies, joints, q):
    X = {-1: np.eye(4)}
    left = list(joints)
    while left:
        rest = []
        for j in left:
            if j["parent"] in X:
                X[j["child"]] = X[j["parent"]] @ j["X_PJ"] @ motion(j["kind"], j["axis"], q.get(j["name"], 0))
            else:
                rest.append(j)
        left = rest
    return [X[i] for i in range(len(bodies))]


def compare(dump, file):
    bodies, joints = read_geoul(dump, file)
    model = pin.buildModelFromUrdf(file)
    data = model.createData()
    joint_ids = {re.sub(r"\W", "_", name): i for i, name in enumerate(model.names)}  # as USD paths write them
    frames = {re.sub(r"\W", "_", f.name): i for i, f in enumerate(model.frames) if f.type == pin.FrameType.BODY}
    movable = [j for j in joints if j["kind"] in ("revolute", "continuous", "prismatic")]
    assert len(movable) == model.njoints - 1, "number of joints"
    mass = abs(sum(b[1] for b in bodies) - (pin.computeTotalMass(model) + model.inertias[0].mass))  # [0]: what is fixed to the world
    limits = 0.0
    for j in movable:
        joint = model.joints[joint_ids[j["name"]]]
        lower, upper, effort, speed = j["limits"]
        pairs = [(effort, model.effortLimit[joint.idx_v]), (speed, model.velocityLimit[joint.idx_v])]
        if j["kind"] != "continuous":
            pairs += [(lower, model.lowerPositionLimit[joint.idx_q]), (upper, model.upperPositionLimit[joint.idx_q])]
        limits = max([limits] + [abs(a - b) for a, b in pairs if a != b])
    rng = np.random.default_rng(20)
    chosen = {j["name"]: rng.uniform(-1.5, 1.5) for j in movable}
    worst = []
    for values, ours in [({}, [b[2] for b in bodies]), (chosen, forward(bodies, joints, chosen))]:
        q = pin.neutral(model)
        for name, value in values.items():
            joint = model.joints[joint_ids[name]]
            if joint.nq == 2:
                q[joint.idx_q:joint.idx_q + 2] = np.cos(value), np.sin(value)
            else:
                q[joint.idx_q] = value
        pin.framesForwardKinematics(model, data, q)
        worst.append(max(np.abs(data.oMf[frames[b[0]]].homogeneous - X).max()
                         for b, X in zip(bodies, ours)))
    print(f"| {os.path.basename(file)} | {len(bodies)} | {len(movable)} | {sum(b[1] for b in bodies):.4f} | {mass:.1e} | "
          f"{limits:.1e} | {worst[0]:.1e} | {worst[1]:.1e} |")


if __name__ == "__main__":
    print("| robot | links | moving joints | mass [kg] | mass | limits | poses at 0 | poses at random q |")
    print("|---|---|---|---|---|---|---|---|")
    for name in sys.argv[2:]:
        compare(sys.argv[1], name)

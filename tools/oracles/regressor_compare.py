#!/usr/bin/env python3
"""Compares Geoul's inertial regressor with Pinocchio's (PyPI `pin`). Run by hand, in a virtual environment:

    g++ -std=c++20 -O2 -I. -I/usr/include/eigen3 tools/oracles/regressor_dump.cpp \\
        build/release/geoul/estimation/libgeoul_estimation.a build/release/geoul/dynamics/libgeoul_dynamics.a \\
        build/release/geoul/collision/libgeoul_collision.a build/release/geoul/scene/libgeoul_scene.a \\
        build/release/geoul/core/libgeoul_core.a -lpugixml -lz -lspdlog -lfmt -lpthread -o /tmp/regressor_dump
    python tools/oracles/regressor_compare.py /tmp/regressor_dump FILE.urdf ...

Robots of turning and sliding joints only. Frames of links differ where an axis is not z, so columns are compared after
a turn of each link's parameters: the rotation that takes z to the axis (about z it is free: columns are compared as
the spaces of each link's ten, by the largest residual of least squares both ways, and rank of all by the base count).
Prints a Markdown row a robot: columns compared one by one where all axes are z, that largest residual, base counts.
"""
import os
import re
import subprocess
import sys

import numpy as np
import pinocchio as pin

ORDER = [0, 1, 2, 3, 4, 6, 9, 5, 7, 8]  # Pinocchio's xx xy yy xz yz zz as our xx yy zz xy xz yz


def compare(dump, file):
    model = pin.buildModelFromUrdf(file)
    data = model.createData()
    ids = {re.sub(r"\W", "_", name): i for i, name in enumerate(model.names)}
    ours, theirs = [], []
    for seed in range(40):
        text = subprocess.run([dump, file, str(seed)], check=True, capture_output=True, text=True).stdout
        q, v, a = pin.neutral(model), np.zeros(model.nv), np.zeros(model.nv)
        order, rows = [], []
        for line in text.splitlines():
            word = line.split()
            if word[0] == "joint":
                joint = model.joints[ids[word[1].split("/")[-1]]]
                value, v[joint.idx_v], a[joint.idx_v] = map(float, word[2:])
                q[joint.idx_q:joint.idx_q + joint.nq] = [np.cos(value), np.sin(value)] if joint.nq == 2 else [value]
                order.append(joint)
            else:
                rows.append([float(x) for x in word[1:]])
        full = pin.computeJointTorqueRegressor(model, data, q, v, a)
        block = [full[[j.idx_v for j in order], 10 * (j.id - 1):10 * j.id][:, ORDER] for j in order]
        theirs.append(np.hstack(block))
        ours.append(np.array(rows))
    ours, theirs = np.vstack(ours), np.vstack(theirs)
    same = np.abs(ours - theirs).max() / np.abs(theirs).max()
    worst = 0.0
    for link in range(ours.shape[1] // 10):
        mine, their = ours[:, 10 * link:10 * link + 10], theirs[:, 10 * link:10 * link + 10]
        for x, y in ((mine, their), (their, mine)):
            worst = max(worst, np.abs(x @ np.linalg.lstsq(x, y, rcond=1e-10)[0] - y).max() / np.abs(y).max())
    rank = [np.linalg.matrix_rank(m, tol=1e-9 * np.linalg.norm(m)) for m in (ours, theirs)]
    print(f"| {os.path.basename(file)} | {model.nv} | {same:.1e} | {worst:.1e} | {rank[0]} | {rank[1]} |")


if __name__ == "__main__":
    print("| robot | degrees of freedom | column by column | by link | rank of ours | of Pinocchio's |")
    print("|---|---|---|---|---|---|")
    for name in sys.argv[2:]:
        compare(sys.argv[1], name)

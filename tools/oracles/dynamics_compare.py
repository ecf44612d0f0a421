#!/usr/bin/env python3
"""Compares Geoul's dynamics of URDF robots with Pinocchio's (PyPI `pin`). Run by hand, in a virtual environment:

    g++ -std=c++20 -O2 -I. tools/oracles/dynamics_dump.cpp build/release/geoul/dynamics/libgeoul_dynamics.a \\
        build/release/geoul/scene/libgeoul_scene.a build/release/geoul/core/libgeoul_core.a \\
        -lpugixml -lz -lspdlog -lfmt -o /tmp/dynamics_dump
    python tools/oracles/dynamics_compare.py /tmp/dynamics_dump FILE.urdf ...

Prints a Markdown row a robot: the largest differences, relative to the largest value, of joint efforts (RNEA), the
joint-space inertia (CRBA) and accelerations (ABA), over 20 random states with every joint moving.
"""
import os
import re
import subprocess
import sys

import numpy as np
import pinocchio as pin


def relative(ours, theirs):
    return np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 1e-300)


def compare(dump, file):
    model = pin.buildModelFromUrdf(file)
    data = model.createData()
    ids = {re.sub(r"\W", "_", name): i for i, name in enumerate(model.names)}  # as USD paths write them
    worst = np.zeros(3)
    for seed in range(20):
        text = subprocess.run([dump, file, str(seed)], check=True, capture_output=True, text=True).stdout
        q, v, a, tau, back = pin.neutral(model), *(np.zeros(model.nv) for _ in range(4))
        for line in text.splitlines():
            word = line.split()
            if word[0] == "joint":
                joint = model.joints[ids[word[1].split("/")[-1]]]
                value, v[joint.idx_v], a[joint.idx_v], tau[joint.idx_v], back[joint.idx_v] = map(float, word[2:])
                q[joint.idx_q:joint.idx_q + joint.nq] = [np.cos(value), np.sin(value)] if joint.nq == 2 else [value]
            elif word[0] == "order":
                order = [model.joints[ids[name.split("/")[-1]]].idx_v for name in word[1:]]
            elif word[0] == "M":
                M = np.zeros((model.nv, model.nv))
                M[np.ix_(order, order)] = np.array([float(x) for x in word[1:]]).reshape(model.nv, model.nv)
        full = pin.crba(model, data, q)
        full = np.triu(full) + np.triu(full, 1).T
        worst = np.maximum(worst, [relative(tau, pin.rnea(model, data, q, v, a)), relative(M, full),
                                   relative(back, pin.aba(model, data, q, v, tau))])
    print(f"| {os.path.basename(file)} | {model.nv} | {worst[0]:.1e} | {worst[1]:.1e} | {worst[2]:.1e} |")


if __name__ == "__main__":
    print("| robot | degrees of freedom | RNEA | CRBA | ABA |")
    print("|---|---|---|---|---|")
    for name in sys.argv[2:]:
        compare(sys.argv[1], name)

#!/usr/bin/env python3
"""Writes scenarios/ur3e_cell/calibrated.usda: the same cell with the kinematics of this one robot.

    python3 calibrate.py > ../../../scenarios/ur3e_cell/calibrated.usda

Additions to the DH parameters come from oracle.calibrate() on L0L1 to L3L4; L4L5 is kept out to judge. They are turned
into joint frames thus: a link's frame keeps the same place relative to the axis of the joint that moves it, and all of
the deviation goes into where that axis sits in the link before. The flange site takes what is left.
"""

import pathlib
import sys

import numpy as np

import oracle

LINKS = ["base_link", "shoulder_link", "upper_arm_link", "forearm_link", "wrist_1_link", "wrist_2_link", "wrist_3_link"]
ALONG = [
    0.15185,
    0,
    0,
    0.13105,
    0.08535,
    0.0921,
]  # of each link's origin along its joint's axis, from the DH frame before
BASE = np.array([0, 0, 0.75])  # robot's base in the cell


def pose(R=np.eye(3), p=(0, 0, 0)):
    X = np.eye(4)
    X[:3, :3], X[:3, 3] = R, p
    return X


def quaternion(R):
    """(w, x, y, z) of a rotation matrix, the largest part positive."""
    K = (
        np.array(
            [
                [R[0, 0] - R[1, 1] - R[2, 2], 0, 0, 0],
                [R[1, 0] + R[0, 1], R[1, 1] - R[0, 0] - R[2, 2], 0, 0],
                [R[2, 0] + R[0, 2], R[2, 1] + R[1, 2], R[2, 2] - R[0, 0] - R[1, 1], 0],
                [R[2, 1] - R[1, 2], R[0, 2] - R[2, 0], R[1, 0] - R[0, 1], R[0, 0] + R[1, 1] + R[2, 2]],
            ]
        )
        / 3
    )
    x, y, z, w = np.linalg.eigh(K, UPLO="L")[1][:, -1]
    q = np.array([w, x, y, z])
    return q * np.sign(q[np.abs(q).argmax()])


def text(values, digits):
    return "(" + ", ".join(f"{0 if abs(x) < 1e-15 else x:.{digits}g}" for x in values) + ")"


def xform(X):
    return [
        f"double3 xformOp:translate = {text(X[:3, 3], 12)}",
        f"quatd xformOp:orient = {text(quaternion(X[:3, :3]), 15)}",
        'uniform token[] xformOpOrder = ["xformOp:translate", "xformOp:orient"]',
    ]


def frame0(X):
    return [
        f"point3f physics:localPos0 = {text(X[:3, 3], 9)}",
        f"quatf physics:localRot0 = {text(quaternion(X[:3, :3]), 9)}",
    ]


def over(name, lines, kids=()):
    body = list(lines)
    for kid in kids:
        body += ([""] if body else []) + kid
    return [f'over "{name}"', "{"] + ["    " + line if line else "" for line in body] + ["}"]


def main():
    here = pathlib.Path(__file__).resolve().parents[3] / "scenarios" / "ur3e_cell" / "data"
    delta = oracle.calibrate(oracle.load(here), [0, 1, 2, 3])
    nominal, real = oracle.frames(np.zeros(6)), oracle.frames(np.zeros(6), delta)
    flips = [np.eye(3)] + [np.diag([1.0, -1.0, -1.0])] * 5
    links, joints, B = [], [], np.eye(4)
    for i, name in enumerate(["shoulder_pan", "shoulder_lift", "elbow", "wrist_1", "wrist_2", "wrist_3"]):
        c, s = np.cos(delta[i, 0]), np.sin(delta[i, 0])
        turn = pose([[c, -s, 0], [s, c, 0], [0, 0, 1]], (0, 0, ALONG[i]))
        J = real[i] @ turn @ pose(nominal[i][:3, :3].T @ flips[i])
        joints.append(over(name, frame0(np.linalg.inv(B) @ J)))
        B = J @ pose(flips[i])
        links.append((LINKS[i + 1], B))
    flange = np.linalg.inv(B) @ real[6]
    mount = flange @ pose([[0, -1, 0], [1, 0, 0], [0, 0, 1]])  # the load cell's x is the flange's y
    tool = pose(p=BASE) @ B @ mount
    robot = [over(n, xform(X), [over("flange", xform(flange))] if n == "wrist_3_link" else []) for n, X in links]
    cell = over(
        "Cell",
        [],
        [
            over("UR3e", [], robot + [over("Joints", [], joints)]),
            over("Tool", xform(tool)),
            over("Joints", [], [over("load_cell_mount", frame0(mount))]),
        ],
    )
    numbers = "\n".join(
        f"    {i + 1}   {d[0] * 1e3:9.3f} {d[1] * 1e3:9.3f} {d[2] * 1e3:9.3f} {d[3] * 1e3:9.3f}"
        for i, d in enumerate(delta)
    )
    sys.stdout.write(f'''#usda 1.0
(
    defaultPrim = "Cell"
    metersPerUnit = 1
    kilogramsPerUnit = 1
    upAxis = "Z"
    subLayers = [@./cell.usda@]
    doc = """The cell with the kinematics of this one robot instead of the nominal ones: for judging poses.

Every arm leaves the factory with its own small corrections, which the controller knows and adds to the nominal table.
These are fitted to the controller's actual_TCP_pose of L0L1 to L3L4, with the TCP at 0.150 m; L4L5 judges (README.md).
Written by bench/oracles/ur3e/calibrate.py. Additions to the DH table (mrad, mm, mm, mrad); along the three parallel
axes only sums are determined, and the smallest numbers were taken:
joint    theta         a         d     alpha
{numbers}
The controller's own torques use the nominal table, so cell.usda is the scene for those."""
)

''' + "\n".join(cell) + "\n")


if __name__ == "__main__":
    main()

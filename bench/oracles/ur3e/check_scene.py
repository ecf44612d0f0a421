#!/usr/bin/env python3
"""Checks that the .usda files of scenarios/ur3e_cell say what oracle.py computes with. Needs numpy and PyPI usd-core.

    python3 check_scene.py        prints the largest differences per scene; exits 1 where one is above its limit

Opens each root with Pixar's reader: composition errors, UsdPhysics' own parse, joints that do not meet at zero,
kinematics along the joints at recorded positions, weight torques from the potential energy, inertias.
"""

import pathlib
import sys

import numpy as np
from pxr import Gf, Usd, UsdGeom, UsdPhysics

import oracle

SCENES = pathlib.Path(__file__).resolve().parents[3] / "scenarios" / "ur3e_cell"
LINKS = ["shoulder_link", "upper_arm_link", "forearm_link", "wrist_1_link", "wrist_2_link", "wrist_3_link"]
TOOL = ["/Cell/Tool/load_cell", "/Cell/Tool/payload"]


def matrix(position, quaternion):
    m = Gf.Matrix4d()
    m.SetRotate(Gf.Quatd(quaternion))
    m.SetTranslateOnly(Gf.Vec3d(position))
    return np.array(m).T


class Robot:
    """The robot as its joints say, one link after the other; poses in the robot's base frame."""

    def __init__(self, stage):
        self.stage, cache = stage, UsdGeom.XformCache()
        self.world = lambda path: np.array(cache.GetLocalToWorldTransform(stage.GetPrimAtPath(path))).T
        self.joints = [self.joint(f"/Cell/UR3e/Joints/{name}") for name in oracle.JOINTS]
        self.flange = self.inside("/Cell/UR3e/wrist_3_link", "/Cell/UR3e/wrist_3_link/flange")
        self.mount = self.joint("/Cell/Joints/load_cell_mount")[1]

    def inside(self, a, b):
        return np.linalg.inv(self.world(a)) @ self.world(b)

    def joint(self, path):
        joint = UsdPhysics.Joint(self.stage.GetPrimAtPath(path))
        axis = joint.GetPrim().GetAttribute("physics:axis").Get()
        a = matrix(joint.GetLocalPos0Attr().Get(), joint.GetLocalRot0Attr().Get())
        b = matrix(joint.GetLocalPos1Attr().Get(), joint.GetLocalRot1Attr().Get())
        targets = [
            str(t[0]) if t else None for t in (joint.GetBody0Rel().GetTargets(), joint.GetBody1Rel().GetTargets())
        ]
        return targets, a, b, axis and np.eye(3)["XYZ".index(axis)]

    def poses(self, q):
        X, out = np.eye(4), {}
        for (targets, a, b, axis), angle in zip(self.joints, q):
            turn = np.eye(4)
            turn[:3, :3] = oracle.rotation(axis * angle)
            X = X @ a @ turn @ np.linalg.inv(b)
            out[targets[1]] = X
        out["flange"] = X @ self.flange
        out[TOOL[0]] = X @ self.mount
        out[TOOL[1]] = out[TOOL[0]] @ self.inside(*TOOL)
        out["tcp"] = out[TOOL[1]] @ self.inside(TOOL[1], TOOL[1] + "/tcp")
        return out

    def mass(self, path):
        api = UsdPhysics.MassAPI(self.stage.GetPrimAtPath(path))
        R = matrix((0, 0, 0), api.GetPrincipalAxesAttr().Get())[:3, :3]
        inertia = R @ np.diag(api.GetDiagonalInertiaAttr().Get()) @ R.T
        return api.GetMassAttr().Get(), np.append(np.array(api.GetCenterOfMassAttr().Get()), 1), inertia

    def weight_torque(self, q, step=1e-5):
        bodies = [(path, *self.mass(path)[:2]) for path in [f"/Cell/UR3e/{link}" for link in LINKS] + TOOL]
        gravity = UsdPhysics.Scene(self.stage.GetPrimAtPath("/Cell/Physics")).GetGravityMagnitudeAttr().Get()

        def energy(at):
            poses = self.poses(at)
            return sum(m * gravity * (poses[path] @ c)[2] for path, m, c in bodies)

        return np.array([(energy(q + step * e) - energy(q - step * e)) / (2 * step) for e in np.eye(6)])


def gaps(robot):
    """Largest distance (matrix entries) of any joint's two frames with the bodies where the file puts them."""
    worst = 0
    for prim in robot.stage.Traverse():
        if prim.IsA(UsdPhysics.Joint):
            (body0, body1), a, b, _ = robot.joint(prim.GetPath())
            world0 = robot.world(body0) if body0 else np.eye(4)
            worst = max(worst, np.abs(world0 @ a - robot.world(body1) @ b).max())
    return worst


def inertia_error(robot):
    frames, worst = oracle.frames(np.zeros(6)), 0
    for i, link in enumerate(LINKS):
        R = frames[i + 1][:3, :3]
        xx, yy, zz, xy, xz, yz = oracle.TENSOR[i]
        wanted = R @ np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]) @ R.T
        worst = max(worst, np.abs(robot.mass(f"/Cell/UR3e/{link}")[2] - wanted).max())
    return worst


def check(name, data, delta):
    stage = Usd.Stage.Open(str(SCENES / name))
    robot = Robot(stage)
    parsed = UsdPhysics.LoadUsdPhysicsFromRange(stage, ["/"])
    invalid = sum(not description.isValid for _, found in parsed.values() for description in found)
    home, tip = (
        np.abs(
            robot.inside("/Cell/UR3e", "/Cell/UR3e/wrist_3_link/flange") - oracle.frames(np.zeros(6), delta)[6]
        ).max(),
        0,
    )
    for q in data["actual_q"][::5]:
        F, poses = oracle.frames(q, delta)[6], robot.poses(q)
        T = F.copy()
        T[:3, 3] += F[:3, :3] @ oracle.TCP
        tip = max(tip, np.abs(poses["flange"] - F).max(), np.abs(poses["tcp"] - T).max())
    # name, value, limit; single precision of the schema's joint frames sets the limits.
    results = [
        ("composition errors", len(stage.GetCompositionErrors()), 0),
        ("invalid physics", invalid, 0),
        ("flange at zero, m", home, 1e-7),
        ("flange and TCP, recorded", tip, 2e-7),
        ("gap of joints", gaps(robot), 2e-7),
    ]
    if not delta.any():
        zero = np.zeros(6)
        wrong = [robot.weight_torque(q) - oracle.dynamics(q, zero, zero)[0] for q in data["actual_q"][::45]]
        results.append(("weight torque, N.m", np.abs(wrong).max(), 1e-6))
    if name == "cell.usda":
        results.append(("inertia, kg.m2", inertia_error(robot), 5e-9))
    for label, value, limit in results:
        print(f"{name:17} {label:26} {value:9.2e}  limit {limit:g}{'' if value <= limit else '  FAILED'}")
    return all(value <= limit for _, value, limit in results)


def main():
    data = oracle.load(SCENES / "data")
    nominal = np.zeros((6, 4))
    passed = [
        check("cell.usda", data, nominal),
        check("controller.usda", data, nominal),
        check("calibrated.usda", data, oracle.calibrate(data, [0, 1, 2, 3])),
    ]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())

"""Newton (with Warp's CPU device).
  default   SolverXPBD, its own iterations
  accurate  SolverMuJoCo (MuJoCo's algorithms) where its package runs on the CPU; loops and run-time joints are left out
Bodies and joints are made with its ModelBuilder; every body's frame stands at its centre of mass, as in the scene.
"""
import importlib.metadata
import importlib.util
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path = [p for p in sys.path if os.path.abspath(p or ".") != here]  # this file has the package's name
spec = importlib.util.spec_from_file_location("rival", os.path.join(here, "rival.py"))
rival = importlib.util.module_from_spec(spec)
spec.loader.exec_module(rival)

import newton  # noqa: E402
import numpy as np  # noqa: E402
import warp as wp  # noqa: E402

wp.config.quiet = True
wp.init()


def transform(X):
    q, p = X
    return wp.transform(wp.vec3(*map(float, p)), wp.quat(float(q[1]), float(q[2]), float(q[3]), float(q[0])))


class World:
    def __init__(self, scene, setting):
        self.scene = scene
        if any("at" in j for j in scene["joints"]):
            raise rival.NotSupported("joints are not made while it runs")
        builder = newton.ModelBuilder(gravity=tuple(scene["gravity"]))
        self.ids = []
        for b in scene["bodies"]:
            i = b["inertia"]
            self.ids.append(builder.add_link(xform=transform((b["q"], b["p"])), mass=b["mass"], com=wp.vec3(0.0, 0.0, 0.0),
                                             inertia=wp.mat33(i[0], 0, 0, 0, i[1], 0, 0, 0, i[2])))
        for s in scene["ground"]:
            self.shape(builder, -1, s, (s["q"], s["p"]))
        for b, body in zip(scene["bodies"], self.ids):
            for s in b["shapes"]:
                self.shape(builder, body, s, ((1, 0, 0, 0), (0, 0, 0)))
        self.joints(builder, setting)
        self.model = builder.finalize(device="cpu")
        if setting == "accurate":
            self.solver, self.words = newton.solvers.SolverMuJoCo(self.model), "SolverMuJoCo on the CPU, defaults"
        else:
            self.solver, self.words = newton.solvers.SolverXPBD(self.model), "SolverXPBD, defaults"
        self.now, self.next = self.model.state(), self.model.state()
        self.control = self.model.control()
        qd = self.now.body_qd.numpy()
        for b, body in zip(scene["bodies"], self.ids):
            qd[body] = [*b["v"], *b["w"]]
        self.now.body_qd.assign(qd)
        if self.model.joint_count:
            newton.eval_ik(self.model, self.now, self.now.joint_q, self.now.joint_qd)
        self.loads, self.contacts = np.zeros((len(self.ids), 6), np.float32), bool(scene["ground"])
        self.cached = None
        contacts = self.model.collide(self.now) if self.contacts else None  # compiles the kernels; the state stays
        self.solver.step(self.now, self.next, self.control, contacts, scene["dt"])

    def shape(self, builder, body, s, X):
        config = newton.ModelBuilder.ShapeConfig(density=0.0, mu=s["friction"]["min"], restitution=s["restitution"])
        if s["type"] == "plane":
            builder.add_ground_plane(cfg=config)
        elif s["type"] == "box":
            builder.add_shape_box(body, xform=transform(X), hx=s["size"][0] / 2, hy=s["size"][1] / 2, hz=s["size"][2] / 2, cfg=config)
        else:
            builder.add_shape_sphere(body, xform=transform(X), radius=s["radius"], cfg=config)

    def joints(self, builder, setting):
        scene, trees = self.scene, {}
        for b in scene["order"]:
            k = scene["parent"][b]
            if k < 0:
                trees[b] = [builder.add_joint_free(child=self.ids[b])]
                continue
            j = scene["joints"][k]
            index = self.joint(builder, j)
            trees.setdefault(self.ancestors(b)[-1], []).append(index)
        for k, j in enumerate(scene["joints"]):
            if not j["tree"]:
                if setting == "accurate":
                    raise rival.NotSupported("loops are not driven with SolverMuJoCo here")
                self.joint(builder, j)
        for list_ in trees.values():
            builder.add_articulation(sorted(list_))

    def ancestors(self, b):
        seen = []
        while b >= 0:
            seen.append(b)
            k = self.scene["parent"][b]
            b = self.scene["joints"][k]["a"] if k >= 0 else -1
        return seen

    def joint(self, builder, j):
        A, B = rival.frames(self.scene, j)
        parent, child = (self.ids[i] if i >= 0 else -1 for i in (j["a"], j["b"]))
        if child < 0:
            parent, child, A, B = child, parent, B, A
        ends = dict(parent=parent, child=child, parent_xform=transform(A), child_xform=transform(B))
        if j["type"] == "fixed":
            return builder.add_joint_fixed(**ends)
        if j["type"] == "ball":
            return builder.add_joint_ball(**ends)
        make = builder.add_joint_revolute if j["type"] == "hinge" else builder.add_joint_prismatic
        return make(axis=wp.vec3(0.0, 0.0, 1.0), **ends)

    def state(self, b):
        if self.cached is None:
            self.cached = self.now.body_q.numpy(), self.now.body_qd.numpy()
        q, qd = self.cached[0][self.ids[b]], self.cached[1][self.ids[b]]
        return q[:3], (q[6], q[3], q[4], q[5]), qd[:3], qd[3:]

    def apply(self, b, force, torque):
        self.loads[self.ids[b]] += [*force, *torque]

    def advance(self, steps, dt):
        for _ in range(steps):
            self.now.clear_forces()
            if self.loads.any():
                self.now.body_f.assign(self.loads)
            contacts = self.model.collide(self.now) if self.contacts else None
            self.solver.step(self.now, self.next, self.control, contacts, dt)
            self.now, self.next = self.next, self.now
        self.loads[:] = 0
        self.cached = None


rival.main("Newton", f"{importlib.metadata.version('newton')} (Warp {wp.config.version}, CPU)", World)

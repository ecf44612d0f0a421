"""Drake.
  default   discrete plant at the scene's step (SAP), welds and balls as its constraints close loops
  accurate  without loops and contact: continuous plant, Runge-Kutta 3 with error control at 1e-8; else a discrete
            plant that takes 10 steps a step
"""
import os
import sys

sys.path = [p for p in sys.path if os.path.abspath(p or ".") != os.path.dirname(os.path.abspath(__file__))]
import importlib.metadata  # noqa: E402
import importlib.util  # noqa: E402

import numpy as np  # noqa: E402
from pydrake.geometry import AddContactMaterial, Box, HalfSpace, ProximityProperties, Sphere  # noqa: E402
from pydrake.math import RigidTransform, RotationMatrix  # noqa: E402
from pydrake.common.eigen_geometry import Quaternion  # noqa: E402
from pydrake.common.value import AbstractValue  # noqa: E402
from pydrake.multibody.math import SpatialForce, SpatialVelocity  # noqa: E402
from pydrake.multibody.plant import (AddMultibodyPlantSceneGraph, CoulombFriction, DiscreteContactApproximation,  # noqa: E402
                                     ExternallyAppliedSpatialForce)
from pydrake.multibody.tree import (BallRpyJoint, PrismaticJoint, RevoluteJoint, SpatialInertia, UnitInertia,  # noqa: E402
                                    WeldJoint)
from pydrake.systems.analysis import ResetIntegratorFromFlags, Simulator  # noqa: E402
from pydrake.systems.framework import DiagramBuilder  # noqa: E402

spec = importlib.util.spec_from_file_location("rival", os.path.join(os.path.dirname(os.path.abspath(__file__)), "rival.py"))
rival = importlib.util.module_from_spec(spec)
spec.loader.exec_module(rival)


def rigid(q, p):
    q = np.asarray(q, float)
    return RigidTransform(Quaternion(q / np.linalg.norm(q)), np.asarray(p, float))


class World:
    def __init__(self, scene, setting):
        self.scene = scene
        closed = any(not j["tree"] for j in scene["joints"])
        contact = any(b["shapes"] for b in scene["bodies"])
        smooth = setting == "accurate" and not closed and not contact
        self.sub = 10 if setting == "accurate" and not smooth else 1
        self.words = ("continuous, Runge-Kutta 3, accuracy 1e-8" if smooth
                      else f"discrete, SAP, {self.sub} step{'s' if self.sub > 1 else ''} a step")
        builder = DiagramBuilder()
        self.plant, _ = AddMultibodyPlantSceneGraph(builder, time_step=0.0 if smooth else scene["dt"] / self.sub)
        plant = self.plant
        if not smooth:
            plant.set_discrete_contact_approximation(DiscreteContactApproximation.kSap)
        plant.mutable_gravity_field().set_gravity_vector(scene["gravity"])
        self.bodies = [plant.AddRigidBody(b["name"], SpatialInertia(b["mass"], np.zeros(3), UnitInertia(*(np.array(b["inertia"]) / b["mass"]))))
                       for b in scene["bodies"]]
        for n, s in enumerate(scene["ground"]):
            self.shape(plant.world_body(), s, f"ground{n}")
        for b, body in zip(scene["bodies"], self.bodies):
            for n, s in enumerate(b["shapes"]):
                self.shape(body, {**s, "p": [0, 0, 0], "q": [1, 0, 0, 0]}, f"{b['name']}_{n}")
        self.joints, self.closures = {}, {}
        for k, j in enumerate(scene["joints"]):
            self.joint(k, j)
        plant.Finalize()
        self.diagram = builder.Build()
        self.simulator = Simulator(self.diagram)
        self.context = plant.GetMyMutableContextFromRoot(self.simulator.get_mutable_context())
        if smooth:
            ResetIntegratorFromFlags(self.simulator, "runge_kutta3", scene["dt"] * 10)
            self.simulator.get_mutable_integrator().set_target_accuracy(1e-8)
        self.start()
        self.loads = {}
        self.time, self.fresh = 0.0, True
        self.simulator.Initialize()

    def shape(self, body, s, name):
        properties = ProximityProperties()
        AddContactMaterial(friction=CoulombFriction(s["friction"]["harmonic"], s["friction"]["harmonic"]), properties=properties)
        geometry = {"plane": lambda: HalfSpace(), "box": lambda: Box(*s["size"]), "sphere": lambda: Sphere(s["radius"])}[s["type"]]()
        if s["restitution"] > 0:
            raise rival.NotSupported("its point contact has no restitution")
        self.plant.RegisterCollisionGeometry(body, rigid(s["q"], s["p"]), geometry, name, properties)

    def joint(self, k, j):
        plant, scene = self.plant, self.scene
        of = lambda i: plant.world_body() if i < 0 else self.bodies[i]  # noqa: E731
        (qa, pa), (qb, pb) = rival.frames(scene, j)
        A, B = rigid(qa, pa), rigid(qb, pb)
        a, b, z = of(j["a"]), of(j["b"]), np.array([0.0, 0, 1])
        if j["tree"]:
            made = {"fixed": lambda: WeldJoint(f"j{k}", a.body_frame(), b.body_frame(), A @ B.inverse()),
                    "hinge": lambda: RevoluteJoint(f"j{k}", plant_frame(plant, a, A, f"f{k}"), plant_frame(plant, b, B, f"g{k}"), z),
                    "slider": lambda: PrismaticJoint(f"j{k}", plant_frame(plant, a, A, f"f{k}"), plant_frame(plant, b, B, f"g{k}"), z),
                    "ball": lambda: BallRpyJoint(f"j{k}", plant_frame(plant, a, A, f"f{k}"), plant_frame(plant, b, B, f"g{k}"))}
            self.joints[k] = plant.AddJoint(made[j["type"]]())
            return
        if j["a"] < 0 or j["b"] < 0:  # seen with 1.51: a crash in SapDriver::AddBallConstraints
            raise rival.NotSupported("its constraints between a body and the world end in a crash")
        if j["type"] == "fixed":
            self.closures[k] = [plant.AddWeldConstraint(a, A, b, B)]
        elif j["type"] == "slider":
            raise rival.NotSupported("a slider that closes a loop")
        else:
            sides = (0.0,) if j["type"] == "ball" else (-0.5 * scene["size"], 0.5 * scene["size"])
            self.closures[k] = [plant.AddBallConstraint(a, A @ np.array([0, 0, s]), b, B @ np.array([0, 0, s])) for s in sides]

    def start(self):
        for i, b in enumerate(self.scene["bodies"]):
            k = self.scene["parent"][i]
            if k < 0:
                self.plant.SetFreeBodyPose(self.context, self.bodies[i], rigid(b["q"], b["p"]))
                self.plant.SetFreeBodySpatialVelocity(self.bodies[i], SpatialVelocity(np.array(b["w"]), np.array(b["v"])), self.context)
            elif self.scene["joints"][k]["type"] == "hinge":
                self.joints[k].set_angular_rate(self.context, self.scene["joints"][k]["rate"])
        for k, ids in self.closures.items():
            if "at" in self.scene["joints"][k]:
                for i in ids:
                    self.plant.SetConstraintActiveStatus(self.context, i, False)

    def state(self, i):
        X, V = self.bodies[i].EvalPoseInWorld(self.context), self.bodies[i].EvalSpatialVelocityInWorld(self.context)
        return X.translation(), X.rotation().ToQuaternion().wxyz(), V.translational(), V.rotational()

    def apply(self, i, force, torque):
        f, t = self.loads.get(i, (np.zeros(3), np.zeros(3)))
        self.loads[i] = (f + np.asarray(force), t + np.asarray(torque))

    def advance(self, steps, dt):
        if self.loads:
            list_ = []
            for i, (f, t) in self.loads.items():
                item = ExternallyAppliedSpatialForce()
                item.body_index, item.p_BoBq_B, item.F_Bq_W = self.bodies[i].index(), np.zeros(3), SpatialForce(t, f)
                list_.append(item)
            self.plant.get_applied_spatial_force_input_port().FixValue(self.context, AbstractValue.Make(list_))
            self.loads = {}
        self.time += steps * dt
        self.simulator.AdvanceTo(self.time)

    def attach(self, k):
        for i in self.closures[k]:
            self.plant.SetConstraintActiveStatus(self.context, i, True)

    def detach(self, k):
        for i in self.closures[k]:
            self.plant.SetConstraintActiveStatus(self.context, i, False)


def plant_frame(plant, body, X, name):
    from pydrake.multibody.tree import FixedOffsetFrame
    return plant.AddFrame(FixedOffsetFrame(name, body.body_frame(), X))


rival.main("Drake", importlib.metadata.version("drake"), World)

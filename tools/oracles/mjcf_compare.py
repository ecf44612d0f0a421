#!/usr/bin/env python3
"""Compares what Geoul reads from MJCF with MuJoCo (PyPI `mujoco`). Run by hand, in a virtual environment:

    g++ -std=c++20 -O2 -I. tools/oracles/mjcf_dump.cpp build/release/geoul/dynamics/libgeoul_dynamics.a \\
        build/release/geoul/collision/libgeoul_collision.a build/release/geoul/scene/libgeoul_scene.a \\
        build/release/geoul/core/libgeoul_core.a -lpugixml -lz -lspdlog -lfmt -o /tmp/mjcf_dump
    python tools/oracles/mjcf_compare.py /tmp/mjcf_dump FOLDER > docs/notes/mjcf_corpus.md

Prints a page in Markdown: a row for every file that both load and that differs by more than 1e-9 in anything, with the
reason; every file that one side refuses, by reason; every file that both refuse, with what each says; the names of all
others. Compared are mass, centre of mass and
inertia (each relative to its own body's), poses of 200 random configurations (relative to the model's extent), gravity
torques and mass matrix (relative to the largest entry). Models of more than 150 degrees of freedom are moved 5 times.
Meshes, textures and height fields that are not there are replaced by stand-ins for MuJoCo; that is marked by *, and
says nothing where a mass depends on them.
"""
import os
import pathlib
import subprocess
import sys

import mujoco
import numpy as np

ROOT = []  # folder that files may be read from
BOX = [-1, -1, -1, 1, -1, -1, -1, 1, -1, -1, -1, 1, 1, 1, 1, 1, 1, -1, 1, -1, 1, -1, 1, 1]


# Why what differs does, by the end of the file's name. Whoever reads a new difference finds its reason and adds it.
REASONS = {
    "robotiq_2f85/2f85.xml": "mass of missing meshes",
    "robotiq_2f85/scene.xml": "mass of missing meshes",
    "mug/mug.xml": "mass of a missing mesh",
    "balloons/balloons.xml": "gravcomp 7.2 of the balloons is not modelled (warning `gravcomp`)",
    "sleep/smooth.xml": "armature of a spatial tendon is not modelled (refused without `partial`)",
    "testdata/dzhanibekov.xml": "MuJoCo moves the frame of a free body to its principal axes (warning `aligned-free`)",
    "testdata/freejoint.xml": "MuJoCo moves the frame of a free body to its principal axes (warning `aligned-free`)",
    "fitmesh_aabb.xml": "the box around the mesh: MuJoCo keeps turned vertices (mesh_vert) in single precision",
    "geoms_fitting_aabb.xml": "the box around the mesh: MuJoCo keeps turned vertices (mesh_vert) in single precision",
}
AXES = "moments about MuJoCo's principal axes agree to {:.0e}; it drops the products of inertia that its axes leave"
# Classes of refusals by words of the message: theirs or ours.
REFUSALS = [
    ("Geoul", "flexcomp", "`<flexcomp>`: deformable bodies"),
    ("Geoul", "signed distance", "geoms of signed distance plug-ins"),
    ("Geoul", "builtin", "meshes that MuJoCo makes itself (`builtin`)"),
    ("Geoul", "any mass", "the mesh that the mass comes from is missing in the folder"),
    ("Geoul", "Error parsing element", "not well-formed XML: no space between attributes (MuJoCo's parser lets it pass)"),
    ("Geoul", "bodies differ: 0", "`fusestatic` leaves MuJoCo no body; here static bodies stay, fixed: nothing to compare"),
    ("MuJoCo", "opening file", "a file that is missing"),
    ("MuJoCo", "Lengthrange", "range of length of a muscle does not converge"),
    ("MuJoCo", "Attach conflict", "attached models whose options contradict each other"),
    ("MuJoCo", "transmission target", "an actuator of a body that does not exist"),
    ("MuJoCo", "stl_decoder", "a text STL: MuJoCo reads binary ones only"),
]


def load(file):
    """Model, and whether stand-ins were needed."""
    try:
        return mujoco.MjModel.from_xml_path(file), False
    except ValueError as failure:
        if "Error opening file" not in str(failure):
            raise
    spec = mujoco.MjSpec.from_file(file)
    for mesh in spec.meshes:
        if mesh.file:
            mesh.name = mesh.name or pathlib.Path(mesh.file).stem
            mesh.file = ""
            mesh.uservert = BOX
    for texture in spec.textures:
        texture.file = ""
        texture.cubefiles = [""] * 6
        texture.builtin = mujoco.mjtBuiltin.mjBUILTIN_FLAT
        texture.width = texture.height = 8
    for skin in list(spec.skins):
        spec.delete(skin)
    return spec.compile(), True


def matrix(quat):
    out = np.zeros(9)
    mujoco.mju_quat2Mat(out, quat)
    return out.reshape(3, 3)


def random_positions(model, random):
    q = model.qpos0.copy()
    for joint in range(model.njnt):
        at, kind = model.jnt_qposadr[joint], mujoco.mjtJoint(int(model.jnt_type[joint]))
        if kind == mujoco.mjtJoint.mjJNT_FREE:
            q[at:at + 3] = random.normal(size=3)
            at += 3
        if kind in (mujoco.mjtJoint.mjJNT_FREE, mujoco.mjtJoint.mjJNT_BALL):
            quat = random.normal(size=4)
            q[at:at + 4] = quat / np.linalg.norm(quat)
        elif kind == mujoco.mjtJoint.mjJNT_SLIDE:
            q[at] = random.uniform(-1, 1)
        else:
            q[at] = random.uniform(-np.pi, np.pi)
    return q


def relative(ours, theirs, scale=None):
    if np.size(theirs) == 0:
        return 0.0
    scale = np.abs(theirs).max() if scale is None else scale
    worst = np.abs(ours - theirs).max()
    return worst / scale if scale > 1e-12 else worst


class Comparison:
    def __init__(self, dump, file, model):
        self.model, self.data = model, mujoco.MjData(model)
        random = np.random.default_rng(1)
        count = 200 if model.nv <= 150 else 5
        states = [random_positions(model, random) for _ in range(count)]
        first = self.run(dump, file, "")  # layout
        self.read_layout(first)
        text = self.run(dump, file, "".join(" ".join(map(repr, map(float, self.ours(q)))) + "\n" for q in states))
        rows = [line for line in text.splitlines() if line.startswith(("poses", "gravity", "M"))]
        self.worst = dict(mass=0.0, centre=0.0, inertia=0.0, poses=0.0, gravity=0.0, M=0.0)
        self.moments = 0.0  # difference of the moments about MuJoCo's own principal axes
        self.masses()
        for k, q in enumerate(states):
            self.at(q, *[np.array(row.split()[1:], float) for row in rows[3 * k:3 * k + 3]])

    @staticmethod
    def run(dump, file, states):
        done = subprocess.run([dump, file, *ROOT], input=states, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        return done.stdout

    def read_layout(self, text):
        words = [line.split() for line in text.splitlines()]
        bodies = [np.array(w[2:], float) for w in words if w[0] == "body"]
        joints = [w[1:] for w in words if w[0] == "joint"]
        m = self.model
        kinds = ["free", "spherical", "prismatic", "revolute"]
        names = [kinds[t] for t in m.jnt_type]
        ours = [j[0].replace("continuous", "revolute") for j in joints]
        if names != ours:
            raise RuntimeError(f"joints differ: {len(names)} of MuJoCo, {len(ours)} of ours")
        self.addresses = [(int(j[1]), int(j[2])) for j in joints]
        self.nq = int([w for w in words if w[0] == "sizes"][0][1])
        # Our body of each of theirs: behind the massless ones of its chain of joints.
        self.index, at = [], -1
        for b in range(1, m.nbody):
            at += max(1, m.body_jntnum[b])
            self.index.append(at)
        if at + 1 != len(bodies):
            raise RuntimeError(f"bodies differ: {at + 1} of MuJoCo, {len(bodies)} of ours")
        self.bodies = [bodies[i] for i in self.index]

    def ours(self, q):
        out = np.zeros(self.nq)
        for joint, (at, _) in enumerate(self.addresses):
            n = [7, 4, 1, 1][self.model.jnt_type[joint]]
            theirs = self.model.jnt_qposadr[joint]
            out[at:at + n] = q[theirs:theirs + n]
        return out

    def note(self, what, value):
        self.worst[what] = max(self.worst[what], value)

    def masses(self):
        m = self.model
        for b, own in enumerate(self.bodies, start=1):
            self.note("mass", relative(own[0], m.body_mass[b]))
            if m.body_mass[b] < 1e-12:
                continue
            R = matrix(m.body_iquat[b])
            I = R @ np.diag(m.body_inertia[b]) @ R.T
            xx, yy, zz, xy, xz, yz = own[4:]
            size = max(np.abs(m.body_ipos[b]).max(), np.sqrt(m.body_inertia[b].max() / m.body_mass[b]))
            self.note("centre", relative(own[1:4], m.body_ipos[b], size))
            ours = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
            self.note("inertia", relative(ours, I))
            self.moments = max(self.moments, relative(np.diag(R.T @ ours @ R), m.body_inertia[b]))

    def at(self, q, poses, gravity, M):
        m, d = self.model, self.data
        d.qpos[:], d.qvel[:] = q, 0
        mujoco.mj_kinematics(m, d)
        mujoco.mj_comPos(m, d)
        mujoco.mj_crb(m, d)
        bias = np.zeros(m.nv)
        mujoco.mj_rne(m, d, 0, bias)
        if m.ngravcomp:
            mujoco.mj_forward(m, d)
            bias -= d.qfrc_gravcomp
        full = np.zeros((m.nv, m.nv))
        try:
            mujoco.mj_fullM(m, full, d.qM)
        except (TypeError, AttributeError):
            mujoco.mj_fullM(m, d, full)
        poses = poses.reshape(-1, 7)[self.index]
        extent = max(1e-3, np.abs(d.xpos).max(initial=0))
        self.note("poses", relative(poses[:, :3], d.xpos[1:], extent))
        for b in range(1, m.nbody):
            self.note("poses", np.abs(matrix(poses[b - 1, 3:]) - d.xmat[b].reshape(3, 3)).max())
        order = np.concatenate([np.arange(n) + v for (_, v), n in
                                zip(self.addresses, np.array([6, 3, 1, 1])[m.jnt_type])] or [np.zeros(0, int)]).astype(int)
        nv = int(round(np.sqrt(M.size)))
        self.note("gravity", relative(gravity[order], bias))
        self.note("M", relative(M.reshape(nv, nv)[np.ix_(order, order)], full))


def reason(name, compared):
    """Why a file differs; empty where nobody knows."""
    for end, why in REASONS.items():
        if name.endswith(end):
            return why
    others = [v for k, v in compared.worst.items() if k not in ("inertia", "M")]
    if max(others) <= 1e-9 and compared.moments <= 1e-12:
        return AXES.format(compared.moments)
    return ""


def refusal(by, why):
    for who, words, text in REFUSALS:
        if who == by and words in why:
            return text
    return why.replace("|", "/")[:160]


def words(text, folder):
    """The first line of a refusal, without paths and marks that break a table."""
    lines = [line.strip() for line in str(text).splitlines() if line.strip()] or ["nothing"]
    line = lines[0] if lines[0] != "XML Error:" else " ".join(lines[:2])
    for path in (folder + "/", os.path.realpath(folder) + "/"):
        line = line.replace(path, "")
    return line.replace("|", "/").replace("<", "&lt;")[:200]


def listing(title, files):
    by_folder = {}
    for name in files:
        by_folder.setdefault(os.path.dirname(name), []).append(os.path.basename(name)[:-4])
    print(f"\n## {title}")
    for folder, names in sorted(by_folder.items()):
        print(f"- `{folder}`: {', '.join(names)}")


def main():
    dump, folder = sys.argv[1:3]
    if os.path.isdir(folder):
        ROOT.append(folder)
    agree, neither, rows, unknown = [], [], [], []
    refused = {"MuJoCo": {}, "Geoul": {}}
    files = [folder] if os.path.isfile(folder) else sorted(map(str, pathlib.Path(folder).rglob("*.xml")))
    both = 0
    for file in files:
        name = os.path.relpath(file, folder) if os.path.isdir(folder) else os.path.basename(file)
        try:
            model, standin = load(file)
        except Exception as failure:  # whatever MuJoCo says
            done = subprocess.run([dump, file, *ROOT], input="", capture_output=True, text=True)
            if done.returncode < 0:
                sys.exit(f"{name}: Geoul crashed, signal {-done.returncode}")
            if done.returncode == 0:
                refused["MuJoCo"].setdefault(refusal("MuJoCo", " ".join(str(failure).split())), []).append(name)
            else:
                neither.append((name, words(failure, folder), words(done.stderr or done.stdout, folder)))
            continue
        try:
            compared = Comparison(dump, file, model)
        except RuntimeError as failure:
            refused["Geoul"].setdefault(refusal("Geoul", str(failure).replace(folder, "")), []).append(name)
            continue
        both += 1
        if all(v <= 1e-9 for v in compared.worst.values()):
            agree.append(name)
            continue
        why = reason(name, compared)
        if not why:
            unknown.append(name)
        rows.append(f"| {name}{' *' if standin else ''} | {model.nbody - 1} | {model.nv} | " +
                    " | ".join(f"{compared.worst[k]:.0e}" for k in compared.worst) + f" | {why or '**not explained**'} |")
    only = {who: sum(map(len, lists.values())) for who, lists in refused.items()}
    print("# MJCF files of others: Geoul beside MuJoCo\n")
    print(f"Made by `tools/oracles/mjcf_compare.py`, not by hand. MuJoCo {mujoco.__version__} (PyPI), {len(files)} files: MuJoCo's own "
          f"tests and models, the Menagerie of 2022, the tests of mujoco-usd-converter. {both} load in both, of which "
          f"{len(agree)} agree to 1e-9 in everything; {only['Geoul']} only in MuJoCo, {only['MuJoCo']} only in Geoul, "
          f"{len(neither)} in neither. What is compared, and how: the script's first lines.\n")
    print("## Differences above 1e-9\n\n`*`: stand-ins for missing files.\n")
    print("| file | bodies | nv | mass | centre | inertia | poses | gravity | M | why |\n|---|---|---|---|---|---|---|---|---|---|")
    print("\n".join(rows))
    print("\n## Refused by one side\n\n| by | why | files |\n|---|---|---|")
    for who, lists in sorted(refused.items()):
        for why, names in sorted(lists.items(), key=lambda item: -len(item[1])):
            print(f"| {who} | {why} | {len(names)}: {', '.join(os.path.basename(n)[:-4] for n in names)} |")
    print("\n## Refused by both\n\n| file | MuJoCo | Geoul |\n|---|---|---|")
    for name, theirs, ours in sorted(neither):
        print(f"| {name} | {theirs} | {ours} |")
    listing("Agree to 1e-9", agree)
    if unknown:
        sys.exit(f"not explained: {', '.join(unknown)}")


if __name__ == "__main__":
    main()

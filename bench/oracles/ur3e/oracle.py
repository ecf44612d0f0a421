#!/usr/bin/env python3
"""Second opinion on the UR3e twin: the same figures as the twin's report, by other means.

Needs Python 3.9 and numpy, nothing of Geoul: it reads the recordings, not the scene. Kinematics are products of
Denavit-Hartenberg matrices, dynamics is d'Alembert's principle in world coordinates: every body's inertial force and
moment, gravity included, projected on each joint's axis. No spatial algebra, no recursion over forces.

    python3 oracle.py [folder with L0L1.csv ...]        prints the tables of scenarios/ur3e_cell/README.md

Units: m, kg, s, rad, N.m, A. Rows are samples, columns joints (shoulder pan, shoulder lift, elbow, wrists 1 to 3).
"""

import pathlib
import re
import sys

import numpy as np

NAMES = ["L0L1", "L1L2", "L2L3", "L3L4", "L4L5"]
FIT = "L3L4"  # the one recording that moves all six joints; the others judge
GRAVITY = 9.82
CYCLE = 0.002  # one cycle of the controller, 500 Hz
STICTION = 0.02  # rad/s; slower than this a joint counts as stuck when currents are judged

# Universal Robots, "DH parameters for calculations of kinematics and dynamics", UR3e: a, d, alpha; mass, centre of mass
# in the link's DH frame.
DH = np.array(
    [[0, 0.15185, 90], [-0.24355, 0, 0], [-0.2132, 0, 0], [0, 0.13105, 90], [0, 0.08535, -90], [0, 0.0921, 0]]
)
MASS = [1.98, 3.4445, 1.437, 0.871, 0.805, 0.261]
CENTER = [(0, -0.02, 0), (0.13, 0, 0.1157), (0.05, 0, 0.0238), (0, 0, 0.01), (0, 0, 0.01), (0, 0, -0.02)]
# UniversalRobots/Universal_Robots_ROS2_Description, config/ur3e/physical_parameters.yaml: xx yy zz xy xz yz about the
# centre of mass, along the DH axes.
TENSOR = [
    (0.0027657, 0.0021501, 0.0025626, 0.0000096, -0.0000149, 0.0001873),
    (0.0042623, 0.0460284, 0.0448947, -0.0000409, -0.0014960, -0.0000129),
    (0.0010511, 0.0113396, 0.0110895, 0.0, -0.0000331, 0.0000022),
    (0.0008174, 0.0006844, 0.0005497, -0.0000005, 0.0000021, 0.0000617),
    (0.0006059, 0.0005837, 0.0003831, -0.0000006, -0.0000006, -0.0000271),
    (0.0001080, 0.0001086, 0.0001371, -0.0000001, -0.0000001, -0.0000002),
]
ARMATURE = np.array([0.6120, 0.6120, 0.2119, 0.0713, 0.0713, 0.0713])  # found here, see armature_table()
# Load cell and gripper of tool.usda: mass, height of the centre, moments of inertia along the flange's axes
# (tool.usda's own x is the flange's y).
TOOL = [
    (0.27, 0.018, (1.24081875e-4, 1.24081875e-4, 1.8984375e-4)),
    (0.80, 0.0715, (1.0933333e-3, 9.0666667e-4, 6.6666667e-4)),
]
PAYLOAD_POINT = [(1.07, 0.058, (0, 0, 0))]
TCP = np.array([0, 0, 0.150])


# ---- recordings


def read(file):
    """Columns of one recording; 'target_q' (n, 6) is gathered from 'target_q_0' and so on. Lines end in CR or CR LF."""
    lines = [line for line in re.split("\r\n|\r|\n", open(file, newline="").read()) if line]
    header = lines[0].split(",")
    rows = [line.split(",") for line in lines[1:]]
    column = {name: [row[i] for row in rows] for i, name in enumerate(header)}
    out = {"timestamp": np.array(column["timestamp"], float)}
    for name, size in [
        ("target_q", 6),
        ("target_qd", 6),
        ("target_qdd", 6),
        ("target_moment", 6),
        ("actual_q", 6),
        ("actual_qd", 6),
        ("actual_current", 6),
        ("actual_TCP_pose", 6),
        ("actual_tool_accelerometer", 3),
    ]:
        out[name] = np.array([column[f"{name}_{i}"] for i in range(size)], float).T
    return out


def load(folder):
    """All recordings as one stream of 225 rows: also each row's file, rest, and acceleration."""
    parts = [read(pathlib.Path(folder) / f"{name}.csv") for name in NAMES]
    data = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    data["file"] = np.repeat(np.arange(len(parts)), [len(part["timestamp"]) for part in parts])
    data["rest"] = (np.abs(data["target_qd"]) <= 1e-6).all(1) & (np.abs(data["target_qdd"]) <= 1e-6).all(1)
    # Central difference of actual_qd over the whole stream, one-sided at its two ends; no smoothing.
    data["actual_qdd"] = np.gradient(data["actual_qd"], data["timestamp"], axis=0)
    return data


# ---- mechanics


def frames(q, delta=np.zeros((6, 4))):
    """DH frames 0 to 6 in the base frame, (7, 4, 4). delta: additions to theta, a, d, alpha of each joint."""
    out = [np.eye(4)]
    for i in range(6):
        theta, a, d, alpha = q[i] + delta[i, 0], DH[i, 0] + delta[i, 1], DH[i, 1] + delta[i, 2], delta[i, 3]
        c, s = np.cos(theta), np.sin(theta)
        ca, sa = {0: (1, 0), 90: (0, 1), -90: (0, -1)}[int(DH[i, 2])]
        ca, sa = ca * np.cos(alpha) - sa * np.sin(alpha), sa * np.cos(alpha) + ca * np.sin(alpha)
        out.append(
            out[-1] @ np.array([[c, -s * ca, s * sa, a * c], [s, c * ca, -c * sa, a * s], [0, sa, ca, d], [0, 0, 0, 1]])
        )
    return out


def dynamics(q, v, a, gravity=GRAVITY, tensors=True, tool=TOOL):
    """Joint torques (6) without rotors, and the specific force at the flange in the flange frame (3)."""
    X = frames(q)
    w, dw, acc = np.zeros(3), np.zeros(3), np.array([0, 0, gravity])  # of frame i; gravity as an upward acceleration
    tau = np.zeros(6)
    for i in range(6):
        z, joint = X[i][:3, 2], X[i][:3, 3]
        dw = dw + z * a[i] + np.cross(w, z * v[i])
        w = w + z * v[i]

        def at(point):
            r = point - joint
            return acc + np.cross(dw, r) + np.cross(w, np.cross(w, r))

        R, origin = X[i + 1][:3, :3], X[i + 1][:3, 3]
        xx, yy, zz, xy, xz, yz = TENSOR[i] if tensors else [0] * 6
        bodies = [(MASS[i], CENTER[i], np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]))]
        if i == 5:
            bodies += [(m, (0, 0, h), np.diag(I)) for m, h, I in tool]
        for m, center, inertia in bodies:
            c, I = origin + R @ np.array(center), R @ inertia @ R.T
            force, moment = m * at(c), I @ dw + np.cross(w, I @ w)
            for j in range(i + 1):
                tau[j] += X[j][:3, 2] @ (np.cross(c - X[j][:3, 3], force) + moment)
        acc = at(origin)
    return tau, X[6][:3, :3].T @ acc


def torques(q, v, a, armature=ARMATURE, **options):
    return np.array([dynamics(*row, **options)[0] for row in zip(q, v, a)]) + armature * a


def rotation(vector):
    angle = np.linalg.norm(vector)
    k = vector / angle if angle > 0 else vector
    K = np.array([[0, -k[2], k[1]], [k[2], 0, -k[0]], [-k[1], k[0], 0]])
    return np.eye(3) + np.sin(angle) * K + (1 - np.cos(angle)) * K @ K


def rotation_error(R):
    """Rotation vector of a small rotation."""
    return np.array([R[2, 1] - R[1, 2], R[0, 2] - R[2, 0], R[1, 0] - R[0, 1]]) / 2


# ---- tables


def rms(x):
    return np.sqrt(np.mean(np.square(x), axis=0))


def row(label, values, digits=4):
    print("| " + label + " | " + " | ".join(v if isinstance(v, str) else f"{v:.{digits}f}" for v in values) + " |")


def table(title, columns):
    print(f"\n### {title}\n")
    print("| | " + " | ".join(columns) + " |")
    print("|---|" + "---|" * len(columns))


JOINTS = ["shoulder_pan", "shoulder_lift", "elbow", "wrist_1", "wrist_2", "wrist_3"]


def controller_model(data, armature=ARMATURE):
    """What target_moment is made of: point masses and rotors along the reference, weight where the arm was 2 ms ago."""
    zero = np.zeros(6)
    before = data["actual_q"] - CYCLE * data["actual_qd"]
    inertial = torques(
        data["target_q"], data["target_qd"], data["target_qdd"], armature, gravity=0, tensors=False, tool=PAYLOAD_POINT
    )
    weight = np.array([dynamics(q, zero, zero, tensors=False, tool=PAYLOAD_POINT)[0] for q in before])
    return inertial + weight


def rest_table(data):
    zero = np.zeros(6)
    weight = np.array([dynamics(q, zero, zero)[0] for q in data["actual_q"]])
    error, moment = weight - data["target_moment"], data["target_moment"]
    table(
        "Gravity torque at rest against target_moment",
        [
            "rows",
            "lift max N.m",
            "elbow",
            "wrist 1",
            "lift max %",
            "elbow",
            "wrist 1",
            "g lift",
            "g elbow",
            "g wrist 1",
        ],
    )
    for i, name in enumerate(NAMES + ["all"]):
        pick = data["rest"] & ((data["file"] == i) | (name == "all"))
        e, m, w = error[pick][:, 1:4], moment[pick][:, 1:4], weight[pick][:, 1:4] / GRAVITY
        row(
            name,
            [str(pick.sum()), *np.abs(e).max(0), *(100 * np.abs(e / m).max(0)), *((w * m).sum(0) / (w * w).sum(0))],
        )


def armature_table(data):
    """Least squares of what the links do not explain in target_moment on target_qdd."""
    y, x = data["target_moment"] - controller_model(data, np.zeros(6)), data["target_qdd"]
    table("Rotor inertia at the joint, kg.m2, from target_moment", JOINTS)
    one = data["file"] == NAMES.index(FIT)
    for label, pick in [(f"fitted on {FIT}", one), ("fitted on the other four", ~one)]:
        fit = (x[pick] * y[pick]).sum(0) / (x[pick] ** 2).sum(0)
        sigma = rms(y[pick] - fit * x[pick]) / np.sqrt((x[pick] ** 2).sum(0))
        row(label, [f"{f:.5f} +- {s:.5f}" for f, s in zip(fit, sigma)])
    sizes = [[0, 1], [2], [3, 4, 5]]
    pooled = [(x[one][:, g] * y[one][:, g]).sum() / (x[one][:, g] ** 2).sum() for g in sizes]
    row(f"fitted on {FIT}, one value for each motor size", np.repeat(pooled, [2, 1, 3]), 5)
    row("used", ARMATURE)


def torque_tables(data):
    reference = [data[k] for k in ("target_q", "target_qd", "target_qdd")]
    measured = [data[k] for k in ("actual_q", "actual_qd", "actual_qdd")]
    zero = np.zeros_like(reference[0])
    models = [
        ("size of target_moment itself", np.zeros_like(zero)),
        ("weight only, reference", torques(reference[0], zero, zero)),
        ("A: links, no rotors, reference", torques(*reference, armature=0)),
        ("B: scene as written, reference", torques(*reference)),
        ("C: scene as written, measured", torques(*measured)),
        ("D: point masses + rotors, reference", torques(*reference, tensors=False, tool=PAYLOAD_POINT)),
        ("E: D, weight at actual_q 2 ms ago", controller_model(data)),
    ]
    moving = ~data["rest"]
    table("RMSE of predicted torque against target_moment in motion, N.m, all recordings", JOINTS)
    for label, tau in models:
        row(label, rms((tau - data["target_moment"])[moving]))
    for key in "BCE":
        label, tau = next(m for m in models if m[0].startswith(key + ":"))
        table(f"The same for each recording, {label}", ["rows"] + JOINTS)
        for i, name in enumerate(NAMES):
            pick = moving & (data["file"] == i)
            row(name, [str(pick.sum()), *rms((tau - data["target_moment"])[pick])])
    return dict((label[0], tau) for label, tau in models)


def tcp_in_flange(data, pick, delta):
    points, turns = [], []
    for q, pose in zip(data["actual_q"][pick], data["actual_TCP_pose"][pick]):
        F = frames(q, delta)[6]
        points.append(F[:3, :3].T @ (pose[:3] - F[:3, 3]))
        turns.append(np.linalg.norm(rotation_error(F[:3, :3].T @ rotation(pose[3:]))))
    return 1e3 * np.array(points), 1e3 * np.array(turns)


def tcp_table(data, title, delta_for):
    table(
        title,
        [
            "x mm",
            "y mm",
            "z mm",
            "mean deviation mm",
            "max deviation mm",
            "length max dev. mm",
            "TCP error mean mm",
            "TCP error max mm",
            "turn mean mrad",
        ],
    )
    means, errors = [], []
    for i, name in enumerate(NAMES):
        p, turn = tcp_in_flange(data, data["file"] == i, delta_for(i))
        mean, length = p.mean(0), np.linalg.norm(p, axis=1)
        deviation, error = np.linalg.norm(p - mean, axis=1), np.linalg.norm(p - 1e3 * TCP, axis=1)
        means.append(mean)
        errors.append(error)
        row(
            name,
            [
                *mean,
                deviation.mean(),
                deviation.max(),
                np.abs(length - length.mean()).max(),
                error.mean(),
                error.max(),
                turn.mean(),
            ],
            3,
        )
    errors = np.concatenate(errors)
    spread = max(np.linalg.norm(a - b) for a in means for b in means)
    print(
        f"\nSpread between the recordings' means: {spread:.3f} mm. TCP position error over all rows: "
        f"mean {errors.mean():.3f} mm, max {errors.max():.3f} mm."
    )


def calibrate(data, files):
    """Additions to theta, a, d, alpha (6, 4) that fit the TCP poses of the given recordings, TCP at 0.150 m.

    Least squares on position and on rotation times 0.15 m, held towards the nominal values with weight 2e-3 (1 mm or
    1 mrad away costs as much as a residual of 2 um), which settles what the geometry leaves open (three parallel axes).
    Gauss-Newton, numerical derivatives.
    """
    rows = np.flatnonzero(np.isin(data["file"], files))[::2]
    poses = [
        (data["actual_q"][r], data["actual_TCP_pose"][r, :3], rotation(data["actual_TCP_pose"][r, 3:])) for r in rows
    ]

    def residual(x):
        out = []
        for q, p, R in poses:
            F = frames(q, x.reshape(6, 4))[6]
            out += [p - F[:3, 3] - F[:3, :3] @ TCP, 0.15 * rotation_error(F[:3, :3].T @ R)]
        return np.concatenate(out)

    x, hold, step = np.zeros(24), 2e-3, 1e-6
    for _ in range(4):
        r = residual(x)
        J = np.stack([(residual(x + step * e) - r) / step for e in np.eye(24)], axis=1)
        x = x - np.linalg.solve(J.T @ J + hold**2 * np.eye(24), J.T @ r + hold**2 * x)
    return x.reshape(6, 4)


def accelerometer_table(data):
    zero = np.zeros_like(data["target_q"])
    cases = [
        ("weight only", [data["actual_q"], zero, zero]),
        ("reference motion", [data[k] for k in ("target_q", "target_qd", "target_qdd")]),
        ("measured motion", [data[k] for k in ("actual_q", "actual_qd", "actual_qdd")]),
    ]
    a, rest = data["actual_tool_accelerometer"], data["rest"]
    table(
        "Tool accelerometer against the specific force at the flange, m/s2, all recordings",
        ["x", "y", "z", "all three"],
    )
    for label, motion in cases:
        e = np.array([dynamics(*r)[1] for r in zip(*motion)]) - a
        row(f"RMSE in motion, {label}", [*rms(e[~rest]), np.sqrt((e[~rest] ** 2).sum(1).mean())])
        if label == "reference motion":
            by_file = [np.sqrt((e[(data["file"] == i)] ** 2).sum(1).mean()) for i in range(5)]
            bias, noise = -e[rest].mean(0), e[rest].std(0)
    row("at rest: mean of measured - predicted", [*bias, np.linalg.norm(bias)])
    row("at rest: standard deviation", [*noise, np.linalg.norm(noise)])
    print(
        "\nRMSE of all three axes over every row, reference motion: "
        + ", ".join(f"{n} {x:.3f}" for n, x in zip(NAMES, by_file))
        + "."
    )


def current_fit(data, tau, joint, pick):
    """Coefficients (1, viscous, coulomb) / k of actual_current = (tau + viscous qd + coulomb tanh(qd / STICTION)) / k
    on the picked rows that move, and the relative standard error of k. Slower rows are left out."""
    X, moving = current_rows(data, tau, joint)
    X, y = X[pick & moving], data["actual_current"][pick & moving, joint]
    if len(y) < 8:
        return None
    c, *_ = np.linalg.lstsq(X, y, rcond=None)
    variance = ((y - X @ c) ** 2).sum() / (len(y) - 3)
    return c, np.sqrt(variance * np.linalg.inv(X.T @ X)[0, 0]) / abs(c[0])


def current_rows(data, tau, joint):
    qd = data["actual_qd"][:, joint]
    return np.stack([tau[:, joint], qd, np.tanh(qd / STICTION)], axis=1), np.abs(qd) > STICTION


def current_tables(data, tau):
    """Each joint is fitted on the one recording that determines its k best by the fit's own standard error, and judged
    on the moving rows of the other four."""
    table("Relative standard error of k, %, by the recording it is fitted on (- : fewer than 8 moving rows)", JOINTS)
    fits = [[current_fit(data, tau, j, data["file"] == i) for j in range(6)] for i in range(5)]
    for i, name in enumerate(NAMES):
        row(name, ["-" if f is None else f"{100 * f[1]:.1f}" for f in fits[i]])
    best = [min((i for i in range(5) if fits[i][j]), key=lambda i: fits[i][j][1]) for j in range(6)]
    fit = [fits[best[j]][j] for j in range(6)]
    table("Torque constants and friction from measured currents", JOINTS)
    row("fitted on", [NAMES[i] for i in best])
    row("k, N.m/A", [1 / c[0] for c, _ in fit], 3)
    row("relative standard error of k, %", [100 * e for _, e in fit], 1)
    row("viscous, N.m.s/rad", [c[1] / c[0] for c, _ in fit], 3)
    row("Coulomb, N.m", [c[2] / c[0] for c, _ in fit], 3)

    def judged(files_of, scale=False):
        out = []
        for j in range(6):
            X, moving = current_rows(data, tau, j)
            pick = moving & files_of(best[j])
            e = data["actual_current"][pick, j] - X[pick] @ fit[j][0]
            out.append(f"{rms(e) / (abs(fit[j][0][0]) if scale else 1):.4f}" if pick.sum() else "-")
        return out

    row("rows judged", [str((current_rows(data, tau, j)[1] & (data["file"] != best[j])).sum()) for j in range(6)])
    row("RMSE on its own recording, A", judged(lambda i: data["file"] == i))
    row("RMSE on the other four, A", judged(lambda i: data["file"] != i))
    row("RMSE on the other four, N.m", judged(lambda i: data["file"] != i, scale=True))
    spread = [(current_rows(data, tau, j)[1] & (data["file"] != best[j])) for j in range(6)]
    row(
        "size of the current there (RMS), A",
        [f"{rms(data['actual_current'][p, j]):.4f}" if p.sum() else "-" for j, p in enumerate(spread)],
    )


def main():
    here = pathlib.Path(__file__).resolve().parents[3] / "scenarios" / "ur3e_cell" / "data"
    data = load(sys.argv[1] if len(sys.argv) > 1 else here)
    rest_table(data)
    armature_table(data)
    taus = torque_tables(data)
    tcp_table(data, "Flange to TCP, nominal kinematics", lambda i: np.zeros((6, 4)))
    known = calibrate(data, [0, 1, 2, 3])
    tcp_table(data, "Flange to TCP, kinematics calibrated on L0L1 to L3L4 (L4L5 is not used)", lambda i: known)
    tcp_table(
        data,
        "Flange to TCP, each recording judged by a calibration on the other four",
        lambda i: calibrate(data, [k for k in range(5) if k != i]),
    )
    accelerometer_table(data)
    current_tables(data, taus["C"])


if __name__ == "__main__":
    main()

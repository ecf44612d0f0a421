"""Neutral scenes for the comparison with rivals: every driver reads the same JSON, none reads another program's file.

A scene is a dict, in SI units, world frame W with z up unless its gravity says otherwise:
  name, group, gravity [x y z], duration, dt (the one for the scene's `default` row), every (time between samples)
  size       a length of the scene [m]: how far apart the two points of a closing hinge stand
  bodies     name, mass, inertia [Ix Iy Iz] about the centre of mass, p, q (w x y z), v, w at the start; the body frame
             stands at the centre of mass, along the principal axes. shapes: list of {type box|sphere|capsule, size |
             radius [length], friction {min max product mean harmonic}, restitution}, centred on the body
  ground     shapes of the world: {type plane (z = 0 of its frame)|box, p, q, size, friction, restitution}
  joints     type fixed|hinge|slider|ball|free, a, b (bodies; -1 the world), p, axis: anchor and axis in W at the start;
             tree: part of the spanning tree (a before b); rate: speed of b against a about the axis at the start;
             at, until: the time when it is made and broken [s], at the pose of that instant
  order      bodies, parents before children; parent: for each body its tree joint, or -1 where it floats
  forces     body, force, torque, begin, end: constant, in W at the centre of mass
  drives     joint, kp, kd, amplitude, frequency [Hz], offset, phase: PD torque on a hinge, the same code in every driver
  springs    a, pa, b, pb (points in body frames; W for -1), k, c, length: a line spring with a damper
  reference  what metrics.py compares with: see there
"""
import copy
import json
import math

G = 9.81


def rotation(axis, angle):
    n = math.sqrt(sum(x * x for x in axis))
    s = math.sin(angle / 2) / n
    return [math.cos(angle / 2), s * axis[0], s * axis[1], s * axis[2]]


def product(a, b):
    return [a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3], a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2],
            a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1], a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0]]


def rotate(q, v):
    return product(product(q, [0.0, *v]), [q[0], -q[1], -q[2], -q[3]])[1:]


def cross(a, b):
    return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]


def dot(a, b):
    return sum(x * y for x, y in zip(a, b))


def box_inertia(m, s):
    return [m / 12 * (s[1] ** 2 + s[2] ** 2), m / 12 * (s[0] ** 2 + s[2] ** 2), m / 12 * (s[0] ** 2 + s[1] ** 2)]


def friction(mu):
    """The same coefficient under the rules that engines combine two bodies' by."""
    return {"min": mu, "max": mu, "product": math.sqrt(mu), "mean": mu, "harmonic": mu}


class Maker:
    def __init__(self, name, group, gravity=(0, 0, -G), duration=5.0, dt=1 / 240, every=0.05, size=0.1):
        self.scene = {"name": name, "group": group, "gravity": list(map(float, gravity)), "duration": duration, "dt": dt,
                      "every": every, "size": size, "bodies": [], "ground": [], "joints": [], "forces": [], "drives": [],
                      "springs": [], "reference": {}}

    def body(self, mass, inertia, p, q=(1, 0, 0, 0), v=(0, 0, 0), w=(0, 0, 0), shapes=()):
        self.scene["bodies"].append({"name": f"b{len(self.scene['bodies'])}", "mass": mass, "inertia": list(inertia),
                                     "p": list(map(float, p)), "q": list(map(float, q)), "v": list(map(float, v)),
                                     "w": list(map(float, w)), "shapes": list(shapes)})
        return len(self.scene["bodies"]) - 1

    def box(self, mass, size, p, collide=None, **kw):
        shapes = [dict(type="box", size=list(size), **collide)] if collide else []
        return self.body(mass, box_inertia(mass, size), p, shapes=shapes, **kw)

    def ball(self, mass, radius, p, collide, **kw):
        i = 0.4 * mass * radius ** 2
        return self.body(mass, [i, i, i], p, shapes=[dict(type="sphere", radius=radius, **collide)], **kw)

    def joint(self, kind, a, b, p, axis=(0, 0, 1), **kw):
        self.scene["joints"].append({"type": kind, "a": a, "b": b, "p": list(map(float, p)),
                                     "axis": list(map(float, axis)), **kw})
        return len(self.scene["joints"]) - 1

    def ground_plane(self, collide):
        self.scene["ground"].append({"type": "plane", "p": [0, 0, 0], "q": [1, 0, 0, 0], **collide})

    def done(self):
        """Spanning tree: joints in their order, fixed at the start, whichever reaches a new body from the world first."""
        s = self.scene
        parent, order = [None] * len(s["bodies"]), []
        used = set()

        def grow(reached):
            while True:
                for k, j in enumerate(s["joints"]):
                    if k in used or "at" in j or j["b"] in reached or j["a"] not in reached:
                        continue
                    used.add(k)
                    parent[j["b"]] = k
                    order.append(j["b"])
                    reached.add(j["b"])
                    break
                else:
                    return

        reached = {-1}
        grow(reached)
        for root in range(len(s["bodies"])):
            if root not in reached:
                parent[root] = -1
                order.append(root)
                reached.add(root)
                grow(reached)
        for k, j in enumerate(s["joints"]):
            j["tree"] = k in used
            wa = s["bodies"][j["a"]]["w"] if j["a"] >= 0 else [0, 0, 0]
            wb = s["bodies"][j["b"]]["w"] if j["b"] >= 0 else [0, 0, 0]
            j["rate"] = dot(j["axis"], [y - x for x, y in zip(wa, wb)]) if j["type"] == "hinge" else j.get("rate", 0.0)
        s["order"], s["parent"] = order, parent
        return s


# ---- fixed joints ----

def weld_row(name, masses, size, dt, duration, down=False, shift=0.5):
    m = Maker(name, "fixed_joints", duration=duration, dt=dt)
    for i, mass in enumerate(masses):
        p = [0, 0, -size * i] if down else [size * i, 0, 0]
        m.box(mass, [size] * 3, p)
        half = [x * 1.0 for x in p]
        half[2 if down else 0] += (shift if down else -shift) * size
        m.joint("fixed", i - 1, i, half)
    m.scene["reference"] = {"still": True}
    return m.done()


def ring():
    m = Maker("W5", "fixed_joints", gravity=(0, 0, 0), duration=10, dt=1 / 240)
    spin, step = [3.0, 2.0, 1.0], 2 * math.pi / 12
    for i in range(12):
        p = [math.cos(i * step), math.sin(i * step), 0]
        m.box(1, [0.2] * 3, p, q=rotation([0, 0, 1], i * step), v=cross(spin, p), w=spin)
    for i in range(12):
        a, b = m.scene["bodies"][i]["p"], m.scene["bodies"][(i + 1) % 12]["p"]
        m.joint("fixed", i, (i + 1) % 12, [(x + y) / 2 for x, y in zip(a, b)])
    m.scene["reference"] = {"energy": True}
    return m.done()


def grasp(mass):
    """A driven two-link arm of 1 kg links; when the run begins a part is welded to its tip, 0.1 m away."""
    m = Maker(f"grasp {mass} kg", "fixed_joints", duration=5, dt=1 / 240)
    m.box(1, [0.5, 0.05, 0.05], [0.25, 0, 1])
    m.box(1, [0.5, 0.05, 0.05], [0.75, 0, 1])
    m.box(mass, [0.1] * 3, [1.1, 0, 1])
    m.joint("hinge", -1, 0, [0, 0, 1], [0, 0, 1])
    m.joint("hinge", 0, 1, [0.5, 0, 1], [0, 0, 1])
    m.joint("fixed", 1, 2, [1.0, 0, 1], at=0.0)
    m.scene["drives"] = [
        {"joint": 0, "kp": 400.0, "kd": 20.0, "amplitude": 0.6, "frequency": 0.8, "offset": 0.0, "phase": 0.0},
        {"joint": 1, "kp": 200.0, "kd": 8.0, "amplitude": 0.8, "frequency": 1.1, "offset": 0.0, "phase": 0.0}]
    m.scene["reference"] = {"weld": True}
    return m.done()


def tool():
    """W6: a 2 kg box welded at run time to the end of a moving 6-joint arm of 20 kg, released after 5 s."""
    m = Maker("W6", "fixed_joints", duration=6, dt=1 / 240)
    masses, length, z = [5.0, 4.5, 4.0, 3.0, 2.0, 1.5], 0.25, 0.0
    axes = [[0, 0, 1], [0, 1, 0], [0, 1, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]]
    for i, mass in enumerate(masses):
        m.box(mass, [0.15, 0.15, length], [0, 0, z + length / 2])
        m.joint("hinge", i - 1, i, [0, 0, z], axes[i])
        z += length
    m.box(2, [0.1] * 3, [0, 0, z + 0.05])
    m.joint("fixed", 5, 6, [0, 0, z], at=0.0, until=5.0)
    for j, (a, f) in enumerate([(0.6, 0.4), (0.4, 0.5), (0.5, 0.6), (0.6, 0.7), (0.5, 0.8), (0.6, 0.9)]):
        kp, kd = [(100.0, 2.0), (300.0, 4.0), (200.0, 3.0), (20.0, 0.5), (40.0, 1.0), (20.0, 0.5)][j]
        m.scene["drives"].append({"joint": j, "kp": kp, "kd": kd, "amplitude": a, "frequency": f,
                                  "offset": 0.0, "phase": 0.0})
    m.scene["reference"] = {"weld": True}
    return m.done()


# ---- loops ----

def four_bar_weld():
    """W4: planar four-bar 0.4 / 1.0 / 0.8 / 1.2 m of 1 kg/m, its coupler cut in two halves that a weld closes."""
    m = Maker("W4", "loops", gravity=(0, 0, 0), duration=10, dt=1 / 240)
    a, b, c, d = 0.4, 1.0, 0.8, 1.2
    A, B = [a * math.cos(math.pi / 2), a * math.sin(math.pi / 2)], [d, 0.0]
    dist = math.dist(A, B)
    along = (b * b - c * c + dist * dist) / (2 * dist)
    up = math.sqrt(b * b - along * along)
    ux, uy = (B[0] - A[0]) / dist, (B[1] - A[1]) / dist
    C = [A[0] + along * ux - up * uy, A[1] + along * uy + up * ux]
    # velocities: crank 2 pi, loop closure for coupler and rocker
    w1 = 2 * math.pi
    vA = [-w1 * A[1], w1 * A[0]]
    rc, rr = [C[0] - A[0], C[1] - A[1]], [C[0] - B[0], C[1] - B[1]]
    det = (-rc[1]) * rr[0] + rr[1] * rc[0]   # vA + w2 (-rc.y, rc.x) = w3 (-rr.y, rr.x)
    w2 = (-vA[0] * rr[0] - vA[1] * rr[1]) / det
    w3 = (vA[0] * rc[0] + vA[1] * rc[1]) / -det

    def bar(p0, p1, length, w, v0):
        mid = [(p0[0] + p1[0]) / 2, (p0[1] + p1[1]) / 2]
        r = [mid[0] - p0[0], mid[1] - p0[1]]
        mass = math.dist(p0, p1)
        return m.box(mass, [mass, 0.02, 0.02], [*mid, 0], q=rotation([0, 0, 1], math.atan2(p1[1] - p0[1], p1[0] - p0[0])),
                     v=[v0[0] - w * r[1], v0[1] + w * r[0], 0], w=[0, 0, w])
    M = [(A[0] + C[0]) / 2, (A[1] + C[1]) / 2]
    vM = [vA[0] - w2 * (M[1] - A[1]), vA[1] + w2 * (M[0] - A[0])]
    crank, first = bar([0, 0], A, a, w1, [0, 0]), bar(A, M, b / 2, w2, vA)
    second, rocker = bar(M, C, b / 2, w2, vM), bar(B, C, c, w3, [0, 0])
    m.joint("hinge", -1, crank, [0, 0, 0])
    m.joint("hinge", crank, first, [*A, 0])
    m.joint("hinge", -1, rocker, [*B, 0])
    m.joint("hinge", rocker, second, [*C, 0])
    m.joint("fixed", first, second, [*M, 0])
    m.scene["reference"] = {"energy": True, "closure": True}
    return m.done()


def pendulum():
    m = Maker("A01", "loops", duration=10, dt=1e-3, every=0.1)
    m.body(1, [1e-9] * 3, [-1, 0, 0])
    m.joint("hinge", -1, 0, [0, 0, 0], [0, 1, 0])
    m.scene["reference"] = {"energy": True, "points": [
        {"t": 1, "body": 0, "local": [0, 0, 0], "p": [0.9862917511318753, 0, -0.1650108531255412]},
        {"t": 5, "body": 0, "local": [0, 0, 0], "p": [-0.9423054350437573, 0, -0.3347543384140006]},
        {"t": 10, "body": 0, "local": [0, 0, 0], "p": [-0.2750874625761169, 0, -0.9614192050991251]}]}
    return m.done()


def four_bars(n):
    m = Maker(f"A02 N={n}", "loops", gravity=(0, -G, 0), duration=10, dt=1e-3, every=0.1)
    i = 1 / 12
    pillars = [m.body(1, [i, 1e-4, i], [k, 0.5, 0], v=[0.5, 0, 0], w=[0, 0, -1]) for k in range(n + 1)]
    bars = [m.body(1, [1e-4, i, i], [k + 0.5, 1, 0], v=[1, 0, 0]) for k in range(n)]
    for k in range(n + 1):
        m.joint("hinge", -1, pillars[k], [k, 0, 0])
    for k in range(n):
        m.joint("hinge", pillars[k], bars[k], [k, 1, 0])
        m.joint("hinge", bars[k], pillars[k + 1], [k + 1, 1, 0])
    known = {1: [(10, 0.47838505776097, 0.87815017879121)], 40: [(10, 0.18051222668673, 0.98357274058231)],
             2: [(1, -0.19502030194944, -0.98079920566217), (5, -0.81131046100511, -0.58461554534898),
                 (10, 0.32845811154082, 0.9445185381786)]}
    m.scene["reference"] = {"energy": True, "closure": True, "points": [
        {"t": t, "body": pillars[0], "local": [0, 0.5, 0], "p": [x, y, 0]} for t, x, y in known[n]]}
    return m.done()


def andrews():
    m = Maker("A03", "loops", gravity=(0, 0, 0), duration=0.05, dt=1e-5, every=1e-3, size=0.01)
    A, B, C = [-.06934, -.00227], [-.03635, .03273], [.014, .072]
    mass = [.04325, .00365, .02373, .00706, .07050, .00706, .05498]
    inertia = [2.194e-6, 4.410e-7, 5.255e-6, 5.667e-7, 1.169e-5, 5.667e-7, 1.912e-5]
    d, da, e, ea, rr, ra, ss, sa, sb, sc, sd = .028, .0115, .02, .01421, .007, .00092, .035, .01874, .01043, .018, .02
    ta, tb, u, ua, ub, zf, zt, fa = .02308, .00916, .04, .01228, .00449, .02, .04, .01421
    q = [-.0617138900142764496, 0, .455279819163070380, .222668390165885885, .487364979543842550, -.222668390165885885,
         1.23054744454982119]
    beta, theta, gamma, phi, delta, omega, eps = q
    cos, sin = math.cos, math.sin
    F = [rr * cos(beta), rr * sin(beta)]
    E = [F[0] - d * cos(beta + theta), F[1] - d * sin(beta + theta)]
    H = [A[0] + zt * cos(delta), A[1] + zt * sin(delta)]
    K = [A[0] + u * sin(eps), A[1] - u * cos(eps)]
    com = [[ra * cos(beta), ra * sin(beta)], [F[0] - da * cos(beta + theta), F[1] - da * sin(beta + theta)],
           [B[0] + sa * sin(gamma) + sb * cos(gamma), B[1] - sa * cos(gamma) + sb * sin(gamma)],
           [H[0] + (e - ea) * sin(phi + delta), H[1] - (e - ea) * cos(phi + delta)],
           [A[0] + ta * sin(delta) + tb * cos(delta), A[1] - ta * cos(delta) + tb * sin(delta)],
           [K[0] + (zf - fa) * cos(omega + eps), K[1] + (zf - fa) * sin(omega + eps)],
           [A[0] + ua * sin(eps) + ub * cos(eps), A[1] - ua * cos(eps) + ub * sin(eps)]]
    for k in range(7):
        m.body(mass[k], [inertia[k] * 0.6, inertia[k] * 0.6, inertia[k]], [*com[k], 0])
    m.joint("hinge", -1, 0, [0, 0, 0])
    m.joint("hinge", 0, 1, [*F, 0])
    m.joint("hinge", -1, 2, [*B, 0])
    m.joint("hinge", -1, 4, [*A, 0])
    m.joint("hinge", 4, 3, [*H, 0])
    m.joint("hinge", -1, 6, [*A, 0])
    m.joint("hinge", 6, 5, [*K, 0])
    for k in (2, 3, 5):
        m.joint("hinge", 1, k, [*E, 0])
    D = [B[0] + sc * sin(gamma) + sd * cos(gamma), B[1] - sc * cos(gamma) + sd * sin(gamma)]
    m.scene["springs"] = [{"a": 2, "pa": [D[0] - com[2][0], D[1] - com[2][1], 0], "b": -1, "pb": [*C, 0], "k": 4530.0,
                           "c": 0.0, "length": .07785}]
    m.scene["forces"] = [{"body": 0, "force": [0, 0, 0], "torque": [0, 0, 0.033], "begin": 0, "end": 1e9}]
    m.scene["reference"] = {"closure": True, "turn": [
        {"t": 0.03, "body": 0, "angle": 15.810771195 - beta}, {"t": 0.05, "body": 0, "angle": 33.8258677669 - beta}]}
    return m.done()


def bricard():
    m = Maker("A04", "loops", gravity=(0, -G, 0), duration=10, dt=1e-3, every=0.1)
    points = [[0, 0, 0], [1, 0, 0], [1, -1, 0], [1, -1, 1], [0, -1, 1], [0, 0, 1]]
    axes = [[0, 1, 0], [0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]]
    for k in range(5):
        a, b = points[k], points[k + 1]
        size = [1.0 if abs(x - y) > 0.5 else 0.1 for x, y in zip(a, b)]
        m.box(1, size, [(x + y) / 2 for x, y in zip(a, b)])
    for k in range(6):
        m.joint("hinge", k - 1, k if k < 5 else -1, points[k], axes[k])
    known = [(.5, .968283679, -1.224625159, .750146609), (1, .510501461, -1.649167599, .140123115),
             (2, -.969340345, -1.221246895, .754278011), (5, .999999998, -1.000067258, .999932740),
             (10, .999999964, -1.000269013, .999730951)]
    m.scene["reference"] = {"energy": True, "closure": True, "points": [
        {"t": t, "body": 2, "local": [0, 0, 0.5], "p": [x, y, z]} for t, x, y, z in known]}
    return m.done()


def governor():
    m = Maker("A05", "loops", duration=2, dt=2e-5, every=0.1)
    rho, alpha, spin = 3000, math.radians(30), 2 * math.pi
    shaft = m.box(rho * .01 * .01 * 1, [.01, .01, 1.0], [0, 0, 0.5], w=[0, 0, spin])
    slider = m.box(rho * .1 ** 3, [.1, .1, .1], [0, 0, 0.5], w=[0, 0, spin])
    rods, balls = [], []
    for s in (1, -1):
        hinge = [s * .05, 0, 1]
        out = [s * math.cos(alpha), 0, -math.sin(alpha)]
        q = rotation([0, 1, 0], alpha if s > 0 else math.pi - alpha)
        mid, end = [h + o / 2 for h, o in zip(hinge, out)], [h + o for h, o in zip(hinge, out)]
        rods.append(m.box(rho * .01 * .01 * 1, [1.0, .01, .01], mid, q=q, v=cross([0, 0, spin], mid), w=[0, 0, spin]))
        balls.append(m.body(5, [1e-9] * 3, end, v=cross([0, 0, spin], end), w=[0, 0, spin]))
        m.joint("hinge", shaft, rods[-1], hinge, [0, 1, 0])
        m.joint("fixed", rods[-1], balls[-1], end)
        m.scene["springs"].append({"a": slider, "pa": [s * .05, 0, 0], "b": rods[-1], "pb": [0, 0, 0], "k": 8e5,
                                   "c": 4e4, "length": .5})
    m.joint("hinge", -1, shaft, [0, 0, 0])
    m.joint("slider", shaft, slider, [0, 0, 0.5])
    known = [(.1, .5238364756), (.5, .7432494248), (1, .5014209224), (2, .5059092943)]
    m.scene["reference"] = {"heights": [{"t": t, "body": slider, "z": z} for t, z in known]}
    return m.done()


def cart_pole():
    m = Maker("light cart-pole", "loops", duration=10, dt=1e-5, every=0.1)
    m.body(1e-6, [1e-9] * 3, [0, 0, 0])
    m.body(1, [1e-9] * 3, [1, 0, 0])
    m.joint("slider", -1, 0, [0, 0, 0], [1, 0, 0])
    m.joint("hinge", 0, 1, [0, 0, 0], [0, 1, 0])
    m.scene["reference"] = {"energy": True, "closure": True}
    return m.done()


# ---- contact ----

def material(mu, e=0.0):
    return {"friction": friction(mu), "restitution": e}


def slope(ratio):
    """A box on a slope at `ratio` times the friction angle's tangent: gravity is tilted, not the plane."""
    mu = 0.5
    angle = math.atan(ratio * mu)
    m = Maker(f"slope {ratio}", "contact", gravity=(G * math.sin(angle), 0, -G * math.cos(angle)), duration=10, dt=1e-3,
              every=0.5)
    m.ground_plane(material(mu))
    m.box(1, [0.4, 0.4, 0.2], [0, 0, 0.1], collide=material(mu))
    m.scene["reference"] = {"slide": max(0.0, G * (math.sin(angle) - mu * math.cos(angle))) if ratio > 1 else 0.0}
    return m.done()


def tower():
    m = Maker("tower of 20", "contact", duration=60, dt=1 / 240, every=1)
    m.ground_plane(material(0.5))
    for i in range(20):
        m.box(1, [0.2] * 3, [0, 0, 0.1 + 0.2 * i], collide=material(0.5))
    m.scene["reference"] = {"stand": True}
    return m.done()


def heavy_stack():
    m = Maker("stack 1000:1", "contact", duration=10, dt=1 / 240, every=0.5)
    m.ground_plane(material(0.5))
    m.box(1, [0.4] * 3, [0, 0, 0.2], collide=material(0.5))
    m.box(1000, [0.4] * 3, [0, 0, 0.6], collide=material(0.5))
    m.scene["reference"] = {"stand": True}
    return m.done()


def bounce():
    m = Maker("bouncing ball", "contact", duration=45, dt=1e-3, every=0.037)
    m.ground_plane(material(0, 1))
    m.ball(1, 0.1, [0, 0, 1.1], material(0, 1))
    m.scene["reference"] = {"heights_kept": True}
    return m.done()


def bounces():
    """SimBenchmark's bouncing case: 7 x 7 balls of 10 kg and 0.1 m dropped from 5 m, no friction, 20 s."""
    m = Maker("49 bouncing balls", "contact", duration=20, dt=1e-3, every=0.053)
    m.ground_plane(material(0, 1))
    for i in range(7):
        for j in range(7):
            m.ball(10, 0.1, [2.0 * i, 2.0 * j, 5], material(0, 1))
    m.scene["reference"] = {"energy_square": True}
    return m.done()


def roll():
    m = Maker("rolling sphere", "contact", duration=3, dt=1e-3, every=0.1)
    m.ground_plane(material(0.5))
    m.ball(1, 0.1, [0, 0, 0.1], material(0.5), v=[1, 0, 0])
    m.scene["reference"] = {"roll": {"radius": 0.1, "speed": 5 / 7}}
    return m.done()


def rolling():
    """SimBenchmark's rolling case: a 10 kg slab pulled by 150 N over ground, 25 balls of 1 kg and 0.5 m on it, 4 s."""
    m = Maker("rolling benchmark", "contact", duration=4, dt=1e-3, every=0.02)
    rule = {"ground": {"min": .4, "max": .4, "product": .5, "mean": .4, "harmonic": .8 / 3},
            "slab": {"min": .8, "max": .4, "product": .8, "mean": .4, "harmonic": .8},
            "ball": {"min": .8, "max": .8, "product": 1.0, "mean": 1.2, "harmonic": .8}}
    m.ground_plane({"friction": rule["ground"], "restitution": 0.0})
    m.box(10, [20, 20, 1], [0, 0, 0.5], collide={"friction": rule["slab"], "restitution": 0.0})
    for i in range(5):
        for j in range(5):
            m.ball(1, 0.5, [2.0 * i - 4, 2.0 * j - 4, 1.5], {"friction": rule["ball"], "restitution": 0.0})
    pull = [150 * 0.5, 150 * math.sqrt(0.75), 0]
    m.scene["forces"] = [{"body": 0, "force": pull, "torque": [0, 0, 0], "begin": 0, "end": 1e9}]
    f1 = 0.4 * (10 + 25) * G
    f2 = (150 - f1) / 10 / (3.5 + 25 / 10)
    m.scene["reference"] = {"rolling": {"direction": [0.5, math.sqrt(0.75), 0], "slab": (150 - f1 - 25 * f2) / 10,
                                        "ball": f2}}
    return m.done()


def many_balls():
    """SimBenchmark's 666 case: 6 x 6 x 6 balls of 10 kg and 0.1 m, gaps of 0.01 m, thrown off by < 1 mm, 10 s."""
    m = Maker("6x6x6 balls", "contact", duration=10, dt=1e-3, every=0.1)
    m.ground_plane(material(0))
    state = 42
    for n in range(216):
        p = [n // 36 * 0.21 - 0.6, n // 6 % 6 * 0.21, n % 6 * 0.21 + 0.101]
        for k in range(3):
            state = (1664525 * state + 1013904223) % 2 ** 32
            p[k] += 0.001 * state / 2 ** 32
        m.ball(10, 0.1, p, material(0))
    m.scene["reference"] = {"penetration": True}
    return m.done()


def bin_of_boxes(settled_only=False):
    m = Maker("100 boxes in a bin", "contact", duration=4, dt=2e-3, every=0.1)
    stuff = material(0.5)
    m.ground_plane(stuff)
    for p, s in (([0.55, 0, 1], [.1, 1.2, 2]), ([-.55, 0, 1], [.1, 1.2, 2]), ([0, .55, 1], [1, .1, 2]),
                 ([0, -.55, 1], [1, .1, 2])):
        m.scene["ground"].append({"type": "box", "p": p, "q": [1, 0, 0, 0], "size": s, **stuff})
    for n in range(100):
        i, j, k = n % 5, n // 5 % 5, n // 25
        turn = rotation([1, 2, 3], 0.37 * n)
        m.box(1, [0.12] * 3, [0.18 * (i - 2), 0.18 * (j - 2), 0.15 + 0.2 * k], q=turn, collide=stuff)
    m.scene["reference"] = {"bin": True}
    return m.done()


# ---- speed ----

def arm(drives):
    """The 7-joint arm of scenarios/mechanics (a Panda's published kinematics), bodies turned to principal axes."""
    import numpy
    m = Maker("arm7 with drives" if drives else "arm7 passive", "speed", duration=10,
              dt=2e-3 if drives else 5e-4, every=1.0)
    q4 = math.pi / 2
    rows = [(0, .333, 0, 4.97, (.004, .002, -.05)), (0, 0, -q4, .65, (-.003, -.03, .003)),
            (0, .316, q4, 3.23, (.027, .039, -.066)), (.0825, 0, q4, 3.59, (-.053, .104, .027)),
            (-.0825, .384, -q4, 1.23, (-.012, .041, -.038)), (0, 0, q4, 1.67, (.06, -.014, -.01)),
            (.088, 0, q4, .74, (.01, -.004, .061))]
    p, q = [0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]
    for n, (a, d, alpha, mass, center) in enumerate(rows):
        tilt = rotation([1, 0, 0], alpha)
        step = rotate(q, [x + y for x, y in zip([a, 0, 0], rotate(tilt, [0, 0, d]))])
        p, q = [x + y for x, y in zip(p, step)], product(q, tilt)
        r = 0.06 * 0.06 * mass
        tensor = numpy.array([[2 * r, .05 * r, -.03 * r], [.05 * r, 2.2 * r, .04 * r], [-.03 * r, .04 * r, r]])
        moments, axes = numpy.linalg.eigh(tensor)
        if numpy.linalg.det(axes) < 0:
            axes[:, 0] *= -1
        m.body(mass, moments.tolist(), [x + y for x, y in zip(p, rotate(q, center))], q=product(q, from_matrix(axes)))
        m.joint("hinge", n - 1, n, p, rotate(q, [0, 0, 1]))
        if drives:
            m.scene["joints"][-1]["drive"] = {"kp": 600.0 if n < 4 else 250.0, "kd": 30.0 if n < 4 else 10.0,
                                              "limit": 87.0 if n < 4 else 12.0}
            m.scene["joints"][-1]["limits"] = [-2.9, 2.9]
    m.scene["reference"] = {}
    return m.done()


def from_matrix(R):
    w = math.sqrt(max(0.0, 1 + R[0][0] + R[1][1] + R[2][2])) / 2
    if w > 1e-3:
        return [w, float(R[2][1] - R[1][2]) / (4 * w), float(R[0][2] - R[2][0]) / (4 * w), float(R[1][0] - R[0][1]) / (4 * w)]
    half = [[0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1]]  # turned by half a turn first, so that w is away from zero
    for axis in range(3):
        h = rotation([axis == 0, axis == 1, axis == 2], math.pi)
        S = [[0] * 3 for _ in range(3)]
        for c in range(3):
            v = rotate(h, [c == 0, c == 1, c == 2])
            for r in range(3):
                S[r][c] = sum(R[r][k] * v[k] for k in range(3))
        if 1 + S[0][0] + S[1][1] + S[2][2] > 0.1:
            return product(from_matrix(S), [h[0], -h[1], -h[2], -h[3]])
    return half[0]


def scenes(group):
    cubes = [1.0] * 10
    return {
        "fixed_joints": lambda: [
            weld_row("C10", cubes, 1.0, 1 / 60, 5), weld_row("H5", [1.0] * 4 + [1.0, 100.0], 1.0, 1 / 60, 5),
            weld_row("V2", [1.0, 1000.0], 1.0, 1 / 60, 5, down=True), weld_row("W2", [1.0] * 30, 0.2, 1 / 240, 10),
            weld_row("W3", [1.0] * 5 + [1000.0], 0.2, 1 / 240, 10), ring(), tool(), grasp(1), grasp(10), grasp(50)],
        "loops": lambda: [four_bar_weld(), pendulum(), four_bars(1), four_bars(2), four_bars(40), andrews(), bricard(),
                          governor(), cart_pole()],
        "contact": lambda: [slope(0.99), slope(1.01), tower(), heavy_stack(), bounce(), bounces(), roll(), rolling(),
                            many_balls(), bin_of_boxes()],
        "speed": lambda: [arm(False), arm(True)],
    }[group]()


def with_step(scene, dt):
    """The same scene at another time step."""
    changed = copy.deepcopy(scene)
    changed["dt"] = dt
    return changed


if __name__ == "__main__":
    import sys
    for scene in scenes(sys.argv[1]):
        json.dump(scene, sys.stdout)
        print()

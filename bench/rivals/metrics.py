"""From a driver's samples to figures in SI units: one place for all engines. A figure is (name, value, unit)."""
import math

import numpy as np

import scenes as neutral


class Track:
    """Samples of one run: t (n), p (n x body x 3), q (n x body x 4, w first), v, w (world frame)."""

    def __init__(self, scene, result):
        self.scene = scene
        self.t = np.array(result["t"])
        rows = np.array([[math.nan if x is None else x for x in row] for row in result["states"]], dtype=float)
        rows = rows.reshape(len(self.t), len(scene["bodies"]), 13)
        self.p, self.q, self.v, self.w = rows[:, :, 0:3], rows[:, :, 3:7], rows[:, :, 7:10], rows[:, :, 10:13]
        self.blown = not np.isfinite(rows).all()

    def rotation(self, b):
        """(n x 3 x 3)"""
        if b < 0:
            return np.broadcast_to(np.eye(3), (len(self.t), 3, 3))
        q = self.q[:, b] / np.linalg.norm(self.q[:, b], axis=1, keepdims=True)
        w, x, y, z = q.T
        return np.stack([np.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], 1),
                         np.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], 1),
                         np.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], 1)], 1)

    def point(self, b, local):
        if b < 0:
            return np.broadcast_to(np.asarray(local, float), (len(self.t), 3))
        return self.p[:, b] + self.rotation(b) @ np.asarray(local, float)

    def local(self, b, world):
        """A point of W at the start, in the body's frame."""
        if b < 0:
            return np.asarray(world, float)
        return self.rotation(b)[0].T @ (np.asarray(world, float) - self.p[0, b])

    def index(self, t):
        i = int(np.argmin(np.abs(self.t - t)))
        return i if abs(self.t[i] - t) < 1e-6 else None


def angle(R):
    """Rotation angle [rad], exact near zero."""
    skew = np.stack([R[:, 2, 1] - R[:, 1, 2], R[:, 0, 2] - R[:, 2, 0], R[:, 1, 0] - R[:, 0, 1]], 1) / 2
    return np.arctan2(np.linalg.norm(skew, axis=1), (np.trace(R, axis1=1, axis2=2) - 1) / 2)


def joint_gap(track, j):
    """Largest distance of the two anchors [m] and largest forbidden turn [rad] while the joint stands."""
    a, b = j["a"], j["b"]
    when = np.ones(len(track.t), bool)
    if "at" in j:
        when = (track.t >= j["at"] - 1e-9) & (track.t <= j.get("until", 1e300) + 1e-9)
    pa, pb = track.point(a, track.local(a, j["p"])), track.point(b, track.local(b, j["p"]))
    Ra, Rb = track.rotation(a), track.rotation(b)
    if j["type"] == "fixed":
        turn = np.einsum("nji,njk->nik", Ra, Rb)
        start = turn[0]
        gap, bend = np.linalg.norm(pa - pb, axis=1), angle(np.einsum("nij,kj->nik", turn, start))
    else:
        la, lb = Ra[0].T @ np.array(j["axis"]), Rb[0].T @ np.array(j["axis"])
        ua, ub = Ra @ la, Rb @ lb
        bend = np.linalg.norm(np.cross(ua, ub), axis=1) if j["type"] in ("hinge", "slider") else np.zeros(len(track.t))
        d = pa - pb
        if j["type"] == "slider":
            d = d - ua * np.sum(d * ua, axis=1, keepdims=True)
        gap = np.linalg.norm(d, axis=1)
    return worst(gap[when]), worst(bend[when])


def worst(values):
    return float(np.max(np.abs(values))) if len(values) and np.isfinite(values).all() else math.nan


def energy(track):
    """Total energy at every sample [J]: bodies, gravity, springs."""
    s = track.scene
    total = np.zeros(len(track.t))
    g = np.array(s["gravity"])
    for b, body in enumerate(s["bodies"]):
        local = np.einsum("nji,nj->ni", track.rotation(b), track.w[:, b])
        total += 0.5 * body["mass"] * np.sum(track.v[:, b] ** 2, axis=1)
        total += 0.5 * np.sum(np.array(body["inertia"]) * local ** 2, axis=1) - body["mass"] * track.p[:, b] @ g
    for spring in s["springs"]:
        length = np.linalg.norm(track.point(spring["a"], spring["pa"]) - track.point(spring["b"], spring["pb"]), axis=1)
        total += 0.5 * spring["k"] * (length - spring["length"]) ** 2
    return total


def deepest(track):
    """Largest penetration [m] of a sphere with a sphere, of a sphere or a box's corners with plane and walls."""
    s, depth = track.scene, 0.0
    spheres = [(b, x["radius"]) for b, body in enumerate(s["bodies"]) for x in body["shapes"] if x["type"] == "sphere"]
    if len(spheres) > 1 and len(s["bodies"]) == len(spheres):
        radii = np.array([r for _, r in spheres])
        for n in range(len(track.t)):
            d = np.linalg.norm(track.p[n][:, None] - track.p[n][None], axis=2) - radii[:, None] - radii[None]
            depth = max(depth, -float(np.min(d + 1e9 * np.eye(len(radii)))))
    for b, body in enumerate(s["bodies"]):
        for x in body["shapes"]:
            if x["type"] == "sphere":
                corners, r = [track.p[:, b]], x["radius"]
            else:
                h = np.array(x["size"]) / 2
                corners = [track.point(b, h * [i, j, k]) for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)]
                r = 0.0
            for c in corners:
                depth = max(depth, worst(np.maximum(0, r - c[:, 2])))
                for wall in s["ground"]:
                    if wall["type"] == "box":  # inside by how much, along the nearest face
                        inside = np.min(np.array(wall["size"]) / 2 + r - np.abs(c - np.array(wall["p"])), axis=1)
                        depth = max(depth, worst(np.maximum(0, inside)))
    return depth


def figures(scene, result):
    if result["status"] != "ok":
        return []
    track, out, ref = Track(scene, result), [], scene["reference"]
    if track.blown:
        return [("state", math.nan, "blown up")]
    fixed = [j for j in scene["joints"] if j["type"] == "fixed"]
    if ref.get("still"):
        out.append(("displacement", worst(np.linalg.norm(track.p - track.p[0], axis=2)), "m"))
    if scene["group"] == "fixed_joints" or ref.get("weld"):
        gaps = [joint_gap(track, j) for j in fixed]
        out += [("weld error", max(g for g, _ in gaps), "m"), ("weld error", max(a for _, a in gaps), "rad")]
    if ref.get("closure"):
        gaps = [joint_gap(track, j) for j in scene["joints"]]
        out += [("closure", max(g for g, _ in gaps), "m"), ("closure", max(a for _, a in gaps), "rad")]
    if ref.get("energy"):
        e = energy(track)
        out.append(("energy drift", worst(e - e[0]), "J"))
        if abs(e[0]) > 1e-3:
            out.append(("relative drift", worst(e - e[0]) / abs(e[0]), ""))
    for point in ref.get("points", []):
        i = track.index(point["t"])
        value = math.nan if i is None else float(np.linalg.norm(track.point(point["body"], point["local"])[i] - point["p"]))
        out.append((f"position error at {point['t']} s", value, "m"))
    for turn in ref.get("turn", []):
        i = track.index(turn["t"])
        R = track.rotation(turn["body"])
        now = math.atan2(R[i][1, 0], R[i][0, 0]) - math.atan2(R[0][1, 0], R[0][0, 0]) if i is not None else math.nan
        out.append((f"crank error at {turn['t']} s", abs(math.remainder(now - turn["angle"], 2 * math.pi)), "rad"))
    for height in ref.get("heights", []):
        i = track.index(height["t"])
        out.append((f"slider error at {height['t']} s",
                    abs(track.p[i, height["body"], 2] - height["z"]) if i is not None else math.nan, "m"))
    return out + contact(scene, track, ref)


def contact(scene, track, ref):
    out = []
    if "slide" in ref:
        moved = float(track.p[-1, 0, 0] - track.p[0, 0, 0])
        if ref["slide"] == 0:
            out.append(("creep in 10 s", abs(moved), "m"))
        else:
            half = track.index(track.t[-1] / 2) or len(track.t) // 2
            speed = float(track.v[-1, 0, 0] - track.v[half, 0, 0]) / float(track.t[-1] - track.t[half])
            out.append(("acceleration error", abs(speed / ref["slide"] - 1), "relative"))
    if ref.get("stand"):
        d = track.p - track.p[0]
        out += [("sideways", worst(np.linalg.norm(d[:, :, :2], axis=2)), "m"), ("sinking", worst(d[:, :, 2]), "m")]
    if ref.get("heights_kept"):
        e = energy(track)
        ground = scene["bodies"][0]["shapes"][0]["radius"] * scene["bodies"][0]["mass"] * neutral.G
        out.append(("height error", worst(e[-1:] - e[0]) / float(e[0] - ground), "relative"))
    if ref.get("energy_square"):
        e = energy(track)
        out.append(("mean squared energy error", float(np.mean((e - e[0]) ** 2)), "J2"))
    if "roll" in ref:
        v, w = track.v[-1, 0], track.w[-1, 0]
        out += [("slip v - w r", abs(float(v[0] - w[1] * ref["roll"]["radius"])), "m/s"),
                ("speed error", abs(float(v[0]) - ref["roll"]["speed"]), "m/s")]
    if "rolling" in ref:
        r, t = ref["rolling"], track.t[:, None]
        slab = track.v[:, 0] - np.array(r["direction"]) * r["slab"] * t
        ball = track.v[:, 1] - np.array(r["direction"]) * r["ball"] * t
        out.append(("mean squared velocity error", float(np.mean(np.sum(slab ** 2 + ball ** 2, axis=1))), "m2/s2"))
    if ref.get("penetration") or ref.get("bin"):
        out.append(("penetration", deepest(track), "m"))
    if ref.get("bin"):
        inside = np.all(np.abs(track.p[-1, :, :2]) < 0.5, axis=1) & (track.p[-1, :, 2] > 0)
        out += [("boxes lost", float(len(inside) - inside.sum()), ""),
                ("speed at the end", float(np.sqrt(np.mean(np.sum(track.v[-1] ** 2, axis=1)))), "m/s")]
    return out

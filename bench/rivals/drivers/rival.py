"""What the drivers in Python share: the same loop, loads and result as rival.h. The drivers only make worlds."""
import json
import math
import sys
import time


class NotSupported(Exception):
    pass


def mul(a, b):
    return (a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3], a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2],
            a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1], a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0])


def conj(q):
    return (q[0], -q[1], -q[2], -q[3])


def rotate(q, v):
    return mul(mul(q, (0.0, *v)), conj(q))[1:]


def add(a, b):
    return tuple(x + y for x, y in zip(a, b))


def sub(a, b):
    return tuple(x - y for x, y in zip(a, b))


def scale(s, a):
    return tuple(s * x for x in a)


def dot(a, b):
    return sum(x * y for x, y in zip(a, b))


def cross(a, b):
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def from_z(to):
    """A rotation that takes z to the unit vector `to`."""
    if to[2] < -0.999999:
        return (0.0, 1.0, 0.0, 0.0)
    q = (1 + to[2], -to[1], to[0], 0.0)
    n = math.sqrt(dot(q, q))
    return scale(1 / n, q)


def pose_of(scene, body):
    return ((1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0)) if body < 0 else (scene["bodies"][body]["q"], scene["bodies"][body]["p"])


def local(X, q, p):
    """The pose (q, p) of W in the frame X."""
    return mul(conj(X[0]), q), rotate(conj(X[0]), sub(p, X[1]))


def frames(scene, joint):
    """The joint's frame at the start, z along its axis, on both bodies."""
    q = from_z(joint["axis"])
    return local(pose_of(scene, joint["a"]), q, joint["p"]), local(pose_of(scene, joint["b"]), q, joint["p"])


class Loads:
    def __init__(self, scene, world):
        self.scene, self.world = scene, world
        self.hinges = []
        for d in scene["drives"]:
            j = scene["joints"][d["joint"]]
            qa = pose_of(scene, j["a"])[0]
            self.hinges.append((d, j, mul(conj(qa), pose_of(scene, j["b"])[0]), rotate(conj(qa), j["axis"])))
        self.any = bool(scene["drives"] or scene["forces"] or scene["springs"])

    def of(self, body):
        return ((0, 0, 0), (1, 0, 0, 0), (0, 0, 0), (0, 0, 0)) if body < 0 else self.world.state(body)

    def apply(self, t):
        for f in self.scene["forces"]:
            if f["begin"] <= t < f["end"]:
                self.world.apply(f["body"], f["force"], f["torque"])
        for d, j, start, axis in self.hinges:
            a, b = self.of(j["a"]), self.of(j["b"])
            turn = mul(mul(conj(a[1]), b[1]), conj(start))
            angle = math.remainder(2 * math.atan2(dot(turn[1:], axis), turn[0]), 2 * math.pi)
            om, u = 2 * math.pi * d["frequency"], rotate(a[1], axis)
            torque = (d["kp"] * (d["offset"] + d["amplitude"] * math.sin(om * t + d["phase"]) - angle)
                      + d["kd"] * (d["amplitude"] * om * math.cos(om * t + d["phase"]) - dot(u, sub(b[3], a[3]))))
            self.world.apply(j["b"], (0, 0, 0), scale(torque, u))
            if j["a"] >= 0:
                self.world.apply(j["a"], (0, 0, 0), scale(-torque, u))
        for s in self.scene["springs"]:
            a, b = self.of(s["a"]), self.of(s["b"])
            ra, rb = rotate(a[1], s["pa"]), rotate(b[1], s["pb"])
            line = sub(add(b[0], rb), add(a[0], ra))
            length = math.sqrt(dot(line, line))
            rate = sub(add(b[2], cross(b[3], rb)), add(a[2], cross(a[3], ra)))
            pull = scale((s["k"] * (length - s["length"]) + s["c"] * dot(line, rate) / length) / length, line)
            if s["a"] >= 0:
                self.world.apply(s["a"], pull, cross(ra, pull))
            if s["b"] >= 0:
                self.world.apply(s["b"], scale(-1, pull), cross(rb, scale(-1, pull)))


def run(scene, world):
    loads = Loads(scene, world)
    t, states, cpu_at, n, spent = [0.0], [], [0.0], 0, 0.0

    def sample():
        row = []
        for b in range(len(scene["bodies"])):
            for part in world.state(b):
                row += [float(x) for x in part]
        states.append([x if math.isfinite(x) else None for x in row])
    sample()
    steps, stride = round(scene["duration"] / scene["dt"]), max(1, round(scene["every"] / scene["dt"]))
    made = [0] * len(scene["joints"])
    run_time = [k for k, j in enumerate(scene["joints"]) if "at" in j]
    single = loads.any or bool(run_time)
    while n < steps and spent < scene.get("budget", 60):
        until = min(steps, n + stride)
        begin = time.process_time()
        if not single:
            world.advance(until - n, scene["dt"])
            n = until
        while n < until:
            now = n * scene["dt"]
            for k in run_time:
                j = scene["joints"][k]
                if made[k] == 0 and now >= j["at"] - 1e-9:
                    world.attach(k)
                    made[k] = 1
                if made[k] == 1 and now >= j.get("until", 1e300) - 1e-9:
                    world.detach(k)
                    made[k] = 2
            if loads.any:
                loads.apply(now)
            world.advance(1, scene["dt"])
            n += 1
        spent += time.process_time() - begin
        sample()
        t.append(n * scene["dt"])
        cpu_at.append(spent)
    return {"status": "ok", "us_per_step": 1e6 * spent / max(1, n), "steps": n, "t": t, "cpu_at": cpu_at, "states": states}


def main(engine, version, make):
    with open(sys.argv[1], encoding="utf-8") as file:
        scene = json.load(file)
    setting = sys.argv[2]
    result = {"engine": engine, "version": version, "setting": setting, "scene": scene["name"], "dt": scene["dt"]}
    try:
        if any("drive" in j for j in scene["joints"]):
            raise NotSupported("drives of joints are explicit torques here")
        world = make(scene, setting)
        result["words"] = world.words
        result.update(run(scene, world))
    except NotSupported as why:
        result["status"] = str(why)
    except Exception as error:  # the rival's own, whatever it is: it becomes the row's text
        result["status"] = "failed: " + " ".join(str(error).split())[:200]
    print(json.dumps(result))

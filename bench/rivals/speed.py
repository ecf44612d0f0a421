"""The speed group: kernels and whole steps of a 7-joint arm, models in contact, boxes in a bin; ns and steps/s."""
import csv
import json
import os
import pathlib
import re
import statistics
import subprocess

import metrics
import scenes as neutral

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODELS = ROOT.parent / "shared/data/mjcf"
# name, file of MuJoCo's format, setting of its driver
MJCF = [("humanoid, 27 DoF, lying in contact", "mujoco_tests/model/humanoid/humanoid.xml", "settled"),
        ("quadruped (Unitree A1), standing", "menagerie_2022/unitree_a1/scene.xml", "settled"),
        ("arm (Franka Panda), its drives, no contact", "menagerie_2022/franka_emika_panda/panda.xml", "settled"),
        ("shadow hand", "menagerie_2022/shadow_hand/scene_right.xml", "settled")]


def measure(arguments, engines, run_once, write_tables):
    """Rows of (case, engine, setting, part, value, unit, note); write_tables(rows) is called after every case."""
    rounds = 1 if arguments.quick else arguments.rounds
    chosen = arguments.engines.split(",") if arguments.engines else list(engines)
    cache = pathlib.Path(os.environ.get("GEOUL_RIVALS", pathlib.Path.home() / ".cache/geoul-rivals"))
    kept = cache / "rows-speed.json"
    rows = [tuple(row) for row in json.loads(kept.read_text())] if arguments.resume and kept.exists() else []

    def done(case):
        return any(row[0] == case for row in rows)

    def written(rows_so_far):
        kept.write_text(json.dumps(rows_so_far))
        write_tables(rows_so_far)

    def many(case, scene, settings, engine_names, use):
        if done(case):
            return
        file = cache / f"scene-{os.getpid()}.json"
        file.write_text(json.dumps(scene))
        results = {}
        for _ in range(rounds):
            for name in engine_names:
                for setting in settings(name):
                    old = results.get((name, setting), [])
                    if old and (old[0]["status"] != "ok" or old[0].get("us_per_step", 0) * old[0].get("steps", 0) > 20e6):
                        continue
                    results.setdefault((name, setting), []).append(run_once(name, setting, scene, file))
        file.unlink()
        for (name, setting), got in results.items():
            rows.extend(use(name, setting, got))
            print(rows[-1], flush=True)
        written(rows)

    def kernels(name, setting, got):
        first = got[0]
        if first["status"] != "ok":
            return [("kernels, 7-joint arm", first["engine"], setting, "", None, "ns", first["status"])]
        return [("kernels, 7-joint arm", f"{first['engine']} {first['version']}", "", kernel,
                 statistics.median(g["kernels"][kernel] for g in got), "ns", "ok") for kernel in first["kernels"]]

    def steps(title, begin=0.0, end=1e9, part=""):
        def use(name, setting, got):
            first = got[0]
            if first["status"] != "ok":
                return [(title, first["engine"], setting, part, None, "steps/s", first["status"])]
            rates = []
            for g in (g for g in got if g["status"] == "ok"):
                inside = [i for i, t in enumerate(g["t"]) if begin - 1e-9 <= t <= end + 1e-9]
                if len(inside) < 2 or g["cpu_at"][inside[-1]] <= g["cpu_at"][inside[0]]:
                    return [(title, first["engine"], setting, part, None, "steps/s", f"cut at {g['t'][-1]:.3g} s")]
                n = (g["t"][inside[-1]] - g["t"][inside[0]]) / first["dt"]
                rates.append(n / (g["cpu_at"][inside[-1]] - g["cpu_at"][inside[0]]))
            note = "; ".join(f"{n} {v:.2g} {u}" for n, v, u in metrics.figures(use.scene, first))
            return [(title, first["engine"], setting, part, statistics.median(rates), "steps/s", note or "ok")]
        return use

    passive, driven = neutral.scenes("speed")
    for scene in (passive, driven):
        scene["duration"], scene["every"], scene["budget"] = (0.5, 0.1, 3) if arguments.quick else (5, 0.5, arguments.budget)
    many("kernels, 7-joint arm", passive, lambda _: ["kernels"], [n for n in chosen if n in ("geoul", "mujoco", "mujoco2", "pinocchio")], kernels)
    for scene in (passive, driven):
        use = steps(scene["name"] + ", whole step")
        use.scene = scene
        many(scene["name"] + ", whole step", scene, lambda name: engines[name][1], chosen, use)
    box = next(s for s in neutral.scenes("contact") if s["name"].startswith("100 boxes"))
    box["duration"], box["budget"] = (1.0, 5) if arguments.quick else (6.0, 2 * arguments.budget)

    def both(name, setting, got):
        parts = []
        for part, begin, end in (("dropping", 0, 1), ("settled", 4, 6)):
            use = steps(box["name"], begin, end, part)
            use.scene = box
            parts += use(name, setting, got)
        return parts
    many(box["name"], box, lambda name: engines[name][2], chosen, both)
    rows.extend(models([case for case in MJCF if not done(case[0])], chosen, engines, rounds, cache))
    written(rows)


def without_meshes(file, cache):
    """A copy of a model without its visual meshes, whose files the data set leaves out; includes written in."""
    text = file.read_text()
    for name in re.findall(r'<include file="([^"]+)"/>', text):
        inner = re.search(r"<mujoco[^>]*>(.*)</mujoco>", (file.parent / name).read_text(), re.S).group(1)
        text = text.replace(f'<include file="{name}"/>', inner)
    text = re.sub(r'<(mesh|texture|material|hfield|skin)\b[^>]*?/>', "", text)
    text = re.sub(r'<geom\b[^>]*\bmesh="[^"]*"[^>]*/>', "", text)
    text = re.sub(r'\smaterial="[^"]*"', "", text)
    text = re.sub(r'<geom\s+type="mesh"([^>]*)/>', r'<geom\1/>', text)
    copy = cache / f"model-{os.getpid()}.xml"
    copy.write_text(text)
    return copy


def models(cases, chosen, engines, rounds, cache):
    rows = []
    for title, path, setting in cases:
        for name in [n for n in chosen if n in ("geoul", "mujoco", "mujoco2")]:
            file = without_meshes(MODELS / path, cache)
            got = []
            for _ in range(rounds):
                done = subprocess.run(engines[name][0](str(file), setting), capture_output=True, text=True, check=False, cwd="/tmp",
                                      timeout=600)
                lines = [x for x in done.stdout.splitlines() if x.startswith("{")]
                got.append(json.loads(lines[-1]) if lines else {"status": "failed: " + (done.stderr.strip() or "no output")[-120:]})
            file.unlink()
            if got[0]["status"] != "ok":
                rows.append((title, name, "", "", None, "steps/s", got[0]["status"]))
            else:
                first = got[0]
                rows.append((title, name, "its own file", f"dt {first['dt'] * 1e3:g} ms, {first['nv']} DoF, {first['contacts']:.1f} contacts",
                             1e6 / statistics.median(g["us_per_step"] for g in got), "steps/s", "ok"))
            print(rows[-1], flush=True)
    return rows


def write(rows, folder, machine):
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "speed.csv", "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["case", "engine", "setting", "part", "value", "unit", "note"])
        out.writerows(rows)
    text = ["# Rivals: speed", "", machine, ""]
    for title in dict.fromkeys(row[0] for row in rows):
        text += [f"## {title}", "", "| engine | setting | part | value | note |", "|---|---|---|---|---|"]
        for _, engine, setting, part, value, unit, note in (row for row in rows if row[0] == title):
            shown = "-" if value is None else f"{value:.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"
            text.append(f"| {engine} | {setting} | {part} | {shown} | {'' if note == 'ok' else note} |")
        text.append("")
    (folder / "speed.md").write_text("\n".join(text).rstrip() + "\n")

"""Error against cost, one SVG a scene: each engine and setting a point; log axes; errors below 1e-16 drawn there."""
import math
import re

import matplotlib

matplotlib.use("Agg")
matplotlib.rcParams["svg.hashsalt"] = "geoul"
import matplotlib.pyplot as plt  # noqa: E402

# what stands on the error axis: the first of these that a scene has
ERRORS = ["position error at 10 s", "crank error at 0.05 s", "slider error at 2 s", "weld error", "displacement",
          "mean squared velocity error", "mean squared energy error", "height error", "creep in 10 s",
          "acceleration error", "sideways", "speed error", "penetration", "energy drift"]
FLOOR = 1e-16
# an engine has the same colour in every picture
ENGINES = ["geoul", "mujoco", "mujoco2", "bullet", "ode", "dart", "simbody", "pinocchio", "drake", "newton", "physx", "jolt",
           "rapier"]


def error_of(row):
    for wanted in ERRORS:
        for name, value, unit in row.get("figures", []):
            if name == wanted and isinstance(value, float) and math.isfinite(value):
                return name, unit, max(value, FLOOR)
    return None


def error_against_cost(group, rows, folder):
    """Files written: one for each scene in which at least three rows have an error and a cost."""
    files = []
    for scene in dict.fromkeys(row["scene"] for row in rows):
        points = [(row, error_of(row)) for row in rows if row["scene"] == scene and "us_per_step" in row and error_of(row)]
        if len(points) < 3:
            continue
        figure, axes = plt.subplots(figsize=(7, 4.5))
        engines = {row["key"]: row["engine"] for row, _ in points}
        colours = plt.get_cmap("tab20")
        for row, (_, _, error) in points:
            seconds = row["dt"] if row["dt"] > 0 else 1.0
            cost = row["us_per_step"] * 1e-6 / seconds  # CPU time for one second of the world
            marker = {"default": "o", "accurate": "s"}.get(row["setting"], "^")
            axes.scatter(cost, error, color=colours(ENGINES.index(row["key"])), marker=marker, s=46,
                         edgecolors="black" if row["key"] == "geoul" else "none", zorder=3 if row["key"] == "geoul" else 2)
        for key, engine in engines.items():
            axes.scatter([], [], color=colours(ENGINES.index(key)), label=engine)
        axes.set_xscale("log"), axes.set_yscale("log")
        axes.set_xlabel("CPU seconds for one second of the scene")
        axes.set_ylabel(f"{points[0][1][0]} [{points[0][1][1]}]")
        axes.set_title(f"{scene}: circle default, square accurate, triangle other")
        axes.grid(True, which="major", alpha=0.3)
        axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
        file = folder / f"{group}_{re.sub('[^A-Za-z0-9]+', '_', scene).strip('_')}.svg"
        figure.savefig(file, bbox_inches="tight", metadata={"Date": None})
        plt.close(figure)
        files.append(file)
    return files

#!/usr/bin/env python3
"""Draws what bench/reality_gap judges: a trial of each experiment against its record, and the errors of all predictors.

    build/release/bin/reality_gap --data FOLDER --table bench/results/reality_gap.csv --path /tmp/gap
    bench/reality_gap_picture.py bench/results/reality_gap.csv /tmp/gap bench/results/reality_gap.svg
"""
import csv
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402  (after the backend)


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="ascii") as file:
        rows = list(csv.DictReader(file))
    figure, axes = plt.subplots(1, 3, figsize=(15, 4.2), width_ratios=[1, 1, 1.1])
    for experiment, axis in ((1, axes[0]), (2, axes[1])):
        with open(f"{sys.argv[2]}{experiment}.csv", encoding="ascii") as file:
            path = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
        t = [p["t"] for p in path]
        for name, colour in (("x", "C0"), ("z", "C1")):
            axis.plot(t, [1000 * p[f"{name}_recorded"] for p in path], colour, label=f"{name}, recorded")
            axis.plot(t, [1000 * p[f"{name}_predicted"] for p in path], colour + "--", label=f"{name}, predicted")
        axis.set(xlabel="time from the onset [s]", ylabel="displacement [mm]", title=f"experiment {experiment}, one trial")
        axis.legend(fontsize=7)
    names = list(dict.fromkeys(row["predictor"] for row in rows))
    for experiment, offset in (("1", -0.2), ("2", 0.2)):
        errors = {row["predictor"]: 1000 * float(row["mean_m"]) for row in rows if row["experiment"] == experiment}
        axes[2].barh([i + offset for i in range(len(names))], [min(errors.get(name, 0), 1e3) for name in names], 0.38,
                     label=f"experiment {experiment}")
        for i, name in enumerate(names):
            if errors.get(name, 0) > 1e3:
                axes[2].text(600, i + offset, "blown up", va="center", ha="right", fontsize=6, color="white")
    axes[2].set_yticks(range(len(names)), names, fontsize=7)
    axes[2].invert_yaxis()
    axes[2].set(xscale="log", xlim=(5, 1e3), xlabel="mean error over the judged trials [mm]")
    axes[2].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(sys.argv[3], metadata={"Date": None})


if __name__ == "__main__":
    main()

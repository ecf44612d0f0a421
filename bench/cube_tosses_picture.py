#!/usr/bin/env python3
"""Draws the tosses that bench/figures dynamics judges: one toss against its record, and the errors of all.

    build/release/bin/cube_tosses --table bench/results/cube_tosses.csv --path toss.csv
    bench/cube_tosses_picture.py bench/results/cube_tosses.csv toss.csv bench/results/cube_tosses.svg
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
        tosses = list(csv.DictReader(file))
    with open(sys.argv[2], encoding="ascii") as file:
        path = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4))
    for axis, colour in (("z", "C0"), ("x", "C1"), ("y", "C2")):
        left.plot([p["t"] for p in path], [p[f"{axis}_recorded"] for p in path], colour, label=f"{axis}, recorded")
        left.plot([p["t"] for p in path], [p[f"{axis}_predicted"] for p in path], colour + "--", label=f"{axis}, predicted")
    left.set(xlabel="time [s]", ylabel="centre of the cube [m]", title="one toss, from its first state")
    left.legend(fontsize=7)
    judged = [t for t in tosses if t["judged"] == "1"]
    right.hist([1000 * float(t["position_m"]) for t in judged], bins=30)
    right.set(xlabel="mean position error of a toss [mm]", ylabel="tosses", title=f"{len(judged)} judged tosses")
    figure.tight_layout()
    figure.savefig(sys.argv[3], metadata={"Date": None})


if __name__ == "__main__":
    main()

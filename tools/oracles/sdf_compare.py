#!/usr/bin/env python3
"""Compares Geoul's reading of SDF files with that of libsdformat 12 (Debian libsdformat-dev). Run by hand:

    g++ -std=c++20 -O2 -I. tools/oracles/sdf_dump.cpp build/release/geoul/scene/libgeoul_scene.a \\
        build/release/geoul/core/libgeoul_core.a -lpugixml -lspdlog -lfmt -o /tmp/sdf_dump
    g++ -std=c++17 -O2 $(pkg-config --cflags sdformat12) tools/oracles/sdformat_dump.cpp \\
        $(pkg-config --libs sdformat12) -o /tmp/sdformat_dump
    tools/oracles/sdf_compare.py /tmp/sdf_dump /tmp/sdformat_dump FOLDER [--search FOLDER]...

Prints a Markdown row a file: what both say, and where both load it the largest relative differences of mass, centre
and inertia, of the entries of the links' poses and of the joint axes (in the world), and of position limits.
"""
import argparse
import os
import re
import subprocess
import sys

ENDLESS = 1e16


def run(program, file, search):
    out = subprocess.run([program, file, *search], capture_output=True, text=True, timeout=60)
    lines = out.stdout.splitlines()
    if not lines or out.returncode != 0:
        return "crashed", {}, {}, []
    links, joints, warnings = {}, {}, []
    for line in lines[1:]:
        word = line.split(" ")
        if word[0] == "link":
            links[word[1]] = [float(x) for x in word[2:]]
        elif word[0] == "joint":
            joints[word[1]] = (word[2], [float(x) for x in word[3:]])
        elif word[0] == "warning":
            warnings.append(word[1])
    return lines[0], links, joints, warnings


def clean(name):
    return "/" + "/".join(re.sub(r"\W", "_", part) for part in name.split("::"))


def worst(pairs):
    largest = 0.0
    for a, b in pairs:
        if abs(a) >= ENDLESS and abs(b) >= ENDLESS and a * b > 0:
            continue
        largest = max(largest, abs(a - b) / max(1.0, abs(a), abs(b)))
    return largest


def pose_pairs(a, b):
    sign = 1 if sum(x * y for x, y in zip(a[13:17], b[13:17])) >= 0 else -1
    return list(zip(a[10:13], b[10:13])) + [(x, sign * y) for x, y in zip(a[13:17], b[13:17])]


def compare(ours, theirs):
    _, our_links, our_joints, _ = ours
    _, their_links, their_joints, _ = theirs
    their_links = {clean(k): v for k, v in their_links.items()}
    their_joints = {clean(k): v for k, v in their_joints.items()}
    our_links = {k: v for k, v in our_links.items() if not k.endswith("_between")}
    our_joints = {k.replace("/joints/", "/"): v for k, v in our_joints.items()}
    if set(our_links) != set(their_links):
        return "links differ: " + ", ".join(sorted(set(our_links) ^ set(their_links))[:4])
    for k in list(their_joints):  # libsdformat renames joints that share a link's name
        if k.endswith("_joint") and k not in our_joints and k[:-6] in our_joints:
            their_joints[k[:-6]] = their_joints.pop(k)
    missing = [k for k in their_joints if k not in our_joints and their_joints[k][0] != "gearbox"]
    common = [k for k in their_joints if k in our_joints]
    mass = worst([p for k in our_links for p in zip(our_links[k][:10], their_links[k][:10])])
    pose = worst([p for k in our_links for p in pose_pairs(our_links[k], their_links[k])])
    with_axis = [k for k in common if their_joints[k][0] not in ("fixed", "ball")
                 and any(their_joints[k][1][:3])]
    axis = worst([p for k in with_axis for p in zip(our_joints[k][1][:3], their_joints[k][1][:3])])
    limits = worst([p for k in with_axis if their_joints[k][0] != "continuous"
                    for p in zip(our_joints[k][1][3:], their_joints[k][1][3:])])
    note = f"; joints left out: {len(missing)}" if missing else ""
    return f"{len(our_links)} links, {len(common)} joints: mass {mass:.0e}, poses {pose:.0e}, axes {axis:.0e}, limits {limits:.0e}{note}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ours")
    parser.add_argument("theirs")
    parser.add_argument("folder")
    parser.add_argument("--search", action="append", default=[])
    a = parser.parse_args()
    files = sorted(os.path.join(d, f) for d, _, names in os.walk(a.folder) for f in names if f.endswith(".sdf"))
    count = {"both load": 0, "both refuse": 0, "only Geoul loads": 0, "only libsdformat loads": 0}
    print("| file | Geoul | libsdformat 12 | difference |\n|---|---|---|---|")
    for file in files:
        ours, theirs = run(a.ours, file, a.search), run(a.theirs, file, a.search)
        loads = (ours[0] == "ok", theirs[0] == "ok")
        count[{(True, True): "both load", (False, False): "both refuse", (True, False): "only Geoul loads",
               (False, True): "only libsdformat loads"}[loads]] += 1
        difference = compare(ours, theirs) if loads == (True, True) else ""
        say = []
        for side in (ours, theirs):
            text = side[0] if side[0] in ("ok", "crashed") else side[0][8:].replace(a.folder, "").replace("|", "/")
            say.append(text if len(text) < 150 else text[:147] + "...")
        print(f"| {os.path.relpath(file, a.folder)} | {say[0]} | {say[1]} | {difference} |")
    print("\n" + ", ".join(f"{k}: {v}" for k, v in count.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Writes small random USD scenes that mix all composition arcs, for usd_compare.py: arcs that nobody thought of.

    tools/oracles/usd_random.py FOLDER COUNT [SEED]      writes FOLDER/0000/root.usda, ...
    tools/oracles/usd_compare.py /tmp/usd_dump FOLDER

Each scene has a root layer with a sublayer and two referenced layers. Circles and missing prims happen: usd-core leaves
such an arc out, as Geoul does after saying so.
"""
import pathlib
import random
import sys

ROOTS = ["A", "B", "C", "D"]
NAMES = ["a", "b"]


class Writer:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.count = 0

    def path(self):
        r = self.random
        return "/" + "/".join([r.choice(ROOTS)] + [r.choice(NAMES) for _ in range(r.choice([0, 0, 0, 1, 1]))])

    def fields(self, layer, in_variant):
        r = self.random
        out = []
        if r.random() < 0.08:
            out.append(f"inherits = <{self.path()}>")
        if r.random() < 0.06:
            out.append(f"specializes = <{self.path()}>")
        if r.random() < 0.12:
            asset = r.choice(["", "", "@ref1.usda@", "@ref2.usda@"]) if layer != "ref2" else r.choice(["", "@ref1.usda@"])
            offset = f" (offset = {r.randint(1, 9)})" if asset and r.random() < 0.3 else ""
            keyword = r.choice(["references", "prepend references", "append references", "payload"])
            out.append(f"{keyword} = {asset}<{self.path()}>{offset}")
        if r.random() < 0.08 and not in_variant:
            out.append("instanceable = true")
        if r.random() < 0.15:
            out.append("variants = {\n    string v = \"%s\"\n}" % r.choice(["x", "y"]))
        return out

    def prim(self, name, layer, depth, in_variant=False):
        r = self.random
        fields = self.fields(layer, in_variant)
        variants = r.random() < 0.15
        if variants:
            fields.append("prepend variantSets = \"v\"")
        word = r.choices(["def", "over", "class"], [6, 3, 1])[0]
        text = f'{word} "{name}" (\n' + "\n".join(fields) + "\n)\n{\n" + self.body(layer, depth, in_variant)
        if variants:
            text += 'variantSet "v" = {\n'
            for choice in ("x", "y"):
                inner = [f for f in self.fields(layer, True) if "variants" not in f]
                text += f'"{choice}" (\n' + "\n".join(inner) + "\n) {\n" + self.body(layer, depth, True) + "}\n"
            text += "}\n"
        return text + "}\n"

    def body(self, layer, depth, in_variant):
        r = self.random
        text = ""
        for attribute in ("p", "q"):
            if r.random() < 0.5:
                self.count += 1
                text += f'custom string {attribute} = "{layer} {self.count}"\n'
        if r.random() < 0.15:
            text += f"custom double t.timeSamples = {{ {r.randint(0, 3)}: 1, {r.randint(4, 9)}: 2 }}\n"
        if r.random() < 0.25:
            text += f"{r.choice(['', 'prepend ', 'append ', 'delete '])}rel r = <{self.path()}>\n"
        if depth < 1:
            for name in NAMES:
                if r.random() < 0.4:
                    text += self.prim(name, layer, depth + 1, in_variant)
        return text

    def layer(self, name, head=""):
        text = "#usda 1.0\n(\n    metersPerUnit = 1\n    upAxis = \"Z\"\n" + head + ")\n"
        for root in ROOTS:
            if self.random.random() < 0.8:
                text += self.prim(root, name, 0)
        return text


def main():
    folder, count = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    for i in range(count):
        writer = Writer(seed * 1000003 + i)
        here = folder / f"{i:04d}"
        here.mkdir(parents=True, exist_ok=True)
        head = f"    subLayers = [@sub.usda@ (offset = {writer.random.randint(0, 5)})]\n"
        if writer.random.random() < 0.3:
            a, b = writer.random.choice(ROOTS), writer.random.choice(NAMES)
            head += f"    relocates = {{ </{a}/{b}> : </{a}/moved> }}\n"
        (here / "root.usda").write_text(writer.layer("root", head))
        for name in ("sub", "ref1", "ref2"):
            (here / f"{name}.usda").write_text(writer.layer(name))


if __name__ == "__main__":
    main()

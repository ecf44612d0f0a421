#!/usr/bin/env python3
"""Writes a plant of many equal machines as OpenUSD text, for bench/scenes_figures: one file of a machine, and one of
lines of instances of it.

    bench/scenes/make_plant.py FOLDER [--prims 150000] [--copies reference|instance|plain]

A machine has 68 prims: a base that is fixed to the floor, 13 parts fixed to it and each other, a turning table and a
slide, two shapes for each, a material. FOLDER gets machine.usda and plant.usda, about as many prims as asked for.
`plain` writes every machine out instead of referencing it.
"""
import argparse
import pathlib

PARTS = 16
PRIMS = 68  # of a machine


def part(index):
    height = 0.1 * index
    return f'''
    def Xform "part_{index}" (
        prepend apiSchemas = ["PhysicsRigidBodyAPI", "PhysicsMassAPI"]
    )
    {{
        float physics:mass = {2 + index}
        float3 physics:diagonalInertia = (0.1, 0.1, 0.1)
        point3f physics:centerOfMass = (0, 0, 0.05)
        double3 xformOp:translate = (0, 0, {height})
        uniform token[] xformOpOrder = ["xformOp:translate"]
        def Cube "hull" (
            prepend apiSchemas = ["PhysicsCollisionAPI", "MaterialBindingAPI"]
        )
        {{
            double size = 1
            double3 xformOp:scale = (0.2, 0.2, 0.08)
            uniform token[] xformOpOrder = ["xformOp:scale"]
            rel material:binding = </Machine/Looks/steel>
        }}
        def Cylinder "cover"
        {{
            uniform token axis = "Z"
            double radius = 0.09
            double height = 0.09
            rel material:binding = </Machine/Looks/steel>
        }}
    }}'''


def joint(index):
    kind = {PARTS - 2: "PhysicsRevoluteJoint", PARTS - 1: "PhysicsPrismaticJoint"}.get(index, "PhysicsFixedJoint")
    body0 = f"\n        rel physics:body0 = </Machine/part_{index - 1}>" if index else ""
    axis = "" if kind == "PhysicsFixedJoint" else '\n        uniform token physics:axis = "Z"'
    limits = "\n        float physics:lowerLimit = -0.2\n        float physics:upperLimit = 0.2" if "Prismatic" in kind else ""
    height = 0.1 if index else 0
    # The machine's place is not known here, so the joint to the floor names the prim that the instance stands in.
    floor = "\n        rel physics:body0 = </Machine>" if not index else ""
    return f'''
    def {kind} "joint_{index}"
    {{{body0}{floor}
        rel physics:body1 = </Machine/part_{index}>{axis}{limits}
        point3f physics:localPos0 = (0, 0, {height})
        quatf physics:localRot0 = (1, 0, 0, 0)
        point3f physics:localPos1 = (0, 0, 0)
        quatf physics:localRot1 = (1, 0, 0, 0)
    }}'''


def machine(name="Machine"):
    text = f'def Xform "{name}"\n{{' + "".join(part(i) for i in range(PARTS)) + "".join(joint(i) for i in range(PARTS))
    text += '''
    def Scope "Looks"
    {
        def Material "steel" (
            prepend apiSchemas = ["PhysicsMaterialAPI"]
        )
        {
            float physics:staticFriction = 0.6
            float physics:dynamicFriction = 0.5
            token outputs:surface.connect = </Machine/Looks/steel/surface.outputs:surface>
            def Shader "surface"
            {
                uniform token info:id = "UsdPreviewSurface"
                color3f inputs:diffuseColor = (0.6, 0.6, 0.65)
                token outputs:surface
            }
        }
    }
}
'''
    return text


HEADER = '#usda 1.0\n(\n    defaultPrim = "{}"\n    metersPerUnit = 1\n    upAxis = "Z"\n)\n'


def plant(count, copies):
    out = [HEADER.format("Plant"), 'def PhysicsScene "physics"\n{\n}\ndef Xform "Plant"\n{\n']
    flag = "        instanceable = true\n" if copies == "instance" else ""
    for line in range((count + 99) // 100):
        out.append(f'def Xform "line_{line}"\n{{\n')
        for place in range(min(100, count - 100 * line)):
            pose = (f"    double3 xformOp:translate = ({1.5 * place}, {3 * line}, 0)\n"
                    '    uniform token[] xformOpOrder = ["xformOp:translate"]\n')
            if copies == "plain":
                body = machine(f"machine_{place}").replace("</Machine", f"</Plant/line_{line}/machine_{place}")
                out.append(body.replace("{", "{\n" + pose, 1))
            else:
                out.append(f'def Xform "machine_{place}" (\n        prepend references = @machine.usda@\n{flag}    )\n'
                           "{\n" + pose + "}\n")
        out.append("}\n")
    out.append("}\n")
    return "".join(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--prims", type=int, default=150000)
    parser.add_argument("--copies", choices=["reference", "instance", "plain"], default="instance")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    (arguments.folder / "machine.usda").write_text(HEADER.format("Machine") + machine())
    (arguments.folder / "plant.usda").write_text(plant(arguments.prims // PRIMS, arguments.copies))


if __name__ == "__main__":
    main()

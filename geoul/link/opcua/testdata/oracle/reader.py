"""Looks at the twin's OPC UA server with PyPI asyncua: the foreign client of the tests of geoul/link/opcua.

    reader.py URL FOLDER MODE [--user NAME --password WORD] [--nodesets FOLDER] [--watch SECONDS]

MODE: none, sign or encrypt. FOLDER keeps this client's certificate between runs. Prints one JSON object: what stands under
DeviceSet, each node as {path: [type, value, status, source time in 100 ns since 1601]}, the namespaces, the endpoints, and
with --nodesets what deviates from those nodesets. With --watch, how many values of the first axis came in that time.
Exit codes: 0 done; 3 not let in (the reason on standard error).
"""
import argparse
import asyncio
import json
import logging
import pathlib
import sys
import xml.etree.ElementTree as ElementTree

import certificate as certificates
from asyncua import Client, ua
from asyncua.crypto.security_policies import SecurityPolicyAes256Sha256RsaPss

DI, ROBOTICS = "http://opcfoundation.org/UA/DI/", "http://opcfoundation.org/UA/Robotics/"
MACHINERY = "http://opcfoundation.org/UA/Machinery/"
NODESET = "{http://opcfoundation.org/UA/2011/03/UANodeSet.xsd}"


def plain(value):
    if isinstance(value, (bool, int, float, str)) or value is None:
        return value
    if isinstance(value, ua.LocalizedText):
        return value.Text
    if isinstance(value, ua.EUInformation):
        return {"unit": value.DisplayName.Text, "id": value.UnitId, "uri": value.NamespaceUri}
    if isinstance(value, ua.Range):
        return [value.Low, value.High]
    return str(value)


async def walk(client, node, path, found, seen):
    """All below a node: objects and variables, each once."""
    names = {}
    for reference in await node.get_references(ua.ObjectIds.Aggregates, ua.BrowseDirection.Forward):
        if reference.NodeId in seen or reference.NodeClass not in (ua.NodeClass.Object, ua.NodeClass.Variable):
            continue
        seen.add(reference.NodeId)
        child = client.get_node(reference.NodeId)
        where = f"{path}/{reference.BrowseName.Name}"
        entry = {"namespace": names.setdefault(reference.BrowseName.NamespaceIndex, reference.BrowseName.NamespaceIndex),
                 "type": (await client.get_node(reference.TypeDefinition).read_browse_name()).Name,
                 "type_namespace": reference.TypeDefinition.NamespaceIndex}
        if reference.NodeClass == ua.NodeClass.Variable:
            data = await child.read_data_value(raise_on_bad_status=False)
            entry["value"] = plain(data.Value.Value) if data.Value else None
            entry["status"] = data.StatusCode.name
            entry["time"] = ua.datetime_to_win_epoch(data.SourceTimestamp) if data.SourceTimestamp else None
            entry["writable"] = ua.AccessLevel.CurrentWrite in await child.get_user_access_level()
        found[where] = entry
        await walk(client, child, where, found, seen)


def declarations(file, wanted):
    """{browse name of a mandatory child: browse name of its type or None} of an object type, from a nodeset's XML."""
    nodes = {n.get("NodeId"): n for n in ElementTree.parse(file).getroot() if n.get("NodeId")}
    name = lambda node: node.get("BrowseName").split(":")[-1]
    owner = next(n for n in nodes.values() if n.tag == NODESET + "UAObjectType" and name(n) == wanted)
    out = {}
    for node in nodes.values():
        references = [(r.get("ReferenceType"), r.text, r.get("IsForward", "true")) for r in node.iter(NODESET + "Reference")]
        below = node.get("ParentNodeId") == owner.get("NodeId") or any(
            t == owner.get("NodeId") and forward == "false" and kind in ("HasComponent", "HasProperty") for kind, t, forward in references)
        if below and ("HasModellingRule", "i=78", "true") in references:
            kind = next((t for k, t, _ in references if k == "HasTypeDefinition"), None)
            out[name(node)] = name(nodes[kind]) if kind in nodes else None
    return out


def deviations(found, folder):
    """What instances lack that their type in the nodesets makes mandatory."""
    file = next(pathlib.Path(folder).rglob("Opc.Ua.Robotics.NodeSet2.xml"))
    out = []
    for path, entry in found.items():
        if entry["type"] not in ("MotionDeviceSystemType", "MotionDeviceType", "AxisType", "ControllerType", "SafetyStateType",
                                 "PowerTrainType", "MotorType", "TaskControlType", "LoadType"):
            continue
        for name, kind in declarations(file, entry["type"]).items():
            child = found.get(f"{path}/{name}")
            if child is None:
                out.append(f"{path}: no {name}")
            elif kind is not None and child["type"] != kind:
                out.append(f"{path}/{name}: {child['type']}, not {kind}")
    return out


class Counter:
    def __init__(self):
        self.values = []

    def datachange_notification(self, node, value, data):
        self.values.append(value)


async def watch(client, seconds, path):
    counter = Counter()
    node = await client.nodes.objects.get_child(path)
    subscription = await client.create_subscription(50, counter)
    await subscription.subscribe_data_change(node, queuesize=100, sampling_interval=10)
    await asyncio.sleep(seconds)
    await subscription.delete()
    return len(counter.values)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("folder")
    parser.add_argument("mode", choices=["none", "sign", "encrypt"])
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--nodesets")
    parser.add_argument("--watch", type=float, default=0)
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    folder = pathlib.Path(arguments.folder)
    der, pem = folder / "reader.der", folder / "reader.pem"
    if not der.exists():
        certificates.make(folder, "reader", "urn:geoul.test:reader")
    client = Client(arguments.url, timeout=20)
    client.application_uri = "urn:geoul.test:reader"
    if arguments.mode != "none":
        mode = ua.MessageSecurityMode.Sign if arguments.mode == "sign" else ua.MessageSecurityMode.SignAndEncrypt
        await client.set_security(SecurityPolicyAes256Sha256RsaPss, str(der), str(pem), mode=mode)
    if arguments.user:
        client.set_user(arguments.user)
        client.set_password(arguments.password)
    try:
        await client.connect()
    except Exception as error:
        print(repr(error), file=sys.stderr)
        sys.exit(3)
    try:
        namespaces = await client.get_namespace_array()
        di, robotics, machinery = (namespaces.index(uri) for uri in (DI, ROBOTICS, MACHINERY))
        found = {}
        device_set = await client.nodes.objects.get_child([f"{di}:DeviceSet"])
        await walk(client, device_set, "", found, set())
        machines = await client.nodes.objects.get_child([f"{machinery}:Machines"])
        out = {"namespaces": namespaces, "nodes": found,
               "machines": [(await n.read_browse_name()).Name for n in await machines.get_children(refs=ua.ObjectIds.Organizes)],
               "endpoints": sorted({f"{e.SecurityMode.name} {e.SecurityPolicyUri.split('#')[1]}" for e in await client.get_endpoints()}),
               "robotics": robotics, "di": di}
        out["first_axis"] = next((p for p, e in found.items() if e["type"] == "AxisType"), None)
        if arguments.nodesets:
            out["deviations"] = deviations(found, arguments.nodesets)
        if arguments.watch:
            position = next(p for p, e in found.items() if p.endswith("/ActualPosition"))
            steps, at = [f"{di}:DeviceSet"], ""
            for name in position.split("/")[1:]:
                at += "/" + name
                steps.append(f"{found[at]['namespace']}:{name}")
            out["watched"] = await watch(client, arguments.watch, steps)
        print(json.dumps(out))
    finally:
        await client.disconnect()


asyncio.run(main())

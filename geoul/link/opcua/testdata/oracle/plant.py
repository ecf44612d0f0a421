"""A plant that speaks OPC UA, by PyPI asyncua: the foreign server of the tests of geoul/link/opcua.

    plant.py FOLDER [--port N] [--days D] [--signals N] [--rate HZ]

FOLDER takes the certificate. Prints 'ready PORT THUMBPRINT' when it listens on 127.0.0.1, then obeys lines on standard
input, each answered by 'ok' or 'error WHY':
    set NAME VALUE STATUS TIME_NS   a value of a variable, with status code (hex) and source time
    get NAME                        answers 'ok TYPE VALUE'
    event SEVERITY TEXT             an event of the robot
    burst NAME COUNT                COUNT values 0, 1, 2, ... at once
It ends with its standard input. With --rate every signal counts up, that many times a second, all at once.
Users: 'geoul' with password 'mirror' may write; so may those without a name.
"""
import argparse
import asyncio
import datetime
import logging
import socket
import sys

import certificate as certificates
from asyncua import Server, ua
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.user_managers import UserManager

URI = "http://geoul.test/plant"


class Users(UserManager):
    def get_user(self, iserver, username=None, password=None, certificate=None):
        if username is None:
            return User(role=UserRole.User)
        if username == "geoul" and password in ("mirror", b"mirror"):
            return User(role=UserRole.User, name="geoul")
        return None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def time_of(ns):
    return datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(microseconds=ns // 1000)


class Plant:
    def __init__(self, server):
        self.server, self.nodes, self.signals, self.events = server, {}, [], None

    async def variable(self, parent, name, value, kind=None, writable=False):
        node = await parent.add_variable(ua.NodeId(f"Robot.{name}", self.index), ua.QualifiedName(name, self.index), value, kind)
        if writable:
            await node.set_writable()
        self.nodes[name] = node
        return node

    async def build(self, count):
        self.index = await self.server.register_namespace(URI)
        robot = await self.server.nodes.objects.add_object(ua.NodeId("Robot", self.index), ua.QualifiedName("Robot", self.index))
        axis = await robot.add_object(self.index, "Axis1")
        for i in range(count):
            self.signals.append(await self.variable(robot, f"Signal{i:03d}", 0.0, ua.VariantType.Double))
        position = await self.variable(axis, "ActualPosition", 0.25, ua.VariantType.Double)
        unit = ua.EUInformation(NamespaceUri="http://www.opcfoundation.org/UA/units/un/cefact", UnitId=4405297,
                                DisplayName=ua.LocalizedText("rad"), Description=ua.LocalizedText("radian"))
        await position.add_property(ua.NodeId(f"Robot.Unit", self.index), ua.QualifiedName("EngineeringUnits", 0), unit)
        for name, value, kind in (
                ("Speed", 5, ua.VariantType.Int16), ("Small", 1, ua.VariantType.Byte), ("Ready", False, ua.VariantType.Boolean),
                ("Label", "cell", ua.VariantType.String), ("Big", 9007199254740993, ua.VariantType.Int64),
                ("Setpoint", 1.5, ua.VariantType.Float)):
            await self.variable(robot, name, value, kind, writable=True)
        await self.variable(robot, "Locked", 3, ua.VariantType.Int32)
        await self.variable(robot, "Torques", [1.0, 2.0, 3.0], ua.VariantType.Double, writable=True)
        await robot.add_method(ua.NodeId("Robot.Add", self.index), ua.QualifiedName("Add", self.index), self.add,
                               [ua.VariantType.Double, ua.VariantType.Int32], [ua.VariantType.Double])
        level = await self.variable(robot, "Level", 0.0, ua.VariantType.Double)
        await self.server.historize_node_data_change(level, period=None, count=10_000)
        self.events = await self.server.get_event_generator(emitting_node=robot)

    @staticmethod
    def add(_parent, a, b):
        if b.Value < 0:
            return ua.StatusCode(ua.StatusCodes.BadOutOfRange)
        return [ua.Variant(a.Value + b.Value, ua.VariantType.Double)]

    async def write(self, name, variant, status, ns):
        value = ua.DataValue(variant, StatusCode=ua.StatusCode(status), SourceTimestamp=time_of(ns))
        await self.server.write_attribute_value(self.nodes[name].nodeid, value)

    async def obey(self, words):
        if words[0] == "set":
            _, name, text, status, ns = words
            kind = (await self.nodes[name].read_data_value(raise_on_bad_status=False)).Value.VariantType
            value = float(text) if kind in (ua.VariantType.Double, ua.VariantType.Float) else int(text)
            await self.write(name, ua.Variant(value, kind), int(status, 16), int(ns))
        elif words[0] == "get":
            variant = (await self.nodes[words[1]].read_data_value()).Value
            return f"{variant.VariantType.name} {variant.Value}"
        elif words[0] == "event":
            self.events.event.Severity = int(words[1])
            self.events.event.SourceName = "Robot"
            await self.events.trigger(message=" ".join(words[2:]))
        elif words[0] == "burst":
            begin = datetime.datetime.now(datetime.timezone.utc)
            for i in range(int(words[2])):
                value = ua.DataValue(ua.Variant(float(i), ua.VariantType.Double),
                                     SourceTimestamp=begin + datetime.timedelta(microseconds=i))
                await self.server.write_attribute_value(self.nodes[words[1]].nodeid, value)
        else:
            raise ValueError(f"no such command: {words[0]}")
        return ""

    async def play(self, rate):
        loop = asyncio.get_running_loop()
        due, count = loop.time(), 0
        while True:
            count += 1
            value = ua.DataValue(ua.Variant(float(count), ua.VariantType.Double),
                                 SourceTimestamp=datetime.datetime.now(datetime.timezone.utc))
            for node in self.signals:
                await self.server.write_attribute_value(node.nodeid, value)
            due += 1 / rate
            await asyncio.sleep(max(0.0, due - loop.time()))


async def commands(plant):
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        try:
            print("ok", await plant.obey(line.decode().split()), flush=True)
        except Exception as error:  # told to the test, which fails
            print("error", repr(error), flush=True)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--signals", type=int, default=100)
    parser.add_argument("--rate", type=float, default=0)
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    port = arguments.port or free_port()
    der, pem, print_ = certificates.make(arguments.folder, "plant", "urn:geoul.test:plant", arguments.days)
    server = Server(user_manager=Users())
    await server.init()
    await server.set_application_uri("urn:geoul.test:plant")
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}/plant/")
    server.set_security_policy([
        ua.SecurityPolicyType.NoSecurity, ua.SecurityPolicyType.Basic256Sha256_Sign,
        ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt, ua.SecurityPolicyType.Aes256Sha256RsaPss_SignAndEncrypt])
    await server.load_certificate(str(der))
    await server.load_private_key(str(pem))
    plant = Plant(server)
    await plant.build(arguments.signals)
    async with server:
        print("ready", port, print_, flush=True)
        player = asyncio.create_task(plant.play(arguments.rate)) if arguments.rate > 0 else None
        await commands(plant)
        if player:
            player.cancel()


asyncio.run(main())

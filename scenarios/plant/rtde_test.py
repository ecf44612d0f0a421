#!/usr/bin/env python3
"""Holds 'geoul_plant rtde' against a client written from the RTDE Guide with nothing but the standard library.

    scenarios/plant/rtde_test.py GEOUL_PLANT FOLDER_OF_RECORDINGS

Prints what is wrong and exits 1 where something is.
"""
import csv
import pathlib
import re
import signal
import socket
import struct
import subprocess
import sys

FORMATS = {"DOUBLE": "d", "INT32": "i", "UINT32": "I", "UINT64": "Q", "UINT8": "B", "BOOL": "?", "VECTOR3D": "3d",
           "VECTOR6D": "6d", "VECTOR6INT32": "6i", "VECTOR6UINT32": "6I"}


class Robot:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)

    def send(self, kind, payload=b""):
        self.socket.sendall(struct.pack(">HB", 3 + len(payload), ord(kind)) + payload)

    def take(self, count):
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def receive(self):
        size, kind = struct.unpack(">HB", self.take(3))
        return chr(kind), self.take(size - 3)

    def ask(self, kind, payload=b""):
        self.send(kind, payload)
        while True:
            got, answer = self.receive()
            if got == kind:
                return answer

    def setup(self, frequency, names):
        answer = self.ask("O", struct.pack(">d", frequency) + ",".join(names).encode())
        return answer[0], answer[1:].decode().split(",")


def rows_of(file):
    with open(file, newline="") as stream:
        return list(csv.DictReader(stream.read().splitlines()))


def check(robot, rows):
    assert robot.ask("V", struct.pack(">H", 1)) == b"\0", "version 1 is accepted"
    assert robot.ask("V", struct.pack(">H", 2)) == b"\1", "version 2 is refused"
    assert len(robot.ask("v")) == 16
    assert robot.setup(25, ["actual_q", "nothing"])[1] == ["VECTOR6D", "NOT_FOUND"]
    assert robot.ask("S") == b"\0", "a start without a valid recipe is accepted"
    names = ["timestamp", "actual_q", "joint_mode", "robot_mode", "actual_digital_input_bits", "payload_cog"]
    recipe, types = robot.setup(25, names)
    assert types == ["DOUBLE", "VECTOR6D", "VECTOR6INT32", "INT32", "UINT64", "VECTOR3D"], types
    form = ">B" + "".join(FORMATS[t] for t in types)
    assert robot.ask("S") == b"\1"
    by_time = {float(row["timestamp"]): row for row in rows}
    seen = 0
    while seen < 20:
        kind, payload = robot.receive()
        if kind != "U":
            continue
        values = struct.unpack(form, payload)
        assert values[0] == recipe
        row = by_time[values[1]]
        columns = [f"actual_q_{i}" for i in range(6)] + [f"joint_mode_{i}" for i in range(6)] + \
            ["robot_mode", "actual_digital_input_bits"] + [f"payload_cog_{i}" for i in range(3)]
        assert list(values[2:]) == [float(row[c]) for c in columns], (values, row)
        seen += 1
    assert robot.ask("P") == b"\1"


def main(program, folder):
    files = [str(pathlib.Path(folder) / name) for name in ("L1L2.csv", "L2L3.csv")]
    plant = subprocess.Popen([program, "rtde", "--port", "0", "--rows", "--wait", *files], stdout=subprocess.PIPE, text=True)
    try:
        line = plant.stdout.readline()
        port = int(re.search(r":(\d+) plays 105 rows of 83 variables", line).group(1))
        check(Robot(port), rows_of(files[0]) + rows_of(files[1]))
        hostile = Robot(port)
        hostile.socket.sendall(b"\0\1X")
        assert b"size of 1 bytes" in hostile.receive()[1]
        try:
            hostile.receive()
            sys.exit("a package with a size of 1 byte does not end the connection")
        except EOFError:
            pass
        again = subprocess.run([program, "rtde", "--port", str(port), *files], capture_output=True, text=True)
        assert again.returncode == 2 and "the port is in use" in again.stderr, again
    finally:
        plant.send_signal(signal.SIGTERM)
    assert plant.wait(10) == 0, plant.returncode
    wrong = subprocess.run([program, "rtde", "/nowhere.csv"], capture_output=True, text=True)
    assert wrong.returncode == 2 and "/nowhere.csv" in wrong.stderr, wrong


if __name__ == "__main__":
    main(*sys.argv[1:])

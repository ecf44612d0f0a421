#!/usr/bin/env python3
"""Holds 'geoul_plant machine' against clients of RTDE and of MQTT with Sparkplug B that are written from the
specifications with nothing but the standard library.

    scenarios/plant/machine_test.py GEOUL_PLANT

Prints what is wrong and exits 1 where something is. Without a mosquitto the part over MQTT is skipped, and says so.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile

from rtde_test import FORMATS, Robot
from sparkplug_client import SparkplugClient, free_port

RUN, HOLD, STOP, RESET, SPEED, GO, PAYLOAD, RELEASE = range(1, 9)
DONE, UNDER_WAY, REFUSED, BAD_ARGUMENT, UNKNOWN, INTERRUPTED = range(1, 7)
OUTPUTS = ["timestamp", "actual_q", "target_q", "actual_TCP_pose", "safety_status", "runtime_state", "speed_scaling",
           "target_speed_fraction", "payload", "output_int_register_24", "output_int_register_25",
           "output_int_register_26"]
INPUTS = ["input_int_register_24", "input_int_register_25"] + [f"input_double_register_{k}" for k in range(24, 30)]


class Machine:
    """Of RTDE: rows as dictionaries, commands by registers."""

    def __init__(self, port, frequency=500):
        self.robot = Robot(port)
        assert self.robot.ask("V", struct.pack(">H", 2)) == b"\1"
        self.recipe, types = self.robot.setup(frequency, OUTPUTS)
        self.form = ">B" + "".join(FORMATS[t] for t in types)
        self.widths = [6 if t == "VECTOR6D" else 1 for t in types]
        self.inputs = self.reserve(INPUTS)
        assert self.robot.ask("S") == b"\1"

    def reserve(self, names):
        answer = self.robot.ask("I", ",".join(names).encode())
        assert answer[0] and b"NOT_FOUND" not in answer and b"IN_USE" not in answer, answer
        return answer[0]

    def row(self):
        while True:
            kind, payload = self.robot.receive()
            if kind != "U":
                continue
            values = list(struct.unpack(self.form, payload))
            assert values.pop(0) == self.recipe
            row = {}
            for name, width in zip(OUTPUTS, self.widths):
                row[name] = values[0] if width == 1 else values[:width]
                del values[:width]
            return row

    def rows(self, count):
        return [self.row() for _ in range(count)]

    def command(self, number, kind, arguments=()):
        arguments = list(arguments) + [0.0] * (6 - len(arguments))
        self.robot.send("U", struct.pack(">Bii6d", self.inputs, number, kind, *arguments))
        for _ in range(1000):
            row = self.row()
            if row["output_int_register_24"] == number:
                return row["output_int_register_25"]
        sys.exit(f"command {number} is not answered within 2 s")

    def until(self, what, seconds=20):
        for _ in range(int(seconds * 500)):
            row = self.row()
            if what(row):
                return row
        sys.exit(f"what was waited for did not come in {seconds} s: {row}")


def start(program, *words):
    plant = subprocess.Popen([program, "machine", *words], stdout=subprocess.PIPE, text=True)
    return plant, plant.stdout.readline()


def end(plant):
    plant.send_signal(signal.SIGTERM)
    plant.communicate(timeout=10)
    assert plant.returncode == 0, plant.returncode


def check_rtde(program, folder):
    truth = folder / "truth.json"
    plant, line = start(program, "--protocol", "rtde", "--port", "0", "--seed", "5", "--idle", "--truth", str(truth),
                        "--fault", "friction@1000:2:0.5")
    try:
        machine = Machine(int(re.search(r"a machine at rtde://127.0.0.1:(\d+)", line).group(1)))
        hidden = json.loads(truth.read_text())
        rows = machine.rows(500)
        steps = [b["timestamp"] - a["timestamp"] for a, b in zip(rows, rows[1:])]
        drift = 1 + hidden["hidden"]["clock"]["drift"]
        assert max(abs(step - 0.002 * drift) for step in steps) < 1e-8, (min(steps), max(steps))
        since = rows[0]["timestamp"] - hidden["hidden"]["clock"]["uptime"]
        assert -1e-8 < since < 10, since
        assert rows[-1]["runtime_state"] == 1 and rows[-1]["safety_status"] == 1
        assert hidden["faults"] == [{"kind": "friction", "time": 1000, "joint": 2, "size": 0.5}], hidden["faults"]

        assert machine.command(1, RUN) == DONE
        machine.until(lambda row: row["runtime_state"] == 2 and row["speed_scaling"] == 1)
        assert machine.command(2, HOLD) == DONE
        machine.until(lambda row: row["runtime_state"] == 4 and row["speed_scaling"] == 0)
        assert machine.command(3, RUN) == DONE
        assert machine.command(2, HOLD) == DONE, "a number that comes again is answered again"
        assert machine.rows(250)[-1]["runtime_state"] == 2, "and not executed again"
        assert machine.command(4, 77) == UNKNOWN
        assert machine.command(5, SPEED, [2]) == BAD_ARGUMENT
        assert machine.command(6, GO, rows[0]["target_q"]) == REFUSED
        assert machine.command(7, RESET) == REFUSED
        assert machine.command(8, PAYLOAD, [1.3, 0, 0, 0.06]) == DONE
        assert machine.until(lambda row: row["payload"] == 1.3)
        slider = machine.reserve(["speed_slider_mask", "speed_slider_fraction"])
        machine.robot.send("U", struct.pack(">BId", slider, 1, 0.5))
        machine.until(lambda row: row["speed_scaling"] == 0.5 and row["target_speed_fraction"] == 0.5)
        assert machine.command(9, STOP) == DONE
        machine.until(lambda row: row["runtime_state"] == 1 and row["speed_scaling"] == 0)
        machine.robot.send("U", struct.pack(">BId", slider, 1, 1.0))
        goal = [q + 0.15 for q in machine.row()["target_q"]]
        assert machine.command(10, GO, goal) == UNDER_WAY
        row = machine.until(lambda row: row["output_int_register_25"] == DONE)
        assert max(abs(a - b) for a, b in zip(row["actual_q"], goal)) < 3e-3, (row["actual_q"], goal)
    finally:
        end(plant)


def check_stop(program):
    plant, line = start(program, "--protocol", "rtde", "--port", "0", "--seed", "6", "--fault", "collision@3:2:300")
    try:
        machine = Machine(int(re.search(r":(\d+)$", line.strip()).group(1)))
        machine.until(lambda row: row["safety_status"] == 3)
        assert machine.command(1, RUN) == REFUSED
        machine.until(lambda row: row["speed_scaling"] == 0)
        machine.rows(100)  # until nothing pushes any more
        assert machine.command(2, RESET) == DONE
        assert machine.command(3, RUN) == DONE
        machine.until(lambda row: row["safety_status"] == 1 and row["speed_scaling"] == 1)
    finally:
        end(plant)


def check_fast(program, folder):
    def rows(name, *words):
        file = folder / name
        subprocess.run([program, "machine", "--fast", "--duration", "3", "--output", str(file), *words], check=True,
                       capture_output=True)
        return file.read_bytes()

    one = rows("one.csv", "--seed", "4", "--fault", "friction@1:1:0.5")
    assert one == rows("same.csv", "--seed", "4", "--fault", "friction@1:1:0.5"), "a seed gives other rows"
    assert one != rows("other.csv", "--seed", "5", "--fault", "friction@1:1:0.5")
    header = one.splitlines()[0].decode().split(",")
    assert header[0] == "timestamp" and {"actual_q_5", "target_moment_0", "actual_TCP_force_2"} <= set(header), header
    assert len(one.splitlines()) == 1 + 3 * 125
    wrong = subprocess.run([program, "machine", "--fast", "--fault", "rust@3:1"], capture_output=True, text=True)
    assert wrong.returncode == 2 and "there is no 'rust'" in wrong.stderr, wrong
    wrong = subprocess.run([program, "machine", "--fast", "--scene", "/nowhere.usda"], capture_output=True, text=True)
    assert wrong.returncode == 2 and "/nowhere.usda" in wrong.stderr, wrong


def check_mqtt(program, folder):
    mosquitto = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin")
    if not mosquitto:
        print("skipped: the machine over MQTT, for there is no mosquitto (tools/setup build)")
        return
    port = free_port()
    (folder / "broker.conf").write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    broker = subprocess.Popen([mosquitto, "-c", str(folder / "broker.conf")], stderr=subprocess.DEVNULL)
    try:
        client = SparkplugClient(port, "Geoul", "ur3e_cell", "robot")
        plant, line = start(program, "--protocol", "mqtt", "--url", f"mqtt://127.0.0.1:{port}", "--seed", "5", "--idle")
        try:
            assert "as Geoul/ur3e_cell/robot" in line, line
            client.until(lambda v: "actual_q_5" in v and "answer/words" in v)
            assert not [name for name in client.values if "friction" in name or "truth" in name]
            said = client.rows
            client.until(lambda v: client.rows >= said + 250)

            def command(number, kind, arguments=()):
                writes = [(f"command/argument_{k}", float(a)) for k, a in enumerate(arguments)]
                client.write(writes + [("command/kind", kind), ("command/number", number)])
                client.until(lambda v: v["answer/number"] == number)
                return client.values["answer/code"], client.values["answer/words"]

            assert command(1, RUN) == (DONE, "it runs")
            client.until(lambda v: v["runtime_state"] == 2 and v["speed_scaling"] == 1)
            assert command(2, HOLD) == (DONE, "it holds")
            client.until(lambda v: v["speed_scaling"] == 0)
            assert command(3, RUN)[0] == DONE
            assert command(2, HOLD)[0] == DONE, "a number that comes again is answered again"
            client.until(lambda v: v["speed_scaling"] == 1)  # and not executed again
            code, words = command(4, GO, [0] * 6)
            assert code == REFUSED and words == "it moves; hold it first", words
        finally:
            end(plant)
    finally:
        broker.send_signal(signal.SIGTERM)
        broker.wait(10)


def main(program):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        check_fast(program, folder)
        check_rtde(program, folder)
        check_stop(program)
        check_mqtt(program, folder)


if __name__ == "__main__":
    main(*sys.argv[1:])

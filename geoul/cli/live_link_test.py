"""What plants do wrong, told by the real program: each is one line with its remedy, in the log and in the message /links,
while the twin goes on and what it recorded stays whole. Real brokers (mosquitto) and a real OPC UA server (asyncua).

python3 geoul/cli/live_link_test.py PATH_TO_GEOUL
"""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import cli_test
from cli_test import ROOT, SCENARIO, Served, Socket, unpacked

MOSQUITTO = "/usr/sbin/mosquitto" if pathlib.Path("/usr/sbin/mosquitto").exists() else shutil.which("mosquitto")
ASYNCUA = ROOT / "build/python/opcua/bin/python"
GATEWAY = ROOT / "gateway/opcua/node_modules"
ORACLE = ROOT / "geoul/link/opcua/testdata/oracle"
JOINT = "/Cell/UR3e/Joints/elbow"
START = 1_700_000_000.0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def eventually(holds, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.05)
    return bool(holds())


def messages(recording, topic):
    """How many messages of a topic an MCAP file holds (records 4: channel, 5: message)."""
    count, ids, data = 0, set(), unpacked(recording)
    whole = recording
    for part in (whole, data[len(whole):]):
        at = 8 if part is whole else 0
        while at + 9 <= len(part):
            opcode, size = struct.unpack_from("<BQ", part, at)
            body = part[at + 9 : at + 9 + size]
            if opcode == 4:
                id_, _, length = struct.unpack_from("<HHI", body, 0)
                if body[8 : 8 + length].decode() == topic:
                    ids.add(id_)
            if opcode == 5 and part is not whole and struct.unpack_from("<H", body, 0)[0] in ids:
                count += 1
            at += 9 + size
    return count


class Twin:
    """geoul run --live on a site of one joint, with its log and the newest /links by a WebSocket."""

    def __init__(self, test, url, more="", signals="{q: {name: 'arm#/q'}}"):
        self.test, self.lines, self.links, self.joints, self.arrivals = test, [], b"", 0, []
        site = test.folder / "plant.yaml"
        site.write_text(f"site: plant\nscene: cell.usda\nlinks:\n  - id: plant\n    url: \"{url}\"\n    period_s: 0.01\n{more}"
                        f"    signals: {signals}\nbind:\n  joints:\n    - {{joint: {JOINT}, position: plant/q}}\n")
        self.out = test.folder / "out"
        self.process = subprocess.Popen([cli_test.GEOUL, "run", site, "--live", "--port", "0", "--out", self.out],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        test.addCleanup(self.process.kill)
        threading.Thread(target=self.read_log, daemon=True).start()
        test.assertTrue(eventually(lambda: self.port() is not None), self.log())
        threading.Thread(target=self.listen, daemon=True).start()
        test.assertTrue(eventually(lambda: self.links), self.log())

    def read_log(self):
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))

    def log(self):
        return "\n".join(self.lines)

    def port(self):
        found = re.search(r"ws://127\.0\.0\.1:(\d+)", self.log())
        return int(found.group(1)) if found else None

    def listen(self):
        client = Socket(self.port())
        channels = client.until(lambda op, data: json.loads(data)["channels"] if op == 1 and b'"advertise"' in data else None)
        ids = {channel["topic"]: channel["id"] for channel in channels}
        client.send(1, json.dumps({"op": "subscribe", "subscriptions": [
            {"id": 1, "channelId": ids["/links"]}, {"id": 2, "channelId": ids["/joints"]}]}).encode())
        try:
            while True:
                opcode, data = client.receive()
                if opcode != 2 or data[0] != 1:
                    continue
                if struct.unpack("<I", data[1:5])[0] == 1:
                    self.links = data[13:]
                    self.arrivals.append(time.monotonic())
                else:
                    self.joints += 1
        except (OSError, ValueError, struct.error):
            pass

    def says(self, words):
        """The one line of the log that says this, and the same in /links."""
        self.test.assertTrue(eventually(lambda: re.search(words, self.log())), self.log())
        self.test.assertTrue(eventually(lambda: re.search(words.encode(), self.links)), self.links)
        found = [line for line in self.lines if re.search(words, line)]
        self.test.assertEqual(len(found), 1, self.log())
        return found[0]

    def keeps_its_rate(self):
        """The loop says how its links are five times a second, whatever they do."""
        before = len(self.arrivals)
        time.sleep(2)
        self.test.assertGreaterEqual(len(self.arrivals) - before, 6)
        self.test.assertIsNone(self.process.poll())

    def end(self):
        """Ends it, and holds its recording against its report."""
        self.process.send_signal(signal.SIGINT)
        self.test.assertEqual(self.process.wait(timeout=60), 0, self.log())
        report = json.loads((self.out / "report.json").read_text())
        rows = int(re.search(r"(\d+) rows", report["title"]).group(1))
        recorded = messages((self.out / "plant.mcap").read_bytes(), "/joints")
        self.test.assertIn(recorded - rows, (0, 1), f"{recorded} states recorded, {rows} rows")  # and one before all rows
        return rows, {line["name"]: line["value"] for line in report["lines"]}


class Broker:
    def __init__(self, test, tls=""):
        self.port, self.process = free_port(), None
        self.conf = test.folder / "mosquitto.conf"
        self.conf.write_text(("user root\n" if os.geteuid() == 0 else "") + "persistence false\nlog_dest stderr\n"
                             f"max_queued_messages 0\nlistener {self.port} 127.0.0.1\nallow_anonymous true\n{tls}")
        test.addCleanup(self.kill)
        self.start()

    def start(self):
        self.process = subprocess.Popen([MOSQUITTO, "-c", self.conf], stderr=subprocess.DEVNULL)

        def answers():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0

        assert eventually(answers)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def publish(self, values):
        """(time, value) pairs, by one foreign client, as fast as they go."""
        lines = "".join(json.dumps({"t": 1e3 * t, "q": q}) + "\n" for t, q in values)
        subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.port), "-t", "arm", "-l"], input=lines.encode(),
                       check=True, timeout=120)


@unittest.skipUnless(MOSQUITTO and shutil.which("mosquitto_pub"), "mosquitto is absent: 'tools/setup test' installs it")
class OverMqtt(Served):
    PLAIN = "    payload: plain\n    time_pointer: /t\n"

    def test_a_broker_that_vanishes(self):
        broker = Broker(self)
        twin = Twin(self, f"mqtt://127.0.0.1:{broker.port}", self.PLAIN)
        self.assertTrue(eventually(lambda: "link plant: live" in twin.log()), twin.log())
        broker.publish((START + 0.01 * i, 0.001 * i) for i in range(50))
        self.assertTrue(eventually(lambda: twin.joints > 1), twin.joints)
        time.sleep(1)  # clients get the newest of a burst, the recording all of it
        broker.kill()
        self.assertIn("start", twin.says(r"nothing listens there"))
        twin.keeps_its_rate()
        before = twin.joints
        broker.start()
        self.assertTrue(eventually(lambda: twin.log().count("link plant: live") == 2), twin.log())
        broker.publish((START + 100 + 0.01 * i, 0.2 + 0.001 * i) for i in range(50))
        self.assertTrue(eventually(lambda: twin.joints > before))
        rows, figures = twin.end()
        self.assertEqual(rows, 100)
        self.assertEqual(figures["link plant: reconnections"], 1)

    def test_a_flood_of_a_hundred_times_the_rate(self):
        broker = Broker(self)
        twin = Twin(self, f"mqtt://127.0.0.1:{broker.port}", self.PLAIN)
        self.assertTrue(eventually(lambda: "link plant: live" in twin.log()), twin.log())
        flood = threading.Thread(target=broker.publish, args=([(START + 1e-4 * i, 1e-5 * i) for i in range(50_000)],))
        flood.start()  # 100 Hz by the site, 10,000 a second by their times, and as fast as they go
        twin.keeps_its_rate()
        flood.join()
        self.assertTrue(eventually(lambda: b"plant" in twin.links))
        self.assertIsNone(twin.process.poll())
        rows, figures = twin.end()
        self.assertGreater(rows, 0)
        self.assertEqual(figures["link plant: updates dropped"], 0)

    def test_a_clock_that_jumps_back(self):
        broker = Broker(self)
        twin = Twin(self, f"mqtt://127.0.0.1:{broker.port}", self.PLAIN)
        self.assertTrue(eventually(lambda: "link plant: live" in twin.log()), twin.log())
        broker.publish((START + 0.01 * i, 0.001 * i) for i in range(50))
        self.assertTrue(eventually(lambda: twin.joints > 1))
        before = twin.joints
        time.sleep(1)  # those 0.5 s of the plant's time are over
        broker.publish((START - 3600 + 0.01 * i, 0.1 + 0.001 * i) for i in range(50))
        self.assertIn("time server", twin.says(r"the plant's clock went back by 36\d\d s"))
        self.assertTrue(eventually(lambda: twin.joints > before))
        twin.keeps_its_rate()
        rows, _ = twin.end()
        self.assertGreaterEqual(rows, 99)

    def test_a_broker_whose_certificate_has_expired(self):
        def openssl(*words):
            subprocess.run(["openssl", *map(str, words)], cwd=self.folder, check=True, capture_output=True)

        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        openssl("req", "-x509", *key, "-days", 2, "-subj", "/CN=works", "-keyout", "ca.key", "-out", "ca.pem")
        openssl("req", *key, "-subj", "/CN=broker", "-keyout", "broker.key", "-out", "broker.csr")
        (self.folder / "broker.ext").write_text("subjectAltName=IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", "broker.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", -1,
                "-extfile", "broker.ext", "-out", "broker.pem")
        names = [self.folder / name for name in ("ca.pem", "broker.pem", "broker.key")]
        broker = Broker(self, "cafile {}\ncertfile {}\nkeyfile {}\n".format(*names))
        twin = Twin(self, f"mqtts://127.0.0.1:{broker.port}", self.PLAIN + "    ca_file: ca.pem\n")
        twin.says(r"expired")
        twin.keeps_its_rate()
        self.assertNotIn("link plant: live", twin.log())
        twin.process.send_signal(signal.SIGINT)
        self.assertEqual(twin.process.wait(timeout=60), 0)


@unittest.skipUnless(ASYNCUA.exists() and GATEWAY.exists(),
                     "the OPC UA peer or the gateway's packages are absent: 'tools/setup build test' installs them")
class OverOpcua(Served):
    AXIS = "'Objects/2:Robot/2:Axis1/2:ActualPosition'"

    def setUp(self):
        super().setUp()
        os.environ["XDG_STATE_HOME"] = str(self.folder / "state")

    def plant(self, *options):
        process = subprocess.Popen([ASYNCUA, ORACLE / "plant.py", self.folder, *map(str, options)], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdin.close)
        self.addCleanup(process.stdout.close)
        _, port, thumbprint = process.stdout.readline().split()
        return f"opc.tcp://127.0.0.1:{port}/plant/", thumbprint

    def test_a_server_whose_certificate_has_expired(self):
        url, _ = self.plant("--days", -1)
        twin = Twin(self, url, signals=f"{{q: {{name: {self.AXIS}, unit: rad}}}}")
        self.assertIn("make it a new one", twin.says(r"expired on"))
        twin.keeps_its_rate()
        self.assertNotIn("link plant: live", twin.log())

    def test_a_unit_that_does_not_fit(self):
        url, _ = self.plant()
        twin = Twin(self, url, "    security: none\n", f"{{q: {{name: {self.AXIS}, unit: deg}}}}")
        self.assertIn("write 'unit: rad'", twin.says(r"comes in rad, and is taken for 'deg': it is not used"))
        twin.keeps_its_rate()
        rows, _ = twin.end()
        self.assertEqual(rows, 0)

    def test_a_certificate_is_trusted_by_hand(self):
        url, thumbprint = self.plant()
        wrong = cli_test.run("link", "trust", url, "--patience", 60, "--fingerprint", "00" * 20)
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("nothing was trusted", wrong.stderr)
        self.assertIn(thumbprint, wrong.stderr)
        nobody = subprocess.run([cli_test.GEOUL, "link", "trust", url, "--patience", "60"], stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, timeout=120)
        self.assertEqual(nobody.returncode, 2)
        self.assertIn("--fingerprint", nobody.stderr)
        spaced = ":".join(thumbprint[i : i + 2].upper() for i in range(0, 40, 2))
        right = cli_test.run("link", "trust", url, "--patience", 60, "--fingerprint", spaced)
        self.assertEqual(right.returncode, 0, right.stderr)
        again = cli_test.run("link", "trust", url, "--patience", 60)
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertIn("trusted already", again.stderr)
        twin = Twin(self, url, signals=f"{{q: {{name: {self.AXIS}, unit: rad}}}}")
        self.assertTrue(eventually(lambda: "link plant: live" in twin.log()), twin.log())
        other = cli_test.run("link", "trust", "rtde://127.0.0.1")
        self.assertEqual(other.returncode, 2)
        self.assertIn("opc.tcp://", other.stderr)


if __name__ == "__main__":
    cli_test.GEOUL = str(pathlib.Path(sys.argv.pop(1)).resolve())
    with tempfile.TemporaryDirectory() as state:
        os.environ["XDG_STATE_HOME"] = state
        unittest.main(verbosity=2, warnings="ignore")

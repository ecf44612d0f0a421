"""A host of Sparkplug B over MQTT 3.1.1, as far as tests of a plant need it: knows births, keeps the newest values, writes.
Written from the OASIS MQTT 3.1.1 standard and the Sparkplug Specification 3.0.0; nothing but the standard library.
"""
import socket
import struct
import sys
import time

# fields of a metric that hold a value: wire form
INT, LONG, FLOAT, DOUBLE, BOOLEAN, STRING = 10, 11, 12, 13, 14, 15


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def varint(value):
    out = bytearray()
    while True:
        out.append(value & 0x7F | (0x80 if value > 0x7F else 0))
        value >>= 7
        if not value:
            return bytes(out)


def fields(data):
    """(number, value) of a protobuf message: integers for varints, bytes for all else."""
    at = 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = number()
        if key & 7 == 0:
            yield key >> 3, number()
            continue
        size = {1: 8, 5: 4}.get(key & 7) or number()
        yield key >> 3, data[at:at + size]
        at += size


def metric_of(data):
    """(name, alias, value) of a metric; integers that are not negative."""
    found = dict(fields(data))
    name, alias = found.get(1, b"").decode(), found.get(2)
    for number in (INT, LONG, BOOLEAN):
        if number in found:
            return name, alias, found[number]
    for number, form in ((FLOAT, "<f"), (DOUBLE, "<d")):
        if number in found:
            return name, alias, struct.unpack(form, found[number])[0]
    return name, alias, found[STRING].decode() if STRING in found else None


def field(number, wire, payload):
    return varint(number << 3 | wire) + payload


def written(name, value):
    out = field(1, 2, varint(len(name)) + name.encode())
    if isinstance(value, float):
        return out + field(4, 0, varint(10)) + field(DOUBLE, 1, struct.pack("<d", value))
    return out + field(4, 0, varint(4)) + field(LONG, 0, varint(value))


class SparkplugClient:
    def __init__(self, port, group, node, device):
        for _ in range(100):
            try:
                self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
                break
            except ConnectionRefusedError:
                time.sleep(0.1)
        self.topic, self.end = f"spBv1.0/{group}/{{}}/{node}/{device}", f"/{node}/{device}"
        self.aliases, self.values, self.rows, self.buffer = {}, {}, 0, b""
        text = lambda words: struct.pack(">H", len(words)) + words.encode()
        self.send(0x10, text("MQTT") + b"\x04\x02\x00\x00" + text("geoul_test"))
        kind, body = self.receive()
        assert kind == 0x20 and body[1] == 0, body
        self.send(0x82, b"\0\1" + text(f"spBv1.0/{group}/#") + b"\0")
        assert self.receive()[0] == 0x90

    def send(self, kind, body):
        self.socket.sendall(bytes([kind]) + varint(len(body)) + body)

    def take(self, count):
        while len(self.buffer) < count:
            part = self.socket.recv(65536)
            if not part:
                sys.exit("the broker has ended the connection")
            self.buffer += part
        out, self.buffer = self.buffer[:count], self.buffer[count:]
        return out

    def receive(self):
        kind, size, shift = self.take(1)[0], 0, 0
        while True:
            byte = self.take(1)[0]
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return kind & 0xF0, self.take(size)

    def step(self):
        kind, body = self.receive()
        if kind != 0x30:
            return
        length = struct.unpack(">H", body[:2])[0]
        topic = body[2:2 + length].decode()
        if not topic.endswith(self.end) or "/DBIRTH/" not in topic and "/DDATA/" not in topic:
            return
        metrics = [metric_of(value) for number, value in fields(body[2 + length:]) if number == 2]
        for name, alias, value in metrics:
            if name and alias is not None:
                self.aliases[alias] = name
            self.values[name or self.aliases[alias]] = value
        self.rows += "/DDATA/" in topic

    def until(self, what, seconds=20):
        end = time.monotonic() + seconds
        while not what(self.values):
            if time.monotonic() > end:
                sys.exit(f"what was waited for did not come in {seconds} s; answers: " +
                         str({k: v for k, v in self.values.items() if k.startswith("answer")}))
            self.step()

    def write(self, values):
        metrics = b"".join(field(2, 2, varint(len(m)) + m) for m in (written(n, v) for n, v in values))
        payload = field(1, 0, varint(int(time.time() * 1000))) + metrics
        topic = self.topic.format("DCMD").encode()
        self.send(0x30, struct.pack(">H", len(topic)) + topic + payload)

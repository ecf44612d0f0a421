#!/usr/bin/env python3
"""Makes the bags of this folder with PyPI rosbags (geoul/link/dds/testdata/requirements.txt):
build/python/ros/bin/python geoul/runtime/testdata/ros2/make_bag.py

arm/            a rosbag2 folder in MCAP: 50 messages of /arm/joint_states (100 Hz), 10 of /tf, 5 of /gauge, whose type stands
                nowhere but in the file, and one of /blob, which is no CDR
compressed.mcap the same messages in chunks of zstd
"""
import pathlib
import shutil
import tempfile

import numpy
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

HERE = pathlib.Path(__file__).parent
START = 1_700_000_000_000_000_000
GAUGE = "std_msgs/Header header\nhouse_msgs/Reading[2] readings\n"
READING = "string<=20 label\nfloat32 level\nint16[] history\n"


def fill(writer, store):
    joints = store.types["sensor_msgs/msg/JointState"]
    header, time = store.types["std_msgs/msg/Header"], store.types["builtin_interfaces/msg/Time"]
    transform, vector = store.types["geometry_msgs/msg/Transform"], store.types["geometry_msgs/msg/Vector3"]
    turn, stamped = store.types["geometry_msgs/msg/Quaternion"], store.types["geometry_msgs/msg/TransformStamped"]
    gauge, reading = store.types["house_msgs/msg/Gauge"], store.types["house_msgs/msg/Reading"]

    def stamp(ns):
        return time(sec=ns // 10**9, nanosec=ns % 10**9)

    def connect(topic, name):
        connection = writer.add_connection(topic, name, typestore=store)
        return lambda ns, message: writer.write(connection, ns + 1_000_000, store.serialize_cdr(message, name))

    write_joints = connect("/arm/joint_states", "sensor_msgs/msg/JointState")
    write_tf = connect("/tf", "tf2_msgs/msg/TFMessage")
    write_gauge = connect("/gauge", "house_msgs/msg/Gauge")
    blob = writer.add_connection("/blob", "std_msgs/msg/String", typestore=store, serialization_format="ros1")
    writer.write(blob, START, b"\1\2\3")
    for i in range(50):
        now = START + i * 10_000_000
        write_joints(now, joints(header(stamp(now), "base"), ["shoulder", "elbow"], numpy.array([i * 0.5, -i * 0.25]),
                                 numpy.array([1.0, 2.0]), numpy.array([])))
        if i % 5 == 0:
            write_tf(now, store.types["tf2_msgs/msg/TFMessage"]([stamped(
                header(stamp(now), "world"), "base", transform(vector(i * 1.0, 2.0, 3.0), turn(0.0, 0.0, 0.0, 1.0)))]))
        if i % 10 == 0:
            write_gauge(now, gauge(header(stamp(0), ""), [
                reading("oil", 0.5 + i, numpy.array([1, 2], numpy.int16)), reading("air", 7.0, numpy.array([], numpy.int16))]))


def main():
    store = get_typestore(Stores.ROS2_JAZZY)
    store.register({**get_types_from_msg(GAUGE, "house_msgs/msg/Gauge"), **get_types_from_msg(READING, "house_msgs/msg/Reading")})
    shutil.rmtree(HERE / "arm", ignore_errors=True)
    with Writer(HERE / "arm", version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        fill(writer, store)
    with tempfile.TemporaryDirectory() as folder:
        writer = Writer(pathlib.Path(folder) / "bag", version=9, storage_plugin=StoragePlugin.MCAP)
        writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
        with writer:
            fill(writer, store)
        (made,) = (pathlib.Path(folder) / "bag").glob("*.mcap")
        shutil.copy(made, HERE / "compressed.mcap")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Makes the bad messages and definitions of testdata/bad and the seeds of ros_fuzz. Needs nothing but Python."""
import pathlib
import struct

HERE = pathlib.Path(__file__).parent
LITTLE = b"\0\1\0\0"


def u32(value):
    return struct.pack("<I", value)


def text(value):
    data = value + b"\0"
    return u32(len(data)) + data + b"\0" * (-len(data) % 4)


HEADER = struct.pack("<iI", 1, 2) + text(b"base")
JOINTS = LITTLE + HEADER + u32(2) + text(b"a") + text(b"bcde")
IMU = LITTLE + HEADER + b"\0" * 4 + struct.pack("<37d", *range(37))
BIG = 0xFFFFFFFF
PARTS = "=" * 20 + "\nMSG: "

MESSAGES = {
    "empty.cdr": ("std_msgs/Bool", "cut-off", b""),
    "three_bytes.cdr": ("std_msgs/Bool", "cut-off", LITTLE[:3]),
    "encapsulation_only.cdr": ("std_msgs/Bool", "cut-off", LITTLE),
    "parameter_list.cdr": ("std_msgs/Bool", "encapsulation", b"\0\3\0\0\1"),
    "second_encoding.cdr": ("std_msgs/Bool", "encapsulation", b"\0\7\0\0\1"),
    "foreign_encapsulation.cdr": ("std_msgs/Bool", "encapsulation", b"ROS2\1"),
    "big_endian_lie.cdr": ("std_msgs/String", "cut-off", b"\0\0\0\0" + text(b"abc")),
    "number_cut.cdr": ("std_msgs/Float64", "cut-off", LITTLE + b"\0" * 7),
    "string_of_4_GB.cdr": ("std_msgs/String", "cut-off", LITTLE + u32(BIG) + b"abc\0"),
    "string_beyond_end.cdr": ("std_msgs/String", "cut-off", LITTLE + u32(5) + b"abc\0"),
    "string_without_zero.cdr": ("std_msgs/String", "string-end", LITTLE + u32(3) + b"abc"),
    "string_of_one_letter.cdr": ("std_msgs/String", "string-end", LITTLE + u32(1) + b"a"),
    "header_cut.cdr": ("sensor_msgs/JointState", "cut-off", LITTLE + HEADER[:6]),
    "names_4_billion.cdr": ("sensor_msgs/JointState", "count", LITTLE + HEADER + u32(BIG)),
    "names_one_too_many.cdr": ("sensor_msgs/JointState", "count", LITTLE + HEADER + u32(3) + text(b"a")),
    "positions_4_billion.cdr": ("sensor_msgs/JointState", "count", JOINTS + u32(BIG)),
    "positions_times_8_overflow.cdr": ("sensor_msgs/JointState", "count", JOINTS + u32(0x20000001) + b"\0" * 8),
    "positions_cut.cdr": ("sensor_msgs/JointState", "count", JOINTS + u32(2) + b"\0" * 12),
    "efforts_missing.cdr": ("sensor_msgs/JointState", "cut-off", JOINTS + u32(0) + u32(0)),
    "imu_cut.cdr": ("sensor_msgs/Imu", "count", IMU[:-5]),
    "transforms_4_billion.cdr": ("tf2_msgs/TFMessage", "count", LITTLE + u32(BIG)),
    "transform_without_child.cdr": ("tf2_msgs/TFMessage", "count", LITTLE + u32(1) + HEADER),
    "cloud_4_GB.cdr": ("sensor_msgs/PointCloud2", "count",
                       LITTLE + HEADER + u32(1) + u32(1) + u32(0) + u32(0) + u32(16) + u32(16) + u32(BIG)),
    "cloud_fields_4_billion.cdr": ("sensor_msgs/PointCloud2", "count", LITTLE + HEADER + u32(1) + u32(1) + u32(BIG)),
    "image_cut.cdr": ("sensor_msgs/Image", "count",
                      LITTLE + HEADER + u32(2) + u32(2) + text(b"rgb8") + u32(6) + u32(12) + b"\0" * 11),
    "points_4_billion.cdr": ("trajectory_msgs/JointTrajectory", "count",
                             LITTLE + HEADER + u32(1) + text(b"a") + u32(BIG) + b"\0" * 24),
    "point_cut.cdr": ("trajectory_msgs/JointTrajectory", "cut-off",
                      LITTLE + HEADER + u32(0) + u32(1) + u32(1) + struct.pack("<d", 1) + b"\0" * 12),
    "dimensions_4_billion.cdr": ("std_msgs/Float64MultiArray", "count", LITTLE + u32(BIG)),
    "nodes_cut.cdr": ("rmw_dds_common/ParticipantEntitiesInfo", "count", LITTLE + b"\1" * 16 + u32(2) + b"\0" * 10),
}

DEFINITIONS = {
    "no_name.msg": ("a/A", "bad-field", "int8\n"),
    "bad_name.msg": ("a/A", "bad-field", "int8 9x\n"),
    "bad_type.msg": ("a/A", "bad-field", "in-t8 x\n"),
    "bad_type_name.msg": ("A", "bad-field", "int8 x\n"),
    "bad_part.msg": ("a/A", "bad-field", "int8 x\n" + PARTS + "no type\n"),
    "array_of_0.msg": ("a/A", "bad-array", "int8[0] x\n"),
    "array_of_words.msg": ("a/A", "bad-array", "int8[many] x\n"),
    "array_too_large.msg": ("a/A", "bad-array", "int8[99999999999] x\n"),
    "array_open.msg": ("a/A", "bad-array", "int8[3 x\n"),
    "field_twice.msg": ("a/A", "duplicate-field", "int8 x\nint16 x\n"),
    "type_unknown.msg": ("a/A", "unknown-type", "b/B x\n"),
    "type_of_itself.msg": ("a/A", "recursive-type", "A x\n"),
    "type_in_a_circle.msg": ("a/A", "recursive-type", "B[] x\n" + PARTS + "a/B\nA y\n"),
    "type_twice.msg": ("a/A", "duplicate-type", "B x\n" + PARTS + "a/B\nint8 y\n" + PARTS + "a/B\nint8 y\n"),
    "type_40_deep.msg": ("a/A", "recursive-type", "T0 x\n" + "".join(
        f"{PARTS}a/T{i}\nT{i + 1} x\n" for i in range(40)) + PARTS + "a/T40\nint8 x\n"),
    "type_40_deep_upward.msg": ("a/A", "recursive-type", "int8 x\n" + PARTS + "a/T40\nint8 x\n" + "".join(
        f"{PARTS}a/T{i}\nT{i + 1} x\n" for i in reversed(range(40)))),
}


def main():
    bad = HERE / "bad"
    bad.mkdir(exist_ok=True)
    lines = []
    for name, (kind, code, data) in {**MESSAGES, **DEFINITIONS}.items():
        (bad / name).write_bytes(data if isinstance(data, bytes) else data.encode())
        lines.append(f"{name} {kind} {code}\n")
    (bad / "expected.txt").write_text("".join(lines))
    seeds = HERE.parent / "ros_fuzz_seeds"
    seeds.mkdir(exist_ok=True)
    for index in range(60):  # the first byte chooses the type: one message for several of them
        for name, data in (("joints", JOINTS + u32(0) * 3), ("imu", IMU)):
            if index % 15 == 0 or name == "joints":
                (seeds / f"{name}_{index}").write_bytes(bytes([index]) + data)
    (seeds / "definition").write_bytes(b"\xff" + b"B[] x\nstring s\n" + PARTS.encode() + b"a/B\nint8[3] y\n\0" + LITTLE + u32(1) + b"\1\2\3\0" + u32(0))


if __name__ == "__main__":
    main()

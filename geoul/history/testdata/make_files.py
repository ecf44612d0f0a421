#!/usr/bin/env python3
"""Makes the small MCAP files beside it: damaged ones in bad/, sound ones in ../mcap_fuzz_seeds/.

Run once after a change, by hand: python3 geoul/history/testdata/make_files.py. It shares nothing with the C++ encoders.
The sound file holds the messages m1 m2 m3 in one chunk and m4 m5 in a second, log times 1 to 5 ns, channel 1, schema 1.
bad/expected.txt: file, code of the finding ("open": no reader at all), digits of the messages read ("-": none).
"""
import struct
import zlib
from pathlib import Path

HERE = Path(__file__).parent
MAGIC = b"\x89MCAP0\r\n"


def u16(n): return struct.pack("<H", n)
def u32(n): return struct.pack("<I", n)
def u64(n): return struct.pack("<Q", n)
def text(s): return u32(len(s)) + s.encode()


def record(opcode, content, length=None):
    return bytes([opcode]) + u64(len(content) if length is None else length) + content


def mapping(items, pack_key=text, pack_value=text):
    content = b"".join(pack_key(k) + pack_value(v) for k, v in items.items())
    return u32(len(content)) + content


def zstd_raw(content, declared=None):
    """One raw block in a zstd frame of one segment with a 4-byte content size (RFC 8878, 3.1.1)."""
    size = len(content) if declared is None else declared
    return b"\x28\xb5\x2f\xfd\xa0" + u32(size) + struct.pack("<I", len(content) << 3 | 1)[:3] + content


def zstd_bomb(blocks):
    """RLE blocks of 128 KiB zeros, 4 bytes each; a window of 128 KiB and no content size."""
    block = struct.pack("<I", (128 << 10) << 3 | 1 << 1)[:3] + b"\0"
    last = struct.pack("<I", (128 << 10) << 3 | 1 << 1 | 1)[:3] + b"\0"
    return b"\x28\xb5\x2f\xfd\x00\x38" + block * (blocks - 1) + last


def message(n, channel=1, length=None):
    return record(5, u16(channel) + u32(n) + u64(n) + u64(n) + f"m{n}".encode(), length)


SCHEMA = record(3, u16(1) + text("geoul.Signal") + text("protobuf") + text("abc"))


def channel(schema=1, topic="/a"):
    return record(4, u16(1) + u16(schema) + text(topic) + text("protobuf") + mapping({"k": "v"}))


def chunk(content, numbers, compression="zstd", packed=None, size=None, crc=None, length=None):
    packed = packed if packed is not None else zstd_raw(content) if compression == "zstd" else content
    crc = zlib.crc32(content) if crc is None else crc
    return record(6, u64(min(numbers)) + u64(max(numbers)) + u64(len(content) if size is None else size) + u32(crc)
                  + text(compression) + u64(len(packed)) + packed, length)


def make(schema=SCHEMA, channels=None, chunk_2=None, messages_2=(4, 5), index_2=None, times_2=None, metadata=None,
         attachment_crc=None, data_crc=None, message_count=5, summary_crc=None, summary_start=None, summary=True,
         more=b""):
    """The sound file, or what the arguments make of it."""
    channels = channel() if channels is None else channels
    data = MAGIC + record(1, text("") + text("made by make_files.py")) + schema + channels + more
    chunks = []
    for numbers, given in (((1, 2, 3), None), (messages_2, chunk_2)):
        content = b"".join(message(n) for n in numbers)
        whole = given if given is not None else chunk(content, numbers)
        offset, width = len(data), len(message(1))
        chunks.append([offset, len(whole), min(numbers), max(numbers), len(content)])
        data += whole + record(7, u16(1) + u32(16 * len(numbers)) + b"".join(
            u64(n) + u64(width * i) for i, n in enumerate(numbers)))
    metadata_at = len(data)
    metadata = record(0x0C, text("run") + mapping({"scene": "cell"})) if metadata is None else metadata
    data += metadata
    attachment_at = len(data)
    body = u64(5) + u64(0) + text("site.yaml") + text("text/yaml") + u64(4) + b"abcd"
    data += record(9, body + u32(zlib.crc32(body) if attachment_crc is None else attachment_crc))
    attachment_length = len(data) - attachment_at
    data += record(0x0F, u32(zlib.crc32(data) if data_crc is None else data_crc))
    if not summary:
        return data + record(2, u64(0) + u64(0) + u32(0)) + MAGIC
    if index_2 is not None:
        chunks[1][0] = index_2(chunks, metadata_at)
    if times_2 is not None:
        chunks[1][2:4] = times_2
    index = b"".join(
        record(8, u64(begin) + u64(end) + u64(at) + u64(length) + mapping({1: at + length}, u16, u64) + u64(41)
               + text("zstd") + u64(length) + u64(size)) for at, length, begin, end, size in chunks)
    statistics = record(0x0B, u64(message_count) + u16(1) + u32(1) + u32(1) + u32(1) + u32(2) + u64(1) + u64(5)
                        + mapping({1: message_count}, u16, u64))
    start = len(data) if summary_start is None else summary_start
    part = schema + channels + statistics + index
    part += record(0x0A, u64(attachment_at) + u64(attachment_length) + u64(5) + u64(0) + u64(4) + text("site.yaml")
                   + text("text/yaml"))
    part += record(0x0D, u64(metadata_at) + u64(len(metadata)) + text("run"))
    footer = bytes([2]) + u64(20) + u64(start) + u64(0)
    crc = zlib.crc32(part + footer) if summary_crc is None else summary_crc
    return data + part + footer + u32(crc) + MAGIC


def cases():
    good = make()
    two = message(4) + message(5)
    second = good.index(chunk(two, (4, 5)))
    yield "empty", "open", "-", b""
    yield "wrong_magic", "open", "-", b"\x89MCAP1\r\n" + good[8:]
    yield "text", "open", "-", b"t,a,b\n0,1,2\n"
    yield "only_magic", "no-header", "-", MAGIC
    yield "header_cut", "no-header", "-", good[:20]
    yield "header_length_beyond_file", "no-header", "12345", MAGIC + b"\x01" + b"\xff" * 8 + good[17:]
    yield "chunk_cut", "cut-off", "123", good[:second + 60]
    yield "never_closed", "no-footer", "12345", good[:good.index(b"\x0c" + u64(28))]
    yield "end_magic_missing", "no-footer", "12345", good[:-8]
    yield "chunk_bad_crc", "bad-crc", "123", make(chunk_2=chunk(two, (4, 5), crc=1))
    yield "chunk_length_beyond_file", "bad-chunk", "123", make(chunk_2=chunk(two, (4, 5), length=1 << 40))
    yield "chunk_length_overflows", "bad-chunk", "123", make(chunk_2=chunk(two, (4, 5), length=(1 << 64) - 9))
    yield "chunk_records_beyond_chunk", "bad-chunk", "123", make(
        chunk_2=record(6, u64(4) + u64(5) + u64(len(two)) + u32(0) + text("") + u64(1 << 62) + two))
    yield "chunk_size_lie", "bad-chunk", "123", make(chunk_2=chunk(two, (4, 5), compression="", size=7))
    yield "zstd_size_lie", "bad-chunk", "123", make(chunk_2=chunk(two, (4, 5), packed=zstd_raw(two, len(two) + 1)))
    yield "zstd_not_zstd", "bad-chunk", "123", make(chunk_2=chunk(two, (4, 5), packed=b"this is no zstd frame"))
    yield "zstd_cut", "bad-chunk", "123", make(chunk_2=chunk(two, (4, 5), packed=zstd_raw(two)[:-5]))
    yield "zstd_bomb", "bad-chunk", "123", make(chunk_2=chunk(two, (4, 5), packed=zstd_bomb(800)))
    yield "zstd_bomb_that_says_so", "large-chunk", "123", make(
        chunk_2=chunk(two, (4, 5), packed=zstd_bomb(800), size=800 * (128 << 10)))
    yield "zstd_huge_size", "large-chunk", "123", make(chunk_2=chunk(two, (4, 5), size=(1 << 64) - 1))
    yield "unknown_compression", "compression", "123", make(chunk_2=chunk(two, (4, 5), compression="snappy"))
    yield "message_cut_in_chunk", "bad-chunk", "1234", make(
        chunk_2=chunk(message(4) + message(5, length=1 << 33), (4, 5)))
    yield "message_too_short", "bad-record", "1234", make(
        chunk_2=chunk(message(4) + record(5, u16(1) + u32(5)), (4, 5)))
    yield "chunk_in_chunk", "misplaced", "12345", make(chunk_2=chunk(two + chunk(two, (4, 5)), (4, 5)))
    yield "index_to_nowhere", "bad-index", "123", make(index_2=lambda chunks, metadata: 1 << 50)
    yield "index_to_metadata", "bad-index", "123", make(index_2=lambda chunks, metadata: metadata)
    yield "index_twice_the_same", "bad-index", "12345", make(index_2=lambda chunks, metadata: chunks[0][0])
    yield "index_time_lie", "bad-index", "12345", make(times_2=(5, 5))
    yield "schema_missing", "no-schema", "12345", make(channels=channel(schema=9))
    yield "schema_text_beyond_record", "bad-record", "12345", make(
        schema=record(3, u16(1) + u32(0xFFFFFFFF) + b"geoul.Signal"))
    yield "channel_missing", "no-channel", "1234", make(chunk_2=chunk(message(4) + message(5, channel=7), (4, 5)))
    yield "channel_redefined", "redefined", "12345", make(more=channel(topic="/other"))
    yield "metadata_map_beyond_record", "bad-record", "12345", make(
        metadata=record(0x0C, text("run") + u32(1 << 31) + text("scene") + text("cell")))
    yield "attachment_bad_crc", "bad-crc", "12345", make(attachment_crc=1)
    yield "data_bad_crc", "bad-crc", "12345", make(data_crc=1)
    yield "statistics_lie", "bad-statistics", "12345", make(message_count=6)
    yield "summary_bad_crc", "bad-crc", "12345", make(summary_crc=1)
    yield "summary_beyond_file", "bad-summary", "12345", make(summary_start=1 << 60)
    yield "misplaced_footer", "misplaced", "-", make(more=record(2, u64(0) + u64(0) + u32(0)), summary=False)


def main():
    lines = []
    for name, code, messages, content in cases():
        (HERE / "bad" / f"{name}.mcap").write_bytes(content)
        lines.append(f"{name}.mcap {code} {messages}\n")
    (HERE / "bad/expected.txt").write_text("".join(lines))
    seeds = HERE.parent / "mcap_fuzz_seeds"
    (seeds / "indexed.mcap").write_bytes(make())
    (seeds / "without_summary.mcap").write_bytes(make(summary=False))
    body = MAGIC + record(1, text("") + text("")) + SCHEMA + channel() + b"".join(message(n) for n in (1, 2, 3, 4, 5))
    body += record(0x0F, u32(zlib.crc32(body)))
    (seeds / "without_chunks.mcap").write_bytes(body + record(2, u64(0) + u64(0) + u32(0)) + MAGIC)


if __name__ == "__main__":
    main()

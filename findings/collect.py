"""Prints what flow exporters send: one line a record, for a number of seconds.

NetFlow 5 on port 2055, IPFIX (RFC 7011) on 4739, sFlow 5 on 6343, of loopback.
"""
import select
import socket
import struct
import sys
import time


def netflow(data):
    for number in range(struct.unpack_from(">H", data, 2)[0]):
        record = struct.unpack_from(">IIIHHIIIIHHBBBBHHBBH", data, 24 + 48 * number)
        yield "netflow port=%d packets=%d octets=%d" % (record[10], record[5], record[6])


templates = {}
NAMES = {
    1: "octetDeltaCount", 2: "packetDeltaCount", 11: "port", 61: "direction", 85: "octetTotalCount",
    86: "packetTotalCount", 133: "droppedPacketDeltaCount", 352: "layer2OctetDeltaCount",
}


def ipfix(data):
    offset = 16
    while offset + 4 <= len(data):
        kind, length = struct.unpack_from(">HH", data, offset)
        at, end = offset + 4, offset + length
        offset = end
        while kind == 2 and at + 4 <= end:
            template, count = struct.unpack_from(">HH", data, at)
            at += 4
            fields = []
            for _ in range(count):
                element, size = struct.unpack_from(">HH", data, at)
                at += 8 if element & 0x8000 else 4
                fields.append((element, size))
            templates[template] = fields
        fields = templates.get(kind)
        while fields and at < end:
            said = []
            for element, size in fields:
                if size == 65535:
                    size = data[at]
                    at += 1
                if element in NAMES:
                    said.append("%s=%d" % (NAMES[element], int.from_bytes(data[at:at + size], "big")))
                at += size
            if any(word.startswith("port=") for word in said):
                yield "ipfix " + " ".join(sorted(said))


def sflow(data):
    samples, offset = struct.unpack_from(">I", data, 24)[0], 28
    for _ in range(samples):
        kind, length = struct.unpack_from(">II", data, offset)
        at, offset = offset + 8, offset + 8 + length
        if kind != 1:
            continue
        records = struct.unpack_from(">I", data, at + 28)[0]
        at += 32
        for _ in range(records):
            form, size = struct.unpack_from(">II", data, at)
            if form == 1:
                length, stripped = struct.unpack_from(">II", data, at + 12)
                yield "sflow frame_length=%d stripped=%d" % (length, stripped)
            at += 8 + size


def main():
    readers = {}
    for port, parse in ((2055, netflow), (4739, ipfix), (6343, sflow)):
        reader = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        reader.bind(("127.0.0.1", port))
        readers[reader] = parse
    end = time.monotonic() + float(sys.argv[1])
    while time.monotonic() < end:
        for reader in select.select(list(readers), [], [], 0.2)[0]:
            for line in readers[reader](reader.recv(65535)):
                print(line, flush=True)


main()

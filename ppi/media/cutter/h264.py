"""As much of H.264 as a cut needs: units of a packet, parameter sets, and what they say about the picture.

After ISO/IEC 14496-10 (7.3.1 units, 7.3.2.1 sequence parameter sets, 7.3.2.2 picture parameter sets) and
ISO/IEC 14496-15 (5.3.3.1, the record that MP4 and Matroska keep the parameter sets in).
"""

from dataclasses import dataclass

SLICE, IDR, SEI, SPS, PPS = 1, 5, 6, 7, 8
# Delimiters, ends and fillers; the rest belongs to extensions (scalable, multi-view, data partitions).
PLAIN = {SLICE, IDR, SEI, SPS, PPS, 9, 10, 11, 12}
PROFILES = {66: "baseline", 77: "main", 100: "high"}
START = b"\x00\x00\x01"


class NotPlain(Exception):
    """This stream is of a kind that a cut without re-encoding all of it cannot be proven for; says why."""


@dataclass(frozen=True)
class Parameters:
    """What the record holds: its head, the sets, and the numbers they are known by."""

    head: bytes
    sequences: tuple[bytes, ...]
    pictures: tuple[bytes, ...]
    rest: bytes

    @property
    def profile(self) -> int:
        return self.head[1]

    def free_number(self) -> int:
        """A number that no set of the stream has."""
        taken = {number_of(unit) for unit in (*self.sequences, *self.pictures)}
        return next(number for number in range(1, 32) if number not in taken)

    def joined(self, sequence: bytes, picture: bytes) -> bytes:
        """The record of a stream that uses these sets and two more."""
        flags, level = self.head[2] & sequence[2], max(self.head[3], sequence[3])
        head = bytes([1, self.profile, flags, level, 0xFF])
        return _record(head, (*self.sequences, sequence), (*self.pictures, picture)) + self.rest


def record_of(sequence: bytes, picture: bytes) -> bytes:
    """The record of a stream that uses these two sets only."""
    # What follows the sets of the high profiles: 4:2:0, 8 bits a colour, no extension.
    rest = bytes([0xFD, 0xF8, 0xF8, 0]) if sequence[1] == 100 else b""
    return _record(bytes([1, *sequence[1:4], 0xFF]), (sequence,), (picture,)) + rest


def read_record(record: bytes) -> Parameters:
    """Read an AVCDecoderConfigurationRecord. Raises NotPlain for all but progressive 8-bit 4:2:0 with 4-byte sizes."""
    if len(record) < 7 or record[0] != 1 or record[4] & 3 != 3:
        raise NotPlain("its parameter sets are not stored as in MP4")
    at, sets = 5, []
    for mask in (31, 255):
        units = []
        count, at = record[at] & mask, at + 1
        for _ in range(count):
            size = int.from_bytes(record[at : at + 2], "big")
            units.append(record[at + 2 : at + 2 + size])
            at += 2 + size
        sets.append(tuple(units))
    if not sets[0] or not sets[1] or not all((*sets[0], *sets[1])):
        raise NotPlain("its parameter sets are not stored as in MP4")
    found = Parameters(record[:5], sets[0], sets[1], record[at:])
    if found.profile not in PROFILES:
        raise NotPlain("its H.264 profile is a rare one")
    for unit in found.sequences:
        _check_sequence(unit)
    return found


def units_of(data: bytes) -> list[bytes]:
    """The units of a packet in which each has its size, in four bytes, before it. Raises NotPlain when it is damaged."""
    units, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size == 0 or at + 4 + size > len(data):
            raise NotPlain("a packet is damaged")
        units.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return units


def kind_of(unit: bytes) -> int:
    return unit[0] & 31


def is_idr(units: list[bytes]) -> bool:
    """Whether no picture after this one needs any before it."""
    return any(kind_of(unit) == IDR for unit in units)


def is_reference(units: list[bytes]) -> bool:
    """Whether other pictures may need this one."""
    return any(unit[0] >> 5 & 3 for unit in units if kind_of(unit) in (SLICE, IDR))


def check_units(units: list[bytes], known: Parameters) -> None:
    """Raises NotPlain when a packet brings parameter sets of its own, or parts of an extension."""
    for unit in units:
        kind = kind_of(unit)
        if kind not in PLAIN:
            raise NotPlain("it uses an extension of H.264")
        if kind in (SPS, PPS) and unit not in (*known.sequences, *known.pictures):
            raise NotPlain("its parameter sets change on the way")


def split(stream: bytes) -> list[bytes]:
    """The units of a stream in which start codes stand between them, as encoders write it."""
    units = []
    for piece in stream.split(START)[1:]:
        # A start code may have one more zero before it, which is no part of the unit before; a unit never ends with zero.
        units.append(piece.rstrip(b"\x00"))
    return units


def pack(units: list[bytes]) -> bytes:
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)


def number_of(unit: bytes) -> int:
    """By which number slices know this parameter set."""
    return _Bits(unit[4:] if kind_of(unit) == SPS else unit[1:]).golomb()


def _record(head: bytes, sequences: tuple, pictures: tuple) -> bytes:
    out = head + bytes([0xE0 | len(sequences)]) + b"".join(map(_sized, sequences))
    return out + bytes([len(pictures)]) + b"".join(map(_sized, pictures))


def _sized(unit: bytes) -> bytes:
    return len(unit).to_bytes(2, "big") + unit


def _check_sequence(unit: bytes) -> None:
    bits = _Bits(unit[4:])
    bits.golomb()
    if unit[1] == 100:
        if bits.golomb() != 1:
            raise NotPlain("its colours are not 4:2:0")
        if bits.golomb() or bits.golomb():
            raise NotPlain("it has more than 8 bits a colour")
        bits.skip(1)
        if bits.skip(1):
            raise NotPlain("it has scaling lists of its own")
    bits.golomb()
    order = bits.golomb()
    if order == 0:
        bits.golomb()
    elif order == 1:
        bits.skip(1)
        bits.golomb(), bits.golomb()
        for _ in range(bits.golomb()):
            bits.golomb()
    bits.golomb()
    bits.skip(1)
    bits.golomb(), bits.golomb()
    if not bits.skip(1):
        raise NotPlain("it may be interlaced")


class _Bits:
    """Reads bits of a unit; what keeps start codes out of it (0x000003) is taken out first."""

    def __init__(self, data: bytes):
        data = data[:256].replace(b"\x00\x00\x03", b"\x00\x00")
        self._bits = "".join(f"{byte:08b}" for byte in data)
        self._at = 0

    def skip(self, count: int) -> int:
        """The value of the next bits."""
        if self._at + count > len(self._bits):
            raise NotPlain("its parameter sets are damaged")
        self._at += count
        return int(self._bits[self._at - count : self._at] or "0", 2)

    def golomb(self) -> int:
        """An unsigned exponential-Golomb number (9.1). Signed ones are as long."""
        zeros = 0
        while not self.skip(1):
            zeros += 1
        if zeros > 31:
            raise NotPlain("its parameter sets are damaged")
        return (1 << zeros) - 1 + self.skip(zeros) if zeros else 0

"""Writes a clip as MP4, from packets that are ready: pictures in the order of decoding, and sound."""

import heapq
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

# Of the picture's track and of the whole file; all usual frame rates fit in without a rest, or nearly so.
SCALE = 90_000
FORMAT = {"movflags": "+faststart", "movie_timescale": str(SCALE), "video_track_timescale": str(SCALE)}
SOUND_BITS_PER_S = 160_000


@dataclass(frozen=True)
class Picture:
    """One packet of the clip. `shown` is its time stamp in the source."""

    shown: int
    data: bytes
    is_key: bool


def write(path, source, pictures: list[Picture], zero: Fraction, end: Fraction, record: bytes, sound) -> None:
    """Write the clip whose zero is at `zero` and whose end at `end`, in seconds of the container's time stamps.

    `sound` is None, an array of samples from `zero` on (it is encoded), or packets of the source (they are copied).
    """
    import av

    with av.open(path, "w", format="mp4", options=FORMAT) as made:
        video = made.add_stream_from_template(source.video)
        video.codec_context.extradata = record
        video.time_base = Fraction(1, SCALE)
        heard = []
        if isinstance(sound, np.ndarray):
            heard = _encoded(av, made, source.audio, sound)
        elif sound is not None:
            heard = _copied(made.add_stream_from_template(source.audio), sound, zero)
        shown = _packets(av, video, pictures, source.base, zero, end)
        for packet in heapq.merge(shown, heard, key=lambda packet: packet.dts * packet.time_base):
            made.mux(packet)


def _packets(av, stream, pictures: list[Picture], base: Fraction, zero: Fraction, end: Fraction) -> list:
    """Packets with both time stamps.

    When a picture is decoded follows from when all are shown: the n-th packet is decoded when the n-th picture in the
    order of showing would be, all of them so much earlier that none is decoded after it is shown.
    """
    shown = [round((picture.shown * base - zero) * SCALE) for picture in pictures]
    ordered = sorted(shown)
    early = max(one - own for one, own in zip(ordered, shown, strict=True))
    after = [*ordered[1:], max(ordered[-1] + 1, round((end - zero) * SCALE))]
    packets = []
    for picture, own, one, following in zip(pictures, shown, ordered, after, strict=True):
        packet = av.Packet(picture.data)
        packet.stream, packet.time_base, packet.is_keyframe = stream, Fraction(1, SCALE), picture.is_key
        packet.pts, packet.dts, packet.duration = own, one - early, following - one
        packets.append(packet)
    return packets


def _encoded(av, made, source, samples: np.ndarray) -> list:
    stream = made.add_stream("aac", rate=source.rate, layout=source.layout.name, bit_rate=SOUND_BITS_PER_S)
    stream.codec_context.options = {"aac_coder": "fast"}
    packets = []
    for at in range(0, samples.shape[1], 1024):
        piece = np.ascontiguousarray(samples[:, at : at + 1024])
        frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout=source.layout.name)
        frame.sample_rate, frame.time_base, frame.pts = source.rate, Fraction(1, source.rate), at
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def _copied(stream, packets: list, zero: Fraction) -> list:
    for packet in packets:
        packet.stream = stream
        packet.pts = packet.dts = packet.pts - round(zero / packet.time_base)
    return packets


def limit_edits(path, duration: Fraction) -> None:
    """Let every track end with the clip: what follows in it (pictures others need, the rest of a packet) is not shown.

    Changes the durations in the file's edit lists (ISO/IEC 14496-12, 8.6.6) and leaves all else in place.
    """
    with open(path, "r+b") as file:
        at, size = _find_moov(file)
        file.seek(at)
        moov = bytearray(file.read(size))
        _shorten(moov, 8, len(moov), round(duration * SCALE))
        file.seek(at)
        file.write(moov)


def _find_moov(file) -> tuple[int, int]:
    at = 0
    while True:
        file.seek(at)
        head = file.read(16)
        size = int.from_bytes(head[:4], "big")
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
        if head[4:8] == b"moov":
            return at, size
        if size < 8:
            raise ValueError("no moov")
        at += size


def _shorten(moov: bytearray, at: int, end: int, longest: int) -> None:
    while at < end:
        size, kind = int.from_bytes(moov[at : at + 4], "big"), moov[at + 4 : at + 8]
        if kind in (b"trak", b"edts"):
            _shorten(moov, at + 8, at + size, longest)
        elif kind == b"elst":
            is_long = moov[at + 8]
            width, entry = (8, 20) if is_long else (4, 12)
            # The entry before the last, if there is one, is a pause before the track begins.
            last = at + 16 + entry * (int.from_bytes(moov[at + 12 : at + 16], "big") - 1)
            pause = int.from_bytes(moov[at + 16 : at + 16 + width], "big") if last > at + 16 else 0
            now = int.from_bytes(moov[last : last + width], "big")
            moov[last : last + width] = min(now, max(0, longest - pause)).to_bytes(width, "big")
        at += max(size, 8)

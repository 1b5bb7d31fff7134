"""The recording that is cut: its packets around an interval, and its pictures and sound at given times.

Times are seconds as a player shows them: zero is the container's first time stamp.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

import h264
import numpy as np
from h264 import NotPlain

# Times within a microsecond are the same.
SAME_S = 1e-6
# The most pictures that may come, in the order of decoding, before one that is shown earlier.
MAX_REORDER = 17
# A seek may miss by a few frames; then it is tried from further back.
STEPS_BACK_S = (0.0, 0.5, 2.0, 8.0)
# Sound is decoded from this much before, so that its codec has settled; badly woven files have it further back.
SETTLE_S = (0.3, 8.0)
# What is read of one clip is kept in memory.
MAX_BYTES = 400_000_000
# Larger gaps between packets of sound are silence, smaller ones the rounding of time stamps.
GAP_S = 0.05


@dataclass(frozen=True)
class Coded:
    """One picture as it is stored: its packet, its units, its time stamp and its time."""

    packet: object
    units: list
    pts: int
    time_s: float

    @property
    def is_idr(self) -> bool:
        return h264.is_idr(self.units)


class Source:
    """An open container. What cutting needs of its video holds for plain H.264 only: `require_plain` comes first.

    `on_picture` is called with the time of each packet and picture that was read. `is_clip` says that PPI made it:
    then time stamps are times, though nothing may be shown at zero.
    """

    def __init__(self, container, is_clip: bool = False):
        self.container = container
        self.video = next(stream for stream in container.streams.video if not is_cover(stream))
        self.audio = next(iter(container.streams.audio), None)
        self.base = self.video.time_base
        self.start = Fraction(0 if is_clip else container.start_time or 0, 1_000_000)
        self.context = self.video.codec_context
        self.context.thread_count = 1
        self.parameters: h264.Parameters | None = None
        self.on_picture = lambda time_s: None

    def require_plain(self) -> None:
        """Raises NotPlain unless the video is progressive 8-bit 4:2:0 H.264 in a container as MP4 and Matroska."""
        if self.context.name != "h264" or self.context.pix_fmt != "yuv420p":
            raise NotPlain("it is not H.264 with 8 bits a colour")
        if self.context.width % 2 or self.context.height % 2:
            raise NotPlain("its size is odd")
        self.parameters = self.parameters or h264.read_record(self.context.extradata or b"")

    def why_not_copied(self) -> str:
        """Why the sound cannot be copied into MP4; "" when it can, or there is none."""
        if self.audio is None or self.audio.codec_context.name == "aac" and self.audio.codec_context.extradata:
            return ""
        return f"fast needs AAC, and the sound is {self.audio.codec_context.name}"

    def time_s(self, pts: int) -> float:
        return float(pts * self.base - self.start)

    def around(self, start_s: float, end_s: float) -> list[Coded]:
        """The packets from the closed key frame at or before `start_s` to the last one shown before `end_s`.

        In the order of decoding; the packets after the end are among them as long as any before it may follow.
        """
        for back_s in STEPS_BACK_S:
            found = self._from(start_s - back_s, end_s)
            if found and found[0].time_s <= start_s + SAME_S:
                return self._checked(found)
        raise NotPlain("there is no closed key frame before the interval")

    def _from(self, seek_s: float, end_s: float) -> list[Coded]:
        self.container.seek(self.before(seek_s), stream=self.video, backward=True)
        found, late, size = [], 0, 0
        for packet in self.container.demux(self.video):
            if not packet.size:
                continue
            if packet.pts is None:
                raise NotPlain("its packets have no time stamps")
            coded = Coded(packet, h264.units_of(bytes(packet)), packet.pts, self.time_s(packet.pts))
            if not found and not coded.is_idr:
                if packet.is_keyframe:
                    raise NotPlain("its groups of pictures are open")
                continue
            found.append(coded)
            self.on_picture(coded.time_s)
            size += packet.size
            if size > MAX_BYTES:
                raise NotPlain("the interval is very long")
            late = late + 1 if coded.time_s >= end_s - SAME_S else 0
            if late > MAX_REORDER or (late and coded.is_idr):
                break
        return found

    def _checked(self, found: list[Coded]) -> list[Coded]:
        if any(coded.packet.is_discard for coded in found):
            raise NotPlain("it has an edit list that hides pictures")
        if any(coded.packet.is_corrupt for coded in found) or len({coded.pts for coded in found}) < len(found):
            raise NotPlain("its time stamps are damaged")
        return found

    def pictures(self, coded: list[Coded], wanted: set[int]):
        """(time stamp, frame) of the wanted pictures, in the order they are shown.

        Of each group only what leads to a wanted picture is decoded: nothing after the last one, and no picture that
        no other one needs.
        """
        for group in groups_of(coded):
            last = max((number for number, one in enumerate(group) if one.pts in wanted), default=-1)
            yield from self._decoded(group[: last + 1], wanted)

    def _decoded(self, group: list[Coded], wanted: set[int]):
        if not group:
            return
        fed = [one for one in group if one.pts in wanted or h264.is_reference(one.units)]
        missing = {one.pts for one in fed if one.pts in wanted}
        for one in [*fed, None]:
            for frame in self.context.decode(one and one.packet):
                if frame.pts in missing:
                    missing.discard(frame.pts)
                    if frame.interlaced_frame or frame.is_corrupt or frame.format.name != "yuv420p" or frame.rotation:
                        raise NotPlain("its pictures are interlaced, turned or damaged")
                    frame.time_base = self.base
                    self.on_picture(self.time_s(frame.pts))
                    yield frame.pts, frame
        self.context.flush_buffers()
        if missing:
            raise NotPlain("some of its pictures cannot be decoded")

    def sound_packets(self, start_s: float, end_s: float) -> list:
        """The packets of the first audio track that are heard in the interval, and the one before them.

        A decoder needs that one: each packet of AAC holds half of the sound of the next.
        """
        found = []
        self.container.seek(self.before(start_s - SETTLE_S[0]), stream=self.video, backward=True)
        for packet in self.container.demux(self.audio):
            if not packet.size or packet.pts is None:
                continue
            time_s = float(packet.pts * packet.time_base - self.start)
            if time_s >= end_s:
                break
            if time_s + 2 * float((packet.duration or 0) * packet.time_base) > start_s:
                found.append(packet)
        return found

    def before(self, time_s: float) -> int:
        """The time stamp to seek to, to be at or before a time."""
        return math.floor((Fraction(time_s + SAME_S) + self.start) / self.base)

    def sound(self, start_s: float, end_s: float) -> np.ndarray:
        """The first audio track from `start_s` to `end_s`: float32, shape (channels, samples); silence where none is."""
        for early_s in SETTLE_S:
            pieces = self._heard(start_s, end_s, early_s)
            # Nothing at the beginning: either there is no sound yet, or it lies further back in the file.
            if pieces and pieces[0][0] <= start_s + GAP_S:
                break
        rate = self.audio.rate
        channels = pieces[0][1].shape[0] if pieces else max(1, self.audio.channels)
        out = np.zeros((channels, max(1, round((end_s - start_s) * rate))), np.float32)
        expected = None
        for time_s, samples in pieces:
            at = round((time_s - start_s) * rate)
            if expected is not None and abs(at - expected) <= GAP_S * rate:
                at = expected
            expected = at + samples.shape[1]
            first, last = max(0, at), min(out.shape[1], expected)
            if first < last:
                out[:, first:last] = samples[:, first - at : last - at]
        return out

    def _heard(self, start_s: float, end_s: float, early_s: float) -> list[tuple[float, np.ndarray]]:
        """(time, samples) of the decoded packets that touch the interval, and some before it."""
        import av

        self.container.seek(self.before(start_s - early_s), stream=self.video, backward=True)
        self.audio.codec_context.flush_buffers()
        resampler = av.AudioResampler("fltp", self.audio.layout.name, self.audio.rate)
        pieces = []
        for packet in self.container.demux(self.audio):
            if packet.size and packet.pts is not None:
                time_s = float(packet.pts * packet.time_base - self.start)
                if time_s >= end_s:
                    break
                if time_s < start_s - early_s:
                    continue
            for frame in packet.decode():
                if frame.pts is None:
                    continue
                time_s = float(frame.pts * frame.time_base - self.start)
                pieces += [(time_s, part.to_ndarray()) for part in resampler.resample(frame)]
        return pieces


def is_cover(stream) -> bool:
    """Whether this is a picture of an album rather than a film."""
    return bool(stream.disposition & type(stream.disposition).attached_pic)


def groups_of(coded: list[Coded]) -> list[list[Coded]]:
    """Cut into runs that begin with a closed key frame and need nothing of each other."""
    groups: list[list[Coded]] = []
    for one in coded:
        if one.is_idr or not groups:
            groups.append([])
        groups[-1].append(one)
    return groups

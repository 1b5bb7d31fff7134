"""Encodes the pictures of an interval that cannot be copied, so that copied ones may follow or stand between them."""

import h264
from h264 import PROFILES, NotPlain

PRESET, CRF = "veryfast", "20"
# A shorter search for motion: a sixth of a cut's time less, for a twelfth more bytes.
SEARCH = "subme=1:me=dia"
LIKE_THE_SOURCE = ("color_range", "color_primaries", "color_trc", "colorspace", "sample_aspect_ratio")


class Stretch:
    """Encodes one run of pictures, whose first becomes a closed key frame.

    Its parameter sets have a number that the source does not use. There are no B-frames: pictures leave in the order
    they came, which is what makes the seams simple.
    """

    def __init__(self, source):
        self._source = source
        self._codec = None
        self._packets: list = []
        self.sets: tuple[bytes, ...] = ()

    def add(self, pts: int, frame, is_alone: bool = False) -> None:
        """The next picture; one that is alone can be decoded without the others."""
        from av.video.frame import PictureType

        self._codec = self._codec or self._open()
        frame.pts, frame.time_base = pts, self._source.base
        frame.pict_type = PictureType.I if is_alone else PictureType.NONE
        self._packets += self._codec.encode(frame)

    def packets(self) -> list[tuple[int, bytes, bool]]:
        """(time stamp, bytes, whether it is a key frame) of all pictures; afterwards `sets` are known."""
        if self._codec is None:
            return []
        self._packets += self._codec.encode(None)
        units = h264.split(bytes(self._codec.extradata))
        self.sets = tuple(_only(units, kind) for kind in (h264.SPS, h264.PPS))
        return [(packet.pts, _bare(bytes(packet)), packet.is_keyframe) for packet in self._packets]

    def _open(self):
        import av

        context, known = self._source.context, self._source.parameters
        codec = av.CodecContext.create("libx264", "w")
        codec.width, codec.height, codec.pix_fmt = context.width, context.height, "yuv420p"
        codec.time_base, codec.thread_count = self._source.base, 1
        codec.framerate = self._source.video.average_rate or 25
        for name in LIKE_THE_SOURCE:
            if (value := getattr(context, name)) is not None:
                setattr(codec, name, value)
        codec.options = {
            "preset": PRESET, "crf": CRF, "bf": "0", "profile": PROFILES[known.profile], "flags": "+global_header",
            "forced-idr": "1", "x264-params": f"sps-id={known.free_number()}:{SEARCH}",
        }  # fmt: skip
        codec.open()
        return codec


def _only(units: list[bytes], kind: int) -> bytes:
    found = [unit for unit in units if h264.kind_of(unit) == kind]
    if len(found) != 1:
        raise NotPlain("the encoder's parameter sets are not as expected")
    return found[0]


def _bare(data: bytes) -> bytes:
    """Without the encoder's remarks, each unit with its size before it."""
    return h264.pack([unit for unit in h264.split(data) if h264.kind_of(unit) in (h264.SLICE, h264.IDR)])

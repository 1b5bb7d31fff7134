"""Reads a clip that was just written and compares it with what it should be."""

import numpy as np
from h264 import NotPlain
from source import Source

TOLERANCE_S = 0.002
# Mean difference of the luma, 0 to 255; encoding costs a level or two, a picture that is not decoded dozens.
PICTURE_TOLERANCE = 8.0
# The sound is compared over its loudest stretch of this length, this much to either side.
WINDOW_S, REACH_S = 1.0, 0.1
# Quieter sound says nothing about where it is; full scale is 1.
QUIET = 1e-3
LIKE = 0.5


class CheckFailed(NotPlain):
    """The clip is not what it should be; says in what."""


def clip(path: str, options: dict, times: list[float], packets: list[bytes], compared: dict, heard) -> float | None:
    """Check the clip at `path`; answers how much too late its sound is in seconds, None when there is nothing to hear.

    `times` are those of all pictures in the order of showing, `packets` the bytes of all that were written, `compared`
    lumas of the source by the time they are shown at, `heard` the source's samples. Raises CheckFailed.
    """
    import av

    with av.open(path, options=options) as container:
        made = Source(container, is_clip=True)
        read = [packet for packet in container.demux(made.video) if packet.size]
        shown = sorted(made.time_s(packet.pts) for packet in read if not packet.is_discard)
        if len(shown) != len(times) or any(abs(a - b) > TOLERANCE_S for a, b in zip(shown, times, strict=True)):
            raise CheckFailed(f"check: {len(shown)} pictures instead of {len(times)}, or at other times")
        written = iter(packets)
        if not all(any(bytes(packet) == data for data in written) for packet in read):
            raise CheckFailed("check: the packets differ from those that were written")
        _compare_pictures(made, compared)
        if heard is None:
            return None
        gap_s = min((b - a for a, b in zip(times, times[1:], strict=False)), default=0.04)
        return checked_offset_s(heard, made.sound(0.0, heard.shape[1] / made.audio.rate), made.audio.rate, gap_s)


def checked_offset_s(wanted: np.ndarray, found: np.ndarray, rate: int, most_s: float) -> float | None:
    """How much later `found` is than `wanted`. Raises CheckFailed when it is another sound, or by `most_s` off."""
    offset_s, likeness = lag_s(wanted.mean(axis=0), found.mean(axis=0), rate)
    if offset_s is None:
        return None
    if likeness < LIKE:
        raise CheckFailed("check: the sound differs")
    if abs(offset_s) >= most_s:
        raise CheckFailed(f"check: the sound is {offset_s * 1000:.0f} ms off")
    return offset_s


def lag_s(wanted: np.ndarray, found: np.ndarray, rate: int) -> tuple[float | None, float]:
    """The lag at the peak of the normalised correlation, and the correlation there; (None, 0) for silence.

    Sound that repeats fits at several places: no lag is taken when it fits nearly as well.
    """
    size, reach = min(len(wanted), round(WINDOW_S * rate)), round(REACH_S * rate)
    energy = np.concatenate([[0.0], np.cumsum(wanted.astype(np.float64) ** 2)])
    first = int(np.argmax(energy[size:] - energy[:-size]))
    piece = wanted[first : first + size].astype(np.float64)
    if np.sqrt(np.mean(piece**2)) < QUIET:
        return None, 0.0
    around = np.zeros(size + 2 * reach)
    low, high = max(0, first - reach), min(len(found), first + size + reach)
    around[low - first + reach : high - first + reach] = found[low:high]
    length = 1 << (len(around) + size).bit_length()
    products = np.fft.irfft(np.fft.rfft(around, length) * np.conj(np.fft.rfft(piece, length)), length)[: 2 * reach + 1]
    powers = np.concatenate([[0.0], np.cumsum(around**2)])
    norms = np.sqrt(np.maximum(powers[size:] - powers[:-size], 1e-12)) * np.linalg.norm(piece)
    fits = products / norms
    peak = int(np.argmax(fits))
    if fits[reach] >= 0.98 * fits[peak]:
        peak = reach
    return (peak - reach) / rate, float(fits[peak])


def _compare_pictures(made: Source, compared: dict) -> None:
    from keyframe import luma

    made.require_plain()
    for time_s, wanted in compared.items():
        coded = made.around(time_s, time_s + TOLERANCE_S)
        pts = min((one.pts for one in coded), key=lambda pts: abs(made.time_s(pts) - time_s))
        for _, frame in made.pictures(coded, {pts}):
            if float(np.abs(luma(frame) - wanted).mean()) > PICTURE_TOLERANCE:
                raise CheckFailed(f"check: the picture at {time_s:.3f} s differs from the source's")

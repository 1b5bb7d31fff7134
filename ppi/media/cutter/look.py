"""Looks at a clip that ffmpeg encoded: when its pictures are shown, where its sound is, and which is its key frame."""

import check
from h264 import NotPlain
from keyframe import Watch, candidates
from source import Source


def at(source: Source, clip: str, still: str, start_s: float, end_s: float, options: dict) -> dict:
    """Facts of the clip; its key frame is written to `still`. The interval is that of the source."""
    import av

    with av.open(clip, options=options) as container:
        made = Source(container, is_clip=True)
        made.on_picture = source.on_picture
        times = sorted(
            made.time_s(packet.pts) for packet in container.demux(made.video) if packet.size and not packet.is_discard
        )
        if not times:
            return {"times": []}
        return {"times": times, **_key_frame(made, times, still), "sound_offset_s": _offset_s(source, made, start_s, end_s)}


def _key_frame(made: Source, times: list[float], still: str) -> dict:
    made.require_plain()
    near = candidates(times)
    last = min(near[-1] + 1, len(times) - 1)
    coded = made.around(times[near[0]], times[last] + check.TOLERANCE_S)
    stamps = {round(one.time_s, 4): one.pts for one in coded}
    watch = Watch([(stamps.get(round(time_s, 4), -1 - number), time_s) for number, time_s in enumerate(times)])
    for pts, frame in made.pictures(coded, watch.wanted):
        watch.look(pts, frame)
    return watch.save(still)


def _offset_s(source: Source, made: Source, start_s: float, end_s: float) -> float | None:
    """How much later the clip's sound is than the source's, as far as it can be compared."""
    import av

    if source.audio is None or made.audio is None or source.audio.rate != made.audio.rate:
        return None
    try:
        wanted = source.sound(start_s, end_s)
    except (av.FFmpegError, ValueError, NotPlain):
        return None
    found = made.sound(0.0, end_s - start_s)
    return check.lag_s(wanted.mean(axis=0), found.mean(axis=0), made.audio.rate)[0]

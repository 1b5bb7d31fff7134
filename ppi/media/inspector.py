"""Looks into a media file with PyAV and prints JSON: `python -I inspector.py about|times FILE GUARDS`.

Runs as a program of its own under limits (see ffmpeg.py), because it reads hostile bytes. `about` lists the streams with
the time stamps' facts, `times` the presentation time of every video frame. Nothing is decoded but what opening needs.
"""

import json
import math
import sys


def main() -> None:
    what, path, guards = sys.argv[1:4]
    import av

    av.logging.set_level(av.logging.PANIC)
    try:
        with av.open(path, options=json.loads(guards), metadata_errors="replace") as container:
            answer = about(container) if what == "about" else times(container)
    except (av.FFmpegError, ValueError, UnicodeDecodeError) as error:
        print(str(error).split(":")[0], file=sys.stderr)
        sys.exit(1)
    json.dump(answer, sys.stdout)


def about(container) -> dict:
    video = video_stream(container)
    answer = {
        "format": container.format.name,
        "brand": container.metadata.get("major_brand", ""),
        "duration_s": container.duration / 1_000_000 if container.duration else 0.0,
        "start_s": container.start_time / 1_000_000 if container.start_time else 0.0,
        "audio": [
            {
                "codec": stream.codec_context.name if stream.codec_context else "",
                "rate": getattr(stream, "rate", 0) or 0,
                "channels": getattr(stream, "channels", 0) or 0,
            }
            for stream in container.streams.audio
        ],
        "streams": len(container.streams),
        "doctype": doctype(container),
    }
    if video is not None:
        answer["video"] = picture(video) | stamps(container, video)
    return answer


def doctype(container) -> str:
    """WebM is Matroska that says so in its head."""
    with open(container.name, "rb") as file:
        return "webm" if b"webm" in file.read(64) else ""


def video_stream(container):
    """The first video stream that is not a cover picture."""
    for stream in container.streams.video:
        if not (stream.disposition & type(stream.disposition).attached_pic):
            return stream
    return None


def picture(stream) -> dict:
    context = stream.codec_context
    return {
        "codec": context.name if context else "",
        "width": stream.width,
        "height": stream.height,
        "pixel_format": (context.pix_fmt or "") if context else "",
        "declared_s": float(stream.duration * stream.time_base) if stream.duration else 0.0,
        "rotation": rotation(stream),
    }


def rotation(stream) -> int:
    """Degrees clockwise, from the display matrix: nine 32-bit numbers, the first four 16.16 fixed point."""
    for data in stream.side_data if hasattr(stream, "side_data") else ():
        if "DISPLAYMATRIX" in str(getattr(data, "type", data)).upper():
            numbers = memoryview(bytes(data)).cast("i")
            return round(-math.degrees(math.atan2(numbers[1], numbers[0]))) % 360
    return 0


def stamps(container, stream) -> dict:
    found = sorted(presentation_times(container, stream))
    gaps = [after - before for before, after in zip(found, found[1:])]
    middle = sorted(gaps)[len(gaps) // 2] if gaps else 0.0
    return {
        "frames": len(found),
        "first_s": found[0] if found else 0.0,
        "last_s": found[-1] if found else 0.0,
        "largest_gap_s": max(gaps, default=0.0),
        "usual_gap_s": middle,
        "odd_gaps": sum(abs(gap - middle) > max(0.25 * middle, 0.002) for gap in gaps),
    }


def times(container) -> list:
    stream = video_stream(container)
    return sorted(presentation_times(container, stream)) if stream is not None else []


def presentation_times(container, stream):
    for packet in container.demux(stream):
        time = packet.dts if packet.pts is None else packet.pts
        if time is not None and packet.size and not packet.is_discard:
            yield float(time * packet.time_base)


main()

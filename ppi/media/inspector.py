"""Looks into a media file with PyAV: `python -I inspector.py length|about|times FILE GUARDS`.

Runs as a program of its own under limits (see ffmpeg.py), because it reads hostile bytes. It prints lines `at FRACTION`
while it reads, and JSON at the end: `length` the declared duration and start in seconds, `about` the tracks with the
facts of their time stamps, `times` the presentation time of every video frame. Nothing is decoded but the first frame,
which tells the rotation. Exit code 3 means that the file is no recording.
"""

import json
import sys
import time

UNREADABLE = 3
REPORT_S = 0.25


def main() -> None:
    what, path, guards = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    import av

    av.logging.set_level(av.logging.PANIC)
    try:
        with av.open(path, options=guards["options"], metadata_errors="replace") as container:
            answer = WHAT[what](container, guards["max_pixels"])
    except MemoryError:
        sys.exit("MemoryError")
    except (av.FFmpegError, ValueError) as error:
        print(getattr(error, "strerror", "") or "damaged", file=sys.stderr)
        sys.exit(UNREADABLE)
    json.dump(answer, sys.stdout)


def length(container, max_pixels: int) -> dict:
    return {"duration_s": seconds(container.duration), "start_s": seconds(container.start_time)}


def times(container, max_pixels: int) -> list:
    stream = video_stream(container)
    return sorted(start_s for _, start_s, _ in packets(container, [stream])) if stream is not None else []


def about(container, max_pixels: int) -> dict:
    video = video_stream(container)
    answer = {
        "format": container.format.name,
        "brand": container.metadata.get("major_brand", ""),
        "is_webm": is_webm(container),
        "duration_s": seconds(container.duration),
        "start_s": seconds(container.start_time),
        "streams": len(container.streams),
        "audio": [sound(stream) for stream in container.streams.audio],
    }
    if video is not None:
        answer["video"] = picture(video, is_avi=container.format.name == "avi")
        # A picture too large to be taken is not worth reading further, nor safe to decode.
        if video.width * video.height > max_pixels:
            return answer
        answer["video"]["rotation_deg"] = rotation(container, video)
    tracks = [*([video] if video is not None else []), *container.streams.audio]
    return answer | stamps(container, video, tracks)


def seconds(microseconds) -> float:
    return microseconds / 1_000_000 if microseconds else 0.0


def is_webm(container) -> bool:
    """WebM is Matroska that says so in its head."""
    with open(container.name, "rb") as file:
        return b"webm" in file.read(64)


def video_stream(container):
    """The first video stream that is not a cover picture."""
    for stream in container.streams.video:
        if not (stream.disposition & type(stream.disposition).attached_pic):
            return stream
    return None


def sound(stream) -> dict:
    context = stream.codec_context
    if context is None:
        return {"codec": "unknown", "rate": 0, "channels": 0}
    return {"codec": context.name, "rate": context.rate or 0, "channels": context.channels or 0}


def picture(stream, is_avi: bool) -> dict:
    context = stream.codec_context
    declared_s = float(stream.duration * stream.time_base) if stream.duration else 0.0
    # The duration of an AVI is scaled to the bytes that are there, its number of frames is as the head states it.
    if is_avi and stream.average_rate:
        declared_s = max(declared_s, float(stream.frames / stream.average_rate))
    return {
        "codec": context.name if context else "unknown",
        "width": stream.width,
        "height": stream.height,
        "pixel_format": (context.pix_fmt or "") if context else "",
        "declared_s": declared_s,
    }


def rotation(container, stream) -> int:
    """Degrees clockwise that a player turns the picture: the display matrix, which decoded frames carry."""
    import av

    try:
        frame = next(container.decode(stream), None)
    except av.FFmpegError:
        frame = None
    container.seek(0, backward=True, any_frame=False)
    return -round(frame.rotation) % 360 if frame is not None else 0


def stamps(container, video, tracks: list) -> dict:
    """What the packets say: how far all tracks reach, and how the frames of the video are spaced."""
    reach_s, frames, video_end_s, sound_end_s = 0.0, [], 0.0, 0.0
    heard = next((stream.index for stream in tracks if video is None or stream.index != video.index), None)
    for stream, start_s, end_s in packets(container, tracks):
        reach_s = max(reach_s, end_s)
        if video is not None and stream.index == video.index:
            frames.append(start_s)
            video_end_s = max(video_end_s, end_s)
        elif stream.index == heard:
            sound_end_s = max(sound_end_s, end_s)
    frames.sort()
    gaps = [after - before for before, after in zip(frames, frames[1:], strict=False)]
    middle = sorted(gaps)[len(gaps) // 2] if gaps else 0.0
    return {
        "reach_s": reach_s,
        "frames": len(frames),
        "first_s": frames[0] if frames else 0.0,
        "last_s": frames[-1] if frames else 0.0,
        "video_end_s": video_end_s,
        "sound_end_s": sound_end_s,
        "largest_gap_s": max(gaps, default=0.0),
        "usual_gap_s": middle,
        "odd_gaps": sum(abs(gap - middle) > max(0.25 * middle, 0.002) for gap in gaps),
    }


def packets(container, tracks: list):
    """(stream, start in seconds, end in seconds) of every packet that is shown, in the order of the file.

    A file cut short ends with an error in some containers; what came before it counts, and the caller compares the
    reach with what the file declares.
    """
    import av

    size, told = max(container.size, 1), time.monotonic()
    try:
        for packet in container.demux(tracks):
            if time.monotonic() - told > REPORT_S:
                told = time.monotonic()
                print(f"at {min(max(packet.pos or 0, 0) / size, 1.0):.4f}", flush=True)
            stamp = packet.dts if packet.pts is None else packet.pts
            if stamp is not None and packet.size and not packet.is_discard:
                base = float(packet.time_base)
                yield packet.stream, stamp * base, (stamp + (packet.duration or 0)) * base
    except av.FFmpegError:
        return


WHAT = {"length": length, "about": about, "times": times}

main()

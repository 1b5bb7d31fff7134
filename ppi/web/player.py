"""What the player of a lesson's pages needs: the recording, captions, the waveform, and what annotators marked."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, g, jsonify, request, url_for
from flask_babel import gettext

from ppi.web import access, storage
from ppi.workflows import lanes, lessons, normalize, waveform
from ppi.workflows.ingest import PEAKS, POSTER, SOUND
from ppi.workflows.lessons import LessonView

bp = Blueprint("player", __name__)
DAY_S = 86_400


@dataclass(frozen=True)
class Player:
    """Addresses of what is played: the annotation copy where there is one, its sound alone, a picture, captions.

    `rate` is the frame rate of that video, which `is_variable` says to be a mean only.
    """

    video: str
    sound: str
    poster: str
    captions: str
    rate: float
    is_variable: bool
    duration_s: float


def player_of(shown: LessonView) -> Player | None:
    """None until the lesson is ready."""
    if not shown.is_ready:
        return None
    services, copy_rate = access.services(), normalize.copy_rate(shown)
    g.audit_object = shown.id

    def link(suffix: str) -> str:
        found = shown.files.get(suffix)
        return services.store.presign_get(services.raw, found.key, expires_s=DAY_S) if found else ""

    return Player(
        link(normalize.COPY) or link(""), link(SOUND), link(POSTER),
        url_for("player.captions", lesson_id=shown.id) if ".vtt" in shown.files else "",
        copy_rate or shown.info.video.frame_rate, shown.info.video.is_variable_rate and not copy_rate, shown.info.duration_s,
    )  # fmt: skip


def has_waveform(shown: LessonView) -> bool:
    """Whether it is drawn already; lessons of before get theirs when somebody asks."""
    return PEAKS in shown.files


@bp.get("/lessons/<lesson_id>/captions.vtt")
def captions(lesson_id: str) -> Response:
    """The transcript as it is now, as WebVTT; of the page's own origin, since tracks of others need CORS."""
    services = access.services()
    row = lessons.owned(services, access.current(), lesson_id)
    return storage.serve_own(lessons.captions(services, row))


@bp.get("/api/lessons/<lesson_id>/peaks")
def peaks(lesson_id: str) -> Response:
    """The waveform as audiowaveform writes it, version 2 with 8 bits; Range works. `?stretches=` asks for no more of them."""
    services = access.services()
    row = lessons.owned(services, access.current(), lesson_id)
    found, most = waveform.stored(services, row), request.args.get("stretches", 0, type=int)
    if most <= 0:
        return storage.serve_own(found)
    answer = Response(waveform.overview(services, found, most), content_type=found.content_type)
    answer.set_etag(f"{found.etag}-{most}")
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer.make_conditional(request)


@bp.post("/api/lessons/<lesson_id>/peaks")
def draw(lesson_id: str) -> Response:
    """Have the waveform of an older lesson drawn -> {success, job_id}."""
    row = lessons.owned(access.services(), access.current(), lesson_id)
    return jsonify(success=True, job_id=waveform.request_peaks(access.services(), row).id)


@bp.get("/api/lessons/<lesson_id>/intervals")
def intervals(lesson_id: str) -> Response:
    """-> {success, lanes: [{annotator, marks: [{start_s, end_s, pattern}]}], colours: {pattern: "#rrggbb"},
    places: {pattern: 1}, left_out}: the colours as in Label Studio, and their places among the page's own.
    """
    row = lessons.owned(access.services(), access.current(), lesson_id)
    found = lanes.of_lesson(access.services(), row)
    told = [
        {
            "annotator": name,
            "marks": [
                {"start_s": mark.span.start_s, "end_s": mark.span.end_s, "pattern": mark.pattern} for mark in marks
            ],
        }
        for name, marks in found.marks.items()
    ]  # fmt: skip
    return jsonify(success=True, lanes=told, colours=found.colours, places=found.places, left_out=found.left_out)


def phrases() -> dict[str, str]:
    """What the scripts of the player say."""
    return {
        "play": gettext("Play"), "pause": gettext("Pause"), "frame": gettext("frame {number}"),
        "about": gettext("about frame {number}"), "chosen": gettext("{start} to {end}"),
        "unplayable": gettext("This browser cannot show the picture, so you hear the sound only."),
        "annotator": gettext("Annotator {name}"), "mark": gettext("{pattern}, annotator {name}, {start} to {end}"),
        "drawing": gettext("The waveform is being drawn…"), "noWaveform": gettext("The waveform could not be drawn: {reason}"),
        "noMarks": gettext("The annotations could not be read: {reason}"), "playMark": gettext("Play {mark}"),
        "leftOut": gettext("Only the first marks are shown; {count} more stand in the annotations under Downloads."),
        "noneYet": gettext("Nobody has annotated this lesson yet."),
    }  # fmt: skip

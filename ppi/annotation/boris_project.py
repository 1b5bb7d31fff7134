"""Annotations as a project of BORIS: the JSON that BORIS itself opens (format 7.0; olivierfriard/BORIS, project_functions)."""

from __future__ import annotations

import json
from typing import Any

from ppi.annotation.marks import Mark, flat
from ppi.annotation.tiers import spread
from ppi.records import Annotation

FORMAT = "7.0"


def write(annotations: tuple[Annotation, ...], *, video_name: str, duration_s: float | None, frame_rate: float | None) -> bytes:
    """Each annotator is an observation, each label a behaviour, each mark a pair of state events.

    BORIS pairs events of one subject and behaviour in order of time. So marks that lie over each other belong to the subjects
    "", "2", "3" and so on. Raises AnnotationError when more than a hundred do.
    """
    marks = flat(annotations)
    lanes = [(int(name.split("@")[0].rpartition("-")[2] or 1), lane) for name, lane in spread(marks, "").items()]
    media = {"length": duration_s or 0.0, "fps": frame_rate or 0.0, "hasVideo": True, "hasAudio": True}
    observed = {
        annotator: _observation(
            [(number, mark) for number, lane in lanes for mark in lane if mark.annotator == annotator], video_name, media
        )
        for annotator in dict.fromkeys(mark.annotator for mark in marks)
    }
    project = {
        "time_format": "hh:mm:ss", "project_date": "", "project_name": video_name, "project_description": "",
        "project_format_version": FORMAT,
        "subjects_conf": {
            str(place): {"key": "", "name": str(number), "description": ""}
            for place, number in enumerate(sorted({number for number, _ in lanes if number > 1}))
        },
        "behaviors_conf": {
            str(place): _behaviour(label) for place, label in enumerate(dict.fromkeys(mark.label for mark in marks))
        },
        "observations": observed, "behavioral_categories": [], "independent_variables": {}, "coding_map": {},
        "behaviors_coding_map": [], "converters": {},
    }  # fmt: skip
    return json.dumps(project, ensure_ascii=False, indent=1).encode()


def _behaviour(label: str) -> dict[str, Any]:
    return {
        "type": "State event", "key": "", "code": label, "description": "", "color": "", "category": "", "modifiers": {},
        "excluded": "", "coding map": "",
    }  # fmt: skip


def _observation(marks: list[tuple[int, Mark]], video_name: str, media: dict[str, Any]) -> dict[str, Any]:
    """Events are time, subject, behaviour, modifiers, comment. A mark that begins where another ends comes after it."""
    events = sorted(
        (time_s, begins, str(number) if number > 1 else "", mark.label)
        for number, mark in marks
        for begins, time_s in ((False, mark.span.end_s), (True, mark.span.start_s))
    )
    return {
        "file": {"1": [video_name]}, "type": "MEDIA", "date": "", "description": "", "time offset": 0.0,
        "observation time interval": [0, 0], "independent_variables": {},
        "media_info": {**{name: {video_name: value} for name, value in media.items()}, "offset": {"1": 0.0}},
        "events": [[time_s, subject, label, "", ""] for time_s, _, subject, label in events],
    }  # fmt: skip

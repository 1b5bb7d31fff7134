"""Label Studio's JSON-MIN: one record an annotation, the regions' ids gone. Intervals survive, answers lose their region."""

from __future__ import annotations

import json
from typing import Any

from ppi.annotation import label_studio
from ppi.records import Annotation, Dropped, Export

# Fields of a record that are not controls of the labelling configuration.
ABOUT = {"id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time"}
INTERVALS = ("labels", "timelinelabels")


def is_json_min(parsed: Any) -> bool:
    """Whether the JSON is of this kind: records that name an annotation without holding one."""
    first = parsed[0] if isinstance(parsed, list) and parsed else parsed
    return isinstance(first, dict) and "annotations" not in first and bool({"annotation_id", "annotator"} & set(first))


def read(parsed: Any, *, frame_rate: float | None, duration_s: float | None) -> Export:
    """The intervals of all records, as `label_studio.read` finds them in the whole export.

    `dropped` names each record whose answers (choices, texts) no longer say which region they are about.
    """
    records = parsed if isinstance(parsed, list) else [parsed]
    export = label_studio.read(
        [_task(record) if isinstance(record, dict) else record for record in records],
        frame_rate=frame_rate, duration_s=duration_s,
    )  # fmt: skip
    lost = [
        Dropped(f"task {record.get('id', number)}", "lost_region_links", ", ".join(names)[:80])
        for number, record in enumerate(records, start=1)
        if isinstance(record, dict) and (names := _answers(record))
    ]
    return Export(export.annotations, (*lost, *export.dropped), export.tasks)


def write(
    annotations: tuple[Annotation, ...], *, frame_rate: float | None, duration_s: float | None, video: str, lesson_id: str
) -> bytes:
    """One record for each annotation, all spans under `patterns`. Choices and texts of regions have no place here.

    Label Studio names annotators by number, so the names stand in `annotators`, where `read` finds them.
    """
    rate = label_studio.shown_rate(frame_rate) if frame_rate else ""
    length = {"original_length": duration_s} if duration_s else {}
    records = [
        {
            **{name: value for name, value in (("video", video), ("fps", rate), ("lesson_id", lesson_id)) if value},
            "annotators": [one.annotator], "id": 1,
            "patterns": [
                {"start": region.span.start_s, "end": region.span.end_s, "channel": 0, "labels": list(region.labels), **length}
                for region in one.regions
            ],
            "annotator": number, "annotation_id": number,
        }
        for number, one in enumerate(annotations, start=1)
    ]  # fmt: skip
    return json.dumps(records, ensure_ascii=False, indent=1).encode()


def _task(record: dict[str, Any]) -> dict[str, Any]:
    """The record in the shape of a task with one annotation."""
    result = [
        {"id": f"{name}-{number}", "from_name": name, "type": _kind(value), "value": value}
        for name, values in record.items()
        if isinstance(values, list) and name not in ABOUT
        for number, value in enumerate(values, start=1)
        if isinstance(value, dict) and _kind(value)
    ]
    data = {name: record[name] for name in ("fps", "lesson_id", "video", "annotators") if name in record}
    who = {} if "annotators" in record else {"completed_by": record.get("annotator")}
    annotation = {"id": record.get("annotation_id"), **who, "result": result}
    return {"id": record.get("id"), "data": data, "annotations": [annotation]}


def _kind(value: dict[str, Any]) -> str:
    if "sequence" in value:
        return "videorectangle"
    return next((name for name in INTERVALS if name in value), "")


def _answers(record: dict[str, Any]) -> list[str]:
    """The controls with other values than intervals. Controls stand between `id` and `annotator`, the task's data before."""
    names = list(record)
    controls = names[names.index("id") + 1 :] if "id" in names else names
    return [name for name in controls if name not in ABOUT and not _holds_intervals(record[name])]


def _holds_intervals(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) and _kind(item) for item in value)

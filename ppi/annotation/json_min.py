"""Label Studio's JSON-MIN: one record an annotation, the regions' ids gone. Intervals survive, answers lose their region."""

from __future__ import annotations

from typing import Any

from ppi.annotation import label_studio
from ppi.records import Dropped, Export

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


def _task(record: dict[str, Any]) -> dict[str, Any]:
    """The record in the shape of a task with one annotation."""
    result = [
        {"id": f"{name}-{number}", "from_name": name, "type": _kind(value), "value": value}
        for name, values in record.items()
        if isinstance(values, list) and name not in ABOUT
        for number, value in enumerate(values, start=1)
        if isinstance(value, dict) and _kind(value)
    ]
    data = {name: record[name] for name in ("fps", "lesson_id", "video") if name in record}
    annotation = {"id": record.get("annotation_id"), "completed_by": record.get("annotator"), "result": result}
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

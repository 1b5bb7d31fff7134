"""What is wrong with the values of one row of metadata.jsonl, files aside."""

from __future__ import annotations

import math
from typing import Any

from ppi.dataset.findings import Finding, fault
from ppi.dataset.layout import KEYS, SPLITS
from ppi.dataset.texts import ORIGINS

LISTS_OF_TEXTS = ("regions", "speakers", "text_flags")
LIST_KEYS = ("patterns", "choices", "comments", "words", *LISTS_OF_TEXTS)
TEXT_KEYS = tuple(key for key in KEYS if key not in ("start_time", "end_time", *LIST_KEYS))
KNOWN = {"text_origin": ORIGINS, "split": SPLITS}
MAX_SHOWN_CHARACTERS = 200


def of(row: dict[str, Any], name: str) -> list[Finding]:
    """The faults of the row, which is called `name`."""
    if missing := [key for key in KEYS if key not in row]:
        return [fault(name, "It lacks {keys}.", keys=", ".join(missing))]
    faults = [fault(name, "Its {key} is not a text.", key=key) for key in TEXT_KEYS if not isinstance(row[key], str)]
    if extra := [key for key in row if key not in KEYS]:
        faults.append(fault(name, "It has unknown keys: {keys}.", keys=", ".join(extra)[:MAX_SHOWN_CHARACTERS]))
    start_s, end_s = row["start_time"], row["end_time"]
    if not (_is_time(start_s) and _is_time(end_s) and 0 <= start_s < end_s):
        faults.append(fault(name, "Its span {start} to {end} is not one.", start=shown(start_s), end=shown(end_s)))
    for key, known in KNOWN.items():
        if row[key] not in known:
            given, names = shown(row[key]), ", ".join(known)
            faults.append(fault(name, "Its {key} {given} is none of {known}.", key=key, given=given, known=names))
    return [*faults, *_faults_of_lists(row, name)]


def shown(value: Any) -> str:
    """A value of any kind, so that it can be told from others."""
    return repr(value)[:MAX_SHOWN_CHARACTERS]


def _faults_of_lists(row: dict[str, Any], name: str) -> list[Finding]:
    faults = []
    patterns = row["patterns"]
    if not isinstance(patterns, list) or not patterns or not all(map(_is_pattern, patterns)):
        faults.append(fault(name, "Its patterns are not a list of type and description."))
    for key in ("choices", "comments"):
        if not isinstance(row[key], list) or not all(map(_is_answer, row[key])):
            faults.append(fault(name, "Its {key} are not a list of name and values.", key=key))
    faults += [fault(name, "Its {key} are not a list of texts.", key=key) for key in LISTS_OF_TEXTS if not _are_texts(row[key])]
    if not isinstance(row["words"], list) or not all(map(_is_word, row["words"])):
        faults.append(fault(name, "Its words are not a list of words with times."))
    return faults


def _is_time(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_pattern(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == {"type", "description"}
        and isinstance(value["description"], str)
        and isinstance(value["type"], str)
        and bool(value["type"])
    )


def _is_answer(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == {"name", "values"}
        and isinstance(value["name"], str)
        and _are_texts(value["values"])
    )


def _is_word(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and set(value) - {"is_interpolated"} == {"text", "start_time", "end_time", "probability", "is_uncertain", "speaker"}
        and isinstance(value["text"], str)
        and isinstance(value["speaker"], str)
        and isinstance(value["is_uncertain"], bool)
        and isinstance(value.get("is_interpolated", False), bool)  # datasets from before have none
        and _is_time(value["start_time"])
        and _is_time(value["end_time"])
        and (value["probability"] is None or _is_time(value["probability"]))
    )


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)

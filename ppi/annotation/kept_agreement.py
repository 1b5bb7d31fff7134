"""A comparison of annotators as bytes, to be kept, and as it was again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

from ppi.annotation.agreement import Agreement, Confusion, Moment, PairFigures, PatternFigures
from ppi.annotation.moments import Mark
from ppi.records import Dropped, Span


def packed(found: Agreement) -> bytes:
    return json.dumps(asdict(found)).encode()


def unpacked(data: bytes) -> Agreement:
    """The comparison that was packed. Raises ValueError, KeyError or TypeError for anything else."""
    raw = json.loads(data)
    return Agreement(**raw | {
        "annotators": tuple(raw["annotators"]), "everybody": tuple(raw["everybody"]),
        "patterns": tuple(map(_figures, raw["patterns"])), "confusions": tuple(map(_confusion, raw["confusions"])),
        "moments": tuple(map(_moment, raw["moments"])), "dropped": tuple(map(partial(_of, Dropped), raw["dropped"])),
    })  # fmt: skip


def _of(kind: Callable[..., Any], raw: dict[str, Any]) -> Any:
    return kind(**raw)


def _figures(raw: dict[str, Any]) -> PatternFigures:
    return PatternFigures(**raw | {"pairs": tuple(map(partial(_of, PairFigures), raw["pairs"]))})


def _confusion(raw: dict[str, Any]) -> Confusion:
    return Confusion(raw["one"], raw["other"], tuple(map(tuple, raw["counts"])))


def _moment(raw: dict[str, Any]) -> Moment:
    marks, instead = (tuple(map(_mark, raw[name])) for name in ("marks", "instead"))
    return Moment(raw["id"], raw["pattern"], Span(**raw["span"]), raw["kind"], marks, instead)


def _mark(raw: dict[str, Any]) -> Mark:
    return Mark(Span(**raw["span"]), raw["pattern"], raw["annotator"])

"""What may change while the media stay: consent, licence, embargo, the makers' words and the language of the card."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ppi.dataset import card, consent, croissant, figures, layout, manifest
from ppi.errors import DatasetError
from ppi.records import Consent

Read = Callable[[str], bytes]


def refreshed(read: Read, agreed: Consent, own_text: str, language: str) -> dict[str, bytes]:
    """The files of a dataset that have to be written so that it says this: by path, the manifest last, none when it does.

    `read` answers the bytes of a file of the dataset. Figures are drawn anew, in a child process, when the language changes.
    Raises DatasetError for a dataset of an earlier version of PPI.
    """
    described = manifest.parsed(read(layout.MANIFEST))
    settings = {**described["settings"], **settings_of(agreed, language)}
    facts = card.facts_of(_json(read, layout.REPORT), agreed, own_text, language)
    versions = _json(read, layout.CHANGES)["versions"]
    text = _rendered(read, described, facts, versions).encode()
    if settings == described["settings"] and text == read(layout.CARD):
        return {}
    files = {file["path"]: file for file in described["files"]}
    told = croissant.describe(facts, files, versions[-1]["version"])
    changed = {layout.CARD: text, layout.CROISSANT: layout.as_json(told).encode()}
    if _figures_of(described) and settings["card_language"] != described["settings"].get("card_language", "en"):
        changed |= _drawn(read, language)
    return {**changed, layout.MANIFEST: manifest.with_files(described, settings, changed)}


def _drawn(read: Read, language: str) -> dict[str, bytes]:
    """The figures of the dataset, by path."""
    with tempfile.TemporaryDirectory(prefix="ppi-figures-") as folder:
        for path in (layout.METADATA, layout.REPORT):
            (Path(folder) / path).write_bytes(read(path))
        return {path: (Path(folder) / path).read_bytes() for path in figures.draw(Path(folder), language)}


def card_of(read: Read, agreed: Consent, own_text: str, language: str) -> str:
    """The card as it would be written. Raises DatasetError for a dataset of an earlier version of PPI."""
    facts = card.facts_of(_json(read, layout.REPORT), agreed, own_text, language)
    return _rendered(read, manifest.parsed(read(layout.MANIFEST)), facts, _json(read, layout.CHANGES)["versions"])


def settings_of(agreed: Consent, language: str) -> dict[str, Any]:
    """What the manifest says of it."""
    return {
        "license": agreed.license, "consent": agreed.state, "embargo_until": agreed.embargo_until, "card_language": language,
    }  # fmt: skip


def said_now(read: Read) -> tuple[Consent, str, str]:
    """What a dataset says: consent, the makers' words, the language of its card."""
    settings = manifest.parsed(read(layout.MANIFEST))["settings"]
    language = settings.get("card_language", "en")
    return consent.of_settings(settings), card.own_text_of(read(layout.CARD).decode()), language


def _rendered(read: Read, described: dict[str, Any], facts: card.CardFacts, versions: list[dict[str, Any]]) -> str:
    rows = [json.loads(line) for line in read(layout.METADATA).decode().split("\n") if line]
    return card.render(rows, facts, versions, _figures_of(described))


def _figures_of(described: dict[str, Any]) -> list[str]:
    listed = {file["path"] for file in described["files"]}
    return [path for path in layout.FIGURES if path in listed]


def _json(read: Read, path: str) -> Any:
    try:
        return json.loads(read(path))
    except ValueError as error:
        raise DatasetError("{path} of this dataset cannot be read. Build it again.", path=path) from error

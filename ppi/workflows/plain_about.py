"""What a dataset folder says of itself, changed without a build: consent, licence, embargo, own words, the card's language."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ppi.dataset import card, refresh
from ppi.dataset import consent as consents
from ppi.errors import DatasetError


def say_in_folder(
    folder: Path, *, consent: Mapping[str, str | None], own_text: str | None = None, language: str | None = None
) -> tuple[str, ...]:
    """Write the card and the manifest of `folder` anew; answers the files that changed, none when it said all that before.

    `consent` has the fields of `ppi.records.Consent` but the teacher's code, which stands in every row; None leaves a thing
    as it is. Raises InputError, and DatasetError when this is no dataset of this version of PPI.
    """

    def read(path: str) -> bytes:
        try:
            return (folder / path).read_bytes()
        except OSError as error:
            raise DatasetError(
                "{folder} is not a dataset of PPI: it has no {path}. Give the folder of a dataset.",
                folder=folder.name, path=path
            ) from error  # fmt: skip

    agreed, words, spoken = refresh.said_now(read)
    agreed = replace(agreed, **{name: value for name, value in consent.items() if value is not None})
    agreed = consents.checked(agreed.state, agreed.license, agreed.embargo_until)
    words = words if own_text is None else card.checked_own_text(own_text)
    spoken = spoken if language is None else card.checked_language(language)
    changed = refresh.refreshed(read, agreed, words, spoken)
    for path, data in changed.items():
        fresh = folder / f".{secrets.token_hex(6)}"
        fresh.write_bytes(data)
        os.replace(fresh, folder / path)
    return tuple(changed)

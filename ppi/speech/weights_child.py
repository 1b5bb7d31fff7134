"""Runs inside the child process: fetches weights from the Hub, checks them by hash, and puts them in place all at once."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ppi.errors import WeightsMissing
from ppi.settings import tell_library
from ppi.speech.weights import PATTERNS, REPOSITORIES, SPEAKER_FILES, SUMS, missing, sha256, speakers_missing

Report = Callable[[tuple[str, Any]], None]


def fetch_folder(report: Report, model: str, folder: Path, hub: str) -> None:
    """Fetch the folder of an official size; reports ("fetched", fraction). Raises WeightsMissing.

    A file whose hash is not the one that the Hub states is thrown away with all others.
    """
    if model not in REPOSITORIES:
        raise missing(model, folder)
    fill(report, {REPOSITORIES[model]: dict(zip(PATTERNS, PATTERNS, strict=True))}, folder, hub, missing(model, folder))


def fetch_speakers(report: Report, folder: str, hub: str) -> None:
    """Fetch the models that tell speakers apart, as `fetch_folder` does."""
    sources = {repository: {name: here} for here, (repository, name) in SPEAKER_FILES.items()}
    fill(report, sources, Path(folder), hub, speakers_missing(Path(folder)))


def fill(report: Report, sources: Mapping[str, Mapping[str, str]], folder: Path, hub: str, absent: WeightsMissing) -> None:
    """Put the files of the repositories into `folder`, all at once; `sources` has {repository: {name there: name here}}."""
    tell_library("HF_HUB_DISABLE_TELEMETRY", "1")
    from httpx2 import HTTPError  # what the Hub's client speaks HTTP with
    from huggingface_hub.errors import HfHubHTTPError

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as fresh:
            sums = _fetch(report, sources, Path(fresh), hub)
            (Path(fresh) / SUMS).write_text(json.dumps(sums, indent=1))
            shutil.rmtree(Path(fresh) / ".cache", ignore_errors=True)
            shutil.rmtree(folder, ignore_errors=True)
            os.replace(fresh, folder)
            Path(fresh).mkdir()  # for the context to remove
    except (OSError, ValueError, HTTPError, HfHubHTTPError) as error:
        raise absent from error


def _fetch(report: Report, sources: Mapping[str, Mapping[str, str]], fresh: Path, hub: str) -> dict[str, str]:
    """Name -> SHA-256 of the files fetched into `fresh`. Raises ValueError for a file that is not what it should be."""
    from huggingface_hub import HfApi, hf_hub_download

    api = HfApi(endpoint=hub, token=False)
    found = {repository: api.model_info(repository, files_metadata=True) for repository in sources}
    files = [(source, file) for source, about in found.items() for file in about.siblings if file.rfilename in sources[source]]
    total, done, sums = sum(file.size or 0 for _, file in files) or 1, 0, {}
    for source, file in files:
        hf_hub_download(
            source, file.rfilename, revision=found[source].sha, local_dir=fresh, endpoint=hub, token=False,
            tqdm_class=_bar(lambda size_bytes, before=done: report(("fetched", min((before + size_bytes) / total, 1.0)))),
        )  # fmt: skip
        done += file.size or 0
        _check(fresh / file.rfilename, file)
        name = sources[source][file.rfilename]
        os.replace(fresh / file.rfilename, fresh / name)
        sums[name] = sha256(fresh / name)
    return sums


def _check(path: Path, stated) -> None:
    """Large files are stated by their SHA-256, small ones by git's hash of them."""
    data = b"" if stated.lfs else path.read_bytes()
    found = sha256(path) if stated.lfs else hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
    if found != (stated.lfs.sha256 if stated.lfs else stated.blob_id):
        raise ValueError(f"{path.name} came damaged")


def _bar(on_bytes: Callable[[int], None]) -> type:
    """The Hub's client tells its progress only to a tqdm bar, so it gets one that passes it on."""
    import io

    from tqdm import tqdm

    # A lock between processes, tqdm's default, is never given back when the child is killed.
    tqdm.set_lock(threading.RLock())

    class Bar(tqdm):
        def __init__(self, *args, **kwargs):
            kwargs.pop("name", None)
            super().__init__(*args, **{**kwargs, "file": io.StringIO(), "disable": False})

        def update(self, amount: float | None = 1) -> bool | None:
            shown = super().update(amount)
            on_bytes(int(self.n))
            return shown

    return Bar

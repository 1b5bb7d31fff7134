"""Lessons from files on this machine: what `ingest` of the command line and the sample lesson use."""

from __future__ import annotations

from pathlib import Path

from ppi.errors import InputError
from ppi.jobs.ledger import Job
from ppi.services import Services
from ppi.workflows import uploads
from ppi.workflows.plain import check_file


def ingest_file(services: Services, video: Path, name: str, user_name: str, parts: int = 1) -> Job:
    """Copy a video into the data folder as a new lesson of `user_name` and queue its ingest.

    Raises NotFound for an unknown user, and what `begin_upload` raises.
    """
    check_file(video)
    user = services.users.by_name(user_name)
    size_bytes = video.stat().st_size
    row = uploads.begin_upload(
        services, user, file_name=video.name, task_name=name, size_bytes=size_bytes, parts=parts
    )  # fmt: skip
    try:
        with video.open("rb") as file:
            row = uploads.receive(services, row, 0, file.readinto)
        if row.offset_bytes != size_bytes:
            raise InputError("{name} changed while it was being read. Try again.", name=video.name)
    except BaseException:
        uploads.discard(services, row)
        raise
    return uploads.commit_upload(services, row)

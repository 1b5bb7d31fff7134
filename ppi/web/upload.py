"""Uploads: the tus 1.0 resumable protocol, and the classic multipart form.

Source of the protocol: https://tus.io/protocols/resumable-upload (core, creation, termination, expiration).
"""

from __future__ import annotations

import base64
import binascii
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from email.utils import formatdate
from typing import IO, Any

from flask import Blueprint, Request, Response, g, jsonify, request, url_for

from ppi.errors import Conflict, InputError, UnsupportedMedia, UploadTooLarge
from ppi.jobs.lessons import LessonRow
from ppi.web import access, forms
from ppi.workflows import ingest, lessons, quotas, uploads

bp = Blueprint("upload", __name__)
TUS_VERSION = "1.0.0"
CHUNK_TYPE = "application/offset+octet-stream"
FORM_OVERHEAD_BYTES = 64 * 1024


class StreamingRequest(Request):
    """Writes the file of a multipart upload straight into the folder of uploads, so that it is written only once."""

    def _get_file_stream(
        self, total_content_length: int | None, content_type: str | None, filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:  # fmt: skip
        if self.endpoint != "upload.process_video":
            return super()._get_file_stream(total_content_length, content_type, filename, content_length)
        folder = access.services().uploads_dir
        folder.mkdir(parents=True, exist_ok=True)
        return tempfile.NamedTemporaryFile(dir=folder, prefix="form-", suffix=".part")


@bp.post("/api/process-video")
def process_video() -> Response:
    """A video as multipart form, or a form or JSON that names an object in storage; answers the lesson's id."""
    if request.is_json:
        given = request.get_json(silent=True)
        if not isinstance(given, dict) or not isinstance(given.get("object_name"), str):
            raise InputError("Send object_name, the name of a file in storage.")
        return _from_storage(given)
    request.max_content_length = _check_form_size()
    if request.form.get("object_name"):
        return _from_storage(request.form)
    video = request.files.get("video")
    if video is None or not video.filename:
        raise InputError("Send the video as the form field “video”.")
    row = _take(video)
    g.then = url_for("pages.lesson", lesson_id=row.id)
    return jsonify(success=True, file_id=row.id)


@bp.get("/api/upload-room")
def room() -> Response:
    """What may be sent now, so that a page can say so before it sends anything."""
    services, account = access.services(), access.current()
    begun = [
        {
            "file_id": row.id, "task_name": row.name, "file_name": row.video_key.rpartition("/")[2],
            "size_bytes": row.size_bytes, "offset_bytes": row.offset_bytes,
        }
        for row in uploads.unfinished(services, account)
    ]  # fmt: skip
    return jsonify(success=True, **asdict(uploads.room(services, account)), unfinished=begun)


def _check_form_size() -> int:
    """How long the form may be. Quota and size are refused before a byte of the body is read."""
    limit_bytes = access.services().settings.upload.max_upload_bytes
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMedia("Send the video as multipart/form-data, or JSON with object_name.")
    if request.content_length is None:
        raise InputError("The request does not say how long it is. Send it with a Content-Length.")
    if request.content_length > limit_bytes + FORM_OVERHEAD_BYTES:
        raise UploadTooLarge(
            "The file has {size_mb} MB and the limit is {limit_mb} MB. Compress the video or cut it, then try again.",
            size_mb=request.content_length // 1_000_000,
            limit_mb=limit_bytes // 1_000_000,
        )
    # The form around the file is some hundred bytes; the file alone is weighed again when it is here.
    quotas.check(access.services(), access.current(), max(request.content_length - FORM_OVERHEAD_BYTES, 0))
    return limit_bytes + FORM_OVERHEAD_BYTES


forms.ADMITTED["upload.process_video"] = _check_form_size


def _from_storage(given: Mapping[str, Any]) -> Response:
    """A lesson of the object in storage that is named."""
    g.audit_object = given["object_name"]
    job = ingest.ingest_from_storage(
        access.services(), access.current(), object_name=given["object_name"], task_name=str(given.get("task_name") or ""),
        parts=_parts(given.get("parts")),
    )  # fmt: skip
    g.audit_object = f"{job.lesson_id} {given['object_name']}"
    g.then = url_for("pages.lesson", lesson_id=job.lesson_id)
    return jsonify(success=True, file_id=job.lesson_id)


def _take(video) -> LessonRow:
    services = access.services()
    size_bytes = video.stream.seek(0, os.SEEK_END)
    row = uploads.begin_upload(
        services, access.current(), file_name=video.filename, task_name=request.form.get("task_name", ""),
        size_bytes=size_bytes, parts=_parts(request.form.get("parts")),
    )  # fmt: skip
    video.stream.flush()
    row = uploads.adopt(services, row, video.stream.name)
    uploads.commit_upload(services, row)
    g.audit_object = row.id
    return row


def _parts(given: object) -> int:
    try:
        return int(given) if given not in (None, "") else 1
    except (TypeError, ValueError) as error:
        raise InputError("The number of parts must be a whole number.") from error


@bp.route("/uploads/", methods=["OPTIONS"], provide_automatic_options=False)
def tus_options() -> Response:
    answer = Response(status=204)
    answer.headers["Tus-Version"] = TUS_VERSION
    answer.headers["Tus-Extension"] = "creation,termination,expiration"
    answer.headers["Tus-Max-Size"] = str(access.services().settings.upload.max_upload_bytes)
    return answer


@bp.post("/uploads/")
def tus_create() -> Response:
    _check_version()
    given = _metadata(request.headers.get("Upload-Metadata", ""))
    row = uploads.begin_upload(
        access.services(), access.current(), file_name=given.get("filename", "lesson.mp4"),
        task_name=given.get("task_name", ""), size_bytes=_number("Upload-Length"), parts=_parts(given.get("parts")),
    )  # fmt: skip
    g.audit_object = row.id
    answer = _tus(201, row)
    answer.headers["Location"] = url_for("upload.tus_head", lesson_id=row.id)
    return answer


@bp.route("/uploads/<lesson_id>", methods=["HEAD"], provide_automatic_options=False)
def tus_head(lesson_id: str) -> Response:
    _check_version()
    row = lessons.owned(access.services(), access.current(), lesson_id)
    answer = _tus(200, row)
    answer.headers["Upload-Length"] = str(row.size_bytes)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.patch("/uploads/<lesson_id>")
def tus_patch(lesson_id: str) -> Response:
    _check_version()
    services = access.services()
    row = lessons.owned(services, access.current(), lesson_id)
    if request.mimetype != CHUNK_TYPE:
        raise UnsupportedMedia("Chunks are sent as {expected}.", expected=CHUNK_TYPE)
    from_bytes = _number("Upload-Offset")
    if row.state != "uploading" and from_bytes == row.size_bytes:
        return _tus(204, row)
    # One block more than can come: a server that marks the end of bodies itself is asked once more at the limit.
    request.max_content_length = row.size_bytes + FORM_OVERHEAD_BYTES
    row = uploads.receive(services, row, from_bytes, request.stream.readinto)
    if row.offset_bytes == row.size_bytes:
        uploads.commit_upload(services, row)
        g.audit_object = row.id
    return _tus(204, row)


@bp.delete("/uploads/<lesson_id>")
def tus_delete(lesson_id: str) -> Response:
    _check_version()
    uploads.abort_upload(access.services(), lessons.owned(access.services(), access.current(), lesson_id))
    return Response(status=204, headers={"Tus-Resumable": TUS_VERSION})


def _tus(status: int, row: LessonRow) -> Response:
    answer = Response(status=status)
    answer.headers["Tus-Resumable"] = TUS_VERSION
    answer.headers["Upload-Offset"] = str(row.offset_bytes)
    answer.headers["X-File-Id"] = row.id
    if row.state == "uploading":
        answer.headers["Upload-Expires"] = formatdate(row.expires_s, usegmt=True)
    return answer


def _check_version() -> None:
    if request.headers.get("Tus-Resumable") != TUS_VERSION:
        raise Conflict("Uploads use version {version} of the tus protocol.", version=TUS_VERSION)


def _number(header: str) -> int:
    given = request.headers.get(header, "")
    if not given.isdecimal() or len(given) > 18:
        raise InputError("The header {header} must hold a whole number.", header=header)
    return int(given)


def _metadata(header: str) -> dict[str, str]:
    """`key base64,key base64`: the values as text."""
    found = {}
    for pair in filter(None, (part.strip() for part in header.split(","))):
        key, _, value = pair.partition(" ")
        try:
            found[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise InputError("The header {header} cannot be read.", header="Upload-Metadata") from error
    return found

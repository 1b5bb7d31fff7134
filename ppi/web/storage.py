"""Files: lists, deletion, downloads, and the bytes behind signed and stable links."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

from flask import Blueprint, Response, g, jsonify, redirect, request
from werkzeug.datastructures import ContentRange
from werkzeug.http import parse_range_header

from ppi.errors import InputError, NotFound
from ppi.records import ObjectInfo
from ppi.web import access
from ppi.web.lessons import offer_undo
from ppi.workflows import lessons, recycle_bin

bp = Blueprint("storage", __name__)
# How long nginx may take this word for it that a link is good, and send the file without asking again.
KEPT_S = 20
EXPOSED = "Accept-Ranges, Content-Range, Content-Length, ETag"


@bp.get("/list_files")
def list_files() -> Response:
    found = lessons.list_files(access.services(), access.current())
    files = [
        {
            "name": item.key,
            "size_mb": round(item.size_bytes / 1_000_000, 2),
            "last_modified": datetime.fromtimestamp(item.last_modified_s, UTC).isoformat(timespec="seconds"),
        }
        for item in found
    ]
    return jsonify(success=True, files=files)


@bp.post("/delete_file")
def delete_file() -> Response:
    given = request.get_json(silent=True) if request.is_json else request.form
    name = given.get("object_name") if hasattr(given, "get") else None
    if not isinstance(name, str) or not name:
        raise InputError("Send object_name, the name of a file in storage.")
    g.audit_object = name
    binned = recycle_bin.delete_file(access.services(), access.current(), name, is_undoable=_is_undoable(given))
    if binned is not None:
        offer_undo([binned])
    return jsonify(success=True)


@bp.post("/api/lessons/<lesson_id>/delete")
def delete_lesson(lesson_id: str) -> Response:
    """For good; with `undo`, as pages send it, into the bin."""
    row = lessons.owned(access.services(), access.current(), lesson_id)
    g.audit_object = f"{row.id} {row.prefix}"
    if not _is_undoable(request.get_json(silent=True)):
        lessons.delete_lesson(access.services(), row)
        return jsonify(success=True)
    recycle_bin.put_in(access.services(), row)
    offer_undo([row])
    return jsonify(success=True)


@bp.post("/api/lessons/<lesson_id>/restore")
def restore_lesson(lesson_id: str) -> Response:
    """Out of the bin."""
    recycle_bin.bring_back(access.services(), recycle_bin.owned(access.services(), access.current(), lesson_id))
    return jsonify(success=True)


@bp.post("/api/lessons/<lesson_id>/link/revoke")
def revoke_links(lesson_id: str) -> Response:
    """End the stable links; the next look at the lesson makes a new one."""
    row = lessons.owned(access.services(), access.current(), lesson_id)
    return jsonify(success=True, revoked=lessons.revoke_links(access.services(), row))


@bp.get("/lessons/<lesson_id>/download/<path:name>")
def download(lesson_id: str, name: str) -> Response:
    """Redirects to a short-lived link that saves the file."""
    row = lessons.owned(access.services(), access.current(), lesson_id)
    store, bucket = access.services().store, access.services().raw
    store.stat(bucket, row.prefix + name)
    return redirect(store.presign_get(bucket, row.prefix + name, expires_s=3600, download_name=name.rsplit("/", 1)[-1]))


@bp.get("/media/<bucket>/<path:key>")
def media(bucket: str, key: str) -> Response:
    """An object of the local store, for whoever holds a signed link to it. HEAD and Range work; CORS for Label Studio."""
    store = access.services().store
    if not store.is_local:
        raise NotFound("There is nothing at this address. Check it, or go on from the start page.")
    # A value that comes twice is no value we signed.
    given = {name: ",".join(values) for name, values in request.args.lists()}
    download_name = store.verify(bucket, key, given)
    if lessons.is_hidden(access.services(), key):
        raise NotFound("There is no such file in storage; it may have been deleted. Reload the page.", object_name=key)
    answer = allow_label_studio(_serve(store.stat(bucket, key), download_name))
    if answer.status_code == 200:
        left_s = int(given["expires"]) - int(time.time())
        answer.headers["X-Accel-Expires"] = str(max(0, min(left_s, KEPT_S)))
    return answer


@bp.get("/m/<token>/<name>")
def stable(token: str, name: str) -> Response:
    """The stable link: redirects to a fresh presigned URL until it is revoked. `name` only pleases players."""
    services = access.services()
    key = g.audit_object = lessons.followed(services, token)
    return allow_label_studio(redirect(services.store.presign_get(services.raw, key, expires_s=lessons.FOLLOWED_LIFE_S)))


def allow_label_studio(answer: Response) -> Response:
    """Let the pages of the configured Label Studio read this answer."""
    parts = urlsplit(access.services().settings.label_studio.url)
    answer.headers["Access-Control-Allow-Origin"] = f"{parts.scheme}://{parts.netloc}"
    answer.headers["Access-Control-Expose-Headers"] = EXPOSED
    answer.headers["Vary"] = "Origin"
    return answer


def _is_undoable(given: Any) -> bool:
    return hasattr(given, "get") and given.get("undo") in (True, "yes")


def serve_own(found: ObjectInfo) -> Response:
    """An object through the application itself, for its own pages; asked for again each time, and answered by 304."""
    if request.if_none_match.contains(found.etag):
        answer = Response(status=304, headers={"ETag": f'"{found.etag}"'})
    else:
        answer = _serve(found, None)
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


def _serve(found: ObjectInfo, download_name: str | None) -> Response:
    answer = _stream(found)
    answer.headers["Cache-Control"] = "private, max-age=3600"
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer.headers["Content-Disposition"] = _disposition(download_name, found)
    return answer


def _stream(found: ObjectInfo) -> Response:
    start, stop, status = 0, found.size_bytes, 200
    asked = parse_range_header(request.headers.get("Range"))
    if asked is not None and asked.units == "bytes" and len(asked.ranges) == 1 and _is_current(found):
        wanted = asked.range_for_length(found.size_bytes)
        if wanted is None:
            return Response(status=416, headers={"Content-Range": f"bytes */{found.size_bytes}"})
        (start, stop), status = wanted, 206
    body = () if request.method == "HEAD" else _read(found, start, stop)
    answer = Response(body, status, mimetype=None, content_type=found.content_type or "application/octet-stream")
    answer.headers["Content-Length"] = str(stop - start)
    answer.headers["Accept-Ranges"] = "bytes"
    answer.headers["ETag"] = f'"{found.etag}"'
    if status == 206:
        answer.headers["Content-Range"] = str(ContentRange("bytes", start, stop, found.size_bytes))
    return answer


def _read(found: ObjectInfo, start: int, stop: int):
    return access.services().store.read(found.bucket, found.key, offset=start, length=stop - start)


def _is_current(found: ObjectInfo) -> bool:
    condition = request.headers.get("If-Range")
    return condition is None or condition.strip('"') == found.etag


def _disposition(download_name: str | None, found: ObjectInfo) -> str:
    """Attachment for downloads and for every type a browser might run; the name as RFC 6266 writes it."""
    is_shown = found.content_type.split("/")[0] in ("video", "audio", "image") and "svg" not in found.content_type
    kind = "inline" if is_shown and not download_name else "attachment"
    name = download_name or found.key.rsplit("/", 1)[-1]
    simple = re.sub(r"[^A-Za-z0-9._ -]", "_", name)
    return f"{kind}; filename=\"{simple}\"; filename*=UTF-8''{quote(name, safe='')}"


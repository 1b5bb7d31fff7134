"""The local store: objects as plain files, metadata beside them, links signed by this application.

Layout below the root: `objects/<bucket>/<key>` and `about/<bucket>/<key>.json`; `incoming/` holds what is being written.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlencode

from ppi.errors import AccessDenied, BackendError, InputError, NotFound
from ppi.records import ObjectInfo
from ppi.storage.base import BLOCK_BYTES, WEEK_S, Progress, quiet
from ppi.storage.incoming import Incoming

MAX_PART_BYTES = 250
# Objects may be read by PPI's account and its group, where the account of a web server can be added; by nobody else.
OBJECT_MODE = 0o640


class LocalStore:
    """See `ppi.storage.base.ObjectStore`. `signing_key` signs links; another key makes all earlier links void."""

    is_local = True

    def __init__(self, root: Path, signing_key: bytes, public_url: str = ""):
        self._root = root
        self._signing_key = signing_key
        self._public_url = public_url
        self._incoming = Incoming(root / "incoming")

    def put_file(
        self, bucket: str, key: str, path: Path, *, content_type: str = "", metadata: Mapping[str, str] | None = None,
        move: bool = False, on_progress: Progress = quiet,
    ) -> ObjectInfo:  # fmt: skip
        target = self._object(bucket, key)
        fresh = self._incoming.fresh()
        try:
            if move:
                _take(path, fresh)
            else:
                _copy(path, fresh, on_progress)
            on_progress(1.0)
            self._publish(fresh, target, bucket, key, content_type, metadata or {})
        finally:
            fresh.unlink(missing_ok=True)
        if move:
            path.unlink(missing_ok=True)
        return self.stat(bucket, key)

    def put_bytes(
        self, bucket: str, key: str, data: bytes, *, content_type: str = "", metadata: Mapping[str, str] | None = None
    ) -> ObjectInfo:
        target = self._object(bucket, key)
        fresh = self._incoming.fresh()
        try:
            _write(fresh, data)
            self._publish(fresh, target, bucket, key, content_type, metadata or {})
        finally:
            fresh.unlink(missing_ok=True)
        return self.stat(bucket, key)

    def read(self, bucket: str, key: str, *, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        path = self._found(bucket, key)
        return _blocks(path, offset, path.stat().st_size - offset if length is None else length)

    def stat(self, bucket: str, key: str) -> ObjectInfo:
        path = self._found(bucket, key)
        about = self._about_of(bucket, key)
        return self._info(bucket, key, path, about.get("content_type", ""), about.get("metadata", {}))

    def list(self, bucket: str, prefix: str = "") -> list[ObjectInfo]:
        root = self._root / "objects" / self._part(bucket)
        folder = root / prefix.rpartition("/")[0] if _is_safe(prefix.rpartition("/")[0]) else root
        found = []
        for directory, _, names in os.walk(folder):
            for name in names:
                path = Path(directory, name)
                key = path.relative_to(root).as_posix()
                if key.startswith(prefix):
                    found.append(self._info(bucket, key, path))
        return sorted(found, key=lambda info: info.key)

    def copy(self, bucket: str, source_key: str, target_key: str) -> None:
        source = self.stat(bucket, source_key)
        self.put_file(
            bucket, target_key, self._found(bucket, source_key), content_type=source.content_type, metadata=source.metadata
        )

    def delete(self, bucket: str, key: str) -> None:
        for path in (self._object(bucket, key), self._about(bucket, key)):
            path.unlink(missing_ok=True)
            self._prune(path.parent)

    @contextmanager
    def as_file(self, bucket: str, key: str) -> Iterator[Path]:
        yield self._found(bucket, key)

    def presign_get(self, bucket: str, key: str, *, expires_s: int = WEEK_S, download_name: str | None = None) -> str:
        given = {"expires": str(int(time.time()) + min(expires_s, WEEK_S)), "kid": self._key_id()}
        if download_name:
            given["name"] = download_name
        given["sig"] = self._signature(bucket, key, given)
        return f"{self._public_url}/media/{quote(bucket)}/{quote(key)}?{urlencode(given)}"

    def verify(self, bucket: str, key: str, given: Mapping[str, str]) -> str | None:
        is_signed = hmac.compare_digest(self._signature(bucket, key, given).encode(), given.get("sig", "").encode())
        if not is_signed or given.get("kid") != self._key_id():
            raise AccessDenied("This link is not valid. Ask for a new one.")
        if int(given["expires"]) < time.time():
            raise AccessDenied("This link has expired. Ask for a new one.")
        return given.get("name") or None

    def check(self) -> None:
        try:
            probe = self._incoming.fresh()
            _write(probe, b"ppi")
            probe.unlink()
        except OSError as error:
            raise BackendError(
                "The folder {path} cannot be written ({reason}). Give PPI the right to write there, or set PPI_DATA_DIR.",
                path=str(self._root), reason=error.strerror or str(error),
            ) from error  # fmt: skip

    def sweep(self) -> None:
        self._incoming.sweep()

    def _signature(self, bucket: str, key: str, given: Mapping[str, str]) -> str:
        parts = ("GET", bucket, key, given.get("expires", ""), given.get("name", ""), given.get("kid", ""))
        signed = json.dumps(parts).encode()
        return hmac.new(self._signing_key, signed, hashlib.sha256).hexdigest()

    def _key_id(self) -> str:
        return hashlib.sha256(b"id:" + self._signing_key).hexdigest()[:8]

    def _publish(
        self, fresh: Path, target: Path, bucket: str, key: str, content_type: str, metadata: Mapping[str, str]
    ) -> None:
        """Metadata first: an object that can be seen has it."""
        about = self._about(bucket, key)
        for path in (about, target):
            _make_folder(path.parent)
        note = self._incoming.fresh()
        fresh.chmod(OBJECT_MODE)
        _write(note, json.dumps({"content_type": content_type, "metadata": dict(metadata)}, ensure_ascii=False).encode())
        for source, place in ((note, about), (fresh, target)):
            try:
                os.replace(source, place)
            except (IsADirectoryError, NotADirectoryError) as error:
                raise InputError("The name {key} is taken by a folder. Choose another name.", key=key) from error
            _sync_folder(place.parent)

    def _info(
        self, bucket: str, key: str, path: Path, content_type: str = "", metadata: Mapping[str, str] | None = None
    ) -> ObjectInfo:
        found = path.stat()
        etag = f"{found.st_mtime_ns:x}-{found.st_size:x}-{found.st_ino:x}"
        return ObjectInfo(bucket, key, found.st_size, etag, found.st_mtime, content_type, dict(metadata or {}))

    def _about_of(self, bucket: str, key: str) -> dict:
        try:
            return json.loads(self._about(bucket, key).read_text(encoding="utf-8"))
        except FileNotFoundError:  # somebody put a plain file into the folder by hand
            return {}

    def _found(self, bucket: str, key: str) -> Path:
        path = self._object(bucket, key)
        if not path.is_file() or path.is_symlink():
            raise NotFound("There is no such file in storage; it may have been deleted. Reload the page.", object_name=key)
        return path

    def _object(self, bucket: str, key: str) -> Path:
        if not key or key.endswith("/") or not _is_safe(key):
            raise InputError("{key} cannot be the name of a file in storage. Choose another name.", key=key)
        return self._root / "objects" / self._part(bucket) / key

    def _about(self, bucket: str, key: str) -> Path:
        return self._root / "about" / self._part(bucket) / f"{key}.json"

    def _part(self, bucket: str) -> str:
        if not _is_safe(bucket) or "/" in bucket or not bucket:
            raise InputError("{bucket} cannot be the name of a bucket. Choose another name.", bucket=bucket)
        return bucket

    def _prune(self, folder: Path) -> None:
        """Remove folders that have become empty, up to the bucket's."""
        while len(folder.relative_to(self._root).parts) > 2:
            try:
                folder.rmdir()
            except OSError:  # not empty, or gone already
                return
            folder = folder.parent


def _is_safe(key: str) -> bool:
    """No part that leaves the folder, hides, or no disk could hold."""
    if not key:
        return True
    parts = key.split("/")
    return "\0" not in key and all(
        part not in ("", ".", "..") and len(part.encode("utf-8", "surrogatepass")) <= MAX_PART_BYTES for part in parts
    )


def _blocks(path: Path, offset: int, length: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(offset)
        while length > 0 and (block := file.read(min(BLOCK_BYTES, length))):
            length -= len(block)
            yield block


def _take(path: Path, fresh: Path) -> None:
    """A second name for the same bytes where the disk allows it; the first is removed once the object is published."""
    try:
        os.link(path, fresh)
        _sync_file(fresh)
    except OSError:
        _copy(path, fresh, quiet)


def _copy(path: Path, fresh: Path, on_progress: Progress) -> None:
    size_bytes = max(path.stat().st_size, 1)
    done_bytes = 0
    with path.open("rb") as source, fresh.open("xb") as target:
        while block := source.read(4 * BLOCK_BYTES):
            target.write(block)
            done_bytes += len(block)
            on_progress(done_bytes / size_bytes)
        target.flush()
        os.fsync(target.fileno())


def _write(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _make_folder(folder: Path) -> None:
    """As mkdir -p, and so that a power cut does not undo it."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for new in reversed(missing):
        new.mkdir(exist_ok=True)
        _sync_folder(new.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

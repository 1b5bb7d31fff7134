"""An S3-compatible store through the minio SDK, its one importer.

Links are signed for the public address, because a signature covers the host. Nothing but GET is ever presigned.
"""

from __future__ import annotations

import ctypes
import io
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import urllib3
from minio import Minio
from minio.commonconfig import CopySource
from minio.error import InvalidResponseError, S3Error, ServerError

from ppi.errors import AccessDenied, BackendError, DiskFull, InputError, NotFound, ServerAway
from ppi.records import ObjectInfo
from ppi.settings import StorageSettings
from ppi.storage.base import BLOCK_BYTES, WEEK_S, Progress, quiet
from ppi.storage.cache import FileCache

REGION = "us-east-1"
# The SDK holds a part in memory, twice for a moment. Parts are as small as the protocol lets them be, and larger only where
# a file would have too many.
PART_BYTES, MOST_PARTS = 5 * 1024 * 1024, 10_000
# mallopt(3): from which size on glibc takes a block from the system and gives it back when it is freed.
M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES = -3, 1024 * 1024
MISSING = ("NoSuchKey", "NoSuchBucket", "NoSuchObject", "NotFound", "ResourceNotFound")
REFUSED = ("AccessDenied", "SignatureDoesNotMatch", "InvalidAccessKeyId")
# How often copies are held against the store.
SWEEP_EVERY_S = 60.0
TIMEOUT = urllib3.Timeout(connect=5, read=60)


class S3Store:
    """See `ppi.storage.base.ObjectStore`. Making one connects to nothing."""

    is_local = False

    def __init__(self, settings: StorageSettings, cache_dir: Path):
        _give_memory_back()
        self._client = _client(settings, settings.endpoint, settings.is_secure)
        self._signer = self._client
        if settings.public_url:
            parts = urlsplit(settings.public_url)
            self._signer = _client(settings, parts.netloc, parts.scheme == "https")
        self._settings = settings
        self._cache = FileCache(cache_dir, settings.cache_bytes)
        self._made: set[str] = set()
        self._next_sweep_s = 0.0

    def put_file(
        self, bucket: str, key: str, path: Path, *, content_type: str = "", metadata: Mapping[str, str] | None = None,
        move: bool = False, on_progress: Progress = quiet,
    ) -> ObjectInfo:  # fmt: skip
        size_bytes = path.stat().st_size
        with path.open("rb") as file:
            self._put(bucket, key, _Watched(file, size_bytes, on_progress), size_bytes, content_type, metadata)
        if move:
            path.unlink(missing_ok=True)
        return self.stat(bucket, key)

    def put_bytes(
        self, bucket: str, key: str, data: bytes, *, content_type: str = "", metadata: Mapping[str, str] | None = None
    ) -> ObjectInfo:
        self._put(bucket, key, io.BytesIO(data), len(data), content_type, metadata)
        return self.stat(bucket, key)

    def read(self, bucket: str, key: str, *, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        if length == 0:
            self.stat(bucket, key)
            return iter(())
        with self._errors(key):
            answer = self._client.get_object(bucket, key, offset=offset, length=length or 0)
        return self._blocks(answer, key)

    def stat(self, bucket: str, key: str) -> ObjectInfo:
        with self._errors(key):
            found = self._client.stat_object(bucket, key)
        metadata = {
            name.lower().removeprefix("x-amz-meta-"): unquote(value)
            for name, value in (found.metadata or {}).items()
            if name.lower().startswith("x-amz-meta-")
        }
        return _info(bucket, found, found.content_type or "", metadata)

    def list(self, bucket: str, prefix: str = "") -> list[ObjectInfo]:
        try:
            with self._errors(prefix):
                found = [_info(bucket, item) for item in self._client.list_objects(bucket, prefix, recursive=True)]
        except NotFound:  # a bucket nobody has written to yet
            return []
        return sorted(found, key=lambda info: info.key)

    def copy(self, bucket: str, source_key: str, target_key: str) -> None:
        with self._errors(source_key):
            self._client.copy_object(bucket, target_key, CopySource(bucket, source_key))

    def delete(self, bucket: str, key: str) -> None:
        try:
            with self._errors(key):
                self._client.remove_object(bucket, key)
        except NotFound:
            return

    @contextmanager
    def as_file(self, bucket: str, key: str) -> Iterator[Path]:
        found = self.stat(bucket, key)

        def fetch(path: Path) -> None:
            with path.open("xb") as file:
                for block in self.read(bucket, key):
                    file.write(block)

        with self._cache.open(bucket, key, found.etag, fetch) as path:
            yield path

    def presign_get(self, bucket: str, key: str, *, expires_s: int = WEEK_S, download_name: str | None = None) -> str:
        wanted = {}
        if download_name:
            wanted["response-content-disposition"] = f"attachment; filename*=UTF-8''{quote(download_name, safe='')}"
        life = timedelta(seconds=min(expires_s, WEEK_S))
        with self._errors(key):
            return self._signer.presigned_get_object(bucket, key, expires=life, response_headers=wanted or None)

    def verify(self, bucket: str, key: str, given: Mapping[str, str]) -> str | None:
        raise AccessDenied("This link is not valid. Ask for a new one.")

    def sweep(self) -> None:
        """Copies on this machine go after their objects, within a minute."""
        if time.monotonic() < self._next_sweep_s:
            return
        self._next_sweep_s = time.monotonic() + SWEEP_EVERY_S
        self._cache.sweep(self._etags_in)

    def _etags_in(self, bucket: str, folder: str) -> dict[str, str]:
        return {found.key: found.etag for found in self.list(bucket, folder and f"{folder}/")}

    def check(self) -> None:
        with self._errors(""):
            self._client.bucket_exists(self._settings.raw_bucket)

    def _put(
        self, bucket: str, key: str, data: Any, size_bytes: int, content_type: str, metadata: Mapping[str, str] | None
    ) -> None:
        if not key:
            raise InputError("{key} cannot be the name of a file in storage. Choose another name.", key=key)
        # The SDK refuses anything but ASCII in metadata.
        encoded = {name: quote(value) for name, value in (metadata or {}).items()}
        with self._errors(key):
            self._ensure(bucket)
            self._client.put_object(
                bucket, key, data, size_bytes, content_type or "application/octet-stream", encoded,
                part_size=part_bytes(size_bytes), num_parallel_uploads=1,
            )  # fmt: skip

    def _ensure(self, bucket: str) -> None:
        if bucket in self._made:
            return
        if not self._client.bucket_exists(bucket):
            try:
                self._client.make_bucket(bucket)
            except S3Error as error:
                if error.code not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                    raise
        self._made.add(bucket)

    def _blocks(self, answer: Any, key: str) -> Iterator[bytes]:
        try:
            with self._errors(key):
                yield from answer.stream(BLOCK_BYTES)
        finally:
            answer.close()
            answer.release_conn()

    @contextmanager
    def _errors(self, key: str) -> Iterator[None]:
        """Known answers of the store in our words; everything else passes."""
        try:
            yield
        except S3Error as error:
            raise _translated(error, key) from error
        except (urllib3.exceptions.HTTPError, InvalidResponseError, ServerError, OSError) as error:
            if isinstance(error, OSError) and not isinstance(error, ConnectionError | TimeoutError):
                raise
            raise ServerAway(
                "The object store at {endpoint} does not answer. Check that it runs and that MINIO_ENDPOINT is right.",
                endpoint=self._settings.endpoint,
            ) from error
        except ValueError as error:  # the SDK's own rules for names
            raise InputError("{key} cannot be the name of a file in storage. Choose another name.", key=key) from error


class _Watched(io.RawIOBase):
    """The file being sent, reporting how much of it has been read."""

    def __init__(self, file: io.BufferedReader, size_bytes: int, on_progress: Progress):
        self._file, self._size_bytes, self._on_progress = file, max(size_bytes, 1), on_progress
        self._done_bytes = 0

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._done_bytes += len(data)
        self._on_progress(self._done_bytes / self._size_bytes)
        return data


def part_bytes(size_bytes: int) -> int:
    """How large the parts of a file are."""
    return max(PART_BYTES, -(-size_bytes // MOST_PARTS))


def _give_memory_back() -> None:
    """Let parts that were sent go back to the system. Left alone, glibc keeps as much as each thread ever held at once."""
    try:
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES)
    except (AttributeError, OSError):  # another C library, which has its own way
        return


def _client(settings: StorageSettings, host: str, is_secure: bool) -> Minio:
    """A region is given so that signing never asks the server for it."""
    pool = urllib3.PoolManager(
        timeout=TIMEOUT, retries=urllib3.Retry(total=3, backoff_factor=0.3, status_forcelist=[502, 503, 504])
    )
    return Minio(
        host, access_key=settings.access_key, secret_key=settings.secret_key, secure=is_secure, region=REGION, http_client=pool
    )  # fmt: skip


def _info(bucket: str, found: Any, content_type: str = "", metadata: Mapping[str, str] | None = None) -> ObjectInfo:
    return ObjectInfo(
        bucket, found.object_name, found.size or 0, (found.etag or "").strip('"'),
        found.last_modified.timestamp() if found.last_modified else 0.0, content_type, metadata or {},
    )  # fmt: skip


def _translated(error: S3Error, key: str) -> Exception:
    if error.code in MISSING:
        return NotFound("There is no such file in storage; it may have been deleted. Reload the page.", object_name=key)
    if error.code in REFUSED:
        return BackendError("The object store refuses PPI's keys. Check MINIO_ACCESS_KEY and MINIO_SECRET_KEY.")
    if error.code in ("KeyTooLongError", "InvalidObjectName", "XMinioInvalidObjectName"):
        return InputError("{key} cannot be the name of a file in storage. Choose another name.", key=key)
    if error.code in ("XMinioStorageFull", "EntityTooLarge"):
        return DiskFull("The object store has no room left. Ask the administrator.")
    return ServerAway("The object store answered {code}. Try again in a minute.", code=str(error.code))

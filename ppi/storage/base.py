"""The contract of an object store. Every backend passes the same test suite."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from ppi.records import ObjectInfo

BLOCK_BYTES = 256 * 1024
WEEK_S = 7 * 24 * 3600

Progress = Callable[[float], None]


def quiet(fraction: float) -> None:
    """An `on_progress` for callers who do not want to know."""


class ObjectStore(Protocol):
    """Objects by bucket and key. Buckets are created when first written to; metadata values are any text.

    Every method may raise BackendError when the store does not answer.
    """

    is_local: bool

    def put_file(
        self, bucket: str, key: str, path: Path, *, content_type: str = "", metadata: Mapping[str, str] | None = None,
        move: bool = False, on_progress: Progress = quiet,
    ) -> ObjectInfo:  # fmt: skip
        """Store a file durably and all at once, replacing an older object. `move` lets the store take the file away.

        Nothing is changed when `on_progress` raises.
        """

    def put_bytes(
        self, bucket: str, key: str, data: bytes, *, content_type: str = "", metadata: Mapping[str, str] | None = None
    ) -> ObjectInfo:
        """As `put_file`, for something small."""

    def read(self, bucket: str, key: str, *, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes in blocks of at most 256 KiB; fewer than `length` where the object ends.

        Raises NotFound, at the call, not at the first block.
        """

    def stat(self, bucket: str, key: str) -> ObjectInfo:
        """Raises NotFound."""

    def list(self, bucket: str, prefix: str = "") -> list[ObjectInfo]:
        """All objects below the prefix by key, without their metadata and content type."""

    def copy(self, bucket: str, source_key: str, target_key: str) -> None:
        """Copy with content type and metadata. Raises NotFound."""

    def delete(self, bucket: str, key: str) -> None:
        """Harmless when there is no such object."""

    def as_file(self, bucket: str, key: str) -> AbstractContextManager[Path]:
        """The object as a file for reading: the local file itself, or a cached copy. Raises NotFound."""

    def presign_get(self, bucket: str, key: str, *, expires_s: int = WEEK_S, download_name: str | None = None) -> str:
        """A link that gives the object to anybody until it expires, at most seven days ahead.

        With `download_name` browsers save it under that name. Links of the local store begin with "/" unless a public address
        is set.
        """

    def verify(self, bucket: str, key: str, given: Mapping[str, str]) -> str | None:
        """Check a link of the local store; answers its download name. Raises AccessDenied."""

    def sweep(self) -> None:
        """Tidy up on this machine: what killed writers left in the local store, copies of objects that are gone."""

    def check(self) -> None:
        """Raises BackendError, with what to do, when the store cannot be used."""

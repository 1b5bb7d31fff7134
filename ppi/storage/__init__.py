"""Objects: the one truth about files, in a local folder or an S3-compatible store."""

from __future__ import annotations

import hashlib
import hmac

from ppi.settings import Settings
from ppi.storage.base import ObjectStore


def open_store(settings: Settings, secret_key: str) -> ObjectStore:
    """The store the settings name. Connects to nothing yet."""
    if settings.storage.endpoint:
        from ppi.storage.s3 import S3Store

        return S3Store(settings.storage, settings.data_dir / "cache")
    from ppi.storage.local import LocalStore

    signing_key = hmac.digest(secret_key.encode(), b"links of the local store", hashlib.sha256)
    return LocalStore(settings.data_dir / "store", signing_key, settings.web.public_url)

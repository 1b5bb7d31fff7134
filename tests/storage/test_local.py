"""What only the local store has: plain files that a web server may be let read."""

from __future__ import annotations

import os

import pytest

from ppi.storage.local import LocalStore


@pytest.mark.parametrize("is_moved", [True, False])
def test_an_object_is_read_by_the_group_and_by_nobody_else_whatever_it_was_made_of(tmp_path, is_moved):
    store = LocalStore(tmp_path / "store", b"key")
    before = os.umask(0o077)
    try:
        for mode in (0o600, 0o666):
            source = tmp_path / f"{mode:o}"
            source.write_bytes(b"video")
            source.chmod(mode)
            store.put_file("raw-data", f"a/{mode:o}", source, move=is_moved)
        store.put_bytes("raw-data", "a/bytes", b"text")
        store.copy("raw-data", "a/bytes", "a/copy")
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "store/objects/raw-data/a").iterdir()}
    assert modes == dict.fromkeys(("600", "666", "bytes", "copy"), 0o640)

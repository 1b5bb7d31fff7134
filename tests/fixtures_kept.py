"""What all applications of one process have alike is made once: the code of templates and of the addresses of pages.

Nearly every test builds an application, and most of a small test's time went there. Servers, which are processes of
their own, know nothing of this.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule


class _Templates(BytecodeCache):
    """Their code in memory; Jinja compares the source of each, so that a changed one is translated again."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


@pytest.fixture(scope="session", autouse=True)
def kept_code():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Flask, "jinja_options", {**Flask.jinja_options, "bytecode_cache": _Templates()})
        patch.setattr(Rule, "_compile_builder", _builders(Rule._compile_builder))
        yield


def _builders(make: Callable[..., Callable]) -> Callable[..., Callable]:
    """The same function for the same rule: without defaults, its parts are all that goes into it."""
    kept: dict[tuple[Any, ...], Callable] = {}

    def kept_builder(rule: Rule, append_unknown: bool = True) -> Callable:
        if rule.defaults:
            return make(rule, append_unknown)
        key = (rule.rule, tuple(rule._trace), append_unknown)
        if key not in kept:
            kept[key] = make(rule, append_unknown)
        return kept[key]

    return kept_builder

"""What the tests of pages share."""

from __future__ import annotations

import pytest

from ppi.web.limits_sqlite import SqliteLimits


@pytest.fixture(autouse=True)
def tries_are_forgotten(request):
    """All tests log in to the one running server from one address: the tries of earlier tests do not count."""
    if "live_server" in request.fixturenames:
        folder = request.getfixturevalue("live_server").folder
        SqliteLimits(f"ppi-sqlite://{folder}/limits.sqlite3").reset()

"""Pages are packed where nothing of the request stands in them, and their token never looks the same twice."""

from __future__ import annotations

import gzip
import re

import pytest
from flask_wtf.csrf import generate_csrf

from ppi.web.packing import masked_token, unmasked

PACKED = {"Accept-Encoding": "gzip"}


@pytest.fixture
def session(session_for):
    return session_for("anna")


def token_of(page: str) -> str:
    return re.search(r'name="csrf-token" content="([^"]+)"', page)[1]


def test_a_page_is_packed_for_those_who_can_open_it_and_is_the_same_page(session):
    plain, packed = session.get("/help"), session.get("/help", headers=PACKED)
    assert packed.content_encoding == "gzip" and plain.content_encoding is None
    assert "Accept-Encoding" in packed.vary and "Accept-Encoding" in plain.vary
    opened = gzip.decompress(packed.data).decode()
    assert opened.replace(token_of(opened), "") == plain.text.replace(token_of(plain.text), "")
    assert len(packed.data) == packed.content_length < len(plain.data) / 2


def test_what_holds_something_of_the_request_or_is_no_page_is_not_packed(session):
    for path in ("/lessons?text=csrf", "/lessons?page=2", "/nothing-here", "/api/openapi.json"):
        assert session.get(path, headers=PACKED).content_encoding is None, path


def test_the_token_looks_different_in_every_page_and_is_the_same_one_behind_it(app):
    seen = set()
    for _ in range(3):
        with app.test_request_context("/"):
            assert masked_token() == masked_token(), "all forms of a page have one"
            seen.add(masked_token())
            assert unmasked(masked_token()) == generate_csrf()
    assert len(seen) == 3


def test_forms_and_scripts_send_it_as_the_page_shows_it(session):
    token = token_of(session.get("/help").text)
    assert token.startswith("~")
    form = {"csrf_token": token, "theme": "dark"}
    assert session.post("/theme", data=form).status_code == 302
    assert session.post("/theme", headers={"X-CSRFToken": token}, data={"theme": "dark"}).status_code == 302


def test_what_is_no_token_is_refused(session):
    for forged in ("", "~", "~AAAA", "~not base64!", "x" * 91, "~é"):
        assert session.post("/theme", data={"csrf_token": forged, "theme": "dark"}).status_code == 403, forged

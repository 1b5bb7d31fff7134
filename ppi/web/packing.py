"""Pages are sent packed where that tells nobody anything.

How long a packed page is tells whether a text that somebody else chose stands in it twice; from that, and many tries, secrets
of a page have been guessed (BREACH, 2013). So a page is packed only when nothing of its request stands in it, and the token
that stands in every page looks different each time.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import secrets

from flask import Flask, Response, g, request
from flask_wtf import CSRFProtect
from flask_wtf.csrf import generate_csrf

MARK = "~"  # no token of Flask-WTF begins with it
SMALL_BYTES = 1_000
# What may stand in the address of a page that is packed: numbers, which are looked up, and never texts.
HARMLESS = {"lesson"}


class MaskedCsrf(CSRFProtect):
    """Takes tokens from forms as pages show them."""

    def init_app(self, app: Flask) -> None:
        super().init_app(app)
        app.jinja_env.globals["csrf_token"] = masked_token
        app.context_processor(lambda: {"csrf_token": masked_token})
        app.after_request(_packed)

    def _get_csrf_token(self) -> str | None:
        return unmasked(super()._get_csrf_token())


def masked_token() -> str:
    """The session's token as it stands in this page: the same all over a page, another one in the next."""
    if "masked_token" not in g:
        token = generate_csrf().encode()
        mask = secrets.token_bytes(len(token))
        mixed = bytes(one ^ other for one, other in zip(token, mask, strict=True))
        g.masked_token = MARK + base64.urlsafe_b64encode(mask + mixed).decode()
    return g.masked_token


def unmasked(given: str | None) -> str | None:
    """The token behind what a page shows; anything else, such as the token that a program got, as it is."""
    if given is None or not given.startswith(MARK):
        return given
    try:
        both = base64.urlsafe_b64decode(given.removeprefix(MARK))
    except (binascii.Error, ValueError):
        return given
    half = len(both) // 2
    return bytes(one ^ other for one, other in zip(both[:half], both[half:], strict=False)).decode("latin-1")


def _packed(response: Response) -> Response:
    if response.mimetype != "text/html" or response.is_streamed or request.method != "GET":
        return response
    response.vary.add("Accept-Encoding")
    is_plain = response.status_code == 200 and set(request.args) <= HARMLESS
    if is_plain and request.accept_encodings["gzip"] and not response.content_encoding:
        data = response.get_data()
        if len(data) >= SMALL_BYTES:
            response.set_data(gzip.compress(data, 6, mtime=0))
            response.content_encoding = "gzip"
    return response

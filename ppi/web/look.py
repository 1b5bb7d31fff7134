"""How pages look: static files that browsers keep, the theme, and the page that shows every component."""

from __future__ import annotations

import gzip
import hashlib
import re
import secrets
from functools import lru_cache
from pathlib import Path

from flask import Blueprint, Flask, Response, current_app, g, redirect, render_template, request, send_from_directory, url_for

from ppi.web import access

bp = Blueprint("look", __name__)
THEMES = ("light", "dark")
YEAR_S = 365 * 24 * 3600
PACKED = (".css", ".js", ".svg")
MAX_DIGITS = 6
STATES = ("", "good", "bad", "calm")
# A letter from А to я in UTF-8, and the part of the font that has it.
CYRILLIC, CYRILLIC_FONT = re.compile(rb"\xd0[\x90-\xbf]|\xd1[\x80-\x8f]"), "vendor/golos/golos-cyrillic.woff2"


def init_app(app: Flask, folder: Path) -> None:
    """Serve `folder` under an address that changes with its content: browsers may keep what they have for good.

    The version is a part of the path, so that what files name by relative addresses (modules, fonts) carries it too.
    """
    version = _version(folder)
    app.config.update(PPI_STATIC=folder, PPI_STATIC_VERSION=version)
    app.add_url_rule("/static/<version>/<path:filename>", endpoint="static", view_func=static)
    app.url_defaults(lambda endpoint, values: values.setdefault("version", version) if endpoint == "static" else None)
    app.after_request(_with_letters)


def _with_letters(response: Response) -> Response:
    """Have Cyrillic letters fetched with the page: browsers use only those that are there at the first picture.

    Lessons have Russian names on English pages too. What stands before the content does not count: one word, seen by pointing.
    """
    if response.mimetype != "text/html" or response.is_streamed:
        return response
    page = response.get_data()
    if CYRILLIC.search(page, max(page.find(b"<main"), 0)):
        address = url_for("static", filename=CYRILLIC_FONT)
        response.headers.add("Link", f'<{address}>; rel=preload; as=font; type="font/woff2"; crossorigin')
    return response


def static(version: str, filename: str) -> Response:
    """A static file. Pages from before an update ask for the version of then and get today's, which is not kept."""
    folder = current_app.config["PPI_STATIC"]
    is_current = version == current_app.config["PPI_STATIC_VERSION"]
    answer = send_from_directory(folder, filename, max_age=YEAR_S if is_current else 0, conditional=False)
    answer.cache_control.immutable = is_current or None
    if filename.endswith(PACKED):
        answer.vary.add("Accept-Encoding")
        if request.accept_encodings["gzip"]:
            answer.direct_passthrough = False
            answer.set_data(_packed(folder / filename, version))
            answer.content_encoding = "gzip"
            answer.set_etag(f"{answer.get_etag()[0]}-gzip")
    return answer.make_conditional(request)


@bp.post("/theme")
def theme() -> Response:
    """Light, dark, or as the system has it."""
    chosen = request.form.get("theme", "")
    chosen = chosen if chosen in THEMES else ""
    account = access.viewer()
    if account is not None:
        access.services().users.set_theme(account.id, chosen)
    return back_remembering("theme", chosen)


@bp.get("/styleguide")
def styleguide() -> str:
    """Every component with its states."""
    return render_template("styleguide.html", step=0, chosen=None, states=STATES)


def style_nonce() -> str:
    """Allows this page one style element that carries the answer: wavesurfer.js styles its own tree of elements so."""
    if "style_nonce" not in g:
        g.style_nonce = secrets.token_urlsafe(16)
    return g.style_nonce


def shown_theme() -> str:
    """The account's theme, then the cookie's; "" is the system's."""
    account = access.viewer()
    chosen = (account.theme if account else "") or request.cookies.get("theme", "")
    return chosen if chosen in THEMES else ""


def asked_page(*fields: str) -> int:
    """Which page of a list the address or the form asks for, in the first of these fields that is there, usually `page`; the
    first when it asks for nothing that makes sense.
    """
    given = next((request.values[name] for name in fields or ("page",) if name in request.values), "")
    return int(given) if given.isdecimal() and len(given) <= MAX_DIGITS else 1


def back_remembering(cookie: str, value: str) -> Response:
    """Back to the page where it was chosen; the cookie keeps it for those who are not logged in."""
    target = request.referrer or ""
    answer = redirect(target if target.startswith(request.url_root) else url_for("pages.home"))
    answer.set_cookie(cookie, value, max_age=YEAR_S, samesite="Lax", secure=request.is_secure, httponly=True)
    return answer


@lru_cache(maxsize=256)  # more than there are
def _packed(path: Path, version: str) -> bytes:
    return gzip.compress(path.read_bytes(), 9, mtime=0)


def _version(folder: Path) -> str:
    """Changes when a file's name or content does."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]

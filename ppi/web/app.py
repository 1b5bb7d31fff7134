"""Wiring of the Flask application: configuration, extensions, blueprints, headers."""

from __future__ import annotations

import functools
import math
import zoneinfo
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, g, request
from flask.json.provider import DefaultJSONProvider
from flask.sessions import SecureCookieSessionInterface
from flask_babel import Babel
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from ppi.services import Services
from ppi.web import (
    access,
    admin,
    agreement,
    audit,
    auth,
    errors,
    events,
    export,
    forms,
    gallery,
    jobs,
    joined,
    kit,
    label_studio,
    lessons,
    look,
    openapi,
    pages,
    people,
    player,
    preview,
    speakers,
    storage,
    summaries,
    system,
    transcript,
    transcription,
    upload,
    withdrawal,
    word_lists,
)

ROOT = Path(__file__).resolve().parent.parent.parent
MAX_FORM_BYTES = 2 * 1024 * 1024
LANGUAGES = ("en", "ru")
BLOCK_BYTES = 256 * 1024
# How much of a refused request is still read, from people who are logged in and from others.
DRAINED_BYTES = 16 * 1024 * 1024


class _Sessions(SecureCookieSessionInterface):
    """Cookies are Secure exactly when the visitor came over HTTPS."""

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure

    def save_session(self, app: Flask, session: Any, response: Response) -> None:
        """Static files are the same for everybody: a cookie with them would keep browsers from keeping them."""
        if request.endpoint != "static":
            super().save_session(app, session, response)

    def should_set_cookie(self, app: Flask, session: Any) -> bool:
        """Only what changed is sent: with every answer, a slow one would undo a log-in or log-out in another tab meanwhile."""
        return session.modified


class _Json(DefaultJSONProvider):
    """Reads no JSON that is deeper than the stack or holds numbers that are none; ValueError is what Flask expects."""

    ensure_ascii = False

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        try:
            return super().loads(s, parse_constant=_number, parse_float=_number, **kwargs)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is no number")
    return value


def build_app(services: Services) -> Flask:
    """See `ppi.create_app`."""
    app = Flask("ppi", template_folder=str(ROOT / "templates"), static_folder=None)
    app.config.update(
        SECRET_KEY=services.secret_key,
        SESSION_COOKIE_NAME="ppi_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(days=14),
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
        MAX_CONTENT_LENGTH=MAX_FORM_BYTES,
        BABEL_TRANSLATION_DIRECTORIES=str(ROOT / "ppi" / "translations"),
        RATELIMIT_STRATEGY="fixed-window",
        # Counters that are away must not lock everybody out: each process counts by itself meanwhile.
        RATELIMIT_IN_MEMORY_FALLBACK_ENABLED=True,
        **_limits_store(services),
    )
    app.session_interface = _Sessions()
    app.request_class = upload.StreamingRequest
    app.json = _Json(app)
    if services.settings.web.is_behind_proxy:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)
    access.init_app(app, services)
    forms.init_app(app)
    audit.init_app(app)
    errors.init_app(app)
    events.init_app(app, services.settings.web.event_streams)
    look.init_app(app, ROOT / "static")
    Babel(app, locale_selector=_language, timezone_selector=_timezone)
    auth.limiter.init_app(app)
    steps = (
        upload, storage, transcription, transcript, speakers, player, summaries, jobs, events, kit, label_studio, agreement,
        preview, word_lists,
    )  # fmt: skip
    for module in (auth, *steps, export, gallery, joined, withdrawal, pages, lessons, look, people, admin, system, openapi):
        app.register_blueprint(module.bp)
    app.after_request(_headers)
    app.after_request(_drain)
    return app


def _limits_store(services: Services) -> dict[str, Any]:
    """Where tries are counted: in one place for all processes."""
    redis = services.settings.redis
    if not redis.is_enabled:
        return {"RATELIMIT_STORAGE_URI": f"ppi-sqlite://{services.settings.data_dir / 'limits.sqlite3'}"}
    scheme = "rediss" if redis.is_secure else "redis"
    return {
        "RATELIMIT_STORAGE_URI": f"{scheme}://{redis.host}:{redis.port}/{redis.db}", "RATELIMIT_KEY_PREFIX": "ppi",
        "RATELIMIT_STORAGE_OPTIONS": {"password": redis.password or None, "socket_connect_timeout": 2, "socket_timeout": 2},
    }  # fmt: skip


def _language() -> str:
    """The account's language, then the cookie, then the browser's."""
    account = access.viewer()
    chosen = (account.language if account else "") or request.cookies.get("lang", "")
    return chosen if chosen in LANGUAGES else request.accept_languages.best_match(LANGUAGES, "en")


def _timezone() -> str:
    """Where the browser said that it is (`static/js/page.js` keeps that in a cookie); UTC until then."""
    name = request.cookies.get("tz", "")
    return name if name in _timezones() else "UTC"


@functools.cache
def _timezones() -> set[str]:
    return zoneinfo.available_timezones()


def _headers(response: Response) -> Response:
    media = " ".join(["'self'", *_media_origins()])
    styles = f"style-src 'self' 'nonce-{g.style_nonce}'; " if "style_nonce" in g else ""
    response.headers.setdefault(
        "Content-Security-Policy",
        f"default-src 'self'; {styles}img-src {media} data:; media-src {media} blob:; connect-src 'self'; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    )
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("X-Frame-Options", "DENY")
    # The browser's checks of uploads and log-ins over HTTPS need the origin; links' signatures never travel.
    response.headers.setdefault("Referrer-Policy", "same-origin")
    if request.endpoint not in ("static", "storage.media"):
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _drain(response: Response) -> Response:
    """Read what is left of a refused body: closing on unread bytes would cut the answer off.

    Only for accounts, since a thread waits for it; the server does the same for strangers, with a limit and without one.
    """
    length = request.content_length or 0
    if response.status_code >= 400 and 0 < length <= DRAINED_BYTES and access.viewer():
        request.max_content_length = None
        try:
            while request.stream.read(BLOCK_BYTES):
                continue
        except (HTTPException, OSError):  # nobody waits for the answer, or there is more than was announced
            response.headers["Connection"] = "close"
    return response


def _media_origins() -> list[str]:
    """Where presigned links of an S3 store point."""
    settings = access.services().settings.storage
    if not settings.endpoint:
        return []
    if settings.public_url:
        parts = urlsplit(settings.public_url)
        return [f"{parts.scheme}://{parts.netloc}"]
    return [f"{'https' if settings.is_secure else 'http'}://{settings.endpoint}"]

"""The one table from errors to HTTP answers, and the one place that chooses between HTML and JSON."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable

from flask import Flask, Response, flash, g, jsonify, make_response, render_template, request
from flask_babel import gettext, ngettext
from werkzeug.exceptions import HTTPException

from ppi import errors
from ppi.web import access, forms, numbers

log = logging.getLogger(__name__)

STATUS = {
    errors.PpiError: 500,
    errors.SettingsError: 500,
    errors.InputError: 400,
    errors.UnsupportedMedia: 415,
    errors.UploadTooLarge: 413,
    errors.AnnotationError: 422,
    errors.DatasetError: 422,
    errors.WeightsMissing: 503,
    errors.NotFound: 404,
    errors.NotLoggedIn: 401,
    errors.AccessDenied: 403,
    errors.CsrfFailed: 403,
    errors.Conflict: 409,
    errors.QuotaExceeded: 409,
    errors.TooManyTries: 429,
    errors.Cancelled: 409,
    errors.LeaseLost: 409,
    errors.ToolFailed: 500,
    errors.DiskFull: 507,
    errors.BackendError: 503,
    errors.ServerAway: 503,
    errors.Unexpected: 500,
}
JSON_PATHS = ("/api/", "/uploads/", "/list_files", "/delete_file", "/health")
HTTP_CODES = {404: "not_found", 405: "method", 413: "too_large", 415: "unsupported_media", 429: "too_many_tries"}


def init_app(app: Flask) -> None:
    app.register_error_handler(errors.PpiError, _known)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unknown)


def translated(template: str, values: dict) -> str:
    """The message in the reader's language. Halves of characters that somebody sent become question marks: they cannot be
    written.
    """
    if not template:
        return ""
    return errors.fill(template, values, _spoken, _Number, numbers.day_in_words).encode("utf-8", "replace").decode()


def told(code: str, template: str, values: dict) -> str:
    """What is said of a failure to whoever asks: of what only an administrator can mend, others read to ask one."""
    viewer = access.viewer()
    if code == errors.WeightsMissing.code and (viewer is None or viewer.role != "admin"):
        return gettext(
            "This server lacks a model, or the program that runs it, which is needed here. Ask the administrator to install "
            "it, then try again. What you gave is kept."
        )
    return translated(template, values)


class _Number(float):
    """A fraction with the decimal sign of the reader's language."""

    def __format__(self, wanted: str) -> str:
        return numbers.localised(format(float(self), wanted))


def _spoken(one: str, many: str, count: int) -> str:
    return ngettext(one, many, count) if many else gettext(one)


def _known(error: errors.PpiError) -> Response:
    status = STATUS[type(error)]
    if status >= 500:
        log.error("%s %s: %s", request.method, request.path, error, exc_info=error)
    return answer(status, told(error.code, error.template, error.ids), error.code)


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    if status < 400:
        return error.get_response()
    return answer(status, _http_message(status), HTTP_CODES.get(status, f"http_{status}"))


def _http_message(status: int) -> str:
    if status == 404:
        return gettext("There is nothing at this address. Check it, or go on from the start page.")
    if status == 405:
        return gettext("This address does not take such requests. The page “HTTP API” says which it takes.")
    if status == 413:
        return gettext("This is more than the server takes in one request. Send less at a time.")
    if status == 429:
        return gettext("Too many tries. Wait five minutes, then try again.")
    return gettext(
        "The request could not be understood (status %(status)s). Go back, reload the page and try again.", status=status
    )  # fmt: skip


def _unknown(error: Exception) -> Response:
    if isinstance(error, UnicodeEncodeError):  # JSON may hold halves of characters, which no name can
        return _known(errors.InputError("The request holds text that is not text. Check the names in it."))
    if isinstance(error, OSError) and (full := errors.of_full_disk(error)) is not None:
        return _known(full)
    reference = secrets.token_hex(4)
    log.exception("unexpected fault %s at %s %s", reference, request.method, request.path, exc_info=error)
    message = gettext("Something went wrong on the server. Try again; if it happens again, tell the administrator.")
    return answer(500, message, "unexpected", reference)


def answer(status: int, message: str, code: str, reference: str = "") -> Response:
    """A failure as JSON for programs and as a page for people, which shows besides what a view made in `g.beside` (HTML).

    The audit log finds its code in `g.error_code`.
    """
    g.error_code = code
    if wants_json():
        body = {"success": False, "error": message, "code": code}
        return make_response(jsonify(body | ({"reference": reference} if reference else {})), status)
    back = forms.came_from() if forms.is_plain() else ""
    page = render_template(
        "error.html", status=status, message=message, code=code, reference=reference, back=back, beside=g.get("beside", "")
    )  # fmt: skip
    return make_response(page, status)


def on_page(error: errors.PpiError, page: Callable[[], str]) -> Response:
    """Why a form was refused, above the page it came from, so that it can be filled in again; programs get the error itself."""
    if wants_json():
        raise error
    g.error_code = error.code
    flash(translated(error.template, error.ids), "danger")
    return make_response(page(), STATUS[type(error)])


def wants_json() -> bool:
    return not forms.is_plain() and (
        request.path.startswith(JSON_PATHS)
        or request.is_json
        or g.get("is_token", False)
        or request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"
    )

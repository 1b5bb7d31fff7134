"""Forms of pages for browsers without scripts: the same addresses that scripts call, with the token as a field.

A script sends the token as a header and gets JSON. A plain form is answered with a page: the one it came from, a question
before something is taken away, or the failure in words.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, Response, g, redirect, render_template, request, url_for
from flask_babel import gettext

from ppi.workflows import annotations, pattern_tables, texts

FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
TABLE_BYTES = pattern_tables.MAX_TABLE_BYTES + 64 * 1024
# endpoint -> the most bytes its form may hold; 0 is the usual limit.
PLAIN = {
    "export.build": annotations.MAX_BYTES + TABLE_BYTES, "export.save_consent": 0, "export.save_card": 0,
    "preview.keep": annotations.MAX_BYTES + TABLE_BYTES, "preview.take_back": annotations.MAX_BYTES + TABLE_BYTES,
    "preview.choose": 0, "gallery.preview_card": 0,
    "kit.keep": TABLE_BYTES, "kit.prepare": 0, "kit.normalize": 0, "jobs.cancel": 0, "jobs.retry": 0,
    "export.push": 0, "joined.push": 0, "joined.delete": 0, "withdrawal.withdraw_lesson": 0,
    "agreement.add": annotations.MAX_BYTES + 64 * 1024, "agreement.build": 0,
    "storage.revoke_links": 0, "storage.delete_file": 0, "transcription.transcribe": 0, "summaries.summarize": 0,
    "transcript.upload": texts.MAX_UPLOAD_BYTES + 64 * 1024, "transcript.edit": 0, "transcript.check": 0,
    "transcript.restore": 0, "transcript.speaker": 0, "word_lists.delete": 0, "speakers.find": 0, "speakers.name": 0,
    "auth.revoke_token": 0,
}  # fmt: skip

# endpoint -> what says how much a form with a recording may hold, and refuses one that may not come before it is read.
ADMITTED: dict[str, Callable[[], int]] = {}


def init_app(app: Flask) -> None:
    """To be called after access was: nobody is asked who may not answer."""
    app.before_request(_ask)
    app.after_request(_back)


def is_plain() -> bool:
    """Whether a page's form was sent without a script. Such requests are recognised before their body is read."""
    is_form = request.method == "POST" and request.mimetype in FORM_TYPES
    is_ours = request.endpoint in PLAIN or (request.endpoint in ADMITTED and _is_from_our_page())
    return is_form and is_ours and "X-CSRFToken" not in request.headers and not g.get("is_token", False)


def make_room() -> None:
    """Let the form of this request be read, as large as it may be."""
    endpoint = request.endpoint or ""
    most_bytes = ADMITTED[endpoint]() if endpoint in ADMITTED else PLAIN.get(endpoint, 0)
    request.max_content_length = most_bytes or request.max_content_length


def _is_from_our_page() -> bool:
    """Whether the browser says that a page of this address sent the form; one that says nothing is not believed.

    The form's token stands in its body, and nobody elsewhere shall make the server read a recording to find it.
    """
    told = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    return told[0] == "same-origin" or (told[0] is None and told[1] == request.host_url.rstrip("/"))


def given() -> Any:
    """What was sent: an object of JSON, or the fields of a plain form; None for anything else."""
    return request.form.to_dict() if is_plain() else request.get_json(silent=True)


def questions() -> dict[str, tuple[str, str, str]]:
    """endpoint -> what it is about, what happens, and the word for doing it. Forms say in `called` what it is about."""
    called = request.form.get("called", "")
    found = {
        "storage.delete_file": (
            request.form.get("object_name", ""),
            gettext("The file will be deleted; with the video of a lesson goes everything made of it."), gettext("Delete"),
        ),
        "storage.revoke_links": (
            called,
            gettext("Label Studio projects that use the stable link will stop showing the video. A new one is made at once."),
            gettext("Revoke"),
        ),
        "word_lists.delete": (
            called, gettext("The list is deleted. Transcripts that were made with it keep its words."), gettext("Delete"),
        ),
        "joined.delete": (
            called,
            gettext("The joined dataset is deleted. The lessons and their own datasets stay, and so does what was published."),
            gettext("Delete the joined dataset"),
        ),
        "auth.revoke_token": (called, gettext("Programs that use it stop working."), gettext("Revoke")),
    }  # fmt: skip
    if "reset" in request.form:
        text = gettext(
            "All choices for the labels of this lesson are forgotten; the labels are read as they are written again."
        )  # fmt: skip
        found["preview.choose"] = (called, text, gettext("Take all choices back"))
    return found


def _ask() -> str | None:
    if not is_plain() or request.form.get("sure") == "yes" or request.endpoint not in questions():
        return None
    name, text, yes = questions()[request.endpoint]
    g.is_question = True
    fields = [(key, value) for key, value in request.form.items(multi=True) if key != "csrf_token"]
    return render_template(
        "sure.html", step=0, chosen=None, name=name, text=text, yes=yes, fields=fields, back=came_from()
    )  # fmt: skip


def _back(response: Response) -> Response:
    """After what was asked for is done: the page it was asked from, or the one that the view named in `g.then`."""
    if response.status_code == 200 and response.is_json and is_plain():
        back = request.form.get("back", "")
        return redirect(g.get("then") or (back if _is_path(back) else came_from()))
    return response


def _is_path(text: str) -> bool:
    """Whether it is an address of this application and of nobody else."""
    return text.startswith("/") and text[1:2] not in ("/", "\\") and text.isprintable()


def came_from() -> str:
    """The page of this application that the request came from, else the start page."""
    came = request.referrer or ""
    return came[len(request.host_url) - 1 :] if came.startswith(request.host_url) else url_for("pages.home")

"""Pages for administrators."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask_babel import gettext

from ppi.web import access
from ppi.workflows import system

bp = Blueprint("admin", __name__, url_prefix="/admin")


@bp.get("/system")
def overview() -> str:
    """What runs where, what waits, and what does not answer."""
    services = access.services()
    seen = system.look(services)
    where = services.settings.storage.endpoint or gettext("in the data folder")
    return render_template(
        "system.html", step=0, chosen=None, seen=seen, store=where, is_cluster=services.is_cluster, queue_names=_queue_names(),
        roles=_roles(),
    )  # fmt: skip


def _queue_names() -> dict[str, str]:
    return {
        "receive": gettext("Taking in uploads"), "media": gettext("Video and audio"), "speech": gettext("Speech and summaries"),
        "dataset": gettext("Datasets"), "publish": gettext("Publishing"),
    }  # fmt: skip


def _roles() -> dict[str, str]:
    return {"web": gettext("Web server"), "worker": gettext("Worker"), "command": gettext("Command line")}

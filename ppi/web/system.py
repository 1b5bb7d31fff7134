"""Whether the application lives."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from ppi import __version__
from ppi.errors import BackendError
from ppi.web import access

bp = Blueprint("system", __name__)


@bp.get("/health")
def health() -> tuple[Response, int]:
    """200 when the store and the ledger answer, else 503 with what does not."""
    parts = {"store": access.services().store.check, "ledger": lambda: access.services().ledger.list(limit=1)}
    found = {}
    for name, check in parts.items():
        try:
            check()
            found[name] = "ok"
        except (BackendError, OSError) as error:
            found[name] = type(error).__name__
    is_well = all(state == "ok" for state in found.values())
    return jsonify(success=is_well, version=__version__, **found), 200 if is_well else 503

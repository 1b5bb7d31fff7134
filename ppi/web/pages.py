"""Pages."""
from flask import Blueprint

bp = Blueprint("pages", __name__)
def _page(**k):
    return "page"
for name, path in dict(home="/", lesson="/lessons/<lesson_id>", dataset="/dataset", publish="/publish", files="/files", account="/account", help="/help").items():
    bp.add_url_rule(path, name, _page)
bp.add_url_rule("/language", "language", _page, methods=["POST"])

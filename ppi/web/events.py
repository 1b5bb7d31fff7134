"""Server-sent events: a page is told what its person's jobs do, as long as it listens and may.

Every stream holds a thread of the server, so there is a limit for all and one for each account: browsers open only six
connections to a server, and uploads need some. Whoever finds no place is answered 204, which tells browsers not to come
again by themselves; the page asks `/api/jobs` then. What is told is read once a second for all streams together.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

from flask import Blueprint, Flask, Response, current_app, request, stream_with_context

from ppi.accounts.users import User
from ppi.errors import ServerAway
from ppi.web import access
from ppi.web.jobs import describe_all

bp = Blueprint("events", __name__)
MOST_OF_ONE = 3
EVERY_S = 1.0
# How often a silent stream says that it lives, and how often it is asked whether its person is still logged in.
BEAT_S, CHECK_S = 15.0, 5.0
# After that the browser comes again and passes all checks of a request.
LIFE_S = 600.0
AGAIN_MS = 2000


class Places:
    """How many streams there are, of each account and in all. Safe to use from several threads."""

    def __init__(self, most: int):
        self._most, self._taken, self._lock = most, Counter(), threading.Lock()

    def take(self, user_id: str) -> bool:
        """Whether there is a place; who got one gives it back."""
        with self._lock:
            if self._taken.total() >= self._most or self._taken[user_id] >= MOST_OF_ONE:
                return False
            self._taken[user_id] += 1
            return True

    def give_back(self, user_id: str) -> None:
        with self._lock:
            self._taken[user_id] -= 1
            if not self._taken[user_id]:
                del self._taken[user_id]


def init_app(app: Flask, most: int) -> None:
    app.extensions["ppi_places"] = Places(most)


@bp.get("/api/jobs/events")
def stream() -> Response:
    """Jobs under way, as `/api/jobs` answers them, whenever something in it changes."""
    places, account = current_app.extensions["ppi_places"], access.current()
    if not places.take(account.id):
        return Response(status=204)
    answer = Response(stream_with_context(_told(account, access.watchman(), _is_over())), content_type="text/event-stream")
    answer.call_on_close(lambda: places.give_back(account.id))
    # nginx would collect what is told until a page of it is full.
    answer.headers["X-Accel-Buffering"] = "no"
    return answer


def _told(account: User | None, let_in: Callable[[], User | None], is_over: Callable[[], bool]) -> Iterator[str]:
    """What the stream says. It ends with the session, with the server, and when the ledger is away."""
    yield f"retry: {AGAIN_MS}\n\n"
    began_s = checked_s = said_s = time.monotonic()
    last = None
    while not is_over() and (now_s := time.monotonic()) - began_s < LIFE_S:
        if now_s - checked_s > CHECK_S:
            account, checked_s = let_in(), now_s
        try:
            found = describe_all(account) if account is not None else None
        except ServerAway:
            return
        if found is None:
            return
        if found != last:
            yield f"event: jobs\ndata: {current_app.json.dumps({'jobs': found})}\n\n"
            last, said_s = found, now_s
        elif now_s - said_s > BEAT_S:
            yield ": still here\n\n"
            said_s = now_s
        time.sleep(EVERY_S)


def _is_over() -> Callable[[], bool]:
    """Tells whether the server stops or nobody listens any more, where the server can say so (see `ppi.server`)."""
    return request.environ.get("ppi.is_over", lambda: False)

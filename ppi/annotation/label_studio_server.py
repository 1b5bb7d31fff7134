"""A running Label Studio: a lesson becomes a task of one of its projects, and what annotators made of it comes back.

Checked against Label Studio 1.23 with both kinds of its tokens. Conversations run in a child process: the client library
(label-studio-sdk) loads pandas, and a child can be stopped when the server is slow. Only the configured address is spoken
to: no redirects, no proxies of the environment, no answer beyond 50 MB, no compressed ones.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ppi.errors import AccessDenied, BackendError, Conflict, InputError, NotFound, PpiError, ToolFailed
from ppi.processes import run_in_child
from ppi.settings import LabelStudioSettings

MAX_TITLE_CHARACTERS, MIN_TITLE_CHARACTERS = 50, 3
MAX_ANSWER_BYTES = 50_000_000
SILENCE_S = 20.0  # how long the server may say nothing
PATIENCE_S = 180.0  # how long a whole conversation may take
TRANSCRIPT_MODEL = "ppi-transcript"
_COLOUR = re.compile(' background="#[0-9a-f]{6}"')
# The client repeats refused requests by itself; a repeated import would make a second task.
ONCE: Any = {"max_retries": 0}
# What is kept of an annotation: nobody's name or mail address.
KEPT = ("id", "result", "was_cancelled", "ground_truth", "created_at", "updated_at", "lead_time", "unique_id")


@dataclass(frozen=True)
class Place:
    """Where a lesson is: its project, with its title, and its task."""

    project_id: int
    project: str
    task_id: int


def task_url(url: str, place: Place) -> str:
    """The page of Label Studio on which the task is annotated."""
    return f"{url}/projects/{place.project_id}/data?task={place.task_id}"


def check_title(title: str) -> None:
    """Raises InputError unless Label Studio takes `title` as a project's."""
    if not MIN_TITLE_CHARACTERS <= len(title.strip()) <= MAX_TITLE_CHARACTERS:
        raise InputError(
            "Label Studio's projects have names of {low} to {high} characters. Choose another name for the project.",
            low=MIN_TITLE_CHARACTERS, high=MAX_TITLE_CHARACTERS,
        )  # fmt: skip


def send(
    settings: LabelStudioSettings,
    *,
    title: str,
    config: str,
    data: dict[str, Any],
    predictions: list[dict[str, Any]] | None = None,
    project_id: int | None = None,
    may_replace: bool = False,
    media_folder: str = "",
    on_tick: Callable[[], None] = lambda: None,
) -> Place:
    """Make sure that a project has this labelling configuration and exactly one task with `data["lesson_id"]`.

    The project is `project_id`, else the one called `title`, which is made when there is none. A task that is there is
    brought up to date; its annotations stay. `predictions` (result items) replace those sent before. `media_folder` is a
    folder of Label Studio's machine that the project's members must be able to read. May be repeated.
    Raises Conflict when the project has annotations under another configuration, unless `may_replace`; AccessDenied,
    InputError and BackendError say what is wrong with the token, the address or the server.
    """
    if project_id is None:
        check_title(title)
    given = {
        "title": title.strip(), "config": config, "data": data, "predictions": predictions, "project_id": project_id,
        "may_replace": may_replace, "media_folder": media_folder,
    }  # fmt: skip
    return Place(**_converse("put_lesson", settings, given, on_tick))


def fetch(
    settings: LabelStudioSettings,
    project_id: int,
    lesson_id: str,
    *,
    seen: tuple[int, str] | None = None,
    on_tick: Callable[[], None] = lambda: None,
) -> dict[str, Any] | None:
    """The lesson's task with its annotations, in the shape of an export; None when nothing changed since `seen`.

    `seen` is the id and `updated_at` of the task fetched before: Label Studio changes it with every annotation that is
    made, changed or deleted. Raises NotFound when the task is gone, else as `send`.
    """
    return _converse("read_annotations", settings, {"project_id": project_id, "lesson_id": lesson_id, "seen": seen}, on_tick)


def put_lesson(
    report: Callable[[Any], None], url: str, token: str, title: str, config: str, data: dict[str, Any],
    predictions: list[dict[str, Any]] | None, project_id: int | None, may_replace: bool, media_folder: str = "",
) -> dict[str, Any]:  # fmt: skip
    """In the child; see `send`."""
    given = (title, config, data, predictions, project_id, may_replace, media_folder)
    return _told(url, token, lambda server: server.put_lesson(*given))


def read_annotations(
    report: Callable[[Any], None], url: str, token: str, project_id: int, lesson_id: str, seen: tuple[int, str] | None
) -> dict[str, Any] | None:
    """In the child; see `fetch`."""
    return _told(url, token, lambda server: server.read_annotations(project_id, lesson_id, seen))


class _Server:
    """One conversation."""

    def __init__(self, url: str, token: str):
        from label_studio_sdk import LabelStudio

        # With the slash at the end the client keeps a path in the address when it renews a token.
        self._api = LabelStudio(base_url=f"{url}/", api_key=token, httpx_client=_http_client(url))

    def put_lesson(
        self, title: str, config: str, data: dict[str, Any], predictions: list | None, project_id: int | None,
        may_replace: bool, media_folder: str,
    ) -> dict[str, Any]:  # fmt: skip
        project = self._project(title, config.strip(), project_id, may_replace)  # the server takes spaces at the ends away
        if media_folder:
            self._let_read(project.id, media_folder)
        task_id = self._put_task(project.id, data)
        if predictions is not None:
            self._predict(task_id, predictions)
        return {"project_id": project.id, "project": project.title, "task_id": task_id}

    def read_annotations(self, project_id: int, lesson_id: str, seen: tuple[int, str] | None) -> dict[str, Any] | None:
        header = self._find_task(project_id, lesson_id)
        if header is None:
            raise NotFound("This lesson's task is gone from Label Studio. Send the lesson again.")
        if seen is not None and (header.id, str(header.updated_at)) == tuple(seen):
            return None
        task = self._api.tasks.get(str(header.id), request_options=ONCE)
        return {
            "id": task.id, "data": task.data, "updated_at": str(task.updated_at),
            "annotations": [_kept(annotation) for annotation in task.annotations or ()],
        }  # fmt: skip

    def _project(self, title: str, config: str, project_id: int | None, may_replace: bool) -> Any:
        found = self._known_project(project_id) or self._project_called(title)
        if found is None:
            return self._api.projects.create(title=title, label_config=config, request_options=ONCE)
        if _uncoloured(found.label_config) != _uncoloured(config):
            if found.total_annotations_number and not may_replace:
                raise Conflict(
                    "The project {project} of Label Studio has annotations made with another labelling configuration. Choose "
                    "another project, or say that its configuration is to be replaced.",
                    project=found.title,
                )
            self._api.projects.update(found.id, label_config=config, request_options=ONCE)
        return found

    def _known_project(self, project_id: int | None) -> Any:
        return _unless_gone(lambda: self._api.projects.get(project_id, request_options=ONCE)) if project_id else None

    def _project_called(self, title: str) -> Any:
        """The oldest project of this name: the server is asked for names that contain it."""
        listed = self._api.projects.list(title=title, page_size=100, request_options=ONCE)
        same = [project for project in listed if project.title == title]
        return min(same, key=lambda project: project.id, default=None)

    def _let_read(self, project_id: int, folder: str) -> None:
        """Local files are served to members of a project with a storage that holds them; it need not be synchronised."""
        storages = self._api.import_storage.local
        if not any(known.path == folder for known in storages.list(project=project_id, request_options=ONCE)):
            storages.create(project=project_id, path=folder, title="PPI", use_blob_urls=False, request_options=ONCE)

    def _find_task(self, project_id: int, lesson_id: str) -> Any:
        """The oldest task of the lesson without its annotations, or None."""
        item = {"filter": "filter:tasks:data.lesson_id", "operator": "equal", "type": "String", "value": lesson_id}
        query = json.dumps({"filters": {"conjunction": "and", "items": [item]}})
        listed = _unless_gone(
            lambda: self._api.tasks.list(project=project_id, query=query, fields="task_only", request_options=ONCE)
        )
        same = [task for task in (listed.items if listed else None) or () if task.data.get("lesson_id") == lesson_id]
        return min(same, key=lambda task: task.id, default=None)

    def _put_task(self, project_id: int, data: dict[str, Any]) -> int:
        found = self._find_task(project_id, data["lesson_id"])
        if found is None:
            return self._import(project_id, data)
        wanted = {**found.data, **data}
        if wanted != found.data:
            self._api.tasks.update(str(found.id), data=wanted, request_options=ONCE)
        return found.id

    def _import(self, project_id: int, data: dict[str, Any]) -> int:
        """Import, and take the task back when another conversation was quicker."""
        made = self._api.projects.import_tasks(project_id, request=[{"data": data}], return_task_ids=True, request_options=ONCE)
        task_id = made.task_ids[0]
        oldest = self._find_task(project_id, data["lesson_id"])
        if oldest is not None and oldest.id < task_id:
            self._api.tasks.delete(str(task_id), request_options=ONCE)
            return oldest.id
        return task_id

    def _predict(self, task_id: int, result: list[dict[str, Any]]) -> None:
        sent = [
            prediction for prediction in self._api.predictions.list(task=task_id, request_options=ONCE)
            if prediction.model_version == TRANSCRIPT_MODEL
        ]  # fmt: skip
        if not any(prediction.result == result for prediction in sent):
            self._api.predictions.create(task=task_id, result=result, model_version=TRANSCRIPT_MODEL, request_options=ONCE)
        for prediction in sent:
            if prediction.result != result:
                self._api.predictions.delete(prediction.id, request_options=ONCE)


def _converse(what: str, settings: LabelStudioSettings, given: dict[str, Any], on_tick: Callable[[], None]) -> Any:
    if not settings.token:
        raise AccessDenied("PPI is not connected to Label Studio. The administrator sets LABEL_STUDIO_TOKEN.")
    try:
        return run_in_child(
            f"{__name__}:{what}", {"url": settings.url, "token": settings.token, **given}, on_tick=on_tick,
            timeout_s=PATIENCE_S,
        )  # fmt: skip
    except ToolFailed as error:
        raise BackendError(
            "Label Studio at {url} did not do its part in {limit_s} s. Try again later.",
            url=_origin(settings.url), limit_s=round(PATIENCE_S),
        ) from error  # fmt: skip


def _told(url: str, token: str, conversation: Callable[[_Server], Any]) -> Any:
    try:
        return conversation(_Server(url, token))
    except (PpiError, ImportError, MemoryError):
        raise
    except Exception as error:  # whatever the client raises has to become something a reader can act on
        raise _meaning(error, url, token) from None


def _http_client(url: str) -> Any:
    """A client that speaks to `url` alone and reads bounded answers."""
    import httpx

    home = httpx.URL(url)

    class Bounded(httpx.SyncByteStream):
        def __init__(self, inner: Any):
            self._inner = inner

        def __iter__(self):
            size_bytes = 0
            for chunk in self._inner:
                size_bytes += len(chunk)
                if size_bytes > MAX_ANSWER_BYTES:
                    raise InputError(
                        "Label Studio answers with more than {limit_mb} MB. Delete drafts and predictions of this task there.",
                        limit_mb=MAX_ANSWER_BYTES // 1_000_000,
                    )
                yield chunk

        def close(self) -> None:
            self._inner.close()

    class OnlyHome(httpx.HTTPTransport):
        def handle_request(self, request: Any) -> Any:
            if (request.url.scheme, request.url.netloc) != (home.scheme, home.netloc):
                raise InputError("Label Studio may be asked at {url} only. Check LABEL_STUDIO_URL.", url=_origin(url))
            response = super().handle_request(request)
            if response.headers.get("content-encoding", "identity") != "identity":  # a few bytes could unpack to gigabytes
                raise InputError("What answers at {url} compresses unasked. Check the proxy in between.", url=_origin(url))
            response.stream = Bounded(response.stream)
            return response

    transport = OnlyHome(verify=ssl.create_default_context(), trust_env=False)
    return httpx.Client(
        transport=transport, timeout=SILENCE_S, follow_redirects=False, trust_env=False,
        headers={"Accept-Encoding": "identity"},
    )  # fmt: skip


def _kept(annotation: dict[str, Any]) -> dict[str, Any]:
    author = annotation.get("completed_by")
    kept = {name: annotation[name] for name in KEPT if name in annotation}
    return {**kept, "completed_by": author.get("id") if isinstance(author, dict) else author}


def _uncoloured(config: str) -> str:
    """Without what makes no other configuration of it: colours of labels, and the spaces at the ends that the server takes."""
    return _COLOUR.sub("", config.strip())


def _unless_gone(ask: Callable[[], Any]) -> Any:
    """The answer, or None when there is no such thing on the server."""
    from label_studio_sdk.core.api_error import ApiError

    try:
        return ask()
    except ApiError as error:
        if error.status_code == 404:
            return None
        raise


def _meaning(error: Exception, url: str, token: str) -> PpiError:
    """What the client's error means for the reader. The token is in no message."""
    status = getattr(error, "status_code", None)
    if status == 401:
        return AccessDenied(
            "Label Studio does not accept the token. Copy a token from Account & Settings of Label Studio and set "
            "LABEL_STUDIO_TOKEN to it."
        )
    if status == 403:
        return AccessDenied(
            "The token's account may not do this in Label Studio. Give it the right to make projects, or use another token."
        )
    if status == 429:
        return BackendError("Label Studio takes no more requests for now. Try again in some minutes.")
    if status is not None and status >= 500:
        return BackendError("Label Studio is failing (status {status}). Try again later; nothing is lost.", status=status)
    if status in (400, 409, 413, 422):
        return InputError(
            "Label Studio refuses the lesson ({reason}). Mend that in Label Studio, or ask the administrator to, then send "
            "the lesson again.", reason=_reason(error, token).rstrip(".")
        )  # fmt: skip
    if status is not None and 300 <= status < 400:
        return InputError("{url} leads to another address. Set LABEL_STUDIO_URL to the one it leads to.", url=_origin(url))
    if type(error).__module__.startswith("httpx"):
        return BackendError(
            "Label Studio at {url} cannot be reached ({reason}). Check that it runs, and LABEL_STUDIO_URL, then try again.",
            url=_origin(url), reason=type(error).__name__,
        )  # fmt: skip
    return InputError(
        "What answers at {url} is not a Label Studio that PPI knows ({reason}). Check LABEL_STUDIO_URL.",
        url=_origin(url), reason=type(error).__name__ if status is None else f"status {status}",
    )  # fmt: skip


def _reason(error: Any, token: str) -> str:
    """What the server said, without the shape it said it in."""
    body = error.body
    told = (body.get("validation_errors") or body.get("detail") or body) if isinstance(body, dict) else body
    return " ".join(" ".join(_texts(told)).replace(token, "***").split())[:300]


def _texts(told: Any) -> list[str]:
    if isinstance(told, dict):
        told = list(told.values())
    return [text for part in told for text in _texts(part)] if isinstance(told, list) else [str(told)]


def _origin(url: str) -> str:
    """The address without a name and password that somebody may have put into it."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

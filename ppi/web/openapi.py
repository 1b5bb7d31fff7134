"""The description of the HTTP API: OpenAPI 3 as JSON, and a plain page for reading. A test holds it against the routes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from apispec import APISpec
from flask import Blueprint, Response, jsonify, render_template

from ppi import __version__

bp = Blueprint("openapi", __name__)

TEXT, NUMBER, FLAG = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
FILE = {"type": "string", "format": "binary"}
CLIPS = {"type": "string", "enum": ["strict", "fast"], "default": "strict"}
ENGINES = {"type": "string", "enum": ["extractive", "transformers", "chat"]}
STYLES = {"type": "string", "enum": ["abstract", "minutes", "report"], "default": "minutes"}
SUCCESS = {"success": FLAG}
STATUSES = [
    "queued", "uploading_video", "downloading", "extracting_audio", "fetching_model", "transcribing", "telling_speakers",
    "summarizing", "building", "publishing", "preparing", "converting", "exchanging", "comparing", "reading", "completed",
    "error", "cancelled",
]  # fmt: skip
STATUS = {
    "status": {"type": "string", "enum": STATUSES}, "progress": {**NUMBER, "minimum": 0, "maximum": 100},
    "message": TEXT, "timestamp": {"type": "string", "format": "date-time"}, "transcription_ready": FLAG,
    "file_id": TEXT, "position": NUMBER, "shareable_url": TEXT, "shareable_url_expires": TEXT, "stable_url": TEXT,
    "task_json": TEXT, "error": TEXT, "code": TEXT, "remaining_s": NUMBER,
}  # fmt: skip
FILES = {"type": "array", "items": {"type": "object", "properties": {
    "name": TEXT, "size_mb": {"type": "number"}, "last_modified": {"type": "string", "format": "date-time"}}}}  # fmt: skip
ROWS = {"type": "array", "items": {"type": "object"}}
CONSENT = {
    "state": {"type": "string", "enum": ["unknown", "internal", "public"]}, "license": TEXT, "embargo_until": TEXT,
    "teacher": TEXT,
}  # fmt: skip
TRANSCRIPT = {**SUCCESS, "version": NUMBER, "undo": FLAG, "redo": FLAG, "edited": NUMBER, "segments": {"type": "object"}}
WITH_JSON, WITH_FORM = "application/json", "multipart/form-data"

# (method, path, what it does, request body {media type: properties}, answer's properties or media type)
CALLS: tuple[tuple[str, str, str, dict[str, dict], dict | str], ...] = (
    ("post", "/api/login", "Log in; the answer's csrf_token goes into X-CSRFToken of later changes.",
     {WITH_JSON: {"username": TEXT, "password": TEXT}},
     {**SUCCESS, "user": {"type": "object"}, "csrf_token": TEXT}),
    ("get", "/logout", "Log out and go to the start page.", {}, "redirect"),
    ("post", "/api/process-video", "Upload a video, or make a lesson of an object in storage.",
     {WITH_FORM: {"video": FILE, "task_name": TEXT, "parts": NUMBER},
      WITH_JSON: {"object_name": TEXT, "task_name": TEXT, "parts": NUMBER}}, {**SUCCESS, "file_id": TEXT}),
    ("get", "/api/status/{file_id}", "State of a lesson, a transcription or any other job.", {}, STATUS),
    ("get", "/api/jobs", "The jobs under way that you may see, oldest first.", {}, {**SUCCESS, "jobs": ROWS}),
    ("get", "/api/jobs/events", "The same as server-sent events, whenever something in it changes; 204 when there is no place.",
     {}, "text/event-stream"),
    ("get", "/api/upload-room", "What may be uploaded now, lessons_left null without a limit, and your unfinished uploads.", {},
     {**SUCCESS, "most_bytes": NUMBER, "free_bytes": NUMBER, "lessons_left": {**NUMBER, "nullable": True},
      "bytes_left": {**NUMBER, "nullable": True},
          "unfinished": ROWS}),
    ("get", "/api/lessons", "The lessons you may see.", {}, {**SUCCESS, "lessons": ROWS}),
    ("post", "/api/lessons/{lesson_id}/delete",
     "Delete a lesson and everything made of it, for good; with undo it can be restored for ten minutes.",
     {WITH_JSON: {"undo": FLAG}}, SUCCESS),
    ("post", "/api/lessons/{lesson_id}/restore", "Bring a lesson back that was deleted with undo.", {}, SUCCESS),
    ("post", "/api/lessons/{lesson_id}/link/revoke", "End the lesson's stable links.", {}, {**SUCCESS, "revoked": NUMBER}),
    ("post", "/api/transcribe", "Transcribe a lesson.",
     {WITH_JSON: {"file_id": TEXT, "engine": TEXT, "model": TEXT, "language": TEXT, "phrases": TEXT, "word_list": TEXT,
       "replace": FLAG}}, {**SUCCESS, "transcription_file_id": TEXT}),
    ("get", "/words", "The lists of names and subject words that you keep, the one chosen last first.", {},
     {**SUCCESS, "lists": ROWS}),
    ("post", "/words", "Keep a list of words by commas, semicolons or lines: a new one, or with its id one that you keep.",
     {WITH_JSON: {"id": TEXT, "name": TEXT, "words": TEXT}}, {**SUCCESS, "id": TEXT, "name": TEXT, "words": TEXT}),
    ("post", "/words/{list_id}/delete", "Delete a list of words; transcripts that were made with it keep them.", {}, SUCCESS),
    ("get", "/api/lessons/{lesson_id}/transcript", "The transcript as it is now, or with ?segment= one segment of it.", {},
     TRANSCRIPT),
    ("post", "/api/lessons/{lesson_id}/transcript", "Give a transcript that was made elsewhere: SRT, VTT or JSON.",
     {WITH_FORM: {"transcript": FILE, "language": TEXT, "replace": FLAG}},
     {**SUCCESS, "version": NUMBER, "segments": NUMBER, "words": NUMBER, "notes": {"type": "array", "items": TEXT}}),
    ("get", "/lessons/{lesson_id}/captions.vtt", "The transcript as captions.", {}, "text/vtt"),
    ("get", "/api/lessons/{lesson_id}/peaks",
     "The waveform, in the format of audiowaveform (version 2, 8 bits); ?stretches= asks for at most so many.", {},
     "application/octet-stream"),
    ("post", "/api/lessons/{lesson_id}/peaks", "Have the waveform of a lesson from before measured.", {},
     {**SUCCESS, "job_id": TEXT}),
    ("get", "/api/lessons/{lesson_id}/intervals", "What every annotator marked, at most 5000 marks.", {},
     {**SUCCESS, "lanes": ROWS, "colours": {"type": "object"}, "places": {"type": "object"}, "left_out": NUMBER}),
    ("post", "/api/lessons/{lesson_id}/transcript/edit", "Correct the text of one segment, counted from 0.",
     {WITH_JSON: {"version": NUMBER, "segment": NUMBER, "text": TEXT}}, TRANSCRIPT),
    ("post", "/api/lessons/{lesson_id}/transcript/check", "Say that a segment, or one word of it, is right as it is.",
     {WITH_JSON: {"version": NUMBER, "segment": NUMBER, "word": NUMBER}}, TRANSCRIPT),
    ("post", "/api/lessons/{lesson_id}/transcript/speaker",
     "Say who speaks in a segment; with on also in those behind it, up to the next change of speakers.",
     {WITH_JSON: {"version": NUMBER, "segment": NUMBER, "speaker": TEXT, "on": FLAG}}, TRANSCRIPT),
    ("post", "/api/lessons/{lesson_id}/transcript/undo", "Undo the last change of the transcript.",
     {WITH_JSON: {"version": NUMBER}}, TRANSCRIPT),
    ("post", "/api/lessons/{lesson_id}/transcript/redo", "Do again what was undone last.",
     {WITH_JSON: {"version": NUMBER}}, TRANSCRIPT),
    ("post", "/api/lessons/{lesson_id}/transcript/restore", "Make the transcript as it was in an earlier version.",
     {WITH_JSON: {"version": NUMBER, "of": NUMBER}}, TRANSCRIPT),
    ("post", "/api/lessons/{lesson_id}/speakers",
     "Find out who speaks when, and write it into the transcript; count is how many people speak, when that is known.",
     {WITH_JSON: {"count": NUMBER}}, {**SUCCESS, "job_id": TEXT}),
    ("post", "/api/lessons/{lesson_id}/speakers/name", "Call a speaker otherwise in the whole transcript.",
     {WITH_JSON: {"speaker": TEXT, "name": TEXT}}, {**SUCCESS, "version": NUMBER, "speakers": {"type": "object"}}),
    ("get", "/lessons/{lesson_id}/transcript/{kind}",
     "The transcript as txt, times.txt, speakers.txt, docx, srt, vtt, json, textgrid or eaf; ?version= for an earlier one.", {},
     "application/octet-stream"),
    ("post", "/transcripts.zip", "The same, asked for by the form of the lessons' list.", {WITH_FORM: {"lesson": TEXT}},
     "application/zip"),
    ("get", "/transcripts.zip", "All texts of the lessons named by ?lesson=, as a ZIP.", {}, "application/zip"),
    ("post", "/api/summarize", "Summarise a transcribed lesson; an earlier result for the same input is kept, unless anew.",
     {WITH_JSON: {"file_id": TEXT, "engine": ENGINES, "style": STYLES, "language": TEXT, "anew": FLAG}},
     {**SUCCESS, "job_id": TEXT}),
    ("post", "/api/jobs/{job_id}/cancel", "Stop a waiting or running job.", {}, {**SUCCESS, **STATUS}),
    ("post", "/api/jobs/{job_id}/retry", "Try a failed or cancelled job again.", {}, {**SUCCESS, **STATUS}),
    ("get", "/list_files", "Files in storage that you may see.", {}, {**SUCCESS, "files": FILES}),
    ("post", "/delete_file", "Delete a file; a lesson's video takes the lesson with it, for good unless undo is true.",
     {WITH_JSON: {"object_name": TEXT, "undo": FLAG}}, SUCCESS),
    ("get", "/lessons/{lesson_id}/download/{name}", "A file of a lesson.", {}, "redirect"),
    ("post", "/api/lessons/{lesson_id}/kit", "Keep a pattern table with the lesson; answers the labels it becomes.",
     {WITH_FORM: {"patterns": FILE, "variant": TEXT}}, {**SUCCESS, "labels": ROWS, "problems": ROWS, "config": TEXT}),
    ("post", "/api/lessons/{lesson_id}/kit/prepare", "Make what Label Studio needs, and place it where it is near.", {},
     {**SUCCESS, "job_id": TEXT}),
    ("post", "/api/lessons/{lesson_id}/normalize", "Make an annotation copy: H.264, AAC, constant frame rate.", {},
     {**SUCCESS, "job_id": TEXT}),
    ("get", "/lessons/{lesson_id}/kit/labelling-config.xml",
     "The labelling configuration; ?variant=audio, boxes or speech_acts.", {}, "application/xml"),
    ("get", "/lessons/{lesson_id}/kit/tasks.json", "The tasks to import into Label Studio.", {}, "application/json"),
    ("post", "/api/lessons/{lesson_id}/annotations", "Keep annotations, a pattern table or both for the next build; with "
     "fetched=1 those fetched from Label Studio. What cannot be read is not kept. Answers counts of what was understood.",
     {WITH_FORM: {"annotations": FILE, "patterns": FILE, "fetched": TEXT}},
     {**SUCCESS, "segments": NUMBER, "undecided": NUMBER, "dropped": NUMBER}),
    ("post", "/api/lessons/{lesson_id}/before/{kind}", "Take the annotations or the patterns that another file was given in "
     "place of; those of now are kept in turn.", {}, {**SUCCESS, "segments": NUMBER, "undecided": NUMBER, "dropped": NUMBER}),
    ("get", "/api/lessons/{lesson_id}/preview",
     "What a build would hold, and labels that the table does not have. It is waited for.", {},
     {**SUCCESS, "segments": ROWS, "labels": ROWS, "dropped": ROWS, "unused": {"type": "array", "items": TEXT},
      "is_fetched": FLAG}),
    ("post", "/api/lessons/{lesson_id}/meanings", "Say what labels mean: a pattern of the table, an empty text to leave them "
     "out, null to read them as they are written; reset takes every choice back. Where counts take time they are null.",
     {WITH_JSON: {"meanings": {"type": "object"}, "reset": FLAG}},
     {**SUCCESS, "segments": NUMBER, "undecided": NUMBER, "dropped": NUMBER}),
    ("post", "/api/datasets", "Build a dataset of a lesson, without patterns of the table that is kept with it; clips are cut "
     "strict, or fast with hidden pictures in them.",
     {WITH_FORM: {"file_id": TEXT, "annotations": FILE, "patterns": FILE, "engine": TEXT, "clips": CLIPS}},
     {**SUCCESS, "job_id": TEXT}),
    ("get", "/api/datasets/{lesson_id}", "The dataset's rows, report and card.", {},
     {**SUCCESS, "rows": ROWS, "report": {"type": "object"}, "card": TEXT, "size_bytes": NUMBER, "files": NUMBER}),
    ("get", "/datasets/{lesson_id}.zip", "The dataset as a ZIP.", {}, "application/zip"),
    ("get", "/datasets/{dataset_id}/versions", "The versions that can be compared; with ?before= and ?after= what changed.", {},
     {**SUCCESS, "versions": {"type": "array", "items": NUMBER}, "changes": ROWS}),
    ("get", "/lessons/{lesson_id}/annotations/{kind}",
     "The lesson's annotations as eaf (ELAN), textgrid (Praat), boris (table), boris_project, csv, json_min, json.", {},
     "application/octet-stream"),
    ("post", "/api/datasets/{lesson_id}/push", "Push the dataset to the Hugging Face Hub, or find out what that would do.",
     {WITH_JSON: {"repo_id": TEXT, "private": FLAG, "dry_run": FLAG}}, {**SUCCESS, "job_id": TEXT}),
    ("get", "/api/datasets/{lesson_id}/pushes", "What was pushed, with tags, and what the last dry run found.", {},
     {**SUCCESS, "pushes": ROWS, "dry_run": {"type": "object", "nullable": True}}),
    ("get", "/joined", "The datasets joined of several lessons that you may see.", {}, {**SUCCESS, "datasets": ROWS}),
    ("post", "/joined", "Join the datasets of lessons, or with action=plan see what that would hold. A given dataset is "
     "built anew; the version before stays until the new one is whole.",
     {WITH_JSON: {"name": TEXT, "lessons": {"type": "array", "items": TEXT}, "shares": TEXT, "seed": NUMBER,
                  "by": {"type": "string", "enum": ["teacher", "lesson"]}, "dataset": TEXT,
                  "language": {"type": "string", "enum": ["en", "ru"]},
                  "action": {"type": "string", "enum": ["plan", "build"]}}},
     {**SUCCESS, "dataset_id": TEXT, "job_id": TEXT, "samples": NUMBER, "lessons": ROWS, "splits": {"type": "object"},
      "patterns": ROWS, "note": TEXT, "consent": TEXT}),
    ("get", "/joined/{dataset_id}", "A joined dataset: its rows, report and card.", {},
     {**SUCCESS, "dataset_id": TEXT, "name": TEXT, "owner": TEXT, "is_built": FLAG, "shares": TEXT, "seed": NUMBER, "by": TEXT,
      "language": TEXT, "lessons": {"type": "array", "items": TEXT}, "job": {"type": "object"}, "rows": ROWS,
      "report": {"type": "object"}, "card": TEXT, "consent": TEXT, "withdrawn": {"type": "array", "items": TEXT},
      "deleted": {"type": "array", "items": TEXT}}),
    ("get", "/joined/{dataset_id}.zip", "A joined dataset as a ZIP.", {}, "application/zip"),
    ("post", "/api/joined/{dataset_id}/push", "Push a joined dataset, or find out what that would do.",
     {WITH_JSON: {"repo_id": TEXT, "private": FLAG, "dry_run": FLAG}}, {**SUCCESS, "job_id": TEXT}),
    ("post", "/api/joined/{dataset_id}/delete", "Delete a joined dataset; its lessons stay.", {}, SUCCESS),
    ("get", "/lessons/{lesson_id}/withdraw", "Every sample, dataset and published version that holds the lesson.", {},
     {**SUCCESS, "samples": ROWS, "version": NUMBER, "joined": ROWS, "pushes": ROWS}),
    ("post", "/api/lessons/{lesson_id}/withdraw", "Take the lesson out of every dataset; its name confirms which is meant.",
     {WITH_JSON: {"name": TEXT}}, {**SUCCESS, "job_id": TEXT}),
    ("get", "/api/lessons/{lesson_id}/agreement", "How far the lesson's annotators agree; null means not defined.", {},
     {**SUCCESS, "annotators": {"type": "array", "items": TEXT}, "step_s": {"type": "number"}, "units": NUMBER,
      "patterns": ROWS, "confusions": ROWS, "disagreements": ROWS, "agreed": NUMBER, "decisions": {"type": "object"}}),
    ("post", "/api/lessons/{lesson_id}/agreement/annotations", "Add an export to the comparison.",
     {WITH_FORM: {"annotations": FILE}}, SUCCESS),
    ("post", "/api/lessons/{lesson_id}/agreement/build", "Build the dataset of the gold set.", {},
     {**SUCCESS, "job_id": TEXT}),
    ("post", "/lessons/{lesson_id}/label-studio/send", "Make a lesson a task of Label Studio, or bring its task up to date.",
     {WITH_FORM: {"patterns": FILE, "project": TEXT, "variant": TEXT, "transcript": FLAG, "replace": FLAG}},
     {**SUCCESS, "job_id": TEXT}),
    ("post", "/lessons/{lesson_id}/label-studio/fetch", "Fetch what annotators made of a lesson since the last time.", {},
     {**SUCCESS, "job_id": TEXT}),
    ("post", "/api/lessons/{lesson_id}/consent", "Record consent, licence, embargo, and a code for the teacher.",
     {WITH_JSON: CONSENT}, {**SUCCESS, **CONSENT}),
    ("post", "/api/datasets/{dataset_id}/card", "Set your own words for the dataset card, and its language, en or ru.",
     {WITH_JSON: {"text": TEXT, "language": TEXT}}, {**SUCCESS, "card": TEXT}),
    ("post", "/api/datasets/{dataset_id}/card/preview", "The card with these words, as Markdown and as HTML; nothing is kept.",
     {WITH_JSON: {"text": TEXT, "language": TEXT}}, {**SUCCESS, "card": TEXT, "html": TEXT}),
    ("options", "/uploads/", "What the tus endpoint can do.", {}, "headers"),
    ("post", "/uploads/", "Begin a resumable upload (tus 1.0).", {}, "headers"),
    ("head", "/uploads/{lesson_id}", "Where a resumable upload stands.", {}, "headers"),
    ("patch", "/uploads/{lesson_id}", "Send a chunk.", {"application/offset+octet-stream": {}}, "headers"),
    ("delete", "/uploads/{lesson_id}", "Give up a resumable upload.", {}, "headers"),
    ("get", "/media/{bucket}/{key}", "A stored file, by a signed link; Range works.", {}, "application/octet-stream"),
    ("get", "/m/{token}/{name}", "The stable link of a video: redirects to a fresh signed link.", {}, "redirect"),
    ("get", "/health", "Whether the application lives.", {}, {**SUCCESS, "version": TEXT, "store": TEXT, "ledger": TEXT}),
    ("get", "/health/ready", "The same.", {}, {**SUCCESS, "version": TEXT, "store": TEXT, "ledger": TEXT}),
    ("get", "/health/live", "Whether this process answers.", {}, {**SUCCESS, "version": TEXT}),
    ("get", "/metrics", "Figures for Prometheus; for administrators and for programs on the server itself.", {}, "text/plain"),
    ("get", "/api/openapi.json", "This description.", {}, "application/json"),
    ("get", "/api/docs", "This description as a page.", {}, "text/html"),
)  # fmt: skip
OPEN = ("/api/login", "/logout", "/media/", "/m/", "/health", "/api/openapi.json", "/api/docs")
NO_BODY = {"redirect": ("302", "Go there"), "headers": ("204", "See the headers of the tus protocol")}


@bp.get("/api/openapi.json")
def description() -> Response:
    return jsonify(specification())


@bp.get("/api/docs")
def docs() -> str:
    return render_template("docs.html", specification=specification(), calls=CALLS)


@lru_cache(maxsize=1)
def specification() -> dict[str, Any]:
    """The whole description as OpenAPI 3.0.3."""
    about = {"description": "Errors are {success: false, error, code}; 404 stands alike for “not there” and “not yours”."}
    spec = APISpec(title="PPI", version=__version__, openapi_version="3.0.3", info=about)
    spec.components.security_scheme("token", {"type": "http", "scheme": "bearer"})
    spec.components.security_scheme("session", {"type": "apiKey", "in": "cookie", "name": "ppi_session"})
    failure = {**SUCCESS, "error": TEXT, "code": TEXT}
    spec.components.schema("Failure", {"type": "object", "properties": failure})
    paths: dict[str, dict] = {}
    for method, path, summary, bodies, answer in CALLS:
        paths.setdefault(path, {})[method] = _operation(path, summary, bodies, answer)
    for path, operations in paths.items():
        spec.path(path, operations=operations)
    return spec.to_dict()


def _operation(path: str, summary: str, bodies: dict[str, dict], answer: dict | str) -> dict[str, Any]:
    names = [part[1:].split("}")[0] for part in path.split("/") if part.startswith("{")]
    operation: dict[str, Any] = {"summary": summary, "responses": _responses(answer)}
    operation["parameters"] = [{"name": name, "in": "path", "required": True, "schema": TEXT} for name in names]
    if bodies:
        content = {kind: {"schema": {"type": "object", "properties": shape}} for kind, shape in bodies.items()}
        operation["requestBody"] = {"content": content}
    operation["security"] = [] if path.startswith(OPEN) else [{"token": []}, {"session": []}]
    return operation


def _responses(answer: dict | str) -> dict[str, Any]:
    failed = {"description": "What went wrong", "content": {WITH_JSON: {"schema": {"$ref": "#/components/schemas/Failure"}}}}
    if isinstance(answer, str) and answer in NO_BODY:
        status, words = NO_BODY[answer]
        return {status: {"description": words}, "default": failed}
    kind, schema = (WITH_JSON, {"type": "object", "properties": answer}) if isinstance(answer, dict) else (answer, FILE)
    return {"200": {"description": "Done", "content": {kind: {"schema": schema}}}, "default": failed}

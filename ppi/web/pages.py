"""Pages: the three steps, a lesson's page, files, account, help."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, render_template, request, send_from_directory
from flask_babel import format_date, format_decimal, format_time, get_locale, gettext

from ppi.errors import DatasetError, NotFound
from ppi.jobs.ledger import Job
from ppi.jobs.lessons import LessonRow
from ppi.web import access, choice, file_words, gallery, look, numbers, preview, reasons
from ppi.web import account as account_page
from ppi.web.admin import action_names
from ppi.web.errors import told, translated
from ppi.web.jobs import absolute, describe_lesson
from ppi.web.joined import newest_push, with_labels
from ppi.web.player import has_waveform, phrases, player_of
from ppi.web.words import kinds, of_uploads, statuses, words
from ppi.workflows import (
    about_lesson,
    annotate,
    annotations,
    build_dataset,
    excerpts,
    file_list,
    lesson_list,
    lessons,
    meanings,
    normalize,
    pushes,
    quotas,
    sample_lesson,
    stored_datasets,
    transcribe,
    uploads,
    versions,
    word_lists,
)
from ppi.workflows import publish as publishing

NO_BREAK = "\u00a0"
bp = Blueprint("pages", __name__)
# How many lessons the start page shows.
NEWEST = 5
DOWNLOADS = (".txt", ".srt", ".vtt", ".transcript.json", ".summary.docx", ".summary.txt", ".wav")
# What only Label Studio is given.
NO_DOWNLOADS = (
    "", ".info.json", ".sound.mp3", ".poster.jpg", ".peaks.dat", ".copy.mp4", ".summary.json", about_lesson.CONSENT,
    about_lesson.OWN_TEXT, about_lesson.LANGUAGE, pushes.PUSHES, pushes.DRY_RUN, meanings.NAME,
)  # fmt: skip

# Of the audit log, what a lesson's page leaves out, and how many rows it shows.
LOOKS = ("show link", "play captions")
SHOWN_ACTS = 50


@bp.app_context_processor
def _for_all_templates() -> dict[str, Any]:
    return {
        "viewer": access.viewer(), "language": str(get_locale()), "theme": look.shown_theme(),
        "style_nonce": look.style_nonce,
        "size": shown_size, "clock": clock, "day": day, "decimal": format_decimal,
        "exact": numbers.exact, "number": numbers.shown,
        "state": state_of, "words": words(), "kinds": kinds(), "message": translated, "fault_of": fault_of,
        "day_in_words": numbers.day_in_words, "kind_of_file": file_words.kind_of,
        "reason": reasons.said, "place": reasons.place, "detail": reasons.detail,
    }  # fmt: skip


@bp.get("/")
def home() -> str:
    """Step 1; locked behind the log-in dialog when nobody is logged in."""
    account = access.viewer()
    services = access.services()
    found = lesson_list.page(services, account, rows=NEWEST) if account else None
    use = quotas.use(services, account) if account else None
    return render_template(
        "home.html", step=1, found=found, chosen=None, most_bytes=services.settings.upload.max_upload_bytes,
        most_lessons=use.quota.max_lessons if use else None, use=use, endings=file_list.VIDEO_ENDINGS,
        room=uploads.room(services, account) if account else None, more_words=of_uploads(),
        unfinished=uploads.unfinished(services, account) if account else [],
        stored=file_list.videos(services, account) if account and request.args.get("stored") else None,
    )  # fmt: skip


@bp.get("/lessons/<lesson_id>")
def lesson(lesson_id: str) -> str:
    """A lesson's own page. With `?part=heard` its script gets what was heard so far."""
    services = access.services()
    try:
        row = lessons.owned(services, access.current(), lesson_id)
    except NotFound:  # a refused upload leaves no lesson, only the job that says why
        return render_template("refused.html", job=lessons.owned_job(services, access.current(), lesson_id))
    if request.args.get("part") == "heard":
        return render_template("_heard.html", shown=row, heard=excerpts.heard_so_far(services, row))
    shown = lessons.view(services, row)
    return render_template(
        "lesson.html", step=1, shown=shown, chosen=row, film=player_of(shown), has_waveform=has_waveform(shown),
        phrases=phrases(), downloads=_downloads(shown),
        others=_others(shown), targets=_targets(shown), described=describe_lesson(shown),
        engine=transcribe.usual_engine(services), can_hear=transcribe.is_at_hand(services),
        can_send=annotate.is_connected(services),
        jobs=services.ledger.list(lesson_id=row.id, limit=20), links=_links(shown),
        reasons=_reasons(shown), copy_rate=normalize.copy_rate(shown), versions=_versions(shown),
        said=excerpts.of_transcript(services, row) if shown.has_transcript else None,
        heard=excerpts.heard_so_far(services, row) if _is_at(shown, "transcribe") else None,
        summed=excerpts.of_summary(services, row) if shown.has_summary else None,
        pushed=_pushed(row), acts=_acts(row), actions=action_names(),
        words_kept=word_lists.load(services, access.current()) if shown.has_audio and not _is_at(shown, "transcribe") else None,
        consent=about_lesson.consent(services, row), consent_states=about_lesson.STATES, licenses=about_lesson.LICENSES,
    )  # fmt: skip


@bp.get("/dataset")
def dataset() -> str:
    """Step 2."""
    return preview.dataset_page(_chosen())


@bp.get("/publish")
def publish() -> str:
    """Step 3."""
    services, offered = access.services(), choice.of("publish")
    row = _chosen() or (offered.lessons[0].row if offered.total == 1 and not offered.text else None)
    stored, shown = None, lessons.view(services, row) if row else None
    if row is not None:
        try:
            stored = build_dataset.stored_dataset(services, row)
        except NotFound:  # chosen before a dataset was built: the page says so
            stored = None
    counts = with_labels(stored.report.get("patterns", [])) if stored else []
    consent = about_lesson.consent(services, row) if row else None
    return render_template(
        "publish.html", step=3, choice=offered, chosen=row, stored=stored, counts=counts,
        has_token=bool(services.settings.hub.token), shown=shown, targets=_targets(shown) if shown else {},
        consent=consent, embargo=gallery.embargo(consent) if consent else "",
        ready=gallery.readiness(stored, consent) if stored and consent else [],
        check_names=gallery.check_names(),
        contact_sheets=build_dataset.sheet_urls(services, row) if stored else [],
        dry_run=publishing.fresh_dry_run(services, row) if stored else None,
        pushed=pushes.pushes(services, row) if row else [], push_job=newest_push(shown.jobs) if shown else None,
    )  # fmt: skip


@bp.get("/files")
def files() -> str:
    """The files the visitor may see, searched, a page at a time."""
    services, account = access.services(), access.current()
    asked = {name: request.args[name] for name in ("text", "owner") if request.args.get(name)}
    found = file_list.page(
        services, account, text=asked.get("text", ""), owner_id=asked.get("owner", ""), number=look.asked_page()
    )
    people = services.users.all() if account.role == "admin" else []
    return render_template("files.html", step=0, found=found, asked=asked, people=people, chosen=None)


@bp.get("/account")
def account() -> str:
    return account_page.page()


@bp.get("/sample/<name>")
def sample(name: str) -> Response:
    """A file of the sample lesson, to save."""
    if name not in sample_lesson.FILES:
        raise NotFound("There is nothing at this address. Check it, or go on from the start page.")
    return send_from_directory(sample_lesson.FOLDER, name, as_attachment=True)


@bp.get("/help")
def help() -> str:
    return render_template("help.html", step=0, chosen=None, can_hear=transcribe.is_at_hand(access.services()))


@bp.post("/language")
def language() -> Response:
    """Russian, English, or as the browser asks."""
    chosen = request.form.get("language", "")
    chosen = chosen if chosen in ("ru", "en") else ""
    account = access.viewer()
    if account is not None:
        access.services().users.set_language(account.id, chosen)
    return look.back_remembering("lang", chosen)


def fault_of(job: Job) -> str:
    """Why a job failed, as far as its reader can do something about it."""
    return told(job.error_code, job.error, job.error_args)


def shown_size(size_bytes: int) -> str:
    """Bytes for people, in the reader's language; the unit stays in the line of its number."""
    return _size(size_bytes).replace(" ", NO_BREAK)


def _size(size_bytes: int) -> str:
    if size_bytes < 1_000:
        return gettext("%(size)s B", size=format_decimal(size_bytes))
    if size_bytes < 1_000_000:
        return gettext("%(size)s kB", size=format_decimal(round(size_bytes / 1000, 1)))
    if size_bytes < 1_000_000_000:
        return gettext("%(size)s MB", size=format_decimal(round(size_bytes / 1_000_000, 1)))
    return gettext("%(size)s GB", size=format_decimal(round(size_bytes / 1_000_000_000, 2)))


def clock(time_s: float) -> str:
    """Seconds as 1:02:03 or 02:03."""
    minutes, seconds = divmod(int(time_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"


def day(moment: float | str, is_utc: bool = False, to_the_second: bool = False) -> str:
    """A moment, in seconds or as ISO 8601, in the reader's language and by their clock, or by that of UTC.

    Lines break between the date and the time only.
    """
    found = datetime.fromisoformat(moment) if isinstance(moment, str) else datetime.fromtimestamp(moment, UTC)
    on = format_date(found, "medium", rebase=not is_utc)
    time = format_time(found, "medium" if to_the_second else "short", rebase=not is_utc)
    return f"{on.replace(' ', NO_BREAK)}, {time.replace(' ', NO_BREAK)}"


def state_of(shown: lessons.LessonView) -> tuple[str, str]:
    """What a lesson is doing, in words, and the mark's colour."""
    job = shown.active_job
    known = statuses()
    if job is not None:
        return known.get(job.shown_status, job.shown_status), ""
    ingest = shown.jobs.get("ingest")
    if ingest is not None and ingest.status in ("error", "cancelled"):
        return known[ingest.status], "bad"
    if shown.row.state == "uploading":
        return gettext("Upload interrupted"), ""
    if shown.has_dataset:
        return gettext("Dataset ready"), "good"
    if "transcribe" in shown.jobs and shown.jobs["transcribe"].status == "completed":
        return gettext("Transcribed"), "good"
    return gettext("Ready"), "calm"


def _is_at(shown: lessons.LessonView, kind: str) -> bool:
    """Whether a job of this kind waits or runs."""
    return kind in shown.jobs and shown.jobs[kind].is_active


def _chosen() -> LessonRow | None:
    wanted = request.args.get("lesson", "")
    return lessons.owned(access.services(), access.current(), wanted) if wanted else None


def _versions(shown: lessons.LessonView) -> list[dict[str, Any]]:
    """The versions of the lesson's dataset, the newest first; a build that failed leaves those before."""
    if "build_dataset" not in shown.jobs:
        return []
    return stored_datasets.versions_of(access.services(), build_dataset.dataset_prefix(shown.row))[::-1]


def _pushed(row: LessonRow) -> list[pushes.Push]:
    try:
        return pushes.pushes(access.services(), row)
    except DatasetError:  # step 3 says that the record cannot be read; the lesson can still be watched
        return []


def _acts(row: LessonRow) -> list[Any]:
    """What people did with the lesson, the newest first; that they looked at it is no news."""
    return [act for act in access.services().audit.of(row.id) if act.action not in LOOKS][:SHOWN_ACTS]


def _downloads(shown: lessons.LessonView) -> list[tuple[str, Any]]:
    return [(suffix, shown.files[suffix]) for suffix in DOWNLOADS if suffix in shown.files]


def _others(shown: lessons.LessonView) -> list[Any]:
    known = {*NO_DOWNLOADS, *DOWNLOADS}
    of_documents = (".summary.frame-",)  # pictures that stand in the summary
    return [
        found for suffix, found in shown.files.items()
        if suffix not in known and not suffix.startswith(of_documents) and not versions.is_kept_rows(suffix)
    ]  # fmt: skip


def _targets(shown: lessons.LessonView) -> dict[str, str]:
    """The formats in which the lesson's annotations can be had, when it has any."""
    return annotations.TARGETS if any(suffix.startswith(annotations.NAME + ".") for suffix in shown.files) else {}


def _reasons(shown: lessons.LessonView) -> list[str]:
    """Why annotators should get a copy of this recording, in words."""
    codecs = ", ".join([shown.info.video.codec, *(track.codec for track in shown.info.audio)]) if shown.info else ""
    known = {
        "variable_rate": gettext("The frame rate varies, and Label Studio counts frames by one fixed rate: marks would slip."),
        "unequal_lengths": gettext("Sound and picture differ in length by more than half a second."),
        "unplayable": gettext(
            "Not every browser plays this kind of recording (%(container)s: %(codecs)s).",
            container=shown.info.container if shown.info else "", codecs=codecs,
        ),
    }  # fmt: skip
    return [known[reason] for reason in normalize.reasons(shown)]


def _links(shown: lessons.LessonView) -> dict[str, str]:
    if not shown.is_ready:
        return {}
    described = describe_lesson(shown)
    expires = datetime.fromisoformat(described["shareable_url_expires"])
    return {
        "shareable": described["shareable_url"], "stable": described["stable_url"], "task": described["task_json"],
        "expires": day(expires.timestamp()), "label_studio": access.services().settings.label_studio.url,
        "home": absolute("/"),
    }  # fmt: skip

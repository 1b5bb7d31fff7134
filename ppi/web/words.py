"""What the scripts of the pages say, and the names of jobs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from babel.dates import format_timedelta
from flask import g
from flask_babel import get_locale, gettext

from ppi.jobs.ledger import Job
from ppi.web import access

# Jobs that take seconds whatever the lesson.
QUICK = "compare", "kit", "understand"


def kinds() -> dict[str, str]:
    """What a job of each kind is about."""
    return {
        "ingest": gettext("Preparing the video"), "transcribe": gettext("Transcript"), "summarize": gettext("Summary"),
        "build_dataset": gettext("Dataset"), "publish": gettext("Publishing"),
        "preview_push": gettext("What a push would do"), "send_lesson": gettext("Sent to Label Studio"),
        "fetch_annotations": gettext("Annotations fetched"), "kit": gettext("Preparing for Label Studio"),
        "normalize": gettext("Annotation copy"), "join": gettext("Joined dataset"), "withdraw": gettext("Withdrawal"),
        "peaks": gettext("Waveform"), "speakers": gettext("Speakers"), "compare": gettext("Comparison of annotators"),
        "understand": gettext("Reading annotations and table"),
    }  # fmt: skip


def statuses() -> dict[str, str]:
    """What a job is doing, by the status the API shows. A list asks for every row: they are looked up once a request."""
    if "statuses" not in g:
        g.statuses = {
            "queued": gettext("Waiting"),
            "running": gettext("Starting"),
            "uploading_video": gettext("Storing the video"),
            "downloading": gettext("Fetching from storage"),
            "extracting_audio": gettext("Extracting the audio"),
            "fetching_model": gettext("Fetching the model"),
            "transcribing": gettext("Transcribing"),
            "telling_speakers": gettext("Telling speakers apart"),
            "summarizing": gettext("Summarising"),
            "building": gettext("Building the dataset"),
            "publishing": gettext("Publishing"),
            "exchanging": gettext("Exchanging with Label Studio"),
            "preparing": gettext("Preparing for Label Studio"),
            "converting": gettext("Making the annotation copy"),
            "comparing": gettext("Comparing annotators"),
            "reading": gettext("Reading annotations and table"),
            "completed": gettext("Done"),
            "error": gettext("Failed"),
            "cancelled": gettext("Cancelled"),
        }
    return g.statuses


def how_long(job: Job) -> str:
    """What can be said of the time that a job of this kind takes, before its own pace is known."""
    found = access.services().usual.of(job.kind)
    if found is None and job.kind in QUICK:
        return gettext("usually some seconds")
    if found is None:
        return gettext("how long is not known here yet; you may leave this page")
    low, high = map(_time, found)
    if low == high:
        return gettext("usually about %(time)s", time=low)
    return gettext("usually from %(low)s to %(high)s", low=low, high=high)


def took(job: Job) -> str:
    """From when a job was first begun until it ended."""
    return gettext("Took %(time)s", time=_time(job.finished_s - job.started_s))


def _time(time_s: float) -> str:
    """A time of a second at least, short and in one piece ("3 min")."""
    told = format_timedelta(timedelta(seconds=max(1, round(time_s))), format="short", locale=get_locale())
    return told.replace(" ", "\u00a0")


def words() -> dict[str, Any]:
    """What the scripts of the pages say."""
    return {
        "statuses": statuses(),
        "uploading": gettext("Uploading"),
        "paused": gettext("Paused. Nothing is lost."),
        "position": gettext("Place in the queue: {position}"),
        "left": gettext("about {time} left"),
        "speed": gettext("{size}/s"),
        "loading": gettext("Loading…"),
        "reading": gettext("Reading {name}; this takes some seconds."),
        "copied": gettext("Copied!"),
        "offline": gettext("The server does not answer. Trying again…"),
        "away": gettext("The server does not answer. Try again in a minute."),
        "pause": gettext("Pause"),
        "resume": gettext("Continue"),
        "failed": gettext("Something went wrong. Try again."),
        "chosen": gettext("Chosen: {name}"),
        "chooseFile": gettext("Choose a file"),
        "noFile": gettext("No file chosen"),
        "waits": gettext("Waits until another file is through"),
        "noNetwork": gettext("No connection. It goes on by itself when the network is back."),
        "connecting": gettext("Connecting…"),
        "sent": gettext("Sent. The server prepares the lesson."),
        "notSent": gettext("Not sent: {reason}"),
        "tryAgain": gettext("Try again"),
        "giveUp": gettext("Give up"),
        "giveUpTitle": gettext("Give this upload up?"),
        "giveUpText": gettext("What has arrived of this video will be deleted."),
        "jobsUnderWay": gettext("Jobs under way: {count}"),
        "newJobs": gettext("New jobs: {count} · Show"),
        "newUploads": gettext("Being sent from this browser: {count} · Show"),
        "close": gettext("Close"),
        "mayNotTell": gettext("The browser does not allow it. Allow notifications of this page there, then press again."),
        "tabClosed": gettext("Not being sent: its page was closed. What has arrived is kept."),
        "notBegun": gettext("Not begun: its page was closed. Choose the file again."),
        "uploadStopped": gettext("An upload has stopped."),
        "uploadsUnderWay": gettext("Files on their way: {count}"),
        "itsTab": gettext("Look for the tab whose title begins with {mark}."),
        "kinds": kinds(),
    }


def of_uploads() -> dict[str, str]:
    """What only the scripts of the upload page say."""
    return {
        "chooseFile": gettext("Choose a video first."),
        "chooseStored": gettext("Choose a file first."),
        "tooLarge": gettext(
            "This file is larger than the limit of {limit}. Compress it or cut it into parts, then choose it again."
        ),
        "severalChosen": gettext("Files chosen: {count}"),
        "noVideo": gettext("This is no video. Choose MP4, MOV, MKV, WebM, AVI or MTS."),
        "emptyFile": gettext("The file is empty. Copy it anew from where it was recorded, then choose it again."),
        "noRoom": gettext("The server has room for {room} now. Delete lessons that are not needed, or ask the administrator."),
        "overBytes": gettext("Your account has room for {left} of video. Delete a lesson, then send this one."),
        "nothingToSend": gettext("None of the chosen files can be sent. The list says why."),
        "continued": gettext("Goes on where it stopped"),
        "givenUp": gettext("Given up: {name}"),
        "remove": gettext("Remove"),
        "sentElsewhere": gettext("Another tab of this browser sends this file."),
        "cancel": gettext("Cancel"),
    }

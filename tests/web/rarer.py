"""What `rounds` has not: dialogs and menus, pages of somebody who has nothing yet, and rarer states of the same pages."""

from __future__ import annotations

import json
import time
from dataclasses import asdict

from playwright.sync_api import Page

from ppi.errors import NotFound
from ppi.jobs.lessons import LessonRow
from ppi.services import Services
from ppi.storage import keys
from ppi.workflows import annotate, push_records, pushes, recycle_bin, stored_datasets, uploads, versions
from ppi.workflows.about_lesson import dataset_prefix
from tests.conftest import DATA
from tests.web.rounds import Furnished
from tests.web.test_push_page import PUSH, dry_run

# A server that knows a Hub and a Label Studio, which pages do not ask.
CONNECTED = {"HF_TOKEN": "hf_of_the_pictures", "LABEL_STUDIO_TOKEN": "of-the-pictures", "LABEL_STUDIO_URL": "http://127.0.0.1:9"}
# Dialogs: name -> the page it is opened on, what is pressed for it one after the other, and what shows that it is there.
DIALOGS = {
    "dialog-link": ("lesson", ("[data-bs-target='#share']",), "#share.show"),
    "dialog-copied": ("lesson", ("[data-bs-target='#share']", "#share .copy[data-mini]"), "#copied.show"),
    "dialog-revoke": ("lesson", ("[data-bs-target='#share']", "#share [data-post$='/revoke']"), "#confirm.show"),
    "dialog-delete": ("lesson", ("[data-post$='/delete']",), "#confirm.show"),
    "dialog-jobs": ("lessons", ("#jobs-link",), "#jobs-drawer.show .jobs > li"),
    "dialog-keys": ("transcript", ("[data-bs-target='#keys']",), "#keys.show"),
    "dialog-player-keys": ("lesson", ("[data-act='keys']",), "#keys.show"),
    "menu-person": ("lessons", (".user-menu > summary",), ".user-menu[open]"),
    "menu-lesson": ("dataset", (".picker > summary",), ".picker[open] .picks li"),
    "joined-chosen": ("joined-new", ("button[name=all]",), ".chosen-lessons li"),
    "lessons-chosen": ("lessons", ("#choose-all",), "#chosen-count:not([hidden])"),
    "upload-stored": ("home", ("#load-files",), "#object-name, #stored .notice"),
    "sample-playing": ("samples", (".clip",), ".samples video"),
    "speaker-chosen": ("transcript", ("#s0 .who",), "form.choosing"),
    "text-corrected": ("transcript", ("#s0 .pencil",), "#s0 textarea"),
}
STRANGER = "anna"
# Pages of somebody who has nothing yet, and who is no administrator.
NOTHING_YET = {
    "home-nothing": "/", "lessons-nothing": "/lessons", "jobs-nothing": "/jobs", "joined-nothing": "/joined",
    "kit-nothing": "/kit", "dataset-nothing": "/dataset", "publish-nothing": "/publish",
    "files-nothing": "/files", "deleted-nothing": "/lessons/deleted", "words-nothing": "/words", "forbidden": "/admin/system",
}  # fmt: skip
NEWCOMER = "Вера Павлова"
# One name is written otherwise than annotators did, and one pattern that they used is missing.
TABLE = "Паттерн;Описание\nВведение;Начало урока\nПедагог;Говорит учитель\n👍 Похвала П;Хвалит\nДомашнее задание П;На дом\n"


def opened(page: Page, addresses: dict[str, str], name: str) -> None:
    """Open one of DIALOGS."""
    place, pressed, seen = DIALOGS[name]
    page.goto(addresses[place], wait_until="networkidle")
    for button in pressed:
        page.locator(button).first.click()
    page.locator(seen).first.wait_for()


def furnish_more(services: Services, made: Furnished) -> dict[str, str]:
    """Bring the lessons of `rounds` into rarer states; answers the addresses of pages by name.

    To be called when their usual states have been looked at. The secret of a link stands in one address.
    """
    full, fresh = (services.lessons.get(one) for one in (made.full, made.fresh))
    _annotated_with_odd_labels(services, fresh)
    _third_version(services, full)
    pushes.keep_push(services, full, PUSH)
    pushes.keep_dry_run(services, full, dry_run(services, full))
    _into_the_bin(services, "Пробная запись")
    return {
        "dataset-choice": "/dataset", "dataset-odd": f"/dataset?lesson={fresh.id}",
        "dataset-connected": f"/dataset?lesson={full.id}",
        "versions-compared": f"/datasets/{full.id}/versions?before=2&after=3#differences",
        "push-seen": f"/publish?lesson={full.id}", "withdraw-published": f"/lessons/{full.id}/withdraw",
        "withdraw-deleted": f"/lessons/{_deleted_after_a_push(services)}/withdraw", "lessons-gone": "/lessons",
        "deleted": "/lessons/deleted", "welcome": f"/welcome/{_invited(services)}", "welcome-used": "/welcome/ppi_used",
        "audit-none": "/admin/audit?text=nothing-is-called-so", "files-none": "/files?text=nothing-is-called-so",
        "text-plain": f"/lessons/{full.id}/transcript?edit=1", "lessons-size": "/lessons?sort=-size&state=stored",
    }  # fmt: skip


def _annotated_with_odd_labels(services: Services, row: LessonRow) -> None:
    """As it came back of Label Studio, with a table that lacks some of the labels."""
    now_s = time.time()
    sent = annotate.Sent(CONNECTED["LABEL_STUDIO_URL"], 3, "Уроки 7 класса", 14, now_s - 90_000, now_s - 600, 9, 2, 4)
    marks = (DATA / "sample_annotations.json").read_bytes()
    kept = {annotate.SENT: json.dumps(asdict(sent)).encode(), annotate.FETCHED: marks, ".patterns.csv": TABLE.encode()}
    for suffix, data in kept.items():
        services.store.put_bytes(services.raw, keys.derivative_key(row.video_key, suffix), data)


def _third_version(services: Services, row: LessonRow) -> None:
    """The dataset as if it had been built three times: without its first sample, then with another end of the second."""
    key, history = f"{dataset_prefix(row)}metadata.jsonl", f"{dataset_prefix(row)}changes.json"
    rows = stored_datasets.rows_of(services, dataset_prefix(row))
    later = [rows, rows[1:], [{**rows[1], "end_time": rows[1]["end_time"] + 0.5}, *rows[2:]]]
    told: list[dict] = []
    for number, kept in enumerate(later, start=1):
        counts = ({}, {"removed": 1}, {"moved": 1})[number - 1]
        told.append({"version": number, "samples": len(kept), "inputs": [], "counts": counts, "changes": []})
        services.store.put_bytes(services.final, history, json.dumps({"versions": told}).encode())
        text = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in kept)
        services.store.put_bytes(services.final, key, text.encode())
        versions.keep(services, row)


def _into_the_bin(services: Services, name: str) -> None:
    row = uploads.begin_upload(services, services.users.by_name("admin"), file_name="v.mp4", task_name=name, size_bytes=4)
    services.lessons.move_on(row.id, "uploading", "stored", expires_s=0.0)
    recycle_bin.put_in(services, services.lessons.get(row.id))


def _deleted_after_a_push(services: Services) -> str:
    user = services.users.by_name("admin")
    row = uploads.begin_upload(services, user, file_name="v.mp4", task_name="Музыка 5а, удалённый урок", size_bytes=4)
    pushes.keep_push(services, row, PUSH)
    push_records.keep(services, row)
    uploads.abort_upload(services, row)
    return row.id


def _invited(services: Services) -> str:
    """The secret of the link of somebody who has just been added."""
    try:
        user = services.users.by_name(NEWCOMER)
    except NotFound:
        services.users.add(NEWCOMER, "set-by-nobody-1", "DL-user")
        user = services.users.by_name(NEWCOMER)
    return services.users.invite(user.id)

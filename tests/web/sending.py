"""What the stories of uploads share: long videos, slow connections, and the rows of files on their way."""

from __future__ import annotations

import pytest

from ppi.services import Services
from ppi.workflows import lessons, runner, uploads
from tests.conftest import DATA

MEGABYTE = 1_000_000
# Slow enough to do something meanwhile, in bytes a second.
SLOW = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 6 * MEGABYTE}
QUICK = {**SLOW, "uploadThroughput": -1}
# Nearly standing still.
CRAWL = {**SLOW, "uploadThroughput": MEGABYTE // 4}


def long_video(path, size_bytes):
    """The sample lesson with an empty box behind it, as editors leave them."""
    data = (DATA / "sample_lesson.mp4").read_bytes()
    rest = size_bytes - len(data)
    path.write_bytes(data + rest.to_bytes(4, "big") + b"free" + bytes(rest - 8))
    return path


def row(page, name):
    return page.locator("#transfers .transfer", has_text=name)


def forget(services: Services, name: str) -> None:
    """Delete what earlier tests left to this account."""
    for held in services.lessons.list(services.users.by_name(name).id):
        if held.state == "uploading":
            uploads.abort_upload(services, held)
        else:
            for job in services.ledger.list(lesson_id=held.id):
                runner.wait_for(services, job)
            lessons.delete_lesson(services, held)


@pytest.fixture
def network(open_page):
    """`network(page)(SLOW)`: how quick the page's connection is."""

    def make(page):
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        return lambda conditions: session.send("Network.emulateNetworkConditions", conditions)

    return make

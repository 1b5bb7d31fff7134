"""The pictures of the user guide, in both languages, into `docs/img/guide/`. Run by `make guide`.

`python -m tests.web.guide [NAME...]` takes those of these names only, such as `transcript`.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page

from ppi.services import Services
from ppi.workflows import recycle_bin
from tests.conftest import ROOT, Server, settings_for, start_server, stop_server, with_people
from tests.web import chromium, rounds

TARGET = ROOT / "docs" / "img" / "guide"
WIDTH_PX, COLOURS = 1000, 128
# name -> how high the picture is
HEIGHTS_PX = {
    "upload": 860, "lessons": 600, "lesson": 1060, "transcript": 700, "dataset": 1000, "publish": 900, "account": 1060,
    "deleted": 360,
}  # fmt: skip
OWNER = "anna"
LOOK_MS, MOST_LOOKS = 700, 30


def main(*names: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "data"
        services = with_people(Services(settings_for(folder)))
        services.users.set_quota(services.users.by_name(OWNER).id, 5, 20_000_000_000)
        server = start_server(folder)
        try:
            furnished = rounds.furnish(server.services, Path(scratch), OWNER)
            _delete_one(server.services, Path(scratch))
            with chromium.started() as browser:
                for language in ("en", "ru"):
                    _take_all(browser, server, furnished, language, names or tuple(HEIGHTS_PX))
        finally:
            stop_server(server)
    pictures = list(TARGET.glob("*/*.png"))
    print(f"{len(pictures)} pictures in {TARGET}, {sum(path.stat().st_size for path in pictures) // 1000} KB together")


def _delete_one(services: Services, folder: Path) -> None:
    lesson = rounds.taken_in(services, "Вводный урок", OWNER)
    recycle_bin.put_in(services, services.lessons.get(lesson))


def _take_all(browser: Browser, server: Server, furnished: rounds.Furnished, language: str, names: tuple[str, ...]) -> None:
    (TARGET / language).mkdir(parents=True, exist_ok=True)
    context = browser.new_context(
        base_url=server.url, locale=language, reduced_motion="reduce", viewport={"width": WIDTH_PX, "height": 1200}
    )
    rounds.log_in(context, OWNER)
    page = context.new_page()
    addresses = _addresses(furnished)
    for name in names:
        page.goto(addresses[name], wait_until="networkidle")
        _await_films(page)
        _keep(page, TARGET / language / f"{name}.png", HEIGHTS_PX[name])
    context.close()


def _await_films(page: Page) -> None:
    """Players that are in sight have a picture, seek no more, and show nothing that moves: the browser's ring of waiting
    fades some time after the picture is there.
    """
    page.wait_for_function(
        """() => [...document.querySelectorAll("video")].every(
          (one) => !one.checkVisibility() || (one.readyState >= 3 && !one.seeking))"""
    )
    for film in page.locator("video:visible").all():
        before = b""
        for _ in range(MOST_LOOKS):
            page.wait_for_timeout(LOOK_MS)
            seen = film.screenshot()
            if seen == before:
                break
            before = seen
        else:
            raise AssertionError(f"the player of {page.url} does not come to rest")


def _addresses(furnished: rounds.Furnished) -> dict[str, str]:
    pages = furnished.addresses() | {"upload": "/", "deleted": "/lessons/deleted"}
    return {name: pages[name] for name in HEIGHTS_PX}


def _keep(page: Page, target: Path, height_px: int) -> None:
    """Few colours: a page has few, and the repository keeps every version of every picture for good."""
    taken = page.screenshot(clip={"x": 0, "y": 0, "width": WIDTH_PX, "height": height_px})
    picture = Image.open(io.BytesIO(taken)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    picture.save(target, optimize=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

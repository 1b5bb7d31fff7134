"""Pictures of every page and dialog into `screenshots/`: desktop, phone, dark, in both languages. Run by `make screenshots`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page

from ppi.services import Services
from ppi.workflows import comparisons, lessons
from tests.conftest import ROOT, Server, settings_for, start_server, stop_server, with_people
from tests.web import chromium, rounds

TARGET = ROOT / "screenshots"
# name -> width and theme
LOOKS = {"desktop": (1280, "light"), "phone": (390, "light"), "dark": (1280, "dark")}
WAITING_STEP_S = 0.3  # of a comparison that is waited for
# Dialogs: name -> the page it is opened on, what is pressed for it one after the other, and what shows that it is there.
DIALOGS = {
    "dialog-link": ("lesson", ("[data-bs-target='#share']",), "#share.show"),
    "dialog-copied": ("lesson", ("[data-bs-target='#share']", "#share .copy[data-mini]"), "#copied.show"),
    "dialog-delete": ("lesson", ("[data-post$='/delete']",), "#confirm.show"),
    "dialog-jobs": ("lessons", ("#jobs-link",), "#jobs-drawer.show"),
    "dialog-keys": ("transcript", ("[data-bs-target='#keys']",), "#keys.show"),
    "dialog-player-keys": ("lesson", ("[data-act='keys']",), "#keys.show"),
}


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "data"
        with_people(Services(settings_for(folder)))
        server = start_server(folder)
        try:
            furnished = rounds.furnish(server.services, Path(scratch))
            with chromium.started() as browser:
                for language in ("en", "ru"):
                    _take_all(browser, server, furnished, language)
                _take_waiting(browser, server, furnished)
        finally:
            stop_server(server)
    print(f"{len(list(TARGET.glob('*/*.png')))} pictures in {TARGET}")


def _take_all(browser: Browser, server: Server, furnished: rounds.Furnished, language: str) -> None:
    (TARGET / language).mkdir(parents=True, exist_ok=True)
    context = browser.new_context(base_url=server.url, locale=language, reduced_motion="reduce")
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.url)
    page = context.new_page()
    for look in _looks(page):
        page.goto("/")
        page.locator("#login.show").wait_for()
        page.screenshot(path=TARGET / language / f"dialog-log-in.{look}.png")
    rounds.log_in(context)
    for look in _looks(page):
        for name, path in furnished.addresses().items():
            page.goto(path, wait_until="networkidle")
            page.screenshot(path=TARGET / language / f"{name}.{look}.png", full_page=True)
        for name, (place, pressed, seen) in DIALOGS.items():
            page.goto(furnished.addresses()[place], wait_until="networkidle")
            for button in pressed:
                page.locator(button).first.click()
            page.locator(seen).first.wait_for()
            page.screenshot(path=TARGET / language / f"{name}.{look}.png")
    context.close()


def _take_waiting(browser: Browser, server: Server, furnished: rounds.Furnished) -> None:
    """The comparison of annotators while it waits: for a machine that there is not. Last, since every page tells of jobs."""
    services, row = server.services, server.services.lessons.get(furnished.full)
    asked = comparisons.ask(services, lessons.view(services, row), step_s=WAITING_STEP_S)
    wanted = {"key": asked.key, "step_s": WAITING_STEP_S, "chosen": []}
    job = services.ledger.submit(comparisons.KIND, row.owner_id, row.id, wanted, place="nowhere")
    for language in ("en", "ru"):
        context = browser.new_context(base_url=server.url, locale=language, reduced_motion="reduce")
        rounds.log_in(context)
        page = context.new_page()
        for look in _looks(page):
            page.goto(f"{furnished.addresses()['agreement']}?step={WAITING_STEP_S}")
            page.locator(".watch-message:not(:empty)").wait_for()
            page.screenshot(path=TARGET / language / f"agreement-waiting.{look}.png", full_page=True)
        context.close()
    services.ledger.cancel(job.id)


def _looks(page: Page) -> Iterator[str]:
    """Give the page one look after the other."""
    for look, (width, theme) in LOOKS.items():
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": width, "height": 900})
        yield look


if __name__ == "__main__":
    main()

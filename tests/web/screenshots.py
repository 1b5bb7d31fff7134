"""Pictures of every page and dialog into `screenshots/`: desktop, phone, dark, in both languages. Run by `make screenshots`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page

from ppi.services import Services
from tests.conftest import ROOT, Server, settings_for, start_server, stop_server, with_people
from tests.web import chromium, rounds

TARGET = ROOT / "screenshots"
# name -> width and theme
LOOKS = {"desktop": (1280, "light"), "phone": (390, "light"), "dark": (1280, "dark")}
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


def _looks(page: Page) -> Iterator[str]:
    """Give the page one look after the other."""
    for look, (width, theme) in LOOKS.items():
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": width, "height": 900})
        yield look


if __name__ == "__main__":
    main()

"""Pictures of every page into `screenshots/`: desktop, phone, dark, in both languages. Run by `make screenshots`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import Browser

from ppi.services import Services
from tests.conftest import ROOT, Server, settings_for, start_server, stop_server, with_people
from tests.web import chromium, rounds

TARGET = ROOT / "screenshots"
# name -> width and theme
LOOKS = {"desktop": (1280, "light"), "phone": (390, "light"), "dark": (1280, "dark")}


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
    page = context.new_page()
    page.goto("/")
    page.locator("#login.show").wait_for()
    page.screenshot(path=TARGET / language / "log-in.desktop.png")
    rounds.log_in(context)
    for look, (width, theme) in LOOKS.items():
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": width, "height": 900})
        for name, path in furnished.addresses().items():
            page.goto(path, wait_until="networkidle")
            page.screenshot(path=TARGET / language / f"{name}.{look}.png", full_page=True)
    context.close()


if __name__ == "__main__":
    main()

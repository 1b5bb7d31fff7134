"""Pictures of every page, dialog and state into `screenshots/`: desktop, phone, dark, in both languages: `make screenshots`.

`python -m tests.web.screenshots [WORD...]` takes those whose file name has one of the words in it, such as `ru/lesson` or
`.tablet`: the looks `tablet` and `wide` are taken only when they are asked for.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page

from ppi.services import Services
from ppi.workflows import comparisons, lessons, uploads
from tests.conftest import ROOT, Server, settings_for, start_server, stop_server, with_people
from tests.web import chromium, rarer, rounds, stills
from tests.web.conftest import forget_tries
from tests.web.sending import MEGABYTE, SLOW, long_video

TARGET = ROOT / "screenshots"
# name -> width and theme
LOOKS = {
    "desktop": (1280, "light"), "phone": (390, "light"), "dark": (1280, "dark"), "tablet": (768, "light"),
    "wide": (1600, "light"),
}  # fmt: skip
ON_REQUEST = ("tablet", "wide")
WAITING_STEP_S = 0.3  # of a comparison that is waited for
# Browsers leave out what lies far below the window, which pictures of whole pages show.
BELOW = "document.querySelectorAll('.segment').forEach((one) => { one.style.contentVisibility = 'visible'; })"
# How high the window is.
HEIGHT_PX = 900


class Album:
    """Takes the pictures that were asked for."""

    def __init__(self, words: list[str]):
        self._words = words

    def looks(self, page: Page, language: str, names: list[str]) -> Iterator[str]:
        """Give the page one look after the other, those without a wanted picture left out."""
        for look, (width, theme) in LOOKS.items():
            if any(self.wants(language, name, look) for name in names):
                page.emulate_media(color_scheme=theme)
                page.set_viewport_size({"width": width, "height": HEIGHT_PX})
                yield look

    def wants(self, language: str, name: str, look: str) -> bool:
        file = f"{language}/{name}.{look}."
        return any(word in file for word in self._words) if self._words else look not in ON_REQUEST

    def keep(self, page: Page, language: str, name: str, look: str, **options) -> None:
        page.evaluate(BELOW)
        page.screenshot(path=TARGET / language / f"{name}.{look}.png", **options)


def main(*words: str) -> None:
    album = Album(list(words))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "data"
        with_people(Services(settings_for(folder)))
        server = start_server(folder, **stills.VARIABLES)
        try:
            furnished = rounds.furnish(server.services, Path(scratch))
            with chromium.started() as browser:
                for language in ("en", "ru"):
                    _take_usual(album, browser, server, furnished, language)
                held = stills.hold(server.services, Path(scratch))
                for language in ("en", "ru"):
                    _take_held(album, browser, server, held, language)
                    _take_upload(album, browser, server, Path(scratch), language)
                    _take_undo(album, browser, server, language)
                    _take_too_many(album, browser, server, language)
                _take_waiting(album, browser, server, furnished)
                for language in ("en", "ru"):
                    _take_plain(album, browser, server, furnished, language)
                    _take_paper(album, browser, server, furnished, language)
                connected = start_server(folder, **stills.VARIABLES, **rarer.CONNECTED)
                try:
                    rare = rarer.furnish_more(server.services, furnished)
                    for language in ("en", "ru"):
                        _take_rarer(album, browser, connected, rare, language)
                finally:
                    stop_server(connected)
        finally:
            stop_server(server)
    print(f"{len(list(TARGET.glob('*/*.png')))} pictures in {TARGET}")


def _take_usual(album: Album, browser: Browser, server: Server, furnished: rounds.Furnished, language: str) -> None:
    """Every page, and every dialog that a press opens."""
    page = _page(browser, server, language)
    for look in album.looks(page, language, ["dialog-log-in"]):
        page.goto("/")
        page.locator("#login.show").wait_for()
        album.keep(page, language, "dialog-log-in", look)
    rounds.log_in(page.context)
    addresses = furnished.addresses()
    _take_pages(album, page, language, addresses, "networkidle")
    for look in album.looks(page, language, list(rarer.DIALOGS)):
        for name in rarer.DIALOGS:
            if album.wants(language, name, look):
                rarer.opened(page, addresses, name)
                page.wait_for_timeout(400)
                album.keep(page, language, name, look, full_page=name.startswith(("joined", "lessons")))
    page.context.close()
    page = _page(browser, server, language, rarer.STRANGER)
    _take_pages(album, page, language, rarer.NOTHING_YET, "networkidle")
    page.context.close()


def _take_rarer(album: Album, browser: Browser, server: Server, addresses: dict[str, str], language: str) -> None:
    """What few pages show, and some on paper; also what is said about somebody who has just been let in."""
    page = _page(browser, server, language, "admin")
    _take_pages(album, page, language, addresses, "load")
    for look in album.looks(page, language, ["people-invited", "token-shown", "delete-for-good", "joined-planned"]):
        page.goto("/admin/people")
        page.locator("form[action$='/link'] button[aria-label$='boris']").click()
        page.locator("#invitation").wait_for()
        album.keep(page, language, "people-invited", look, full_page=True)
        page.goto("/account")
        page.locator("#label").fill("Тетрадь Jupyter")
        page.locator("#token-form button").click()
        page.locator("#token-shown:not([hidden])").wait_for()
        album.keep(page, language, "token-shown", look, full_page=True)
        page.goto("/lessons/deleted")
        page.locator("main .btn-outline-danger").first.click()
        page.wait_for_url("**/lessons/deleted/empty")
        album.keep(page, language, "delete-for-good", look, full_page=True)
        page.goto("/joined")
        page.locator("#join-name").fill("Две недели алгебры")
        page.locator("button[name=all]").click()
        page.locator("button[value=plan]").click()
        page.locator("#plan").wait_for()
        album.keep(page, language, "joined-planned", look, full_page=True)
    page.context.close()


def _take_plain(album: Album, browser: Browser, server: Server, furnished: rounds.Furnished, language: str) -> None:
    """Without scripts: the way in, and the question before something is taken away."""
    page = _page(browser, server, language, java_script_enabled=False)
    _take_pages(album, page, language, {"plain-log-in": "/"}, "load")
    rounds.log_in(page.context)
    addresses = furnished.addresses()
    plain = {f"plain-{name}": addresses[name] for name in ("home", "lesson", "dataset", "transcript", "jobs", "account")}
    _take_pages(album, page, language, {**plain, "plain-link": f"{addresses['lesson']}#share"}, "load")
    for look in album.looks(page, language, ["plain-sure"]):
        page.goto("/files")
        page.locator("form[action='/delete_file'] button").first.click()
        page.wait_for_url("**/delete_file")
        album.keep(page, language, "plain-sure", look, full_page=True)
    page.context.close()


def _take_paper(album: Album, browser: Browser, server: Server, furnished: rounds.Furnished, language: str) -> None:
    """What a printer gets, at the width of a page of A4."""
    page = _page(browser, server, language, "admin")
    page.set_viewport_size({"width": 760, "height": HEIGHT_PX})
    for name in ("lesson", "transcript", "summary", "agreement", "figures", "card"):
        if album.wants(language, name, "paper"):
            page.emulate_media(media="screen")
            page.goto(furnished.addresses()[name], wait_until="networkidle")
            page.emulate_media(media="print")
            album.keep(page, language, name, "paper", full_page=True)
    page.context.close()


def _take_held(album: Album, browser: Browser, server: Server, held: dict[str, str], language: str) -> None:
    """What lasts a moment or goes wrong. Such pages are told what happens, so their network is never idle."""
    page = _page(browser, server, language, stills.OWNER)
    _take_pages(album, page, language, held, "load")
    for look in album.looks(page, language, ["dialog-jobs-many"]):
        page.goto("/lessons")
        page.locator("#jobs-link").click()
        page.locator("#jobs-drawer.show .jobs > li").first.wait_for()
        album.keep(page, language, "dialog-jobs-many", look)
    page.context.close()


def _take_upload(album: Album, browser: Browser, server: Server, folder: Path, language: str) -> None:
    """Files on their way, one of them refused; they are given up afterwards."""
    page = _page(browser, server, language, stills.OWNER)
    page.on("dialog", lambda dialog: dialog.accept())
    files = [long_video(folder / f"{name}.mp4", 30 * MEGABYTE) for name in ("утро", "вечер")]
    (folder / "заметки.pdf").write_bytes(b"%PDF-1.4")
    for look in album.looks(page, language, ["upload-chosen", "upload-runs"]):
        page.goto("/")
        page.set_input_files("#video", [*files, folder / "заметки.pdf"])
        page.locator(".transfer").nth(2).wait_for()
        album.keep(page, language, "upload-chosen", look, full_page=True)
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.emulateNetworkConditions", {**SLOW, "uploadThroughput": MEGABYTE // 2})
        page.locator("#local-form [type=submit]").click()
        page.locator(".transfer", has_text="/").first.wait_for()
        page.wait_for_timeout(2500)
        album.keep(page, language, "upload-runs", look, full_page=True)
        page.goto("about:blank")
        _give_up(server.services, [file.stem for file in files])
    page.context.close()


def _give_up(services: Services, names: list[str]) -> None:
    for row in services.lessons.list(services.users.by_name(stills.OWNER).id):
        if row.name in names and row.state == "uploading":
            uploads.abort_upload(services, row)


def _take_undo(album: Album, browser: Browser, server: Server, language: str) -> None:
    """The bar that brings a deleted lesson back, which it does, and the question before several are deleted."""
    page = _page(browser, server, language, stills.OWNER)
    for look in album.looks(page, language, ["lessons-undo", "lessons-delete"]):
        page.goto("/lessons?state=stored&sort=name")
        page.locator(".choose").first.check()
        page.locator("[formaction$='/lessons/delete']").click()
        page.wait_for_load_state()
        album.keep(page, language, "lessons-delete", look, full_page=True)
        page.locator("main .btn-outline-danger").click()
        page.locator(".notice.undo").wait_for()
        album.keep(page, language, "lessons-undo", look, full_page=True)
        page.locator(".notice.undo button").click()
        page.wait_for_load_state()
    page.context.close()


def _take_too_many(album: Album, browser: Browser, server: Server, language: str) -> None:
    """What is said after too many wrong passwords, in the dialog and on a page."""
    page = _page(browser, server, language)
    for look in album.looks(page, language, ["too-many-tries"]):
        page.goto("/")
        page.locator("#login.show").wait_for()
        for _ in range(12):
            page.context.request.post("/api/login", data={"username": rarer.STRANGER, "password": "wrong"})
        page.locator("#login [name=username]").fill(rarer.STRANGER)
        page.locator("#login [name=password]").fill("wrong")
        page.locator("#login [type=submit]").click()
        page.locator("#login .notice:visible").wait_for()
        album.keep(page, language, "too-many-tries", look)
        forget_tries(server)
    page.context.close()


def _take_waiting(album: Album, browser: Browser, server: Server, furnished: rounds.Furnished) -> None:
    """The comparison of annotators while it waits: for a machine that there is not."""
    services, row = server.services, server.services.lessons.get(furnished.full)
    asked = comparisons.ask(services, lessons.view(services, row), step_s=WAITING_STEP_S)
    wanted = {"key": asked.key, "step_s": WAITING_STEP_S, "chosen": []}
    job = services.ledger.submit(comparisons.KIND, row.owner_id, row.id, wanted, place="nowhere")
    for language in ("en", "ru"):
        page = _page(browser, server, language, "admin")
        for look in album.looks(page, language, ["agreement-waiting"]):
            page.goto(f"{furnished.addresses()['agreement']}?step={WAITING_STEP_S}")
            page.locator(".watch-message:not(:empty)").wait_for()
            album.keep(page, language, "agreement-waiting", look, full_page=True)
        page.context.close()
    services.ledger.cancel(job.id)


def _take_pages(album: Album, page: Page, language: str, addresses: dict[str, str], until: str) -> None:
    for look in album.looks(page, language, list(addresses)):
        for name, path in addresses.items():
            if album.wants(language, name, look):
                page.goto(path, wait_until=until)
                # Also what nobody has scrolled to.
                page.evaluate("for (const one of document.querySelectorAll('img[loading=lazy]')) one.loading = 'eager'")
                page.wait_for_timeout(400)
                album.keep(page, language, name, look, full_page=True)


def _page(browser: Browser, server: Server, language: str, name: str = "", **options) -> Page:
    """A page of a fresh visitor, logged in when a name is given."""
    (TARGET / language).mkdir(parents=True, exist_ok=True)
    context: BrowserContext = browser.new_context(base_url=server.url, locale=language, reduced_motion="reduce", **options)
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.url)
    forget_tries(server)
    if name:
        rounds.log_in(context, name)
    return context.new_page()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The Chromiums of the tests: where they are, how one is started, and pages whose faults fail a test.

The light one draws no window: the same pages, scripts and rules for a quarter of the time. It shows no notifications.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.conftest import need

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run", "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip
# A script for a page: `window.moved` lists what was somewhere else before, apart from what a press had just asked for.
NOTE_MOVED = """
  window.moved = [];
  const nameOf = (node) => (node?.outerHTML ?? node?.data ?? "").slice(0, 80);
  const told = ({ node, previousRect: from, currentRect: to }) => `${nameOf(node)} ${from.x},${from.y} -> ${to.x},${to.y}`;
  const note = (one) => one.hadRecentInput || window.moved.push(...one.sources.map(told));
  new PerformanceObserver((list) => list.getEntries().forEach(note))
    .observe({ type: "layout-shift", buffered: true });
"""
WHOLE = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
LIGHT = shutil.which("chromium-headless-shell") or WHOLE


@contextmanager
def started(program: str | None = WHOLE) -> Iterator[Browser]:
    """A running Chromium. Only one at a time in a process: Playwright's plain interface allows no more."""
    need(program is not None, "Chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield chromium
        chromium.close()


def watch(context: BrowserContext, faults: list[str]) -> None:
    """Note errors of scripts and of the security policy, on every page of the context, those in other tabs too."""
    context.on("weberror", lambda fault: faults.append(str(fault.error)))
    context.on("console", lambda line: faults.append(line.text) if "Content Security Policy" in line.text else None)

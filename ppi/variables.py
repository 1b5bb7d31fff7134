"""One variable of the environment at a time: its value in the form that is expected, and what was wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

TRUE_WORDS, FALSE_WORDS = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


class Variables:
    """Reads variables one by one and remembers what was wrong with each, which value is in force, and what is usual."""

    def __init__(self, environ: Mapping[str, str]):
        self._environ = environ
        self._faults: list[str] = []
        self._values: dict[str, str] = {}
        self._defaults: dict[str, str] = {}

    def text(self, name: str, default: str = "") -> str:
        found = self._values[name] = self._environ.get(name, "").strip() or default
        # Some are looked at twice, for a check.
        self._defaults.setdefault(name, default)
        return found

    def path(self, name: str, default: str) -> Path:
        found = Path(self.text(name, default)).expanduser().absolute()
        self._values[name], self._defaults[name] = str(found), str(Path(default).expanduser().absolute())
        return found

    def one_of(self, name: str, allowed: tuple[str, ...], default: str = "") -> str:
        raw = self.text(name, default)
        if raw and raw not in allowed:
            self._faults.append(f"{name}: expected one of {', '.join(allowed)}, not {raw!r}")
        return raw

    def number(self, name: str, default: int, low: int, high: int | None = None) -> int:
        raw = self.text(name, str(default))
        limits = f"{low} or more" if high is None else f"{low} to {high}"
        try:
            value = int(raw)
        except ValueError:
            value = low - 1
        if value < low or (high is not None and value > high):
            self._faults.append(f"{name}: expected a whole number, {limits}, not {raw!r}")
            return default
        return value

    def flag(self, name: str, default: bool) -> bool:
        raw = self.text(name, str(default).lower()).lower()
        if raw not in TRUE_WORDS + FALSE_WORDS:
            self._faults.append(f"{name}: expected true or false, not {raw!r}")
        return raw in TRUE_WORDS

    def absolute_path(self, name: str) -> str:
        raw = self.text(name)
        if raw and not Path(raw).expanduser().is_absolute():
            self._faults.append(f"{name}: expected the full path of a folder, such as /srv/label-studio, not {raw!r}")
        return str(Path(raw).expanduser()) if raw else ""

    def url(self, name: str, default: str = "") -> str:
        raw = self.text(name, default).rstrip("/")
        parts = urlsplit(raw)
        if raw and (parts.scheme not in ("http", "https") or not parts.hostname):
            self._faults.append(f"{name}: expected an address such as https://ppi.example.org, not {raw!r}")
        return raw

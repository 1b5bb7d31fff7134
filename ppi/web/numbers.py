"""Numbers and days as the reader's language writes them, and numbers as people type them.

Files for programs keep the decimal point, and days as 2026-12-31.
"""

from __future__ import annotations

from datetime import date

from flask_babel import format_date, get_locale


def decimal_sign() -> str:
    return get_locale().number_symbols["latn"]["decimal"]


def localised(number: str) -> str:
    """A number that was written with a decimal point."""
    return number.replace(".", decimal_sign())


def exact(time_s: float, places: int = 1) -> str:
    """Seconds as 02:03.4, in Russian as 02:03,4; from the first hour on as 1:02:03.4."""
    units = round(time_s * 10**places)
    seconds, part = divmod(units, 10**places)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{f'{hours}:' if hours else ''}{minutes:02}:{seconds:02}{decimal_sign()}{part:0{places}}"


def shown(value: float) -> str:
    """For a field: without marks between the thousands."""
    return localised(f"{value:.9f}".rstrip("0").rstrip("."))


def typed(given: str) -> float:
    """With a point or a comma, and spaces anywhere. Raises ValueError for what is no number."""
    return float("".join(given.split()).replace(",", "."))


def day_in_words(given: str) -> str:
    """A day such as 2026-12-31 in the reader's language; "" for what is none."""
    try:
        return format_date(date.fromisoformat(given), "long", rebase=False)
    except ValueError:
        return ""

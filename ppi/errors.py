"""The error tree: what can go wrong, in the domain's words, without any HTTP in it.

A message is a template in English; its values travel beside it, so that the web layer can translate the
template and fill it afterwards. A value may be a message itself. `code` is stable and documented in docs/errors.md;
HTTP statuses live in `ppi.web.errors`.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from typing import Any

# (template, its plural or "", the count) -> the words to fill.
Speak = Callable[[str, str, int], str]
# template -> (it, its plural, the name of the value that decides); a template is all that is stored of a message.
_PLURALS: dict[str, tuple[str, str, str]] = {}


class PpiError(Exception):
    """Base of every error that PPI raises on purpose.

    `template` is an English sentence with `{name}` fields that says what happened and what to do next;
    `ids` are the values of the fields and may hold more (a job id, a key) for the log.
    """

    code = "error"
    retryable = False

    def __init__(self, template: str, **ids: object):
        super().__init__(template)
        self.template = template
        self.ids = ids

    def as_message(self) -> dict[str, Any]:
        """To be a value of another message; what JSON does not know becomes text."""
        known = (str, int, float, dict, type(None))
        return message(self.template, {name: one if isinstance(one, known) else str(one) for name, one in self.ids.items()})

    def __str__(self) -> str:
        return fill(self.template, self.ids)

    def __reduce__(self):
        return (_rebuild, (type(self), self.template, self.ids))


def _rebuild(cls: type, template: str, ids: dict) -> "PpiError":
    return cls(template, **ids)


def by_count(name: str, one: str, many: str, *earlier: str) -> str:
    """The template `one`, instead of which `many` is said unless the value `name` is 1.

    Stored messages that hold `many`, or a template of `earlier` versions of PPI, are said in the same way.
    """
    _PLURALS.update(dict.fromkeys((one, many, *earlier), (one, many, name)))
    return one


def in_place_of(template: str, *earlier: str) -> str:
    """The template as it is; stored messages that hold a template of `earlier` versions of PPI are said as this one."""
    _PLURALS.update(dict.fromkeys(earlier, (template, "", "")))
    return template


def translatable(template: str) -> str:
    """The template as it is: this only says that it belongs into the catalogue."""
    return template


def message(template: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """A message as a value of another one; it is plain JSON."""
    return {"template": template, "values": dict(values)}


def day(iso: str) -> dict[str, str]:
    """A day such as 2026-12-31 as a value of a message, to be said as the reader writes days; it is plain JSON."""
    return {"day": iso}


def _in_english(one: str, many: str, count: int) -> str:
    return many if many and count != 1 else one


def fill(
    template: str, values: Mapping[str, Any], speak: Speak = _in_english, number: Callable[[float], Any] = float,
    on: Callable[[str], str] = str,
) -> str:  # fmt: skip
    """Put `values` into the `{name}` fields; a template that does not fit its values is shown as it is.

    `speak` chooses the words, in another language or in a plural form; `number` and `on` say how fractions and days are
    written there.
    """
    one, many, name = _PLURALS.get(template, (template, "", ""))
    count = values.get(name, 0)
    words = speak(one, many, count if isinstance(count, int) else 0)
    try:
        return words.format(**{name: _told(value, speak, number, on) for name, value in values.items()})
    except (KeyError, IndexError, ValueError):
        return words


def _told(value: Any, speak: Speak, number: Callable[[float], Any], on: Callable[[str], str]) -> Any:
    if isinstance(value, Mapping) and value.keys() == {"template", "values"}:
        return fill(value["template"], value["values"], speak, number, on)
    if isinstance(value, Mapping) and value.keys() == {"day"}:
        return on(value["day"])
    return number(value) if isinstance(value, float) else value


class SettingsError(PpiError):
    """The environment cannot be understood; names every faulty variable."""

    code = "settings"


class InputError(PpiError):
    """What the user gave cannot be used, however often it is tried."""

    code = "input"


class UnsupportedMedia(InputError):
    """The bytes are not a recording PPI can read."""

    code = "unsupported_media"


class UploadTooLarge(InputError):
    """More bytes than the limit allows."""

    code = "too_large"


class AnnotationError(InputError):
    """An annotation export or a pattern table cannot be read."""

    code = "annotation"


class DatasetError(InputError):
    """A dataset folder is not what its files say."""

    code = "dataset"


class WeightsMissing(InputError):
    """The weights of a speech or language model, or what runs it, are not on this machine and cannot be fetched."""

    code = "weights_missing"


class NotFound(PpiError):
    """There is no such thing, or it is not the caller's: the two are not told apart."""

    code = "not_found"


class NotLoggedIn(PpiError):
    """Nobody is logged in, or the log-in is over."""

    code = "not_logged_in"


class AccessDenied(PpiError):
    """The caller is known and may not do this."""

    code = "access_denied"


class CsrfFailed(AccessDenied):
    """The page's security token is missing or too old."""

    code = "csrf"


class Conflict(PpiError):
    """Something else happened meanwhile, or already exists."""

    code = "conflict"


class QuotaExceeded(Conflict):
    """The account holds as many lessons as it may."""

    code = "quota"


class TooManyTries(PpiError):
    """Too many attempts in a short time."""

    code = "too_many_tries"


class Cancelled(PpiError):
    """The user asked for the job to stop."""

    code = "cancelled"


class LeaseLost(PpiError):
    """Another runner has taken this job over; whatever this one made must be thrown away."""

    code = "lease_lost"


class ToolFailed(PpiError):
    """A program that PPI runs ended badly."""

    code = "tool_failed"


class DiskFull(PpiError):
    """No room left for what was asked."""

    code = "disk_full"


def of_full_disk(error: OSError) -> DiskFull | None:
    """What to tell of a fault of the operating system when it means that there is no room; None for other faults."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull("There is no room left on the disk. Free some space and try again.")
    return None


class BackendError(PpiError):
    """A server or a model PPI depends on did not do its part; trying again may help."""

    code = "backend"
    retryable = True


class ServerAway(BackendError):
    """A server PPI depends on does not answer; jobs wait for it to come back."""

    code = "server_away"


class Unexpected(BackendError):
    """A fault nobody foresaw."""

    code = "unexpected"

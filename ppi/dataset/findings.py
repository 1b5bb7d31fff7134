"""What a check of a dataset finds: sentences with their values, which pages tell in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ppi.errors import fill, message

PASS, WARN, FAIL = "pass", "warn", "fail"
CHECKS = ("files", "spans", "texts", "labels", "key_frames", "balance", "splits", "hours")


@dataclass(frozen=True)
class Finding:
    """`where` is a row's id, a file, or "" for the whole; `template` an English sentence with the fields of `values`."""

    check: str
    level: str
    where: str
    template: str
    values: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        said = self.as_message()
        return fill(said["template"], said["values"])

    def as_json(self) -> dict[str, Any]:
        return {
            "check": self.check, "level": self.level, "where": self.where, "template": self.template,
            "values": self.values,
        }  # fmt: skip

    def as_message(self) -> dict[str, Any]:
        """With its place, to be shown alone or to be a value of another message."""
        said = message(self.template, self.values)
        return message("{where}: {what}", {"where": self.where, "what": said}) if self.where else said


def fault(where: str, template: str, **values: Any) -> Finding:
    """Something wrong with a row or a file, which makes the dataset unfit to publish."""
    return Finding("files", FAIL, where, template, values)


@dataclass(frozen=True)
class CheckReport:
    """What was found in so many `rows`: `failures` make the dataset unfit to publish, warnings are for its makers to decide."""

    rows: int
    findings: tuple[Finding, ...]

    @property
    def failures(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.level == FAIL)

    @property
    def problems(self) -> tuple[str, ...]:
        return tuple(map(str, self.failures))

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(str(finding) for finding in self.findings if finding.level == WARN)

    @property
    def levels(self) -> dict[str, str]:
        """Every check with its worst level: "pass", "warn" or "fail"."""
        return {check: level_of(self.findings, check) for check in CHECKS}


def level_of(findings: Iterable[Finding], check: str) -> str:
    """The worst level among the findings of a check; without any it has passed."""
    levels = {finding.level for finding in findings if finding.check == check}
    return next((level for level in (FAIL, WARN) if level in levels), PASS)

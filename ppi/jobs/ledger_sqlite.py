"""The job ledger in SQLite: correct for one machine and any number of processes on it."""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Mapping
from typing import Any

from ppi.errors import Conflict, NotFound, PpiError, ToolFailed
from ppi.jobs.database import Database
from ppi.jobs.ledger import ACTIVE, LANES, Job

RETRY_DELAYS_S = (5, 30)

# One statement, so that two runners can never both believe the job is theirs.
CLAIM = """
UPDATE jobs SET status='running', attempt=attempt+1, runner=:runner, host=:host, lease_until_s=:now+:lease,
  started_s=CASE WHEN started_s=0 THEN :now ELSE started_s END, updated_s=:now, progress=0, is_cancel_requested=0
WHERE id = (
  SELECT id FROM jobs
  WHERE lane=:lane AND not_before_s<=:now AND attempt-attempts_base<:max_attempts
    AND (status='queued' OR (status='running' AND lease_until_s<:now AND is_cancel_requested=0))
    AND (SELECT count(*) FROM jobs WHERE lane=:lane AND status='running' AND lease_until_s>=:now AND host=:host) < :limit
  ORDER BY created_s, id LIMIT 1)
RETURNING *
"""
GAVE_UP = ToolFailed(
    "The job was interrupted {attempts} times and was given up. Press Retry; if it fails again, tell the administrator."
)


class SqliteLedger:
    """See `ppi.jobs.ledger.Ledger`. `lease_s` is how long a silent runner keeps a job."""

    def __init__(self, database: Database, lease_s: float = 60, max_attempts: int = 3):
        self._database = database
        self._lease_s = lease_s
        self._max_attempts = max_attempts

    def submit(self, kind: str, owner_id: str, lesson_id: str, input: Mapping[str, Any], job_id: str = "") -> Job:
        now = time.time()
        row = (job_id or secrets.token_hex(8), kind, LANES[kind], owner_id, lesson_id, _dump(input), "queued", now, now)
        with self._database.connection() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO jobs (id, kind, lane, owner_id, lesson_id, input, status, created_s, updated_s) "
                "VALUES (?,?,?,?,?,?,?,?,?)",
                row,
            )
        return self.get(row[0])

    def get(self, job_id: str) -> Job:
        rows = self._select("WHERE id=?", job_id)
        if not rows:
            raise NotFound("There is no such job.", job_id=job_id)
        return rows[0]

    def list(self, *, owner_id: str = "", lesson_id: str = "", kind: str = "", limit: int = 200) -> list[Job]:
        wanted = {"owner_id": owner_id, "lesson_id": lesson_id, "kind": kind}
        wanted = {name: value for name, value in wanted.items() if value}
        where = " AND ".join(f"{name}=?" for name in wanted) or "1"
        return self._select(f"WHERE {where} ORDER BY created_s DESC, id LIMIT ?", *wanted.values(), limit)

    def claim(self, runner: str, host: str, lane: str, limit: int) -> Job | None:
        values = dict(
            runner=runner, host=host, lane=lane, limit=limit, now=time.time(), lease=self._lease_s,
            max_attempts=self._max_attempts,
        )  # fmt: skip
        with self._database.connection() as connection:
            rows = connection.execute(CLAIM, values).fetchall()
        return _job(rows[0]) if rows else None

    def renew(self, job_id: str, attempt: int) -> bool:
        return self._write(job_id, attempt, "lease_until_s=?", time.time() + self._lease_s)

    def report(self, job_id: str, attempt: int, phase: str, stage: str, args: Mapping, progress: int) -> str:
        with self._database.connection() as connection:
            rows = connection.execute(
                "UPDATE jobs SET phase=?, stage=?, stage_args=?, progress=max(progress,?), updated_s=? "
                "WHERE id=? AND attempt=? AND status='running' RETURNING is_cancel_requested",
                (phase, stage, _dump(args), progress, time.time(), job_id, attempt),
            ).fetchall()
        if not rows:
            return "lost"
        return "cancel" if rows[0][0] else "ok"

    def finish(self, job_id: str, attempt: int, result: Mapping[str, Any]) -> bool:
        now = time.time()
        return self._write(
            job_id, attempt, "status='completed', progress=100, result=?, updated_s=?, finished_s=?", _dump(result), now, now
        )  # fmt: skip

    def fail(self, job_id: str, attempt: int, error: PpiError) -> bool:
        job = self.get(job_id)
        used = attempt - self._attempts_base(job_id)
        if error.retryable and used < self._max_attempts and not job.is_cancel_requested:
            delay_s = RETRY_DELAYS_S[min(used, len(RETRY_DELAYS_S)) - 1]
            return self._write(job_id, attempt, "status='queued', not_before_s=?", time.time() + delay_s)
        status = "cancelled" if error.code == "cancelled" else "error"
        now = time.time()
        return self._write(
            job_id, attempt, "status=?, error_code=?, error=?, error_args=?, updated_s=?, finished_s=?",
            status, error.code, error.template, _dump(error.ids), now, now,
        )  # fmt: skip

    def cancel(self, job_id: str) -> Job:
        now = time.time()
        with self._database.connection() as connection:
            rows = connection.execute(
                "UPDATE jobs SET is_cancel_requested=1, updated_s=:now, "
                "finished_s=CASE WHEN status='queued' OR lease_until_s<:now THEN :now ELSE finished_s END, "
                "status=CASE WHEN status='queued' OR lease_until_s<:now THEN 'cancelled' ELSE status END "
                "WHERE id=:id AND status IN ('queued','running') RETURNING *",
                {"now": now, "id": job_id},
            ).fetchall()
        if not rows:
            self.get(job_id)
            raise Conflict("This job has already ended.", job_id=job_id)
        return _job(rows[0])

    def retry(self, job_id: str) -> Job:
        with self._database.connection() as connection:
            rows = connection.execute(
                "UPDATE jobs SET status='queued', phase='', stage='', progress=0, attempts_base=attempt, "
                "is_cancel_requested=0, error_code='', error='', error_args='{}', not_before_s=0, started_s=0, "
                "finished_s=0, updated_s=? WHERE id=? AND status IN ('error','cancelled') RETURNING *",
                (time.time(), job_id),
            ).fetchall()
        if not rows:
            self.get(job_id)
            raise Conflict("Only a failed or cancelled job can be tried again.", job_id=job_id)
        return _job(rows[0])

    def position(self, job: Job) -> int:
        if job.status != "queued":
            return 0
        with self._database.connection() as connection:
            row = connection.execute(
                "SELECT count(*) FROM jobs WHERE lane=? AND status='queued' AND (created_s, id) <= (?, ?)",
                (LANES[job.kind], job.created_s, job.id),
            ).fetchone()
        return row[0]

    def sweep(self, host: str, alive: frozenset[str]) -> int:
        now = time.time()
        marks = ",".join("?" * len(alive)) or "''"
        with self._database.transaction() as connection:
            freed = connection.execute(
                f"UPDATE jobs SET lease_until_s=0 WHERE status='running' AND host=? AND lease_until_s>0 "
                f"AND runner NOT IN ({marks})",
                (host, *alive),
            ).rowcount
            connection.execute(
                "UPDATE jobs SET status='cancelled', finished_s=?, updated_s=? "
                "WHERE status='running' AND lease_until_s<? AND is_cancel_requested=1",
                (now, now, now),
            )
            connection.execute(
                "UPDATE jobs SET status='error', error_code=?, error=?, error_args=?, finished_s=?, updated_s=? "
                "WHERE status='running' AND lease_until_s<? AND attempt-attempts_base>=?",
                (GAVE_UP.code, GAVE_UP.template, _dump({"attempts": self._max_attempts}), now, now, now, self._max_attempts),
            )
        return freed

    def remove_lesson(self, lesson_id: str) -> None:
        """Forget the ended jobs of a deleted lesson. Raises Conflict while one is active."""
        with self._database.transaction() as connection:
            marks = ",".join("?" * len(ACTIVE))
            busy = connection.execute(
                f"SELECT id FROM jobs WHERE lesson_id=? AND status IN ({marks})", (lesson_id, *ACTIVE)
            ).fetchone()
            if busy:
                raise Conflict("A job of this lesson is still running. Cancel it first, then delete.", job_id=busy[0])
            connection.execute("DELETE FROM jobs WHERE lesson_id=?", (lesson_id,))

    def runners(self, host: str) -> list[str]:
        """The runners of this host that hold a lease."""
        with self._database.connection() as connection:
            rows = connection.execute(
                "SELECT DISTINCT runner FROM jobs WHERE status='running' AND host=? AND lease_until_s>0", (host,)
            ).fetchall()
        return [row[0] for row in rows]

    def _attempts_base(self, job_id: str) -> int:
        with self._database.connection() as connection:
            return connection.execute("SELECT attempts_base FROM jobs WHERE id=?", (job_id,)).fetchone()[0]

    def _write(self, job_id: str, attempt: int, assignments: str, *values: Any) -> bool:
        """Change a running job of just this attempt: the fence that keeps late runners out."""
        with self._database.connection() as connection:
            changed = connection.execute(
                f"UPDATE jobs SET {assignments} WHERE id=? AND attempt=? AND status='running'", (*values, job_id, attempt)
            ).rowcount
        return changed == 1

    def _select(self, tail: str, *values: Any) -> list[Job]:
        with self._database.connection() as connection:
            return [_job(row) for row in connection.execute(f"SELECT * FROM jobs {tail}", values).fetchall()]


def _dump(value: Mapping[str, Any]) -> str:
    return json.dumps(dict(value), ensure_ascii=True, default=str)


def _job(row: sqlite3.Row) -> Job:
    names = (
        "id", "kind", "owner_id", "lesson_id", "status", "phase", "stage", "progress", "attempt", "runner",
        "error_code", "error", "created_s", "started_s", "updated_s", "finished_s",
    )  # fmt: skip
    values = {name: row[name] for name in names}
    parsed = {name: json.loads(row[name]) for name in ("input", "stage_args", "error_args", "result")}
    return Job(**values, **parsed, is_cancel_requested=bool(row["is_cancel_requested"]))

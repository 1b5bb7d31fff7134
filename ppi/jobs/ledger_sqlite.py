"""The job ledger in SQLite: correct for one machine and any number of processes on it."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from ppi.errors import Conflict, NotFound, PpiError
from ppi.jobs.database import Database
from ppi.jobs.fair import FAIR_QUEUES, order, places
from ppi.jobs.ledger import ACTIVE, CLOCK_FAULT_S, RETRIED, Job, Process, after_failure, after_loss, new_job

COLUMNS = tuple(field.name for field in fields(Job))
NESTED = ("input", "stage_args", "error_args", "result")
# One statement, so that two runners can never both believe the job is theirs.
CLAIM = """
UPDATE jobs SET status='running', attempt=attempt+1, beats=beats+1, runner=:runner, host=:host,
  started_s=CASE WHEN started_s=0 THEN :now ELSE started_s END, updated_s=:now,
  progress=CASE WHEN attempt=attempts_base THEN progress ELSE 0 END
WHERE id = (
  SELECT id FROM jobs {turns}
  WHERE queue IN ({marks}) AND status='queued' AND (not_before_s<=:now OR not_before_s>:now+:fault)
    AND place IN ('', :place)
    AND (:limit=0 OR (SELECT count(*) FROM jobs WHERE queue IN ({marks}) AND status='running' AND host=:host) < :limit)
  ORDER BY {order} LIMIT 1)
RETURNING *
"""
# The first in line is found by the index; whose turn it is, by looking at all that wait, so only where owners take turns.
IN_LINE = {"turns": "", "order": "created_s, id"}
FAIR = ",".join(f"'{queue}'" for queue in FAIR_QUEUES)
BY_TURNS = {
    "turns": f"LEFT JOIN turns ON queue IN ({FAIR}) AND chore='served:' || queue || ':' || owner_id",
    "order": f"CASE WHEN queue IN ({FAIR}) THEN min(created_s) OVER (PARTITION BY queue) ELSE created_s END, "
    "coalesce(taken_s, 0), created_s, id",
}
TURN = """
INSERT INTO turns VALUES (:chore, :now)
ON CONFLICT (chore) DO UPDATE SET taken_s=:now WHERE taken_s<=:now-:every OR taken_s>:now
RETURNING chore
"""


class SqliteLedger:
    """See `ppi.jobs.ledger.Ledger`."""

    def __init__(self, database: Database, max_attempts: int = 3):
        self._database = database
        self._max_attempts = max_attempts

    def submit(
        self, kind: str, owner_id: str, lesson_id: str, input: Mapping[str, Any], *, job_id: str = "", queue: str = "",
        place: str = "",
    ) -> Job:  # fmt: skip
        job = new_job(kind, owner_id, lesson_id, input, job_id=job_id, queue=queue, place=place)
        self.restore(job)
        return self.get(job.id)

    def restore(self, job: Job) -> None:
        marks = ",".join("?" * len(COLUMNS))
        with self._database.connection() as connection:
            connection.execute(f"INSERT OR IGNORE INTO jobs ({','.join(COLUMNS)}) VALUES ({marks})", _row(job))

    def get(self, job_id: str) -> Job:
        rows = self._select("WHERE id=?", job_id)
        if not rows:
            raise NotFound("There is no such job any more. Look at the list of jobs.", job_id=job_id)
        return rows[0]

    def missing(self, job_ids: Sequence[str]) -> set[str]:
        with self._database.connection() as connection:
            known = {row[0] for row in connection.execute("SELECT id FROM jobs")}
        return set(job_ids) - known

    def list(self, *, owner_id: str = "", lesson_id: str = "", kind: str = "", limit: int = 200) -> list[Job]:
        wanted = {"owner_id": owner_id, "lesson_id": lesson_id, "kind": kind}
        wanted = {name: value for name, value in wanted.items() if value}
        where = " AND ".join(f"{name}=?" for name in wanted) or "1"
        return self._select(f"WHERE {where} ORDER BY created_s DESC, id LIMIT ?", *wanted.values(), limit)

    def of_lessons(self, lesson_ids: Sequence[str]) -> list[Job]:
        marks = ",".join("?" * len(lesson_ids))
        return self._select(f"WHERE lesson_id IN ({marks}) ORDER BY created_s DESC, id", *lesson_ids)

    def lessons_at_work(self) -> set[str]:
        with self._database.connection() as connection:
            return {row[0] for row in connection.execute("SELECT lesson_id FROM jobs WHERE status IN ('queued', 'running')")}

    def running(self) -> list[Job]:
        return self._select("WHERE status='running'")

    def due(self) -> list[Job]:
        now = time.time()
        tail = "WHERE status='queued' AND (not_before_s<=? OR not_before_s>?) ORDER BY created_s, id"
        return self._select(tail, now, now + CLOCK_FAULT_S)

    def at_work(self) -> list[tuple[Job, int]]:
        jobs = self._select("WHERE status IN ('queued', 'running') ORDER BY created_s, id")
        served_s: dict[str, dict[str, float]] = {}
        with self._database.connection() as connection:
            for chore, taken_s in connection.execute("SELECT chore, taken_s FROM turns WHERE chore LIKE 'served:%'").fetchall():
                _, queue, owner = chore.split(":", 2)
                served_s.setdefault(queue, {})[owner] = taken_s
        found = places([(job.queue, job.owner_id, job.id) for job in jobs if job.status == "queued"], served_s)
        return [(job, found.get(job.id, 0)) for job in jobs]

    def claim(self, runner: str, host: str, queues: Sequence[str], limit: int, place: str = "") -> Job | None:
        names = {f"q{number}": queue for number, queue in enumerate(queues)}
        way = BY_TURNS if set(queues) & set(FAIR_QUEUES) else IN_LINE
        statement = CLAIM.format(marks=",".join(f":{name}" for name in names), **way)
        values = dict(runner=runner, host=host, limit=limit, place=place, now=time.time(), fault=CLOCK_FAULT_S)
        with self._database.connection() as connection:
            rows = connection.execute(statement, values | names).fetchall()
        return _job(rows[0]) if rows else None

    def renew(self, job_id: str, attempt: int) -> bool:
        return self._write(job_id, attempt, "beats=beats+1")

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

    def hand_over(self, job_id: str, attempt: int, queue: str) -> bool:
        again = "status='queued', queue=?, place='', attempts_base=attempt, outages=0, updated_s=?"
        return self._write(job_id, attempt, again, queue, time.time())

    def release(self, job_id: str, attempt: int) -> bool:
        return self._write(job_id, attempt, "status='queued', attempts_base=attempts_base+1, updated_s=?", time.time())

    def finish(self, job_id: str, attempt: int, result: Mapping[str, Any]) -> bool:
        now = time.time()
        return self._write(
            job_id, attempt, "status='completed', progress=100, result=?, updated_s=?, finished_s=?", _dump(result), now, now
        )  # fmt: skip

    def fail(self, job_id: str, attempt: int, error: PpiError) -> bool:
        with self._database.transaction() as connection:
            job = self.get(job_id)
            if job.status != "running" or job.attempt != attempt:
                return False
            _change(connection, job, after_failure(job, error, self._max_attempts, time.time()))
        return True

    def free(self, job: Job) -> Job | None:
        with self._database.transaction() as connection:
            now = self.get(job.id)
            if (now.status, now.attempt, now.beats) != ("running", job.attempt, job.beats):
                return None
            _change(connection, now, after_loss(now, self._max_attempts, time.time()))
        return self.get(job.id)

    def cancel(self, job_id: str) -> Job:
        now = time.time()
        with self._database.connection() as connection:
            rows = connection.execute(
                "UPDATE jobs SET is_cancel_requested=1, updated_s=:now, "
                "finished_s=CASE WHEN status='queued' THEN :now ELSE finished_s END, "
                "status=CASE WHEN status='queued' THEN 'cancelled' ELSE status END "
                "WHERE id=:id AND status IN ('queued','running') RETURNING *",
                {"now": now, "id": job_id},
            ).fetchall()
        if not rows:
            self.get(job_id)
            raise Conflict("This job has already ended. Reload the page to see what came of it.", job_id=job_id)
        return _job(rows[0])

    def retry(self, job_id: str) -> Job:
        with self._database.transaction() as connection:
            job = self.get(job_id)
            if job.status not in ("error", "cancelled"):
                raise Conflict(
                    "Only a failed or cancelled job can be tried again. Reload the page to see how it stands.", job_id=job_id
                )  # fmt: skip
            _change(connection, job, {**RETRIED, "attempts_base": job.attempt, "updated_s": time.time()})
        return self.get(job_id)

    def position(self, job: Job) -> int:
        if job.status != "queued":
            return 0
        with self._database.connection() as connection:
            waiting = connection.execute(
                "SELECT owner_id, id FROM jobs WHERE queue=? AND status='queued' ORDER BY created_s, id", (job.queue,)
            ).fetchall()
            turns = connection.execute("SELECT chore, taken_s FROM turns WHERE chore LIKE ?", (f"served:{job.queue}:%",))
            served_s = {row[0].split(":", 2)[2]: row[1] for row in turns.fetchall()}
        ids = order([tuple(row) for row in waiting], served_s) if job.queue in FAIR_QUEUES else [row[1] for row in waiting]
        return ids.index(job.id) + 1 if job.id in ids else 0

    def remove_lesson(self, lesson_id: str) -> None:
        with self._database.transaction() as connection:
            marks = ",".join("?" * len(ACTIVE))
            busy = connection.execute(
                f"SELECT id FROM jobs WHERE lesson_id=? AND status IN ({marks})", (lesson_id, *ACTIVE)
            ).fetchone()
            if busy:
                raise Conflict("A job of this lesson is still running. Cancel it first, then delete.", job_id=busy[0])
            connection.execute("DELETE FROM jobs WHERE lesson_id=?", (lesson_id,))

    def counts(self) -> dict[tuple[str, str], int]:
        with self._database.connection() as connection:
            rows = connection.execute("SELECT queue, status, count(*) FROM jobs GROUP BY queue, status").fetchall()
        return {(row[0], row[1]): row[2] for row in rows}

    def take_turn(self, chore: str, every_s: float) -> bool:
        with self._database.connection() as connection:
            return bool(connection.execute(TURN, {"chore": chore, "now": time.time(), "every": every_s}).fetchall())

    def hello(self, process: Process) -> None:
        row = (process.name, process.host, process.role, ",".join(process.queues), process.version, process.started_s)
        with self._database.connection() as connection:
            connection.execute("INSERT OR REPLACE INTO processes VALUES (?,?,?,?,?,?,?)", (*row, time.time()))
            connection.execute("DELETE FROM processes WHERE seen_s<?", (time.time() - 86_400,))

    def processes(self, within_s: float) -> list[Process]:
        now = time.time()
        with self._database.connection() as connection:
            rows = connection.execute("SELECT * FROM processes WHERE seen_s>? ORDER BY role, name", (now - within_s,))
            return [Process(*row[:3], tuple(filter(None, row[3].split(","))), *row[4:]) for row in rows.fetchall()]

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


def _change(connection: sqlite3.Connection, job: Job, changed: Mapping[str, Any]) -> None:
    names = ", ".join(f"{name}=?" for name in changed)
    values = [_plain(name, value) for name, value in changed.items()]
    connection.execute(f"UPDATE jobs SET {names} WHERE id=?", (*values, job.id))


def _dump(value: Mapping[str, Any]) -> str:
    return json.dumps(dict(value), ensure_ascii=True, default=str)


def _plain(name: str, value: Any) -> Any:
    return _dump(value) if name in NESTED else value


def _row(job: Job) -> list[Any]:
    return [_plain(name, getattr(job, name)) for name in COLUMNS]


def _job(row: sqlite3.Row) -> Job:
    values = {name: row[name] for name in COLUMNS}
    nested = {name: json.loads(values[name]) for name in NESTED}
    return replace(Job(**values), **nested, is_cancel_requested=bool(values["is_cancel_requested"]))

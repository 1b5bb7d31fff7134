"""The job ledger in Redis: for any number of machines. Every change is one script, which Redis runs as a whole."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

from ppi.errors import Conflict, NotFound, PpiError
from ppi.jobs.fair import FAIR_QUEUES, order, places
from ppi.jobs.journal import Journal
from ppi.jobs.ledger import CLOCK_FAULT_S, QUEUES, RETRIED, Job, Process, after_failure, after_loss, new_job
from ppi.jobs.ledger_scripts import CHANGE, CLAIM, REMOVE, SUBMIT, TURN
from ppi.jobs.redis_db import PREFIX, RedisDatabase, plain, typed

NESTED = ("input", "stage_args", "error_args", "result")
BLANK = Job("", "", "", "", "", {})
PLAIN = tuple(field.name for field in fields(Job) if field.name not in NESTED)
FORGOTTEN_AFTER_S = 86_400
MOST_DUE = 500


class RedisLedger:
    """See `ppi.jobs.ledger.Ledger`. What is submitted here is kept in `journal` before it is acknowledged."""

    def __init__(self, database: RedisDatabase, journal: Journal, max_attempts: int = 3):
        self._database = database
        self._journal = journal
        self._max_attempts = max_attempts
        scripts = {"submit": SUBMIT, "change": CHANGE, "claim": CLAIM, "remove": REMOVE, "turn": TURN}
        self._scripts = {name: database.script(text) for name, text in scripts.items()}

    def submit(
        self, kind: str, owner_id: str, lesson_id: str, input: Mapping[str, Any], *, job_id: str = "", queue: str = "",
        place: str = "",
    ) -> Job:  # fmt: skip
        job = new_job(kind, owner_id, lesson_id, input, job_id=job_id, queue=queue, place=place)
        self.restore(job)
        job = self.get(job.id)
        self._journal.keep("job", job.id, asdict(job))
        return job

    def restore(self, job: Job) -> None:
        self._run("submit", [PREFIX, job.id, json.dumps(_row(job))])

    def get(self, job_id: str) -> Job:
        with self._database.faults() as client:
            row = client.hgetall(f"{PREFIX}job:{job_id}")
        if not row:
            raise NotFound("There is no such job any more. Look at the list of jobs.", job_id=job_id)
        return _job(row)

    def missing(self, job_ids: Sequence[str]) -> set[str]:
        return self._database.missing("job", job_ids)

    def list(self, *, owner_id: str = "", lesson_id: str = "", kind: str = "", limit: int = 200) -> list[Job]:
        index = f"jobs:lesson:{lesson_id}" if lesson_id else f"jobs:owner:{owner_id}" if owner_id else "jobs"
        with self._database.faults() as client:
            ids = client.zrange(PREFIX + index, 0, -1 if kind or owner_id else limit - 1, desc=True)
        found = [
            job for job in self._jobs(ids)
            if (not kind or job.kind == kind) and (not owner_id or job.owner_id == owner_id)
        ]  # fmt: skip
        return found[:limit]

    def of_lessons(self, lesson_ids: Sequence[str]) -> list[Job]:
        with self._database.faults() as client:
            pipe = client.pipeline(transaction=False)
            for lesson_id in lesson_ids:
                pipe.zrange(f"{PREFIX}jobs:lesson:{lesson_id}", 0, -1)
            ids = [job_id for found in pipe.execute() for job_id in found]
        return sorted(self._jobs(ids), key=lambda job: -job.created_s)

    def lessons_at_work(self) -> set[str]:
        with self._database.faults() as client:
            pipe = client.pipeline(transaction=False)
            pipe.smembers(f"{PREFIX}running")
            for queue in QUEUES:
                pipe.zrange(f"{PREFIX}waiting:{queue}", 0, -1)
            ids = [job_id for found in pipe.execute() for job_id in found]
        return {job.lesson_id for job in self._jobs(ids) if job.is_active}

    def running(self) -> list[Job]:
        with self._database.faults() as client:
            ids = client.smembers(f"{PREFIX}running")
        return [job for job in self._jobs(ids) if job.status == "running"]

    def due(self) -> list[Job]:
        now = self._database.now_s()
        with self._database.faults() as client:
            ids = [job_id for queue in QUEUES for job_id in client.zrange(f"{PREFIX}waiting:{queue}", 0, MOST_DUE - 1)]
        ready = [job for job in self._jobs(ids) if not now < job.not_before_s <= now + CLOCK_FAULT_S]
        return sorted(ready, key=lambda job: (job.created_s, job.id))

    def at_work(self) -> list[tuple[Job, int]]:
        with self._database.faults() as client:
            pipe = client.pipeline(transaction=False)
            pipe.smembers(f"{PREFIX}running")
            for queue in QUEUES:
                pipe.zrange(f"{PREFIX}waiting:{queue}", 0, -1)
            for queue in FAIR_QUEUES:
                pipe.hgetall(f"{PREFIX}served:{queue}")
            running, *rest = pipe.execute()
        ids = [*running, *(job_id for line in rest[: len(QUEUES)] for job_id in line)]
        jobs = sorted((job for job in self._jobs(ids) if job.is_active), key=lambda job: (job.created_s, job.id))
        served_s = {
            queue: {owner: float(moment) for owner, moment in served.items()}
            for queue, served in zip(FAIR_QUEUES, rest[len(QUEUES) :], strict=True)
        }  # fmt: skip
        found = places([(job.queue, job.owner_id, job.id) for job in jobs if job.status == "queued"], served_s)
        return [(job, found.get(job.id, 0)) for job in jobs]

    def claim(self, runner: str, host: str, queues: Sequence[str], limit: int, place: str = "") -> Job | None:
        given = [json.dumps(list(queues)), limit, runner, host, place, CLOCK_FAULT_S, time.time(), json.dumps(FAIR_QUEUES)]
        row = self._run("claim", [PREFIX, *given])
        return _job(_pairs(row)) if row else None

    def renew(self, job_id: str, attempt: int) -> bool:
        return self._write(job_id, attempt, {}, {"beats": 1})

    def report(self, job_id: str, attempt: int, phase: str, stage: str, args: Mapping, progress: int) -> str:
        told = {"phase": phase, "stage": stage, "stage_args": dict(args), "progress": progress, "updated_s": time.time()}
        job = self._change(job_id, {"status": "running", "attempt": attempt}, told)
        if job is None:
            return "lost"
        return "cancel" if job.is_cancel_requested else "ok"

    def hand_over(self, job_id: str, attempt: int, queue: str) -> bool:
        again = {"queue": queue, "place": "", "attempts_base": attempt, "outages": 0}
        return self._write(job_id, attempt, {"status": "queued", **again, "updated_s": time.time()})

    def release(self, job_id: str, attempt: int) -> bool:
        return self._write(job_id, attempt, {"status": "queued", "updated_s": time.time()}, {"attempts_base": 1})

    def finish(self, job_id: str, attempt: int, result: Mapping[str, Any]) -> bool:
        now = time.time()
        ended = {"status": "completed", "progress": 100, "result": dict(result), "updated_s": now, "finished_s": now}
        return self._write(job_id, attempt, ended)

    def fail(self, job_id: str, attempt: int, error: PpiError) -> bool:
        try:
            changed = after_failure(self.get(job_id), error, self._max_attempts, self._database.now_s())
        except NotFound:
            return False
        return self._write(job_id, attempt, changed)

    def free(self, job: Job) -> Job | None:
        now = self.get(job.id)
        seen = {"status": "running", "attempt": job.attempt, "beats": job.beats}
        return self._change(job.id, seen, after_loss(now, self._max_attempts, time.time()))

    def cancel(self, job_id: str) -> Job:
        now = time.time()
        asked = {"is_cancel_requested": True, "updated_s": now}
        job = self._change(job_id, {"status": "queued"}, {**asked, "status": "cancelled", "finished_s": now})
        job = job or self._change(job_id, {"status": "running"}, asked)
        if job is None:
            self.get(job_id)
            raise Conflict("This job has already ended. Reload the page to see what came of it.", job_id=job_id)
        return job

    def retry(self, job_id: str) -> Job:
        job = self.get(job_id)
        again = {**RETRIED, "attempts_base": job.attempt, "updated_s": time.time()}
        ended = ("error", "cancelled")
        changed = self._change(job_id, {"status": job.status}, again) if job.status in ended else None
        if changed is None:
            raise Conflict(
                "Only a failed or cancelled job can be tried again. Reload the page to see how it stands.", job_id=job_id
            )  # fmt: skip
        self._journal.keep("job", job_id, asdict(changed))
        return changed

    def position(self, job: Job) -> int:
        with self._database.faults() as client:
            if job.queue not in FAIR_QUEUES:
                rank = client.zrank(f"{PREFIX}waiting:{job.queue}", job.id)
                return 0 if rank is None else rank + 1
            ids = client.zrange(f"{PREFIX}waiting:{job.queue}", 0, -1)
            served = client.hgetall(f"{PREFIX}served:{job.queue}")
        waiting = [(found.owner_id, found.id) for found in self._jobs(ids)]
        ordered = order(waiting, {owner: float(moment) for owner, moment in served.items()})
        return ordered.index(job.id) + 1 if job.id in ordered else 0

    def remove_lesson(self, lesson_id: str) -> None:
        busy = self._run("remove", [PREFIX, lesson_id])
        if busy:
            raise Conflict("A job of this lesson is still running. Cancel it first, then delete.", job_id=busy)

    def counts(self) -> dict[tuple[str, str], int]:
        with self._database.faults() as client:
            tally = client.hgetall(f"{PREFIX}tally")
        return {tuple(name.split("|")): int(amount) for name, amount in tally.items() if int(amount)}

    def take_turn(self, chore: str, every_s: float) -> bool:
        return bool(self._run("turn", [PREFIX, chore, every_s]))

    def hello(self, process: Process) -> None:
        now = self._database.now_s()
        told = json.dumps(asdict(replace(process, seen_s=now)))
        with self._database.faults() as client:
            client.hset(f"{PREFIX}processes", process.name, told)
            for name, text in client.hgetall(f"{PREFIX}processes").items():
                if json.loads(text)["seen_s"] < now - FORGOTTEN_AFTER_S:
                    client.hdel(f"{PREFIX}processes", name)

    def processes(self, within_s: float) -> list[Process]:
        now = self._database.now_s()
        with self._database.faults() as client:
            found = [json.loads(text) for text in client.hvals(f"{PREFIX}processes")]
        known = [Process(**{**one, "queues": tuple(one["queues"])}) for one in found if one["seen_s"] > now - within_s]
        return sorted(known, key=lambda one: (one.role, one.name))

    def _write(self, job_id: str, attempt: int, updates: Mapping[str, Any], more: Mapping[str, int] | None = None) -> bool:
        """Change a running job of just this attempt: the fence that keeps late runners out."""
        return self._change(job_id, {"status": "running", "attempt": attempt}, updates, more) is not None

    def _change(
        self, job_id: str, conditions: Mapping[str, Any], updates: Mapping[str, Any], more: Mapping[str, int] | None = None
    ) -> Job | None:
        written = {name: json.dumps(value) if name in NESTED else value for name, value in updates.items()}
        row = self._run(
            "change", [PREFIX, job_id, json.dumps(plain(conditions)), json.dumps(plain(written)), json.dumps(more or {})]
        )
        return _job(_pairs(row)) if row else None

    def _run(self, script: str, arguments: Sequence[Any]) -> Any:
        with self._database.faults():
            return self._scripts[script](args=list(arguments))

    def _jobs(self, ids: Sequence[str]) -> list[Job]:
        with self._database.faults() as client:
            pipe = client.pipeline(transaction=False)
            for job_id in ids:
                pipe.hgetall(f"{PREFIX}job:{job_id}")
            return [_job(row) for row in pipe.execute() if row]


def _row(job: Job) -> dict[str, str]:
    nested = {name: json.dumps(dict(getattr(job, name)), default=str) for name in NESTED}
    return plain({name: getattr(job, name) for name in PLAIN}) | nested


def _job(row: Mapping[str, str]) -> Job:
    texts = {name: value for name, value in row.items() if name in PLAIN}
    return Job(**typed(texts, BLANK), **{name: json.loads(row[name]) for name in NESTED})


def _pairs(flat: Sequence[str]) -> dict[str, str]:
    """What a script answers for HGETALL: names and values in turn."""
    return dict(zip(flat[::2], flat[1::2], strict=True))

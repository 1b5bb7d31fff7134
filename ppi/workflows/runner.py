"""Binds the kinds of jobs to the workflows that do them, and starts what works them off in this process."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from ppi.jobs.hosts import host_name
from ppi.jobs.ledger import HEAVY_QUEUES, LIGHT_QUEUES, QUEUES, Job
from ppi.jobs.run import Run
from ppi.jobs.threads import Lane, ThreadRunner
from ppi.jobs.work import Handler, Worker
from ppi.services import Services
from ppi.workflows import (
    annotate,
    build_dataset,
    comparisons,
    ingest,
    joined,
    kit,
    normalize,
    publish,
    speakers,
    summarize,
    transcribe,
    understood,
    waveform,
    withdraw,
)
from ppi.workflows.house import Housekeeper

JOBS = {
    "ingest": ingest.run_ingest,
    "transcribe": transcribe.run_transcribe,
    "summarize": summarize.run_summarize,
    "build_dataset": build_dataset.run_build,
    publish.PUBLISH: publish.run_publish,
    publish.PREVIEW: publish.run_preview,
    "join": joined.run_join,
    "withdraw": withdraw.run_withdraw,
    annotate.SEND: annotate.run_send,
    annotate.FETCH: annotate.run_fetch,
    "kit": kit.run_kit,
    "normalize": normalize.run_normalize,
    waveform.KIND: waveform.run_peaks,
    speakers.KIND: speakers.run_speakers,
    comparisons.KIND: comparisons.run_compare,
    understood.KIND: understood.run_understand,
}


@dataclass
class Engine:
    """What works in this process; `runner` is None where jobs are left to others."""

    house: Housekeeper
    runner: ThreadRunner | None

    def stop(self, timeout_s: float = 10) -> None:
        """Stop what runs and queue it again."""
        self.house.stop()
        if self.runner is not None:
            self.runner.stop(timeout_s)


def start_web(services: Services) -> Engine:
    """What a web process does besides answering.

    On one machine that is all jobs, unless PPI_JOBS_IN_WEB says no. With workers it is only to take in the uploads
    whose bytes lie here.
    """
    if services.is_cluster:
        return start_engine(services, "web", [(("receive",), services.settings.jobs.light)])
    return start_engine(services, "web", lanes(services) if services.settings.jobs.is_run_in_web else [])


def start_engine(services: Services, role: str, wanted: Sequence[Lane]) -> Engine:
    """Keep house, and do the jobs of the wanted lanes in threads of this process."""
    queues = tuple(queue for names, _ in wanted for queue in names)
    house, runner = Housekeeper(services, role, queues), None
    if wanted:
        runner = ThreadRunner(services.ledger, make_worker(services), wanted, services.place)
        services.wake = runner.ring
        runner.start()
    house.start()
    return Engine(house, runner)


def lanes(services: Services, queues: Sequence[str] = QUEUES, concurrency: int = 0) -> list[Lane]:
    """The queues with their limits: the settings' for heavy and light ones, or `concurrency` for all together."""
    if concurrency:
        return [(tuple(queues), concurrency)]
    limits = ((HEAVY_QUEUES, services.settings.jobs.heavy), (LIGHT_QUEUES, services.settings.jobs.light))
    chosen = [(tuple(name for name in names if name in queues), limit) for names, limit in limits]
    return [(names, limit) for names, limit in chosen if names]


def make_worker(services: Services) -> Worker:
    """What does claimed jobs in this process."""
    return Worker(services.ledger, _handlers(services), services.settings.jobs.renew_s, services.ring)


def do_next(services: Services, worker: Worker, queue: str) -> bool:
    """Claim the oldest waiting job of the queue and do it; False when there is none."""
    job = services.ledger.claim(worker.name, host_name(), (queue,), 0, services.place)
    if job is not None:
        worker.do(job)
    return job is not None


def wait_for(services: Services, job: Job, on_change=lambda job: None) -> Job:
    """Wait until the job has ended, showing it about four times a second."""
    while True:
        job = services.ledger.get(job.id)
        on_change(job)
        if not job.is_active:
            return job
        time.sleep(0.25)


def _handlers(services: Services) -> dict[str, Handler]:
    def bind(work) -> Handler:
        def handle(job: Job, run: Run):
            return work(services, job, run)

        return handle

    return {kind: bind(work) for kind, work in JOBS.items()}

"""Binds the kinds of jobs to the workflows that do them, and keeps house."""

from __future__ import annotations

import time

from ppi.jobs.ledger import Job
from ppi.jobs.run import Run
from ppi.jobs.threads import ThreadRunner
from ppi.media.guards import sweep_scratch
from ppi.services import Services
from ppi.workflows import build_dataset, ingest, lessons, publish, scratch, summarize, transcribe, uploads

JOBS = {
    "ingest": ingest.run_ingest,
    "transcribe": transcribe.run_transcribe,
    "summarize": summarize.run_summarize,
    "build_dataset": build_dataset.run_build,
    "publish": publish.run_publish,
}


def start_runner(services: Services) -> ThreadRunner:
    """Work off the ledger in threads of this process, beginning with what was interrupted."""
    runner = ThreadRunner(services.ledger, _handlers(services), services.settings.jobs, lambda: keep_house(services))
    services.ring = runner.ring
    if not services.lessons.list():
        lessons.restore_rows(services)
    runner.start()
    return runner


def keep_house(services: Services) -> None:
    """Throw away unfinished uploads, working folders and scratch folders nobody needs any more."""
    uploads.sweep_uploads(services)
    sweep_scratch()
    scratch.sweep(services)


def wait_for(services: Services, job: Job, on_change=lambda job: None) -> Job:
    """Wait until the job has ended, showing it about four times a second."""
    while True:
        job = services.ledger.get(job.id)
        on_change(job)
        if not job.is_active:
            return job
        time.sleep(0.25)


def _handlers(services: Services) -> dict:
    def bind(work):
        def handle(job: Job, run: Run):
            return work(services, job, run)

        return handle

    return {kind: bind(work) for kind, work in JOBS.items()}

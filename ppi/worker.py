"""The Celery worker: `python -m ppi worker` on a machine that does jobs for the others, when REDIS_ENABLED is true.

One process: Celery brings the bells, threads of its pool do the jobs, and the heavy work happens in their children.
"""

from __future__ import annotations

import os

from celery import Celery
from celery.signals import setup_logging, worker_ready, worker_shutting_down

from ppi.jobs.celery_queue import TASK, make_celery, queue_of, worker_arguments
from ppi.services import Services
from ppi.workflows.house import Housekeeper
from ppi.workflows.runner import do_next, make_worker


def run_worker(services: Services, queues: tuple[str, ...], concurrency: int) -> None:
    """Serve the queues until stopped by a signal; what runs then is queued again for another worker."""
    app = make_celery(services.settings.redis)
    worker = make_worker(services)
    house = Housekeeper(services, "worker", queues)
    _define_task(app, services, worker)

    def begin(**_) -> None:
        house.start()

    def end(**_) -> None:
        house.stop()
        worker.stop()

    def keep_logs(**_) -> None:
        """PPI has set up its logs; with a receiver here Celery leaves them alone."""

    setup_logging.connect(keep_logs, weak=False)
    worker_ready.connect(begin, weak=False)
    worker_shutting_down.connect(end, weak=False)
    app.worker_main(worker_arguments(queues, concurrency, f"ppi-{os.getpid()}@%h"))


def _define_task(app: Celery, services: Services, worker) -> None:
    @app.task(name=TASK, bind=True)
    def run_job(task, job_id: str) -> None:
        """Do the oldest waiting job of the queue through which this message came; `job_id` is the one that rang."""
        if not worker.is_stopping:
            do_next(services, worker, queue_of(task.request))

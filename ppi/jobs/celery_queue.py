"""The bell on several machines: Celery with Redis as its broker. One task, `run_job(job_id)`; one queue a kind of work.

A message only says that there is work in its queue. Which job is done is decided by a claim in the ledger, so a message
that comes twice does nothing, and one that got lost is sent again by `ring_again`. Celery's own redelivery is therefore
set to wait longer than any job takes.
"""

from __future__ import annotations

import logging
from typing import Any

from celery import Celery
from kombu import Queue
from kombu.exceptions import OperationalError

from ppi.jobs.ledger import QUEUES, Job, Ledger
from ppi.jobs.redis_db import PREFIX
from ppi.settings import RedisSettings

TASK = "ppi.run_job"
# Queues any worker may serve; `receive` belongs to the machine with the upload's bytes.
WORKER_QUEUES = tuple(queue for queue in QUEUES if queue != "receive")
# Longer than any job. Celery's documentation names three places where it must be said.
VISIBILITY_S = 7 * 86_400
log = logging.getLogger(__name__)


def make_celery(settings: RedisSettings) -> Celery:
    """The Celery application, without tasks. Connects to nothing."""
    app = Celery("ppi", set_as_current=False)
    transport = {
        "visibility_timeout": VISIBILITY_S, "global_keyprefix": f"{PREFIX}celery:", "socket_connect_timeout": 3,
        "socket_timeout": 10, "health_check_interval": 30,
    }  # fmt: skip
    secret = f":{settings.password}@" if settings.password else ""
    scheme = "rediss" if settings.is_secure else "redis"
    app.conf.update(
        broker_url=f"{scheme}://{secret}{settings.host}:{settings.port}/{settings.db}",
        broker_transport_options=transport,
        result_backend_transport_options=transport,
        visibility_timeout=VISIBILITY_S,
        task_queues=[Queue(name) for name in WORKER_QUEUES],
        task_default_queue="media",
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        task_serializer="json",
        accept_content=["json"],
    )
    return app


class CeleryBell:
    """Rings for jobs that wait. A broker that is away is no fault: `ring_again` repeats what was missed."""

    def __init__(self, app: Celery):
        self._app = app

    def ring(self, job: Job) -> None:
        """Say that there is work in the job's queue."""
        if job.queue not in WORKER_QUEUES or job.status != "queued":
            return
        try:
            self._app.send_task(TASK, args=[job.id], queue=job.queue, retry=False)
        except OperationalError as error:
            log.warning("job %s: the bell could not be rung: %s", job.id, error)

    def ring_again(self, ledger: Ledger) -> None:
        """Ring for all jobs that may begin, in queues in which no message is left."""
        waiting: dict[str, list[Job]] = {}
        for job in ledger.due():
            waiting.setdefault(job.queue, []).append(job)
        for queue, jobs in waiting.items():
            if queue in WORKER_QUEUES and self._messages(queue) == 0:
                for job in jobs:
                    self.ring(job)

    def _messages(self, queue: str) -> int:
        try:
            with self._app.connection_for_write() as connection:
                return Queue(queue)(connection.default_channel).queue_declare(passive=False).message_count
        except OperationalError as error:
            log.warning("queue %s could not be asked: %s", queue, error)
            return -1


def worker_arguments(queues: tuple[str, ...], concurrency: int, name: str) -> list[str]:
    """The command line of a Celery worker. Threads are enough: the heavy work happens in child processes."""
    return [
        "worker", "--pool", "threads", "--concurrency", str(concurrency), "--queues", ",".join(queues), "--hostname", name,
        "--without-gossip", "--without-mingle", "--loglevel", "WARNING",
    ]  # fmt: skip


def queue_of(request: Any) -> str:
    """The queue through which this message came."""
    return request.delivery_info["routing_key"]

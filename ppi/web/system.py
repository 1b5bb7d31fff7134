"""Whether the application lives, and figures for monitoring."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ppi import __version__
from ppi.web import access
from ppi.workflows import system

bp = Blueprint("system", __name__)


@bp.get("/health")
@bp.get("/health/ready")
def health() -> tuple[Response, int]:
    """Readiness: 200 when the store and the ledger answer, else 503 with what does not."""
    found = system.readiness(access.services())
    is_well = all(state == "ok" for state in found.values())
    return jsonify(success=is_well, version=__version__, **found), 200 if is_well else 503


@bp.get("/health/live")
def live() -> Response:
    """Liveness: this process answers. It asks nothing else, so that a store that is away restarts nobody."""
    return jsonify(success=True, version=__version__)


@bp.get("/metrics")
def metrics() -> Response:
    """Figures of the whole cluster in the text format of Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(system.look(access.services())))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _Figures(Collector):
    """What the ledger and the store say now: no process keeps counters, so it does not matter which one is asked."""

    def __init__(self, seen: system.SystemView):
        self._seen = seen

    def collect(self) -> Iterator[Metric]:
        seen = self._seen
        up = GaugeMetricFamily("ppi_up", "Whether a part answers.", labels=["part"])
        for part in ("store", "ledger", "ffmpeg"):
            up.add_metric([part], 0 if part in seen.faults else 1)
        jobs = GaugeMetricFamily("ppi_jobs", "Jobs in the ledger.", labels=["queue", "status"])
        for (queue, status), amount in sorted(seen.counts.items()):
            jobs.add_metric([queue, status], amount)
        waiting = GaugeMetricFamily("ppi_queue_length", "Jobs that wait.", labels=["queue"])
        for queue in seen.queues:
            waiting.add_metric([queue.name], queue.waiting)
        age = GaugeMetricFamily("ppi_job_age_seconds", "How long the oldest running job has run.", labels=["queue"])
        for queue, oldest_s in self._oldest().items():
            age.add_metric([queue], oldest_s)
        processes = GaugeMetricFamily("ppi_processes", "Processes seen in the last half minute.", labels=["role"])
        for role in sorted({process.role for process in seen.processes}):
            processes.add_metric([role], sum(process.role == role for process in seen.processes))
        yield from (up, jobs, waiting, age, processes)
        yield GaugeMetricFamily("ppi_disk_free_bytes", "Room on the disk of the web server's data folder.", seen.free_bytes)

    def _oldest(self) -> dict[str, float]:
        oldest: dict[str, float] = {}
        for job in self._seen.running:
            oldest[job.queue] = max(oldest.get(job.queue, 0.0), self._seen.now_s - job.started_s)
        return oldest

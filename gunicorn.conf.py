"""Settings of `gunicorn wsgi:app`; every worker process runs jobs, and the ledger keeps them from colliding."""

import os

bind = f"{os.environ.get('PPI_HOST', '127.0.0.1')}:{os.environ.get('PPI_PORT', '5000')}"
# Threads for requests that have arrived: slow connections wait without one.
worker_class = "ppi.server.PatientWorker"
workers = 1
# Every upload holds a thread while a chunk arrives, so there must be more of them than uploads at a time.
threads = 64
# Heartbeats of threaded workers do not wait for requests: a long upload is no reason to be killed.
timeout = 60
graceful_timeout = 10
keepalive = 5
preload_app = False
# The request line of a log would hold the signatures of links.
accesslog = None
control_socket_disable = True


def worker_exit(server, worker):
    """Jobs of a process that ends are queued again at once, for the others or for the next start."""
    import wsgi

    wsgi.engine.stop(5)

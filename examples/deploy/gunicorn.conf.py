"""gunicorn: `gunicorn --config gunicorn.conf.py bookshop:app`."""

from __future__ import annotations

from typing import Any

bind = "127.0.0.1:8000"
workers = 2  # Processes; one or two for each core.
worker_class = "gthread"
threads = 8  # Requests at once in each process.
graceful_timeout = 30  # Seconds that requests in flight have to finish in.
# gunicorn believes X-Forwarded-Proto of 127.0.0.1 unless told otherwise, so a client could say it
# through a proxy that passes it on. Whom to believe is said once, to the app: trusted_proxies.
forwarded_allow_ips = ""


def post_worker_init(worker: Any) -> None:
    """Set up in each new worker; one that fails here ends gunicorn."""
    worker.wsgi.start()


def worker_exit(server: Any, worker: Any) -> None:
    """Take down when a worker ends."""
    if worker.booted:
        worker.wsgi.stop()

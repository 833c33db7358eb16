"""The server of the baselines: a bare Flask handler on granian's WSGI threads, one process."""

THREADS = 16


def served_bare(app: str) -> str:
    """Return the shell command that serves a WSGI app on ``$PORT``."""
    return (
        "granian --interface wsgi --host 127.0.0.1 --port ${PORT} --workers 1"
        f" --blocking-threads {THREADS} --no-ws --respawn-failed-workers --log-level warning {app}"
    )

"""Which workers and schedulers are alive, told by themselves in Redis."""

from time import time

from redis import Redis

BEAT_SECONDS = 2.0
_FRESH_SECONDS = 10.0


def beat(redis: Redis, kind: str, name: str) -> None:
    """Say that the process ``name`` of a kind (``worker``, ``cron``) is alive now."""
    now = time()
    with redis.pipeline(transaction=False) as pipeline:
        pipeline.zadd(_key(kind), {name: now})
        pipeline.zremrangebyscore(_key(kind), "-inf", now - 10 * _FRESH_SECONDS)
        pipeline.execute()


def leave(redis: Redis, kind: str, name: str) -> None:
    """Say that the process stopped as asked."""
    redis.zrem(_key(kind), name)


def alive(redis: Redis, kind: str) -> int:
    """Return how many processes of a kind said so in the last ten seconds."""
    return redis.zcount(_key(kind), time() - _FRESH_SECONDS, "+inf")


def _key(kind: str) -> str:
    return f"cycle:beats:{kind}"

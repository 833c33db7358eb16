"""Bells: coalesced, delayed, never a reason to fail."""

import json
from time import time

from redis import Redis
from rq.job import Job
from rq.registry import ScheduledJobRegistry

from jobs.clients.redis import connect
from jobs.queue import Task, queue_of, ring
from standin.processes import free_port


def test_rings_until_answered_are_one(redis_client: Redis) -> None:
    assert all(ring(redis_client, Task.SEND_SMS) for _ in range(5))

    queue = queue_of(redis_client)
    assert queue.count == 1
    (job,) = queue.jobs
    assert job.func_name == "jobs.worker.perform"
    assert job.args[0] == "jobs.tasks.send_sms.run"


def test_bell_that_was_taken_down_rings_again(redis_client: Redis) -> None:
    ring(redis_client, Task.SEND_SMS)
    redis_client.delete(queue_of(redis_client).jobs[0].args[1])

    ring(redis_client, Task.SEND_SMS)

    assert queue_of(redis_client).count == 2


def test_tasks_have_bells_of_their_own(redis_client: Redis) -> None:
    ring(redis_client, Task.SEND_SMS)
    ring(redis_client, Task.PROCESS_CALLBACKS)

    assert queue_of(redis_client).count == 2


def test_delayed_bell_is_never_early_and_does_not_silence_others(redis_client: Redis) -> None:
    now = time()
    ring(redis_client, Task.SUBMIT_PAYMENTS, delay_seconds=3)
    ring(redis_client, Task.SUBMIT_PAYMENTS)

    registry = ScheduledJobRegistry(queue=queue_of(redis_client))
    (job_id,) = registry.get_job_ids()
    due = registry.get_scheduled_time(job_id).timestamp()
    assert now + 3 <= due <= now + 5
    assert queue_of(redis_client).count == 1


def test_job_holds_a_name_and_nothing_of_a_customer(redis_client: Redis) -> None:
    ring(redis_client, Task.SEND_SMS)

    job_id = queue_of(redis_client).job_ids[0]
    stored = Job.fetch(job_id, redis_client, serializer=queue_of(redis_client).serializer)
    assert json.dumps(stored.args) == json.dumps(
        [str(Task.SEND_SMS), f"cycle:bell:{Task.SEND_SMS}"]
    )


def test_ring_without_redis_says_no_and_raises_nothing() -> None:
    assert ring(connect(f"redis://127.0.0.1:{free_port()}/0"), Task.SEND_SMS) is False

"""The doorbell of the workers.

What is to be done stands in PostgreSQL; a job only says "look into your table". So a lost
job costs time and no work: cron rings every bell again. Jobs carry no data of customers.
"""

import math
from datetime import UTC, datetime
from enum import StrEnum
from time import time

import structlog
from redis import Redis, RedisError
from rq import Queue
from rq.serializers import JSONSerializer

QUEUE_NAME = "cycle"
_JOB_SECONDS_MAX = 600
_FAILURE_KEPT_SECONDS = 86_400
# A bell that was rung and lost with its job blocks later rings for at most this long.
_BELL_SECONDS = 5

_log = structlog.get_logger(__name__)


class Task(StrEnum):
    """Everything a worker can be asked to do: the dotted name of a ``run(services)``.

    ``run`` takes a JobServices, drains its table until nothing is due, and can be run
    again for ever without a second effect.
    """

    SUBMIT_PAYMENTS = "jobs.tasks.submit_payments.run"
    PROCESS_CALLBACKS = "jobs.tasks.process_callbacks.run"
    QUERY_PAYMENTS = "jobs.tasks.query_payments.run"
    READ_FLOAT = "jobs.tasks.read_float.run"
    RECOVER_PAYBILLS = "jobs.tasks.recover_paybills.run"
    SEND_SMS = "jobs.tasks.send_sms.run"
    SEND_STATEMENTS = "jobs.tasks.send_statements.run"
    SEND_ORGANISATION_MAIL = "jobs.tasks.send_organisation_mail.run"
    APPLY_SMS_REPORTS = "jobs.tasks.apply_sms_reports.run"
    SEND_EMAIL = "jobs.tasks.send_email.run"
    # The worker loads this one by name from the layer above; no module of jobs imports it.
    PROCESS_INBOUND_SMS = "ussd_app.tasks.process_inbound_sms.run"
    FOLD_BALANCES = "jobs.tasks.fold_balances.run"
    SEAL_AUDIT = "jobs.tasks.seal_audit.run"
    RECONCILE = "jobs.tasks.reconcile.run"
    CREATE_PARTITIONS = "jobs.tasks.create_partitions.run"


def queue_of(redis: Redis) -> Queue:
    """Return the one queue that all workers serve."""
    return Queue(QUEUE_NAME, connection=redis, serializer=JSONSerializer)


def ring(redis: Redis, task: Task, delay_seconds: float = 0) -> bool:
    """Ask a worker to run a task now or after a delay; rings in between are one.

    Returns False when Redis can't be reached: the caller has committed its row, so the
    next sweep finds it and nothing else must fail.
    """
    due = math.ceil(time() + delay_seconds) if delay_seconds > 0 else 0
    bell = f"cycle:bell:{task}:{due}" if due else f"cycle:bell:{task}"
    try:
        if not redis.set(bell, b"1", nx=True, ex=_BELL_SECONDS + math.ceil(delay_seconds)):
            return True
        queue = queue_of(redis)
        options = {
            "job_timeout": _JOB_SECONDS_MAX,
            "result_ttl": 0,
            "failure_ttl": _FAILURE_KEPT_SECONDS,
        }
        if due:
            moment = datetime.fromtimestamp(due, UTC)
            queue.enqueue_at(moment, "jobs.worker.perform", str(task), bell, **options)
        else:
            queue.enqueue("jobs.worker.perform", str(task), bell, **options)
    except RedisError as error:
        _log.warning("bell_not_rung", task=str(task), error=type(error).__name__)
        return False
    return True

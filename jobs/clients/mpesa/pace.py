"""Our own pace towards Daraja, one for all workers: it gives no number for its spike arrest (1.16).

Each API has its own count, so that questions never hold up money.
"""

import hashlib
import random
import time

from limits import RateLimitItemPerSecond
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis import Redis

from jobs.clients.mpesa.account import DarajaAccount
from jobs.clients.mpesa.outcomes import Api

_QUESTIONS = frozenset({Api.STK_QUERY, Api.TRANSACTION_STATUS, Api.ACCOUNT_BALANCE})
_QUESTIONS_SHARE = 4


class Pace:
    """Lets as many requests a second through as the account may make."""

    def __init__(
        self, redis: "Redis", account: DarajaAccount, patience_seconds: float = 5.0
    ) -> None:
        storage = RedisStorage(
            "redis://", connection_pool=redis.connection_pool, key_prefix="daraja:pace"
        )
        self._limiter = MovingWindowRateLimiter(storage)
        self._patience_seconds = patience_seconds
        self._per_second = account.requests_per_second
        name = f"{account.base_url}\n{account.consumer_key}"
        self._account = hashlib.sha256(name.encode()).hexdigest()[:24]

    def wait_for_turn(self, api: Api) -> bool:
        """Wait for a turn; False when none came in time. Raises RedisError."""
        amount = self._per_second
        if api in _QUESTIONS:
            amount = max(1, amount // _QUESTIONS_SHARE)
        limit = RateLimitItemPerSecond(amount)
        deadline = time.monotonic() + self._patience_seconds
        while not self._limiter.hit(limit, self._account, api.value):
            free_at = self._limiter.get_window_stats(limit, self._account, api.value).reset_time
            # Workers that wait together must not come back together.
            wait = max(free_at - time.time(), 0.0) + random.uniform(0.01, 0.1)  # noqa: S311
            if time.monotonic() + wait > deadline:
                return False
            time.sleep(wait)
        return True

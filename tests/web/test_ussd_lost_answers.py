"""A claim whose answer got lost on the way from Redis is the same claim when asked for again."""

import asyncio
from urllib.parse import urlsplit

from redis import Redis

from jobs.clients.redis import Pipeline
from ussd_app.sessions import Claim, Sessions, Verdict

CALLER = ("+254712345678", "*384*2929#")


class Forgetful:
    """Stands between a client and Redis; told to, it loses one answer and the connection."""

    def __init__(self, host: str, port: int) -> None:
        self._redis = (host, port)
        self.loses_next = False
        self.lost = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_redis, to_redis = await asyncio.open_connection(*self._redis)
        while asked := await reader.read(65536):
            to_redis.write(asked)
            answer = await from_redis.read(65536)
            if self.loses_next:
                self.loses_next = False
                self.lost += 1
                break
            writer.write(answer)
        to_redis.close()
        writer.close()


def test_a_claim_whose_answer_was_lost_is_not_its_own_twin(
    redis_url: str, redis_client: Redis
) -> None:
    async def claims() -> list[Claim]:
        where = urlsplit(redis_url)
        between = Forgetful(str(where.hostname), int(where.port or 0))
        server = await asyncio.start_server(between.serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        address = where._replace(netloc=where.netloc.rpartition("@")[0] + f"@127.0.0.1:{port}")
        pipeline = Pipeline(address.geturl(), answer_seconds=20)
        sessions = Sessions(redis_client, pipeline, "secret")
        await sessions.claim("another", *CALLER, "")  # Redis knows the script from now on
        between.loses_next = True
        first = await sessions.claim("s", *CALLER, "")
        await sessions.commit(first, "CON Menu", "{}")
        between.loses_next = True
        following = await sessions.claim("s", *CALLER, "1")
        await pipeline.close()
        server.close()
        assert between.lost == 2
        return [first, following]

    first, following = asyncio.run(claims())
    assert first.verdict is Verdict.FIRST
    assert (following.verdict, following.typed) == (Verdict.NEXT, "1")

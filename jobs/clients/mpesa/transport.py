"""How requests travel to Daraja: session, timeouts, token, classification. No money retries."""

import ssl
import time

import requests
import structlog
from redis import Redis
from redis.exceptions import RedisError
from requests.adapters import HTTPAdapter
from urllib3.exceptions import MaxRetryError, NewConnectionError

from jobs.clients.mpesa.account import DarajaAccount
from jobs.clients.mpesa.outcomes import TOKEN_CODES, Answer, Api, Outcome, classify, parse_json
from jobs.clients.mpesa.pace import Pace
from jobs.clients.mpesa.redaction import redact_text
from jobs.clients.mpesa.token import Token, TokenStore, TokenUnavailableError

_ANSWER_BYTES_MAX = 4 * 1024 * 1024
_OAUTH_PATH = "/oauth/v1/generate?grant_type=client_credentials"

log = structlog.get_logger(__name__)


class Daraja:
    """One organisation's connection to Daraja; the API modules call ``post``.

    ``redis`` must return bytes (no ``decode_responses``): it holds the sealed token.
    """

    def __init__(self, account: DarajaAccount, redis: "Redis") -> None:
        self.account = account
        self._timeout = (account.connect_timeout_seconds, account.read_timeout_seconds)
        self._session = requests.Session()
        adapter = HTTPAdapter(max_retries=0)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        self._tokens = TokenStore(redis, account, self._fetch_token)
        self._pace = Pace(redis, account)

    def post(self, api: Api, path: str, payload: dict[str, object]) -> Answer:
        """Send one request and return its outcome; never raises for what the network does.

        Only a refusal of the token is sent a second time, because the gateway gave it
        before anything behind it saw the request (Daraja 1.2).
        """
        started = time.monotonic()
        try:
            answer = self._post_in_turn(api, path, payload)
        except (TokenUnavailableError, RedisError) as error:
            answer = Answer(
                Outcome.REFUSED, "no_token", redact_text(str(error), *self._secrets()), True
            )
        log.info(
            "daraja_answered",
            api=api.value,
            outcome=answer.outcome.value,
            code=answer.code,
            text=answer.text,
            http_status=answer.http_status,
            milliseconds=round((time.monotonic() - started) * 1000),
        )
        return answer

    def _post_in_turn(self, api: Api, path: str, payload: dict[str, object]) -> Answer:
        if not self._pace.wait_for_turn(api):
            return Answer(Outcome.REFUSED, "own_pace", "too many requests of our own", True)
        token = self._tokens.current()
        answer = self._send(api, path, payload, token)
        if answer.code in TOKEN_CODES:
            self._tokens.drop(token)
            answer = self._send(api, path, payload, self._tokens.current())
        return answer

    def _send(self, api: Api, path: str, payload: dict[str, object], token: Token) -> Answer:
        secrets = (*self._secrets(), token.value)
        try:
            with self._session.post(
                self.account.base_url + path,
                json=payload,
                headers={"Authorization": f"Bearer {token.value}"},
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            ) as response:
                raw = response.raw.read(_ANSWER_BYTES_MAX, decode_content=True)
                status = response.status_code
        except Exception as error:
            return _failed_request(error, *secrets)
        return classify(api, status, raw, *secrets)

    def _fetch_token(self) -> dict[str, object]:
        try:
            response = self._session.get(
                self.account.base_url + _OAUTH_PATH,
                auth=(self.account.consumer_key, self.account.consumer_secret),
                timeout=self._timeout,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise TokenUnavailableError(f"no OAuth answer: {type(error).__name__}") from error
        parsed = parse_json(response.content)
        if response.status_code != 200 or not isinstance(parsed, dict):
            raise TokenUnavailableError(f"OAuth answered {response.status_code}")
        return parsed

    def _secrets(self) -> tuple[str, ...]:
        account = self.account
        return (account.consumer_secret, account.passkey, account.initiator_password)


def _failed_request(error: Exception, *secrets: str) -> Answer:
    """Classify a request without a readable answer: refused only if no byte can have left."""
    text = redact_text(f"{type(error).__name__}: {error}", *secrets)
    if _was_never_sent(error):
        return Answer(Outcome.REFUSED, "not_connected", text, temporary=True)
    return Answer(Outcome.UNKNOWN, "no_answer", text)


def _was_never_sent(error: Exception) -> bool:
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else None
    if isinstance(reason, NewConnectionError):
        return True
    inner = reason.args[0] if reason is not None and reason.args else None
    return isinstance(inner, ssl.SSLCertVerificationError)

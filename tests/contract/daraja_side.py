"""The caller's side of Daraja for the stand-in's tests: a merchant, and its listener."""

import base64
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

SHORTCODE = "600966"
PASSKEY = "passkey"
PAYER = "254712345678"


@dataclass
class Callback:
    """One POST that M-Pesa sent."""

    path: str
    text: str
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Listener:
    """Receives callbacks on a free port. ``answer`` decides status and body by path."""

    def __init__(self) -> None:
        self.callbacks: list[Callback] = []
        self.answer: Callable[[Callback], tuple[int, str]] = lambda callback: (
            200,
            '{"ResultCode": 0, "ResultDesc": "Accepted"}',
        )
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def at(self, path: str) -> list[Callback]:
        """What came to one path, in order."""
        with self._lock:
            return [c for c in self.callbacks if c.path == path]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        listener = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                text = self.rfile.read(int(self.headers["Content-Length"])).decode()
                callback = Callback(self.path, text, dict(self.headers))
                with listener._lock:
                    listener.callbacks.append(callback)
                status, body = listener.answer(callback)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler


class Merchant:
    """Speaks to the stand-in exactly as a product would."""

    def __init__(self, standin_url: str, listener: Listener) -> None:
        self.base = standin_url
        self.listener = listener
        self.http = requests.Session()
        self.token = ""

    def authorise(self) -> str:
        answer = self.http.get(
            f"{self.base}/daraja/oauth/v1/generate?grant_type=client_credentials",
            auth=("key", "secret"),
            timeout=10,
        )
        assert answer.status_code == 200
        self.token = answer.json()["access_token"]
        return self.token

    def post(self, path: str, body: dict[str, Any], **options: Any) -> requests.Response:
        options.setdefault("timeout", 20)
        return self.http.post(
            f"{self.base}/daraja{path}",
            json=body,
            headers={"Authorization": f"Bearer {self.token}"},
            **options,
        )

    def push_body(self, **changes: Any) -> dict[str, Any]:
        timestamp = (datetime.now(UTC) + timedelta(hours=3)).strftime("%Y%m%d%H%M%S")
        return {
            "BusinessShortCode": SHORTCODE,
            "Password": password(SHORTCODE, PASSKEY, timestamp),
            "Timestamp": timestamp,
            "TransactionType": "CustomerPayBillOnline",
            "Amount": 500,
            "PartyA": PAYER,
            "PartyB": SHORTCODE,
            "PhoneNumber": PAYER,
            "CallBackURL": f"{self.listener.url}/hooks/stk/a-long-token-of-a-payment",
            "AccountReference": "CYC000000001",
            "TransactionDesc": "Deposit",
            **changes,
        }

    def push(self, **changes: Any) -> requests.Response:
        return self.post("/mpesa/stkpush/v1/processrequest", self.push_body(**changes))

    def query(self, checkout: str) -> requests.Response:
        body = self.push_body()
        fields = ("BusinessShortCode", "Password", "Timestamp")
        return self.post(
            "/mpesa/stkpushquery/v1/query",
            {name: body[name] for name in fields} | {"CheckoutRequestID": checkout},
        )

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.http.request(method, f"{self.base}{path}", json=body, timeout=20)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def answer_prompt(self, answer: dict[str, Any], msisdn: str = PAYER) -> Any:
        prompts = self.control("GET", f"/handset/{msisdn}/prompts")
        assert len(prompts) == 1, prompts
        return self.control("POST", f"/handset/{msisdn}/prompts/{prompts[0]['id']}", answer)


def password(shortcode: str, passkey: str, timestamp: str) -> str:
    """The STK password, computed by hand for the tests."""
    return base64.b64encode(f"{shortcode}{passkey}{timestamp}".encode()).decode()

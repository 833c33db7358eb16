"""Members of staff who talk to the API."""

import itertools
import time

import pyotp
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ledger.commands import staff
from ledger.core.access import Role
from ledger.core.context import Context
from ledger.db import staff as rows
from ledger.db.engine import Database
from ledger.totp import TotpSealer, new_secret
from tests.e2e.stack import wait_until
from tests.quick_hashing import PASSWORD, PASSWORD_HASH
from ussd_app.settings import Settings

SYSTEM = Context.of_system("test")
_numbers = itertools.count(1)


class ApiStaff:
    """A member of staff with a second factor and an access token."""

    def __init__(
        self, client: FlaskClient, database: Database, settings: Settings, *roles: Role
    ) -> None:
        self.client = client
        self.email = f"staff{next(_numbers)}.{time.monotonic_ns()}@cycle.example"
        self.admin_id = self._employed(database, roles)
        self.secret = new_secret()
        sealer = TotpSealer(settings.secret_key.get_secret_value())

        def enrolled() -> bool:
            # The code before this one, so that the next sign-in may use a newer one. It runs out
            # when a new step begins between here and the check; then the next one does.
            code = pyotp.TOTP(self.secret).at(time.time() - 30)
            refusal = staff.enrol_second_factor(database, sealer, self.admin_id, self.secret, code)
            return refusal is None

        wait_until(enrolled)

    def _employed(self, database: Database, roles: tuple[Role, ...]) -> int:
        """Do as ``staff.create`` does; that takes 0.1 s for the password alone."""
        with database.transaction(SYSTEM) as connection:
            admin_id = rows.insert(connection, self.email, PASSWORD_HASH)
            assert admin_id is not None
            for role in roles:
                rows.add_role(connection, admin_id, role, SYSTEM.actor)
        return admin_id

    def login(self, **changed: str) -> TestResponse:
        code = pyotp.TOTP(self.secret).now()
        body = {"email": self.email, "password": PASSWORD, "totp": code, **changed}
        return self.client.post("/api/auth/login", json=body)

    def signed_in(self) -> "ApiStaff":
        answer = self.login()
        assert answer.status_code == 200, answer.text
        self.headers = {"Authorization": f"Bearer {answer.json['accessToken']}"}
        return self

    def get(self, path: str) -> TestResponse:
        return self.client.get(path, headers=self.headers)

    def post(self, path: str, body: object = None) -> TestResponse:
        if body is None:
            return self.client.post(path, headers=self.headers)
        return self.client.post(path, json=body, headers=self.headers)

"""Somebody with a browser at the console."""

import re
from typing import Any

import pyotp
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ledger.core.access import Role
from ledger.db.engine import Database
from tests.quick_hashing import PASSWORD
from tests.web.api_staff import ApiStaff
from ussd_app.settings import Settings


class Visitor:
    """Somebody with a browser."""

    def __init__(
        self, app: Flask, database: Database, settings: Settings, *roles: Role, enrol: bool = True
    ) -> None:
        self.client: FlaskClient = app.test_client()
        if enrol:
            self.member = ApiStaff(self.client, database, settings, *roles)
            code = pyotp.TOTP(self.member.secret).now()
            answer = self.sign_in(self.member.email, code=code)
            assert answer.status_code == 303, answer.text

    def sign_in(self, email: str, password: str = PASSWORD, code: str = "") -> TestResponse:
        form = {"email": email, "password": password, "code": code}
        return self.client.post("/admin/sign-in", data=form)

    def get(self, path: str) -> TestResponse:
        return self.client.get(f"/admin{path}")

    def post(self, path: str, *, follow: bool = True, **form: Any) -> TestResponse:
        page = self.get("/customers").text
        found = re.search(r'name="form_token" value="([0-9a-f]+)"', page)
        assert found is not None
        return self.client.post(
            f"/admin{path}",
            data={"form_token": found[1], **form},
            follow_redirects=follow,
            content_type="multipart/form-data",
        )

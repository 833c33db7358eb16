"""The environment is read at once, and every problem is named without its value."""

import pytest

from jobs.settings import SettingsError
from tests.conftest import settings_of
from ussd_app.settings import Settings

PASSKEY_OF_SANDBOX = "bfb279f9aa9bdbcf158e97dd71a467cd2e0c893059b10f78e6b72ada1ed2c919"
PRODUCTION = {
    "ENVIRONMENT": "production",
    "DATABASE_URL": "postgresql://cycle@db/cycle",
    "REDIS_URL": "rediss://cache:6379/0",
    "PUBLIC_URL": "https://cycle.example.co.ke/",
    "SECRET_KEY": "k" * 40,
    "PIN_PEPPER": "p" * 40,
    "AT_USERNAME": "cycle",
    "AT_API_KEY": "atsk_123",
    "AT_CALLBACK_KEYS": "a" * 24 + " , " + "b" * 24,
    "AT_CALLBACK_NETWORKS": "10.0.0.0/8, 192.0.2.7/32",
    "USSD_CODE": "*384*2929#",
    "SUPPORT_NUMBER": "0700000000",
    "SMS_CODE": "22929",
    "MPESA_CONSUMER_KEY": "ck",
    "MPESA_CONSUMER_SECRET": "cs",
    "MPESA_SHORTCODE": "600966",
    "MPESA_PASSKEY": "pk",
    "MPESA_B2C_SHORTCODE": "600967",
    "MPESA_INITIATOR_NAME": "api",
    "MPESA_SECURITY_CREDENTIAL": "sealed",
    "MPESA_C2B_KEYS": "c" * 32,
    "SMTP_HOST": "mail.example.co.ke",
    "SMTP_FROM": "receipts@example.co.ke",
    "ADMIN_EMAILS": "finance@example.co.ke,treasury@example.co.ke",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory):
    """Sets exactly these variables of ours, in a folder without a .env."""

    def use(variables: dict[str, str]) -> None:
        for name in Settings.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path_factory.mktemp("empty"))

    return use


def problems(environment, variables: dict[str, str]) -> list[str]:
    environment(variables)
    with pytest.raises(SettingsError) as refused:
        Settings.load()
    return refused.value.problems


def test_complete_environment_is_usable(environment) -> None:
    environment(PRODUCTION)

    settings = Settings.load()

    assert [key.get_secret_value() for key in settings.at_callback_keys] == ["a" * 24, "b" * 24]
    assert settings.admin_emails == ("finance@example.co.ke", "treasury@example.co.ke")
    assert settings.stk_callback_url("t") == "https://cycle.example.co.ke/hooks/stk/t"
    assert settings.b2c_timeout_url("t") == "https://cycle.example.co.ke/hooks/b2c/t/timeout"
    assert settings.c2b_url("confirm").endswith(f"/hooks/c2b/{'c' * 32}/confirm")


def test_empty_environment_names_every_missing_variable(environment) -> None:
    found = problems(environment, {})

    required = {
        name.upper() for name, field in Settings.model_fields.items() if field.is_required()
    }
    named = {line.split(" ")[0].rstrip(":") for line in found}
    assert named == required | {"MPESA_SECURITY_CREDENTIAL"}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("MPESA_SHORTCODE", "174379", "sandbox shortcode"),
        ("MPESA_PASSKEY", PASSKEY_OF_SANDBOX, "sandbox passkey"),
        ("AT_USERNAME", "sandbox", "test account"),
        ("SECRET_KEY", "development-" + "x" * 40, "development secret"),
        ("PIN_PEPPER", "development-" + "x" * 40, "development secret"),
        ("AT_API_KEY", "change-me", "development secret"),
        ("AT_CALLBACK_KEYS", "development-" + "x" * 40, "development secret"),
        ("MPESA_C2B_KEYS", "development-" + "x" * 40, "development secret"),
        ("PUBLIC_URL", "http://cycle.example.co.ke", "https://"),
        ("MPESA_CALLBACK_URL", "http://cycle.example.co.ke/stk", "https://"),
        ("AT_CALLBACK_KEYS", "short", "24 to 128"),
        ("AT_CALLBACK_KEYS", ",".join("abc" * 8 + str(n) for n in range(3)), "at most 2"),
        ("AT_CALLBACK_NETWORKS", "10.0.0.0/99", "networks"),
        ("USSD_CODE", "384*2929", "pattern"),
        ("REDIS_URL", "http://cache", "redis://"),
        ("SECRET_KEY", "k" * 31, "at least 32"),
        ("ADMIN_EMAILS", "finance", "mail addresses"),
        ("MPESA_CERTIFICATE", "/nonexistent.pem", "names no file"),
        ("DATABASE_POOL_MAX", "0", "greater than or equal to 1"),
    ],
)
def test_unusable_value_is_named_and_not_shown(environment, name, value, words) -> None:
    found = problems(environment, PRODUCTION | {name: value})

    assert len(found) == 1
    assert found[0].startswith(name)
    assert words in found[0]
    assert value not in found[0]


def test_problems_of_several_variables_come_together(environment) -> None:
    found = problems(
        environment,
        PRODUCTION | {"SECRET_KEY": "short", "MPESA_SHORTCODE": "174379", "SMTP_PORT": "mail"},
    )

    assert sorted(line.split(":")[0] for line in found) == [
        "MPESA_SHORTCODE",
        "SECRET_KEY",
        "SMTP_PORT",
    ]


def test_development_takes_what_production_refuses() -> None:
    settings = settings_of(
        PRODUCTION
        | {
            "ENVIRONMENT": "development",
            "MPESA_SHORTCODE": "174379",
            "MPESA_PASSKEY": PASSKEY_OF_SANDBOX,
            "PUBLIC_URL": "http://127.0.0.1:8000",
            "SECRET_KEY": "development-" + "x" * 40,
        }
    )

    assert settings.mpesa_shortcode == "174379"


def test_secrets_are_not_in_the_settings_own_text() -> None:
    text = repr(settings_of(PRODUCTION))

    for name in ("SECRET_KEY", "PIN_PEPPER", "AT_API_KEY", "MPESA_SECURITY_CREDENTIAL"):
        assert PRODUCTION[name] not in text


def test_dotenv_file_is_read_and_the_environment_wins(environment, monkeypatch) -> None:
    environment(PRODUCTION)
    monkeypatch.delenv("SMS_CODE")
    with open(".env", "w", encoding="utf-8") as file:
        file.write("SMS_CODE=33333\nUSSD_CODE=*999#\n")

    settings = Settings.load()

    assert (settings.sms_code, settings.ussd_code) == ("33333", "*384*2929#")

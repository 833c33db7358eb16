"""Entry point of ASGI servers: ``ussd_app.asgi:front``."""

import gc
import sys

from jobs.errors import report_errors
from jobs.logging import configure_logging
from jobs.settings import SettingsError
from ussd_app.services import Services
from ussd_app.settings import Settings
from ussd_app.web import create_app, create_front

try:
    settings = Settings.load()
except SettingsError as error:
    sys.exit(f"The environment is not usable:\n{error}")

configure_logging(as_json=settings.log_json)
report_errors(settings)
front = create_front(create_app(Services.open(settings)))
gc.freeze()  # what is loaded by now stays: no search for garbage looks at it again

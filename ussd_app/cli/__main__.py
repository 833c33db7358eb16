"""Makes ``python -m ussd_app.cli`` the same as ``cycle``."""

from ussd_app.cli import main

if __name__ == "__main__":
    main()

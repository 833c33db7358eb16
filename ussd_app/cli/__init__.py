"""The `cycle` command. Each module here that defines ``command`` is a subcommand."""

import gc
import pkgutil
import sys
from importlib import import_module

import click


class _FolderGroup(click.Group):
    """Finds subcommands by file name and imports only the one that runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        names = (module.name for module in pkgutil.iter_modules(__path__))
        return sorted(name.replace("_", "-") for name in names if not name.startswith("_"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        gc.disable()  # among what is imported there is no garbage: to look costs 0.1 s of CPU
        module = import_module(f"{__name__}.{cmd_name.replace('-', '_')}")
        gc.freeze()
        gc.enable()
        command: click.Command = module.command
        return command


@click.group(cls=_FolderGroup, context_settings={"help_option_names": ["-h", "--help"]})
def cycle() -> None:
    """Cycle: a mobile-money wallet for feature phones."""


def main() -> None:
    """Run `cycle`; exit 0 for done, 1 for a failure, 2 for a wrong command line."""
    try:
        cycle()
    except Exception as error:
        from jobs.settings import SettingsError  # `cycle up` and `cycle dial` need none

        if not isinstance(error, SettingsError):
            raise
        click.echo(f"The environment is not usable:\n{error}", err=True)
        sys.exit(1)

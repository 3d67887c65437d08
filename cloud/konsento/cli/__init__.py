"""The command line. Only what is asked for is loaded: all of it together takes seconds."""

import logging
import sys
from typing import Any, Final, override

import typer
from typer.core import TyperGroup
from typer.main import get_command

from konsento.kit.errors import KonsentoError

_PARTS: Final = ("advice", "platform", "computation", "portal")
"""What needs nothing of the management server, by its first word."""


class _Commands(TyperGroup):
    """All commands, each loaded when it is asked for."""

    @override
    def list_commands(self, ctx: Any) -> list[str]:
        self._load_server()
        return [*super().list_commands(ctx), *_PARTS]

    @override
    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in _PARTS:
            return _commands_of(_part(cmd_name), cmd_name)[cmd_name]
        self._load_server()
        return super().get_command(ctx, cmd_name)

    def _load_server(self) -> None:
        from konsento.cli.server import cli as server  # noqa: PLC0415

        self.commands.update(_commands_of(server))


def _part(name: str) -> typer.Typer:
    match name:
        case "advice":
            from konsento.advice.cli import advice as part  # noqa: PLC0415
        case "platform":
            from konsento.environment.platform.cli import cli as part  # noqa: PLC0415
        case "computation":
            from konsento.environment.computation.cli import cli as part  # noqa: PLC0415
        case _:
            from konsento.portal.cli import cli as part  # noqa: PLC0415
    return part


def _commands_of(part: typer.Typer, name: str | None = None) -> dict[str, Any]:
    whole = typer.Typer(add_completion=False)
    whole.add_typer(part, name=name)
    commands: dict[str, Any] = getattr(get_command(whole), "commands", {})
    return commands


cli = typer.Typer(cls=_Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@cli.callback()
def _konsento() -> None:
    """Konsento's management server. Settings come from the environment (KONSENTO_…, see docs/cloud.md)."""


def main() -> None:
    """Run a command; mistakes end with a sentence on standard error and exit code 1, a wrong use with 2."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    try:
        cli()
    except (KonsentoError, OSError) as error:
        _exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        from konsento.cli.server import sentence_of  # noqa: PLC0415

        sentence = sentence_of(error)
        if sentence is None:
            raise
        _exit(sentence)


def _exit(message: str) -> None:
    typer.echo(message, err=True)
    sys.exit(1)

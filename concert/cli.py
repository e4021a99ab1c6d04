"""The command line: which commands there are, and how they end. What they do is in `commands`."""

from __future__ import annotations

import sys
import traceback
from typing import NoReturn

import typer

from concert.commands import (
    agenda,
    checking,
    demonstrating,
    directory,
    engine,
    indicators,
    mending,
    partners,
    publishing,
    replaying,
    roles,
    stalled,
    templates,
    up,
)
from concert.ending import leave
from concert.failures import DOCTOR, explain

app = typer.Typer(
    help="Concert: many agencies, one plan, numbers that count themselves.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (
    up.up,
    demonstrating.demo,
    roles.api,
    roles.worker,
    roles.relay,
    directory.migrate,
    directory.seed,
    directory.logins,
    directory.token,
    stalled.stalled,
    partners.partners,
    engine.engine,
    publishing.publish,
    mending.rehydrate,
    mending.reconcile,
    checking.doctor,
):
    app.command()(command)
indicators.indicators.command()(replaying.replay)
app.add_typer(indicators.indicators, name="indicators")
app.add_typer(agenda.agenda, name="agenda")
app.add_typer(templates.templates, name="templates")


def main() -> NoReturn:
    """Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    leave(run())


def run(arguments: list[str] | None = None) -> int:
    """The exit status; everything there is to say has been said."""
    try:
        app(arguments, prog_name="concert")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except KeyboardInterrupt:
        return 130
    except BaseExceptionGroup as several:
        return _fail(_first(several))
    except Exception as error:  # noqa: BLE001 - the one place that tells a person what nobody expected
        return _fail(error)
    return 0


def _first(several: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = several
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _fail(error: BaseException) -> int:
    """An unexpected error is named by its class and place only: its message may hold a person's name."""
    failure = explain(error)
    if failure is not None:
        sys.stderr.write(f"concert: {failure.what}\n{failure.remedy}\n")
        return 2 if failure.usage else 1
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    sys.stderr.write(
        f"concert: something went wrong that nobody expected: {type(error).__qualname__}{place}\n{DOCTOR}\n"
    )
    return 1


if __name__ == "__main__":
    main()

"""`work`: a worker process, or several."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.options import HomeOption, JsonOption, home_of

if TYPE_CHECKING:
    from worker.cli.console import Json
    from worker.services import Records
    from worker.settings import Home


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("work")(work)


def work(
    context: typer.Context,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="End when nothing wants a worker.")] = False,
    processes: Annotated[int, typer.Option(min=1, max=64, help="How many worker processes.")] = 1,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """De-identify, seal and release what was submitted."""
    from worker import app
    from worker.cli.console import facts, say
    from worker.errors import Exit
    from worker.logs import to_file

    place = home_of(context, home)
    records = app.records(place)
    to_file(place.log)
    before = _open_transfers(records)
    helpers = [_helper(place, until_idle) for _ in range(processes - 1)]
    try:
        _serve(place, until_idle)
    finally:
        for process in helpers:
            if not until_idle:
                process.terminate()
            process.wait()
    done = _outcome(records, before)
    if as_json:
        facts(done)
    else:
        say(*(f"{one['transfer']}  {one['state']}" for one in done))
    if any(one["state"] == "held" for one in done):
        raise typer.Exit(Exit.HELD)


def _serve(place: Home, until_idle: bool) -> None:
    from worker import app
    from worker.queue import Pace, serve

    app.start_keys(place)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    with app.services(place) as services:
        serve(services, Pace(until_idle, stop.is_set))


def _helper(place: Home, until_idle: bool) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "worker.cli", "--home", str(place.path), "work"]
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [*command, "--until-idle"] if until_idle else command, stdout=subprocess.DEVNULL
    )


def _open_transfers(records: Records) -> set[str]:
    from worker import cases
    from worker.database import transaction
    from worker.model import UNFINISHED

    with transaction(records.engine) as connection:
        return {transfer.id for transfer in cases.transfers(connection, *UNFINISHED)}


def _outcome(records: Records, before: set[str]) -> list[dict[str, Json]]:
    """Return what became of the transfers that wanted a worker when this one began."""
    from worker import cases
    from worker.database import transaction

    with transaction(records.engine) as connection:
        return [
            {
                "transfer": one.id,
                "case": one.case,
                "state": str(one.state),
                "codes": sorted({hold.code for hold in cases.holds(connection, one.id)}),
            }
            for one in cases.transfers(connection)
            if one.id in before
        ]

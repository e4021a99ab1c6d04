"""`concert agenda`: what the partners agreed on, as a file. Check what somebody wrote, load it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from concert.commands.common import As, Json, caller, people, settings
from concert.failures import Failed

if TYPE_CHECKING:
    from seed.agenda import Agenda
    from seed.marked import Sheet
    from services.amending import Amended

TheFile = Annotated[Path, typer.Argument(metavar="FILE", help="A common agenda; the shipped one is seed/agenda.yaml.")]

InRecord = Annotated[bool, typer.Option("--record", help="Against the record in use too, as loading it would.")]

agenda = typer.Typer(help="The common agenda: show it, check a file, load it.", invoke_without_command=True)


@agenda.callback()
def shown(context: typer.Context, as_login: As = None, as_json: Json = False) -> None:
    """What the partners agreed on: strategies, the result that each serves, the indicators that it carries."""
    if context.invoked_subcommand is not None:
        return
    from concert.console import output, show_json, show_table
    from concert.instance import reached
    from services.agreed import get_agenda

    chosen = reached(settings(), "database_url")
    call = caller(chosen, as_login)
    with people(chosen) as record:
        found = get_agenda(record, call)
    if as_json:
        show_json(found.model_dump(mode="json"))
        return
    adopted = sum(one.version == found.version for one in found.adoptions)
    head = f"{found.name}: version {found.version} of {found.adopted_on}, adopted by {adopted} partners so far\n"
    output().print(head, markup=False, soft_wrap=True)
    results = {one.code: one.name for one in found.results}
    rows = [(one.name, results.get(one.result, one.result), ", ".join(one.indicators)) for one in found.strategies]
    show_table(("Strategy", "Serves", "Indicators"), rows, empty="No strategy is agreed on.")


@agenda.command()
def check(file: TheFile, in_record: InRecord = False, as_json: Json = False) -> None:
    """Tell everything that is wrong in an agenda, line by line. Changes nothing; needs nothing that runs.

    Whether owners and pathways are there is known to the record alone: `--record`.
    """
    from concert.console import output, show_json
    from seed.agreement import read_agenda

    sheet, found = read_agenda(file)
    notes = _against_record(sheet, found) if in_record and found is not None else []
    if as_json:
        slips = [{"line": s.line, "place": s.place, "what": s.what, "remedy": s.remedy} for s in sheet.slips]
        show_json({"file": sheet.file, "slips": slips, "notes": notes})
    _refuse_slips(sheet, f"concert agenda check {file}{' --record' if in_record else ''}")
    if found is not None and not as_json:
        said = (
            f"{file}: version {found.version}, {len(found.indicators)} indicators, {len(found.strategies)} strategies"
        )
        output().print("\n".join([f"{said}: sound.", *notes]), markup=False, soft_wrap=True)


def _against_record(sheet: Sheet, found: Agenda) -> list[str]:
    """What loading it would object to, as slips; what it would note."""
    from concert.instance import reached
    from seed.agreement import amendment_of
    from services.amending import amend_agenda

    admin_url = reached(settings(), "admin_database_url").admin_database_url
    would = amend_agenda(admin_url, amendment_of(found), keep=False)
    for one in would.objections:
        sheet.slip(one.place, one.what, one.remedy)
    return would.notes


@agenda.command()
def load(file: TheFile, as_json: Json = False) -> None:
    """Load an agenda into the record: all of it, or nothing if anything is wrong. A repeat changes nothing."""
    from concert.console import output, show_json
    from concert.instance import reached
    from seed.agreement import amendment_of, read_agenda
    from services.amending import amend_agenda

    again = f"concert agenda load {file}"
    sheet, found = read_agenda(file)
    _refuse_slips(sheet, again)
    assert found is not None
    amended = amend_agenda(reached(settings(), "admin_database_url").admin_database_url, amendment_of(found))
    for one in amended.objections:
        sheet.slip(one.place, one.what, one.remedy)
    _refuse_slips(sheet, again)
    if as_json:
        show_json(
            {
                "version_added": found.version if amended.version_added else None,
                "settings": amended.settings,
                "notes": amended.notes,
                "reasons_added": amended.reasons_added,
                "updated": [{"code": code, "version": version} for code, version in amended.updated],
                "proposed": [{"code": code, "version": version} for code, version in amended.proposed],
            }
        )
        return
    output().print("\n".join(_told(found, amended)), markup=False, soft_wrap=True)


def _told(found: Agenda, amended: Amended) -> list[str]:
    if not amended.changed:
        return [f"Version {found.version} is in the record already; nothing changed.", *amended.notes]
    said = [f"Version {found.version} is in the record."]
    said += ["Each partner adopts it for itself: POST /v1/agenda/adopt."] if amended.version_added else []
    said += [f"Changed of the collaborative, from now on: {', '.join(amended.settings)}."] if amended.settings else []
    said += [f"{code}, version {version}: baseline, target or words filled in." for code, version in amended.updated]
    said += [f"Reason {code}: added." for code in amended.reasons_added]
    for code, version in amended.proposed:
        said += [
            f"{code}, version {version}: proposed; it counts nothing yet.",
            f"  See what it would say: concert indicators replay {code} --version {version}",
        ]
    return said + amended.notes


def _refuse_slips(sheet: Sheet, again: str) -> None:
    if sheet.slips:
        count = "One thing is wrong" if len(sheet.slips) == 1 else f"{len(sheet.slips)} things are wrong"
        raise Failed("\n".join([f"{count}.", *map(str, sheet.slips)]), f"Correct that, then run: {again}")

"""`concert templates`: the pathways that plans are made from. Check what somebody wrote, look at it, load it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from concert.commands.common import As, Json, caller, people, require_file, settings
from concert.commands.directory import SEED
from concert.failures import Failed

if TYPE_CHECKING:
    from domain.known import Known
    from domain.pathway import Template
    from domain.telling import Telling
    from seed.marked import Sheet
    from services.adopting import Adopted

    Checked = list[tuple[Sheet, Template | None]]

Files = Annotated[list[Path], typer.Argument(metavar="FILE", help="Templates, one in each file.")]
Which = Annotated[str, typer.Argument(metavar="CODE", help="One that `concert templates` prints, or a file.")]
Version = Annotated[int | None, typer.Option("--version", min=1, help="An earlier one than the newest.")]
Svg = Annotated[Path | None, typer.Option("--svg", metavar="FILE", help="Write the picture there.")]
InRecord = Annotated[bool, typer.Option("--record", help="Against the record in use, not the shipped region.")]
Slug = Annotated[str | None, typer.Option("--collaborative", metavar="SLUG", help="Where the record holds several.")]

templates = typer.Typer(help="Plan templates: list, check, show, load.", invoke_without_command=True)


@templates.callback()
def listed(context: typer.Context, as_login: As = None, as_json: Json = False) -> None:
    """The pathways in the record, newest versions."""
    if context.invoked_subcommand is not None:
        return
    from concert.console import show_json, show_table
    from concert.instance import reached
    from services.templates import list_templates

    chosen = reached(settings(), "database_url")
    call = caller(chosen, as_login)
    with people(chosen) as record:
        found = list_templates(record, call)
    if as_json:
        show_json({"items": [one.model_dump(mode="json") for one in found]})
        return
    rows = [(one.code, one.version, one.name, one.steps, f"{one.limit_days} days") for one in found]
    empty = "No pathway is agreed on. Run: concert seed, or: concert templates load FILE"
    show_table(("Code", "Version", "Name", "Steps", "At most"), rows, empty=empty)


@templates.command()
def check(files: Files, in_record: InRecord = False, collaborative: Slug = None, as_json: Json = False) -> None:
    """Tell everything that is wrong in a template, line by line. Changes nothing; needs nothing that runs."""
    from concert.console import output, show_json

    checked = _read(files, _known_to(_steward(), collaborative) if in_record else _shipped())
    if in_record:
        _against_record(checked, collaborative)
    if as_json:
        show_json({"files": [_as_json(sheet, template) for sheet, template in checked]})
    _refuse_slips(checked, f"concert templates check {_names(files)}")
    if not as_json:
        for sheet, template in checked:
            assert template is not None
            said = f"{sheet.file}: {template.code}, version {template.version}, {len(template.steps)} steps: sound."
            output().print(said, markup=False, soft_wrap=True)


@templates.command()
def show(code: Which, version: Version = None, svg: Svg = None, as_login: As = None, as_json: Json = False) -> None:
    """Draw a pathway: who does what, who waits for whom, and when a step happens at all."""
    from concert.console import show_json

    require_file("The picture goes", "--svg plan.svg", svg)
    template, telling = _drafted(Path(code), version) if _is_file(code) else _recorded(code, version, as_login)
    if svg is not None:
        _write(svg, template, telling)
    if as_json:
        show_json(template.body())
    elif svg is None:
        _draw(template, telling)


@templates.command()
def load(files: Files, collaborative: Slug = None, as_login: As = None, as_json: Json = False) -> None:
    """Load templates into the record: all of them, or none if anything is wrong. A repeat changes nothing."""
    from concert.console import output, show_json
    from services.adopting import adopt_templates

    admin_url = _steward()
    checked = _read(files, _known_to(admin_url, collaborative))
    again = f"concert templates load {_names(files)}"
    _refuse_slips(checked, again)
    ready = [template for _, template in checked if template is not None]
    adopted = adopt_templates(admin_url, ready, login=as_login, collaborative=collaborative)
    for (sheet, _), one in zip(checked, adopted, strict=True):
        if one.problem is not None:
            sheet.slip(one.problem.path, one.problem.what, one.problem.remedy)
    _refuse_slips(checked, again)
    if as_json:
        show_json({"items": [{"code": one.code, "version": one.version, "fresh": one.fresh} for one in adopted]})
        return
    for one in adopted:
        output().print(_told(one), markup=False)


def _against_record(checked: Checked, collaborative: str | None) -> None:
    """What loading them would object to: a version's number that is taken, or one that would leave a gap."""
    from services.adopting import adopt_templates

    sound = [(sheet, template) for sheet, template in checked if template is not None]
    would = adopt_templates(_steward(), [one for _, one in sound], collaborative=collaborative, keep=False)
    for (sheet, _), one in zip(sound, would, strict=True):
        if one.problem is not None:
            sheet.slip(one.problem.path, one.problem.what, one.problem.remedy)


def _told(one: Adopted) -> str:
    done = "loaded" if one.fresh else "was there already"
    return f"{one.code}, version {one.version}: {done}. Look at it: concert templates show {one.code}"


def _read(files: list[Path], known: Known) -> Checked:
    from seed.pathway import read_template

    checked = [read_template(file, known) for file in files]
    seen: dict[str, str] = {}
    for sheet, template in checked:
        if template is None:
            continue
        if template.code in seen:
            sheet.slip(("code",), f"{seen[template.code]} has this code too.", "Give each template a code of its own.")
        seen.setdefault(template.code, sheet.file)
    return checked


def _refuse_slips(checked: Checked, again: str) -> None:
    slips = [slip for sheet, _ in checked for slip in sheet.slips]
    if slips:
        count = "One thing is wrong" if len(slips) == 1 else f"{len(slips)} things are wrong"
        raise Failed("\n".join([f"{count}.", *map(str, slips)]), f"Correct that, then run: {again}")


def _as_json(sheet: Sheet, template: Template | None) -> dict[str, Any]:
    return {
        "file": sheet.file,
        "code": template.code if template else None,
        "version": template.version if template else None,
        "steps": len(template.steps) if template else None,
        "slips": [
            {"line": slip.line, "place": slip.place, "what": slip.what, "remedy": slip.remedy} for slip in sheet.slips
        ],
    }


def _draw(template: Template, telling: Telling) -> None:
    from concert.console import output
    from concert.diagram import LEGEND, diagram

    console = output()
    head = f"{telling.title(template)} ({template.code}, version {template.version})"
    console.print(f"{head}\n{template.definition}\n", markup=False)
    console.print(diagram(template, telling, min(console.width, 100)), markup=False, soft_wrap=True)
    console.print(f"\n{LEGEND}", markup=False)


def _write(file: Path, template: Template, telling: Telling) -> None:
    from api.pathways import picture_of
    from concert.console import errors

    try:
        file.write_text(picture_of(template, telling), encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise Failed(f"{file} cannot be written.", "Name a file in a directory that is there.", usage=True) from None
    errors().print(f"The picture is in {file}.", markup=False)


def _is_file(code: str) -> bool:
    return "." in code or "/" in code


def _drafted(file: Path, version: int | None) -> tuple[Template, Telling]:
    """Of a file that somebody is still writing."""
    from domain.telling import Telling

    if version is not None:
        raise Failed("A file has one version only.", f"Run: concert templates show {file}", usage=True)
    known = _shipped()
    checked = _read([file], known)
    _refuse_slips(checked, f"concert templates show {file}")
    template = checked[0][1]
    assert template is not None
    return template, Telling(template, known.names, known.terms)


def _recorded(code: str, version: int | None, login: str | None) -> tuple[Template, Telling]:
    from concert.instance import reached
    from services.refusals import NotVisible
    from services.templates import get_pathway

    chosen = reached(settings(), "database_url")
    call = caller(chosen, login)
    with people(chosen) as record:
        try:
            found = get_pathway(record, call, code, version)
        except NotVisible:
            which = f"{code!r}" if version is None else f"{code!r} of version {version}"
            raise Failed(f"There is no template {which}.", "Run: concert templates") from None
    return found.template, found.telling


def _shipped() -> Known:
    from seed.pathway import known_of
    from seed.region import build_region

    return known_of(build_region(SEED))


def _steward() -> str:
    from concert.instance import reached

    return reached(settings(), "admin_database_url").admin_database_url


def _known_to(admin_url: str, collaborative: str | None) -> Known:
    from services.adopting import known_to
    from services.refusals import Unprocessable

    try:
        return known_to(admin_url, collaborative)
    except Unprocessable as refusal:
        remedy = "Say --collaborative SLUG; an empty record is filled by: concert seed"
        raise Failed(refusal.detail, remedy, usage=True) from None


def _names(files: list[Path]) -> str:
    return " ".join(str(file) for file in files)

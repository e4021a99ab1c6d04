"""`concert migrate`, `seed`, `logins` and `token`: the ground, and who stands on it."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from concert.commands.common import Json, settings
from concert.failures import Failed

SEED = 7
"""Of the region that an empty record gets; every seed has the same names and logins."""

Login = Annotated[str, typer.Argument(metavar="LOGIN", help="One of those that `concert logins` prints.")]
Seed = Annotated[int, typer.Option("--seed", help="The same number gives the same region, ids included.")]


def migrate() -> None:
    """Bring the database to the shape of this Concert, and set the passwords of its two logins."""
    from sqlalchemy.engine import make_url

    from concert.console import output, waiting
    from concert.instance import reached
    from storage.migrations import migrate as run

    chosen = reached(settings(), "admin_database_url", "database_url", "engine_database_url")
    since = time.monotonic()
    with waiting("Migrating …"):
        api, engine = (make_url(url).password or "" for url in (chosen.database_url, chosen.engine_database_url))
        run(chosen.admin_database_url, str(api), str(engine))
    output().print(f"The record is up to date ({time.monotonic() - since:.1f} s).")


def seed(seed: Seed = SEED) -> None:
    """Fill the record with the fictional region: agenda, pathways, partners, families. A repeat changes nothing."""
    from concert.console import output, waiting
    from concert.filling import CLIENTS, fill
    from concert.instance import reached
    from seed.pathway import shipped
    from seed.region import build_region

    chosen = reached(settings(), "admin_database_url", "database_url")
    region = build_region(seed)
    with waiting("Filling the record …"):
        fill(chosen.admin_database_url, chosen.database_url, region)
    counted = (
        f"{len(region.organizations)} organizations, {len(region.services)} services,"
        f" {len(region.users)} people at work, {len(shipped())} pathways, {CLIENTS} clients"
    )
    output().print(f"The region is in the record: {counted}. Who they are: concert logins")


def logins(as_json: Json = False) -> None:
    """Who works in the region: login, name, organization and roles."""
    from concert.console import show_json, show_table
    from concert.instance import reached
    from services.stewarding import list_logins

    chosen = reached(settings(), "admin_database_url")
    people = list_logins(chosen.admin_database_url)
    if as_json:
        show_json([one.as_dict() for one in people])
        return
    rows = [(one.login, one.name, one.organization, ", ".join(one.roles)) for one in people]
    show_table(("Login", "Name", "Organization", "Roles"), rows, empty="Nobody works here yet. Run: concert seed")


def token(login: Login) -> None:
    """Print a bearer token of the development issuer for LOGIN, valid for twelve hours."""
    from concert.instance import directory_of, find
    from concert.issuer import Issuer

    chosen = settings()
    if chosen.oidc_issuer:
        raise Failed(
            f"Tokens come from {chosen.oidc_issuer}, not from here.", "Sign in there, or unset CONCERT_OIDC_ISSUER."
        )
    directory = directory_of(chosen)
    if not (directory / "issuer.pem").exists():
        raise Failed(f"{directory} holds no key to sign with: Concert never ran there.", "Run: concert up")
    instance = find(chosen)
    if instance is not None:
        _require_known(instance.database_url, login)
    typer.echo(Issuer.open(directory, audience=chosen.oidc_audience).sign(login))


def _require_known(database_url: str, login: str) -> None:
    """While the record can be asked; a token for nobody would only fail later."""
    import psycopg

    from concert.embedded.postgres import libpq_url

    with psycopg.connect(libpq_url(database_url), connect_timeout=5) as connection:
        if connection.execute("select 1 from app.enter(%s, null, null)", (login,)).fetchone() is None:
            raise Failed(f"Nobody here has the login {login!r}.", "Run: concert logins")

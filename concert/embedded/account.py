"""Whom PostgreSQL runs as: never root, and only where that account can reach its files."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from concert.embedded.directory import CannotStart

NOBODY = 65534
OPEN_PLACE = (
    "Set CONCERT_DATA_DIR to a directory that everybody may enter, such as /var/lib/concert, "
    "or start Concert as an ordinary user."
)


@dataclass(frozen=True)
class Account:
    """A user that gives up root's rights for good."""

    uid: int
    gid: int

    @property
    def name(self) -> str:
        """For messages; the number where the machine has no name for it."""
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)


def ordinary_account(directory: Path) -> Account | None:
    """The account for a server whose data are in `directory`; None if we are ordinary ourselves.

    As root: the owner of data that exist already, else who called sudo, else `postgres`, else nobody.
    """
    if os.geteuid() != 0:
        return None
    if directory.exists() and (status := directory.stat()).st_uid != 0:
        return Account(status.st_uid, status.st_gid)
    for uid in (int(os.environ.get("SUDO_UID") or 0), _uid_of("postgres")):
        if uid:
            return Account(uid, pwd.getpwuid(uid).pw_gid)
    return Account(NOBODY, NOBODY)


def _uid_of(name: str) -> int:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return 0


def may_enter(account: Account, path: Path) -> Path | None:
    """The first folder on the way to `path`, or `path`, that `account` may not enter; None if all is open.

    Judged by mode bits and primary group; access lists are not looked at.
    """
    resolved = path.resolve()
    for folder in reversed([resolved, *resolved.parents]):
        status = folder.stat()
        if status.st_uid == account.uid:
            allowed = status.st_mode & 0o100
        elif status.st_gid == account.gid:
            allowed = status.st_mode & 0o010
        else:
            allowed = status.st_mode & 0o001
        if not allowed:
            return folder
    return None


def require_entry(account: Account, path: Path) -> None:
    """Refuses a place where the server could not work. Folders above ours are never changed."""
    closed = may_enter(account, path)
    if closed:
        raise CannotStart(
            f"PostgreSQL never runs as root, and the account {account.name!r} may not enter {closed}.",
            OPEN_PLACE,
        )

"""Where the key service lives below an installation's folder, and who may be there.

A Unix socket's path has at most 107 bytes on Linux and 103 elsewhere. A longer one moves to a folder
below /tmp whose name anyone can work out, so its owner and mode are checked before every use: nobody
else may wait there for credentials.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from keys.errors import KeysMisconfigured

_SOCKET = "keys.sock"
_LONGEST = 103
_SHARED = Path("/tmp")  # noqa: S108 - the folder below it is checked, see private_folder


@dataclass(frozen=True, slots=True)
class Places:
    """The files of one key service; all lie in `HOME/keys`, which only its own user may enter."""

    folder: Path

    @classmethod
    def below(cls, home: Path) -> Places:
        """Return the places of the installation in `home`."""
        return cls(home.resolve() / "keys")

    @property
    def database(self) -> Path:
        """The SQLite file: rows under keyed hashes and sealed values."""
        return self.folder / "keys.db"

    @property
    def kek(self) -> Path:
        """The key-encryption key: without it everything else here is noise."""
        return self.folder / "kek"

    @property
    def service_keys(self) -> Path:
        """The service's own keys, wrapped."""
        return self.folder / "service-keys"

    @property
    def data_keys(self) -> Path:
        """The folder of one wrapped key a subject: a store of its own, not in the database's backup."""
        return self.folder / "data-keys"

    @property
    def credentials(self) -> Path:
        """The hashes of the doors' credentials."""
        return self.folder / "credentials"

    @property
    def lock(self) -> Path:
        """The file a running service holds a lock on; it names its process."""
        return self.folder / "lock"

    @property
    def log(self) -> Path:
        """The service's log, JSON lines."""
        return self.folder / "log"

    @property
    def settings(self) -> Path:
        """The service's settings, if any."""
        return self.folder / "keys.toml"

    @property
    def socket(self) -> Path:
        """The Unix socket: beside the rest where the path is short enough."""
        inside = self.folder / _SOCKET
        if len(os.fsencode(inside)) <= _LONGEST:
            return inside
        name = sha256(os.fsencode(self.folder.parent)).hexdigest()[:16]
        return _SHARED / f"pseudodont-{os.getuid()}-{name}" / _SOCKET


def socket_path(home: Path) -> Path:
    """Return the path of the key service's socket for the installation in `home`; nothing is created."""
    return Places.below(home).socket


def check_socket(socket: Path) -> None:
    """Refuse a socket in a folder below /tmp that is not private to this user."""
    if socket.parent.parent == _SHARED and os.path.lexists(socket.parent):
        private_folder(socket.parent)


def private_folder(folder: Path) -> None:
    """Create `folder` for this user alone; refuse one that is a link, someone else's, or open to others."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except FileExistsError:
        raise KeysMisconfigured("folder-not-private") from None
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise KeysMisconfigured("folder-not-private")

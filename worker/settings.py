"""The settings of one installation: `pseudodont.toml` in its home, then the environment (docs/settings.md).

Secrets are files in the home, never settings. No setting weakens a protection.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from worker.errors import Misconfigured

FILE = "pseudodont.toml"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Clinic(_Section):
    """Who exports."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]

    @property
    def log_origin(self) -> str:
        """The name the ledger signs under (C2SP tlog-checkpoint origin)."""
        slug = re.sub(r"[^a-z0-9]+", "-", self.name.casefold()).strip("-") or "clinic"
        return f"pseudodont/{self.country.lower()}/{slug}"


class Queue(_Section):
    """Where transfer ids wait: `embedded`, `amqp://…` or `redis://…`."""

    url: Annotated[str, StringConstraints(pattern=r"^(embedded|amqps?://.+|rediss?://.+)$")] = "embedded"
    namespace: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")] = "pseudodont"


class Transfers(_Section):
    """How long a transfer may wait before it expires."""

    expire_days: Annotated[int, Field(ge=1, le=365)] = 30


class Settings(BaseSettings):
    """Everything an installation can choose."""

    model_config = SettingsConfigDict(
        env_prefix="PSEUDODONT_",
        env_nested_delimiter="__",
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    clinic: Clinic
    queue: Queue = Queue()
    transfers: Transfers = Transfers()


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of an embedded installation; which zone may open which file is in docs/operations.md."""

    path: Path

    @property
    def settings(self) -> Path:
        return self.path / FILE

    @property
    def database(self) -> Path:
        return self.path / "worker" / "worker.db"

    @property
    def incoming_identity(self) -> Path:
        return self.path / "worker" / "incoming.identity"

    @property
    def manifest_key(self) -> Path:
        return self.path / "worker" / "manifest.key"

    @property
    def log_key(self) -> Path:
        return self.path / "worker" / "log.key"

    @property
    def incoming_recipient(self) -> Path:
        return self.path / "portal" / "incoming.recipient"

    @property
    def incoming(self) -> Path:
        return self.path / "store" / "incoming"

    @property
    def outgoing(self) -> Path:
        return self.path / "store" / "outgoing"

    @property
    def sender_vkey(self) -> Path:
        return self.path / "ledger" / "sender.vkey"

    @property
    def log_vkey(self) -> Path:
        return self.path / "ledger" / "log.vkey"

    @property
    def checkpoint(self) -> Path:
        return self.path / "ledger" / "checkpoint"

    @property
    def log(self) -> Path:
        return self.path / "logs" / "worker.jsonl"

    def credential(self, door: str) -> Path:
        """Return the file of a key service credential: the portal's own folder holds *enrol* alone."""
        return self.path / ("portal" if door == "enrol" else "worker") / f"{door}.credential"


def load(home: Home) -> Settings:
    """Return the settings of `home`; raises `Misconfigured` naming every fault at once."""
    if not home.settings.is_file():
        raise Misconfigured("home-missing", "there is no installation in this folder", "run `pseudodont init`")

    class Located(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return env_settings, TomlConfigSettingsSource(settings_cls, home.settings)

    try:
        return Located()  # type: ignore[call-arg]  # the sources fill it
    except ValidationError as error:
        faults = sorted({".".join(str(part) for part in e["loc"]) for e in error.errors(include_input=False)})
        raise Misconfigured("settings-invalid", f"not valid: {', '.join(faults)}", "see docs/settings.md") from None
    except ValueError:
        raise Misconfigured("settings-unreadable", f"{FILE} is not TOML", "see docs/settings.md") from None

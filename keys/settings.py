"""What may be set for a key service; everything else follows from its home."""

from __future__ import annotations

import tomllib

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from keys.errors import KeysMisconfigured
from keys.places import Places


class Settings(BaseSettings):
    """The settings of one key service: `PSEUDODONT_KEYS_…` in the environment, then `HOME/keys/keys.toml`."""

    model_config = SettingsConfigDict(
        env_prefix="PSEUDODONT_KEYS_", extra="forbid", frozen=True, hide_input_in_errors=True
    )

    database: str | None = None
    """A SQLAlchemy URL; without it, the SQLite file in the service's folder."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources, the stronger first; what `read` passes is the file."""
        return env_settings, init_settings


def read(places: Places) -> Settings:
    """Return the settings of the service in `places`; refuse a name or a value that is not one."""
    try:
        text = places.settings.read_text(encoding="utf-8") if places.settings.exists() else ""
        return Settings(**tomllib.loads(text))
    except (OSError, ValueError, ValidationError):
        raise KeysMisconfigured("settings-invalid") from None

"""How the GLBs of a layer are written: as asked for now, else as the layer has been written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from models.themes import Theme
from tiles.profile import PROFILES, Profile
from twin.options import OptionError

#: Layers of solids with edges to draw.
OUTLINED: Final = frozenset({Theme.BUILDINGS, Theme.BIM})


@dataclass(frozen=True, slots=True)
class Looks:
    """What is asked for: the name of a profile, and outlines; None leaves it as it is."""

    profile: str | None = None
    outlines: bool | None = None

    def require(self) -> None:
        """Raise :class:`OptionError` for an unknown profile, or one that has no outlines."""
        if self.profile is not None and self.profile not in PROFILES:
            raise OptionError(
                f"--profile: found '{self.profile}', expected one of {', '.join(PROFILES)}.",
                f"--profile：收到“{self.profile}”，应为 {'、'.join(PROFILES)} 之一。",
            )
        if self.profile is not None and self.outlines:
            _require_outlines(PROFILES[self.profile])

    def over(self, theme: Theme, before: Mapping[str, str]) -> tuple[Profile, dict[str, str]]:
        """The profile of a layer, which was written with the options ``before`` (empty for a new
        one), and the options to remember.

        Raises :class:`OptionError` where what is asked for does not go with what the layer has.
        """
        profile = PROFILES[self.profile or before.get("profile", "default")]
        outlines = before.get("outlines") == "yes" if self.outlines is None else self.outlines
        if theme not in OUTLINED or not outlines:
            return profile, {"profile": profile.name}
        _require_outlines(profile)
        return replace(profile, outlines=True), {"profile": profile.name, "outlines": "yes"}


def _require_outlines(profile: Profile) -> None:
    if not profile.draco:
        return
    allowed = [name for name, one in PROFILES.items() if not one.draco]
    raise OptionError(
        f"--outlines: profile '{profile.name}' renumbers vertices, so that outlines cannot name "
        f"them; expected {' or '.join(allowed)}. Choose another --profile, or --no-outlines.",
        f"--outlines：格式“{profile.name}”会重排顶点，无法标注轮廓线；应为 {'、'.join(allowed)}。"
        "请另选 --profile，或使用 --no-outlines。",
    )

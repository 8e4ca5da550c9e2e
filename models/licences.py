"""Under which terms data may be used, as whoever delivers them says; nothing is ever assumed.

A licence is an SPDX expression (``CC-BY-4.0``), the address of its text, or the text itself. OGC
20-004r1 (/req/record-core/license) wants the SPDX identifier where there is one and ``other`` with
a link to the text where there is not.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from models.errors import TwinError

#: Characters of a licence's own text.
MOST: Final = 20_000
#: What is shown where nobody has said anything.
NOT_DECLARED: Final = "未声明 not declared"


class LicenceError(TwinError):
    """A licence that cannot be used."""

    code = "CAT-01"


class LicenceKind(enum.StrEnum):
    """How a licence is written."""

    SPDX = "spdx"
    ADDRESS = "address"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Licence:
    """``value`` is an SPDX expression in its canonical form, an http address, or a text."""

    kind: LicenceKind
    value: str

    @property
    def identifier(self) -> str:
        """As a catalogue record names it: a single SPDX identifier, else ``other``."""
        return self.value if self.kind is LicenceKind.SPDX and " " not in self.value else "other"


def read_licence(text: str) -> Licence:
    """The licence that ``text`` names. Raises :class:`LicenceError` where it is empty, too long or
    holds control characters."""
    plain = text.strip()
    if not plain or len(plain) > MOST or any(ord(c) < 32 and c not in "\n\t" for c in plain):
        raise LicenceError(
            f"The licence has {len(plain)} characters; expected an SPDX identifier such as "
            f"CC-BY-4.0, an http address, or a text of 1 to {MOST} printable characters.",
            f"许可文字为 {len(plain)} 个字符；应为 SPDX 标识（如 CC-BY-4.0）、http 地址，"
            f"或 1 至 {MOST} 个可打印字符的文字。",
        )
    if urlsplit(plain).scheme in ("http", "https") and not any(c.isspace() for c in plain):
        return Licence(LicenceKind.ADDRESS, plain)
    try:
        return Licence(LicenceKind.SPDX, str(canonicalize_license_expression(plain)))
    except InvalidLicenseExpression:
        return Licence(LicenceKind.TEXT, plain)

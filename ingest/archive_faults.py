"""What may be wrong with an archive, in Chinese and English, and what to do about it."""

from __future__ import annotations

from typing import Final

from models.findings import Finding, Place, Severity

_TEXTS: Final[dict[str, tuple[str, str, str]]] = {
    "ARC-01": (
        "已损坏、不完整或无法解压（{found}）。请重新打包为 ZIP 后提交。",
        "is damaged, incomplete or cannot be unpacked ({found}). Pack it again as ZIP.",
        "ZIP",
    ),
    "ARC-02": (
        "超出限制：{found}，应{expected}，不予解压。请拆分后分别提交。",
        "is over the limits: {found}, expected {expected}; it is not unpacked. Split the delivery.",
        "",
    ),
    "ARC-03": (
        "的名称不安全（绝对路径、跳出目录、含控制字符、过长，或为链接、设备），整包拒收。"
        "请只打包普通文件，使用相对路径。",
        "has a name that is not safe (absolute, leaving the folder, with control characters, too "
        "long) or is a link or device; the archive is refused. Pack regular files with relative "
        "names only.",
        "相对路径的普通文件 a regular file, relative name",
    ),
    "ARC-04": (
        "已加密，不予解压。请去除密码后重新提交。",
        "is encrypted and not unpacked. Deliver the archive without a password.",
        "未加密 not encrypted",
    ),
    "ARC-05": (
        "是压缩包中的压缩包，未读取。请解开后放入同一压缩包或单独提交。",
        "is an archive inside the archive and not read. Unpack it into this one, or deliver it by "
        "itself.",
        "未压缩的文件 a file that is no archive",
    ),
    "ARC-06": (
        "的名称出现不止一次（不区分大小写），无法判断以哪个为准，整包拒收。请改名或删除多余者。",
        "has a name that occurs more than once (case aside), and neither can be preferred; the "
        "archive is refused. Rename or remove one.",
        "1 ×",
    ),
    "ARC-07": (
        "采用不支持的压缩方法 {found}。请用常规 ZIP（Deflate）重新打包。",
        "uses compression method {found}, which is not read. Pack it again as ordinary ZIP "
        "(Deflate).",
        "Deflate (8)",
    ),
}


def fault(
    code: str,
    archive: str,
    member: str | None = None,
    found: str | None = None,
    expected: str | None = None,
) -> Finding:
    """An error finding on ``archive`` or its ``member``, whose name is the place's element."""
    zh, en, usual = _TEXTS[code]
    shown = None if member is None else "".join(c if c.isprintable() else "�" for c in member)[:200]
    what = archive if shown is None else f"{archive}[{shown}]"
    found = found or shown
    values = {"found": found, "expected": expected or usual}
    return Finding(
        code,
        Severity.ERROR,
        Place(archive, element=shown),
        f"{what} {zh.format(**values)}",
        f"{what} {en.format(**values)}",
        found,
        expected or usual,
    )

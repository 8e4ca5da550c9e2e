"""What the viewer is made of: pinned copies, two whole languages, nothing from outside."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

WEB = Path(__file__).parents[2] / "twin" / "web"
OWN = [path for path in (WEB / "static").rglob("*") if path.suffix in {".js", ".html", ".css"}]


def test_vendored_files_are_the_ones_of_the_manifest() -> None:
    manifest = json.loads((WEB / "vendor/manifest.json").read_text())
    package = json.loads((WEB / "package.json").read_text())
    assert {p["name"]: p["version"] for p in manifest["packages"]} == package["dependencies"]
    for name, digest in manifest["files"].items():
        assert hashlib.sha256((WEB / "vendor" / name).read_bytes()).hexdigest() == digest, name


def test_the_lock_file_names_no_registry() -> None:
    packages = json.loads((WEB / "package-lock.json").read_text())["packages"]
    assert not [name for name, entry in packages.items() if "resolved" in entry]
    assert all("integrity" in entry for name, entry in packages.items() if name)


def test_both_languages_say_the_same_things() -> None:
    zh, en = (
        json.loads((WEB / "static/i18n" / name).read_text("utf-8"))
        for name in ("zh-CN.json", "en.json")
    )
    assert zh.keys() == en.keys()
    holes = re.compile(r"\{\w+\}")
    assert {k: set(holes.findall(v)) for k, v in zh.items() if holes.search(en[k])} == {
        k: set(holes.findall(v)) for k, v in en.items() if holes.search(v)
    }
    used = re.compile(r"""\b(?:t|sentence|both)\(\s*(?:lang,\s*|"\w\w",\s*)?"([\w.-]+)\"""")
    asked = {key for path in OWN for key in used.findall(path.read_text("utf-8"))}
    asked -= {"zh", "en"}
    assert asked
    assert asked <= en.keys()


def test_the_page_runs_no_inline_code_and_names_no_other_host() -> None:
    for path in OWN:
        text = path.read_text("utf-8")
        hosts = set(re.findall(r"https?://([\w.-]+)", text)) - {"www.w3.org"}
        assert not hosts, path
        assert not re.search(r"\beval\(|new Function|innerHTML|unsafeHTML", text), path
    page = (WEB / "static/index.html").read_text("utf-8")
    assert re.findall(r"<script[^>]*>", page) == ['<script type="module" src="/static/main.js">']
    assert not re.search(r"\son\w+=|style=", page)


def test_every_address_of_the_page_is_a_file() -> None:
    named = set()
    for path in OWN:
        for address in re.findall(r"[\"'(](/static/[\w@./-]+\.\w+)", path.read_text("utf-8")):
            inside = address.removeprefix("/static/")
            folder = WEB if inside.startswith("vendor/") else WEB / "static"
            assert (folder / inside).is_file(), f"{path}: {address}"
            named.add(address)
    assert "/static/main.js" in named

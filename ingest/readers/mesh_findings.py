"""What is said of a textured mesh: why it is refused, and what is remarked on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ingest.errors import RefusedError, refuse
from ingest.readers.mesh_inspect import Seen, decided
from models.findings import Finding, Place, Severity

#: Metres that a whole mesh may measure; more is in another unit.
_LARGEST, _TALLEST = 50_000.0, 2_000.0
#: Metres between neighbouring numbers of 24 bits from which a surface visibly shakes.
_COARSE: Final = 0.01
_AXES: Final = "xyz"


def require_usable(name: str, seen: Seen, *, declared_up: bool) -> None:
    """Refuse what cannot be a mesh of the city.

    Raises :class:`ingest.errors.RefusedError`: STR-00 not readable, MSH-01 without triangles,
    MSH-02 of impossible size, MSH-03 lying on its side where nobody declared that.
    """
    if seen["fault"] is not None:
        en, zh = seen["fault"]
        raise refuse("STR-00", name, zh=f"{name}：{zh}", en=f"{name}: {en}", expected="OBJ, glTF")
    if not seen["triangles"]:
        raise refuse(
            "MSH-01",
            name,
            zh=f"{name} 中没有可用的三角形（共 {seen['total']} 个）。请检查导出设置后重新提交。",
            en=f"{name} holds no usable triangle of {seen['total']}. Check how it was exported and "
            "deliver it again.",
            found="0",
            expected="三角形 triangles",
        )
    box = seen["box"]
    span = [box[at + 3] - box[at] for at in range(3)]
    if max(span[:2]) > _LARGEST or span[2] > _TALLEST:
        size = " × ".join(f"{side:.0f}" for side in span)
        raise refuse(
            "MSH-02",
            name,
            zh=f"{name} 的范围为 {size} 米，过大；单位疑为毫米或厘米，或含离群顶点。"
            "请以米为单位导出并剔除离群点。",
            en=f"{name} measures {size} metres, which is too much; it may be in millimetres or "
            "centimetres, or hold stray vertices. Export it in metres and without them.",
            found=f"{size} m",
            expected=f"≤ {_LARGEST:.0f} m, {_TALLEST:.0f} m 高 high",
        )
    axis = decided(seen["normal"])
    if axis not in (None, 2) and not declared_up:
        given = "z" if seen["up"] == "y" else "y"
        raise refuse(
            "MSH-03",
            name,
            zh=f"{name} 的表面多朝向 {_AXES[axis or 0]} 轴，而不是朝上（z 轴），向上轴疑有误。"
            f"请用 --up {given} 声明向上轴，或在导出时更正；确认无误则声明 --up {seen['up']}。",
            en=f"{name} has most of its surface looking along {_AXES[axis or 0]}, not up (z), so "
            f"its up axis may be wrong. Declare --up {given}, or correct the export; where it is "
            f"right, declare --up {seen['up']}.",
            found=_AXES[axis or 0],
            expected="z 向上 up",
        )


def remarks(name: str, seen: Seen) -> Iterator[Finding]:
    """Findings of a mesh that can be used."""
    total = seen["total"]
    for code, count, zh, en in (
        ("MSH-04", seen["infinite"], "的顶点坐标不是数（NaN 或无穷）", "with vertices that are no "
         "numbers (NaN or infinite)"),
        ("MSH-05", seen["broken"], "引用了不存在的顶点", "that name vertices which are not there"),
    ):  # fmt: skip
        if count:
            yield Finding(
                code,
                Severity.ERROR,
                Place(name),
                f"{name} 有 {count} 个三角形（共 {total} 个）{zh}，不予采用。请重新导出。",
                f"{name} has {count} of {total} triangles {en}. They are refused; export it again.",
                str(count),
                "0",
            )
    if seen["flat"]:
        yield _note(
            "MSH-06",
            Severity.INFO,
            name,
            f"{name} 有 {seen['flat']} 个三角形没有面积，已略去。",
            f"{name} has {seen['flat']} triangles without area, which are left out.",
            str(seen["flat"]),
        )
    if seen["bare"]:
        yield _note(
            "MSH-07",
            Severity.WARNING,
            name,
            f"{name} 有 {seen['bare']} 个三角形的材质带纹理，但纹理坐标缺失或不可能"
            "（非数值或超出 ±1000000），按材质颜色绘制。请在导出时写出正确的纹理坐标。",
            f"{name} has {seen['bare']} triangles whose material has a texture, but whose texture "
            "coordinates are missing or impossible (no numbers, or beyond ±1,000,000); they get "
            "the material's colour. Export it with sound texture coordinates.",
            str(seen["bare"]),
        )
    yield from _files(name, seen)
    if seen["step"] > _COARSE:
        step = f"{seen['step']:.3g} m"
        yield _note(
            "MSH-12",
            Severity.WARNING,
            name,
            f"{name} 以单精度存储大坐标，精度仅 {step}，表面会起伏。请减去常数后导出，"
            "并用 --offset 声明该常数。",
            f"{name} keeps large coordinates in single precision, {step} apart, so its surface "
            "is rough. Take a constant off when exporting and declare it with --offset.",
            step,
        )
    if seen["coloured"]:
        yield _note(
            "MSH-13",
            Severity.INFO,
            name,
            f"{name} 含顶点颜色，绘制时不采用；采用纹理与材质颜色。",
            f"{name} has colours at its vertices, which are not drawn; textures and the colours "
            "of materials are.",
            None,
        )
    if seen["translucent"]:
        shown = _some(seen["translucent"])
        yield _note(
            "MSH-17",
            Severity.INFO,
            name,
            f"{name} 的材质声明为半透明（alphaMode BLEND），切片不混合透明度：图像中不透明度不足"
            "一半的部分不绘，其余按不透明绘制，材质自身的不透明度不计："
            f"{shown}。如需保留，请改用 MASK 或 OPAQUE 导出。",
            f"{name} has materials that are half transparent (alphaMode BLEND), which tiles do not "
            "mix: where its image is opaque by less than half nothing is drawn, all else is drawn "
            f"solid, whatever the material's own opacity: {shown}. To have it otherwise, export "
            "them as MASK or OPAQUE.",
            shown,
        )
    if seen["ignored"]:
        shown = _some(seen["ignored"])
        yield _note(
            "MSH-18",
            Severity.INFO,
            name,
            f"{name} 使用了不读取的内容，绘制时略去：{shown}。如影响外观，请烘焙到基础颜色纹理后"
            "重新导出。",
            f"{name} uses what is not read and is drawn without it: {shown}. Where that changes "
            "how it looks, bake it into the base colour's texture and export again.",
            shown,
        )
    if decided(seen["normal"]) == 2 and seen["normal"][2] < 0:
        yield _note(
            "MSH-14",
            Severity.WARNING,
            name,
            f"{name} 的表面多朝下，三角形绕向或向上轴疑有误。请核对。",
            f"{name} has most of its surface facing down: the winding of its triangles or its up "
            "axis may be wrong. Check it.",
            None,
        )


def nowhere(name: str, refused: int, seen: Seen, *, local: bool) -> RefusedError:
    """MSH-15: no triangle lies where it can."""
    low = ", ".join(f"{value:.3f}" for value in seen["box"][:3])
    hint_zh = "坐标似为局部坐标，请用 --offset 北,东,高 声明减去的常数。" if local else ""
    hint_en = (
        "The coordinates look local: declare the constants that were taken off them with --offset "
        "north,east,height."
        if local
        else ""
    )
    return refuse(
        "MSH-15",
        name,
        zh=f"{name} 的全部 {refused} 个三角形都不在孪生体周边或坐标系适用范围内，起点为 ({low})。"
        f"{hint_zh}请检查坐标系、分带与向上轴。",
        en=f"{name} has all of its {refused} triangles far from the twin or outside the area of "
        f"its CRS, from ({low}). {hint_en} Check the CRS, its zone and the up axis.",
        found=low,
        expected="孪生体附近 near the twin",
    )


def strays(name: str, count: int, total: int) -> Finding:
    """MSH-16: some triangles lie where they cannot."""
    return Finding(
        "MSH-16",
        Severity.ERROR,
        Place(name),
        f"{name} 有 {count} 个三角形（共 {total} 个）远离孪生体或高程不可能，不予采用。"
        "请剔除离群部分。",
        f"{name} has {count} of {total} triangles far from the twin or at impossible heights. They "
        "are refused; remove what is astray.",
        str(count),
        "0",
    )


def _files(name: str, seen: Seen) -> Iterator[Finding]:
    for code, key, zh, en in (
        ("MSH-08", "missing", "所引用的材质库（MTL）缺失，按灰色绘制。请一并提交",
         "names material libraries (MTL) that are missing, so it is drawn grey. Deliver them too"),
        ("MSH-08", "undefined", "使用的材质未在材质库中定义，按灰色绘制。请检查材质库",
         "uses materials that no library defines, which are drawn grey. Check the library"),
        ("MSH-09", "lost", "所引用的纹理图像缺失，按材质颜色绘制。请一并提交",
         "names textures that are missing; the colour of the material is drawn. Deliver them too"),
        ("MSH-10", "unread", "的纹理图像无法读取，按材质颜色绘制。请提交 JPEG、PNG 或 WebP",
         "has textures that cannot be read; the colour of the material is drawn. Deliver them as "
         "JPEG, PNG or WebP"),
    ):  # fmt: skip
        names: Sequence[str] = seen[key]  # type: ignore[literal-required]
        if names:
            shown = _some(names)
            yield _note(
                code,
                Severity.WARNING,
                name,
                f"{name} {zh}：{shown}",
                f"{name} {en}: {shown}",
                shown,
            )
    if seen["elsewhere"]:
        shown = _some(seen["elsewhere"])
        yield _note(
            "MSH-11",
            Severity.INFO,
            name,
            f"{name} 的纹理写有他机绝对路径，已按文件名在旁边找到：{shown}。请改用相对路径导出。",
            f"{name} names textures by absolute paths of another machine; they were found beside "
            f"it by their names: {shown}. Export with relative paths.",
            shown,
        )
    if seen["wide"]:
        shown = _some(seen["wide"])
        yield _note(
            "MSH-10",
            Severity.INFO,
            name,
            f"{name} 的纹理超过 16384 像素，切片时缩小：{shown}。",
            f"{name} has textures of over 16,384 pixels, which tiles hold in pieces: {shown}.",
            shown,
        )


def _note(code: str, severity: Severity, name: str, zh: str, en: str, found: str | None) -> Finding:
    return Finding(code, severity, Place(name), zh, en, found)


def _some(names: Sequence[str]) -> str:
    once = list(dict.fromkeys(names))
    return ", ".join(once[:5]) + (f" … ({len(once)})" if len(once) > 5 else "")

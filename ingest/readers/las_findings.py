"""What is said of a point cloud that can be used, in part or whole."""

from __future__ import annotations

from collections.abc import Iterator

from ingest.errors import refuse
from ingest.readers.las_points import Elsewhere
from models.findings import Finding, Place, Severity
from models.pointcloud import FAR, HIGHEST, LOWEST, CloudPassport
from models.twins import TwinDefinition


def place_findings(
    cloud: CloudPassport, there: Elsewhere, twin: TwinDefinition | None
) -> list[Finding]:
    """PTC-04 for every reason for which points are refused.

    Raises :class:`ingest.errors.RefusedError` (PTC-03) where one of them takes all points.
    """
    name, count = cloud.name, cloud.count
    x, y, z = there["first"] or (0.0, 0.0, 0.0)
    first = f"({x:.3f}, {y:.3f}, {z:.3f})"
    near_zh = "坐标系适用范围" if twin is None else f"{twin.name_zh} 周边 {FAR / 1000:g} km"
    near_en = "the area of the CRS" if twin is None else f"{FAR / 1000:g} km around {twin.name_en}"
    span = f"{LOWEST:g} … {HIGHEST:g} m"
    box = "(" + ", ".join(f"{value:.3f}" for value in cloud.stated) + ")"
    reasons = (
        (
            there["far"],
            f"在 {near_zh}之外，首个为 {first}。请检查坐标系与分带",
            f"outside {near_en}, the first at {first}. Check the CRS and its zone",
            near_en,
        ),
        (
            there["height"],
            f"的高程不在 {span} 之内，首个为 {first}。请剔除噪点或检查高程基准与单位",
            f"at heights beyond {span}, the first at {first}. Remove noise, or check the vertical "
            "datum and unit",
            span,
        ),
        (
            cloud.stray,
            f"在文件头所述范围 {box} 之外，文件可能已损坏。请重新导出，或修复文件头",
            f"outside the box {box} that the header states, so the file may be damaged. Export it "
            "again, or repair its header",
            box,
        ),
    )
    out = []
    for number, zh, en, expected in reasons:
        if number == count:
            raise refuse(
                "PTC-03",
                name,
                zh=f"{name} 的全部 {count} 个点{zh}。",
                en=f"{name} has all of its {count} points {en}.",
                found=str(number),
                expected=expected,
            )
        if number:
            out.append(
                Finding(
                    "PTC-04",
                    Severity.ERROR,
                    Place(name),
                    f"{name} 有 {number} 个点（共 {count} 个）{zh}。这些点不予采用。",
                    f"{name} has {number} of {count} points {en}. These points are refused.",
                    str(number),
                    expected,
                )
            )
    return out


def remarks(cloud: CloudPassport, colour: int) -> Iterator[Finding]:
    """Findings that refuse nothing: points withheld (PTC-05), colours in eight bits (PTC-06)."""
    name = cloud.name
    if cloud.withheld:
        yield Finding(
            "PTC-05",
            Severity.INFO,
            Place(name),
            f"{name} 有 {cloud.withheld} 个点被标记为 withheld（制作方已删除），切片时不采用。",
            f"{name} has {cloud.withheld} points flagged as withheld (deleted by their producer); "
            "they are left out of tiles.",
            str(cloud.withheld),
            "0",
        )
    if cloud.colour_bits == 8:
        yield Finding(
            "PTC-06",
            Severity.INFO,
            Place(name),
            f"{name} 的颜色最大值为 {colour}，按 8 位颜色处理（LAS 规定 16 位）。如有误请按 16 位"
            "重新导出。",
            f"{name} has no colour above {colour}, which is taken as colours of 8 bits (LAS has "
            "16). Where that is wrong, export it with 16 bits.",
            str(colour),
            "≤ 65535",
        )

"""Write the sample deliveries, always the same: ``python data-samples/generate.py [folder]``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from generator import planted
from generator.assemble import clashes, faults, network, under
from generator.bim import outline, write_ifc
from generator.buildings import all_buildings, overlaps
from generator.geofiles import write_geojson, write_gpkg, write_shp
from generator.layout import Site
from generator.network import Network
from generator.sheets import write_csv, write_xls, write_xlsx
from generator.sites import qianwan, songjiang
from generator.survey import METADATA, add_class, tables
from generator.terrain import write_dem

CSV_CODES = ("JS", "YS", "WS", "RQ", "DL", "TX")
XLS_CODES = ("RL", "LD")
XLSX_CODES = ("JS", "YS", "WS", "RQ", "RL", "DL", "TX", "LD")
SOUTH = "ABC"  # rows of blocks of Qianwan that are delivered as a Shapefile


def songjiang_pipes(net: Network, folder: Path) -> None:
    """One workbook, a sheet a table; titles, merged headers and units in some sheets."""
    sheets = []
    for code in XLSX_CODES:
        point, line = tables(net, code, names="{name}{kind}", generic=False, year_only=False)
        if code in ("YS", "WS"):
            point.title, line.title = f"{point.name[:2]}管线点成果表", f"{line.name[:2]}管线成果表"
            point.groups = {"平面坐标(m)": ("X", "Y")}
            line.groups = {
                "埋深(m)": ("起点埋深", "终点埋深"),
                "管底高程(m)": ("起点管底高程", "终点管底高程"),
            }
        if code == "RQ":
            point.units = {"X": "m", "Y": "m", "地面高程": "m", "井深": "m"}
            line.units = {
                "起点埋深": "m",
                "终点埋深": "m",
                "起点管顶高程": "m",
                "终点管顶高程": "m",
                "管径": "mm",
                "压力": "MPa",
            }
        if code == "DL":
            line.title = "电力管线成果表"
        sheets += [point, line]
    write_xlsx(folder / "pipes.xlsx", sheets, METADATA)


def qianwan_pipes(net: Network, folder: Path) -> None:
    """Pairs of CSV files in GB18030 and one Excel 97 workbook."""
    (folder / "pipes").mkdir(exist_ok=True)
    for code in CSV_CODES:
        for table in tables(net, code, names=f"{code}_{{kind}}", generic=True, year_only=True):
            kind = "点表" if table.name.endswith("Point") else "线表"
            write_csv(folder / "pipes" / f"{code}_{kind}.csv", table)
    text = "".join(f"{k},{v}\r\n" for k, v in METADATA)
    (folder / "pipes" / "元数据.csv").write_bytes(text.encode("gb18030"))
    books = []
    for code in XLS_CODES:
        pair = tables(net, code, names="{code}{kind}", generic=True, year_only=True)
        for table, title in zip(pair, ("管线点成果表", "管线成果表"), strict=True):
            table.title = f"{code} {title}"
            books.append(add_class(table, {"RL": "热水", "LD": "路灯"}[code]))
    write_xls(folder / "pipes_heat_light.xls", books, METADATA)


def write_site(site: Site, folder: Path) -> None:
    """All files of a twin. Raises :class:`ValueError` where the sample breaks its own promises."""
    folder.mkdir(parents=True, exist_ok=True)
    buildings, net = all_buildings(site), network(site)
    plot = outline(site)
    problems = [*overlaps(buildings), *clashes(net), *faults(net)]
    problems += under(net, [plot, *(b.shape for b in buildings)])
    problems += [b.key for b in buildings if b.shape.intersects(plot)]
    if problems:
        raise ValueError(f"{site.twin}: {problems[:5]}")
    write_dem(site, folder / "dem.tif")
    if site.twin == "qianwan":
        south = [b for b in buildings if b.block[0] in SOUTH]
        write_shp(folder / "buildings_south.shp", south)
        write_geojson(
            folder / "buildings.geojson", [b for b in buildings if b.block[0] not in SOUTH]
        )
        qianwan_pipes(net, folder)
    else:
        write_gpkg(folder / "buildings.gpkg", buildings)
        songjiang_pipes(net, folder)
    write_ifc(site, folder / f"{'hub_annex' if site.rail else 'office_tower'}.ifc")


def main(folder: Path) -> None:
    """Write everything below ``folder``."""
    start = time.monotonic()
    for site in (songjiang(), qianwan()):
        write_site(site, folder / site.twin)
        print(f"{site.twin}: {time.monotonic() - start:.1f} s")
    (folder / "planted").mkdir(exist_ok=True)
    planted.write(songjiang(), folder / "planted")
    print(f"planted: {time.monotonic() - start:.1f} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent)

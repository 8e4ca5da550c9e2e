"""What the linter can find: one row a code, with its weight and its sentence in both languages.

``{where}``, ``{found}`` and ``{expected}`` are filled in by :class:`tiles.check.report.Collector`.
Sources: OGC 22-025r4 (3D Tiles 1.1), OGC 18-053r2 (1.0), Khronos glTF 2.0 and the extensions that
the sentences name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from models.findings import Severity

_E, _W, _I = Severity.ERROR, Severity.WARNING, Severity.INFO


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of finding."""

    severity: Severity
    zh: str
    en: str


CODES: Final[dict[str, Code]] = {
    # files
    "TSC-01": Code(
        _E,
        "{where} 引用的文件 {found} 不存在；应有：{expected}。请补上文件或重新切片。",
        "{where} names {found}, which is not there; expected {expected}. Add it or tile again.",
    ),
    "TSC-02": Code(
        _W,
        "{where} 中有文件无人引用：{found}；应为 {expected}。请删除；"
        "本程序的瓦片库可用 twin tile --gc 24 清理。",
        "{where} holds files that no tile reaches: {found}; expected {expected}. Delete them; of "
        "a store of this program, `twin tile --gc 24` does.",
    ),
    "TSC-03": Code(
        _E,
        "{where} 的引用 {found} 越出瓦片集目录；应为{expected}。请改用相对路径。",
        "{where} refers to {found}, outside the folder; expected {expected}. Use relative URIs.",
    ),
    "TSC-04": Code(
        _E,
        "{where} 不是有效的瓦片集 JSON：{found}；应为{expected}。请修正或重新生成。",
        "{where} is no valid tileset JSON: {found}; expected {expected}. Correct or rebuild it.",
    ),
    "TSC-05": Code(
        _E,
        "{where} 的外部瓦片集形成循环：{found}；应为 {expected}。请删去循环引用。",
        "{where} closes a cycle of external tilesets: {found}; expected {expected}. Remove it.",
    ),
    "TSC-06": Code(
        _E,
        "{where} 超出检查上限：{found}；上限为 {expected}。其余部分未检查；"
        "请拆分瓦片集或提高上限。",
        "{where} is beyond a limit of the check: {found}; at most {expected}. The rest was not "
        "checked; divide the tileset or raise the limit.",
    ),
    "TSC-07": Code(
        _E,
        "{where} 的版本为 {found}；应为 {expected}。请更正 asset.version。",
        "{where} has version {found}; expected {expected}. Correct asset.version.",
    ),
    "TSC-08": Code(
        _E,
        "{where} 的内容无法读取：{found}；应为{expected}。请重新生成该瓦片。",
        "{where} cannot be read: {found}; expected {expected}. Build this tile again.",
    ),
    "TSC-09": Code(
        _I,
        "{where} 的几何未解码（{found}），未检查其位置；可检查的有 {expected}。",
        "{where} was not decoded ({found}), so its place is unchecked; readable are {expected}.",
    ),
    "TSC-10": Code(
        _I,
        "{where} 中保留着旧版本文件：{found}，供仍在读取旧版本的客户端使用；"
        "{expected} 后由 twin tile 清理。",
        "{where} keeps files of earlier versions for clients that still read those: {found}; "
        "`twin tile` deletes them after {expected}.",
    ),
    # volumes and transforms
    "TSC-11": Code(
        _E,
        "{where} 的几何超出瓦片包围体 {found}；应在容差 {expected} 内。请按真实顶点计算包围体。",
        "{where} has geometry {found} outside the tile's bounding volume; expected within "
        "{expected}. Compute the volume from real vertices.",
    ),
    "TSC-12": Code(
        _E,
        "{where} 的几何超出 content.boundingVolume {found}；应在容差 {expected} 内。"
        "请按真实顶点计算。",
        "{where} has geometry {found} outside content.boundingVolume; expected within {expected}. "
        "Compute it from real vertices.",
    ),
    "TSC-13": Code(
        _W,
        "{where} 的包围体超出上级瓦片 {found}；应在容差 {expected} 内。请扩大上级包围体。",
        "{where} has a bounding volume {found} outside its parent's; expected within {expected}. "
        "Grow the parent's.",
    ),
    "TSC-14": Code(
        _E,
        "{where} 的 content.boundingVolume 超出瓦片包围体 {found}；应在容差 {expected} 内。"
        "请修正包围体。",
        "{where} has a content.boundingVolume {found} outside the tile's; expected within "
        "{expected}. Correct it.",
    ),
    "TSC-15": Code(
        _E,
        "{where} 的包围体无效：{found}；应为{expected}。请修正。",
        "{where} has no valid bounding volume: {found}; expected {expected}. Correct it.",
    ),
    "TSC-16": Code(
        _E,
        "{where} 的 transform 无效：{found}；应为{expected}。请修正矩阵。",
        "{where} has an invalid transform: {found}; expected {expected}. Correct the matrix.",
    ),
    "TSC-17": Code(
        _E,
        "{where} 的几何超出上级瓦片的包围体 {found}；应在容差 {expected} 内。请扩大上级包围体。",
        "{where} has geometry {found} outside an ancestor's bounding volume; expected within "
        "{expected}. Grow the ancestor's.",
    ),
    "TSC-18": Code(
        _E,
        "{where} 的 POSITION 访问器所列 min 与 max 为 {found}；顶点实际为 {expected}。"
        "客户端据此判断可见范围，请按真实顶点填写。",
        "{where} has positions whose accessor states min and max {found}; its vertices have "
        "{expected}. Clients tell by them what is in view; state those of the vertices.",
    ),
    # geometric errors
    "TSC-20": Code(
        _E,
        "{where} 的 geometricError 为 {found}；应为{expected}。请补上。",
        "{where} has geometricError {found}; expected {expected}. Set it.",
    ),
    "TSC-21": Code(
        _E,
        "{where} 的 geometricError {found} 大于上级；应小于 {expected}。请按层级递减。",
        "{where} has geometricError {found}, above its parent's; expected less than {expected}. "
        "Let errors fall from level to level.",
    ),
    "TSC-22": Code(
        _W,
        "{where} 的 geometricError {found} 与上级相同；应小于 {expected}，否则该级细化无意义。"
        "请降低该值或去掉该级。",
        "{where} has geometricError {found}, the same as its parent's; expected less than "
        "{expected}, else this step refines nothing. Lower it, or leave the step out.",
    ),
    "TSC-23": Code(
        _E,
        "{where} 的瓦片集 geometricError {found} 小于根瓦片；应大于 {expected}。请提高瓦片集的值。",
        "{where} has a tileset geometricError {found} that is below its root tile's; expected "
        "more than {expected}. Raise the tileset's.",
    ),
    "TSC-24": Code(
        _I,
        "{where} 是叶瓦片，但 geometricError 为 {found}；应为 {expected}，除非确有此省略误差。",
        "{where} is a leaf with geometricError {found}; expected {expected}, unless it leaves out "
        "that much.",
    ),
    # sizes
    "TSC-31": Code(
        _W,
        "{where} 传输量为 {found}；建议不超过 {expected}。请细分瓦片。",
        "{where} has {found} to send; at most {expected} streams well. Split it.",
    ),
    "TSC-32": Code(
        _W,
        "{where} 有 {found} 个三角形；建议不超过 {expected}。请细分或简化。",
        "{where} has {found} triangles; at most {expected} draws well. Split or simplify it.",
    ),
    "TSC-33": Code(
        _W,
        "{where} 需 {found} 次绘制；建议不超过 {expected}。请合并材质与图元。",
        "{where} takes {found} draw calls; at most {expected} draws well. Merge primitives.",
    ),
    "TSC-34": Code(
        _W,
        "{where} 的全市远景需 {found}；建议不超过 {expected}。请在上层放置概略内容。",
        "{where} takes {found} for the view of the whole; at most {expected}. Put generalised "
        "content high in the tree.",
    ),
    "TSC-35": Code(
        _W,
        "{where} 中有 {found} 无人引用的数据；应为 {expected}。请删去。",
        "{where} holds {found} that nothing refers to; expected {expected}. Leave them out.",
    ),
    "TSC-36": Code(
        _W,
        "{where} 中有未被使用的部件：{found}；应为 {expected}。请删去。",
        "{where} has parts that nothing uses: {found}; expected {expected}. Leave them out.",
    ),
    # features
    "TSC-41": Code(
        _W,
        "{where} 中有要素同时出现在多个瓦片：{found}；每个要素应{expected}。请修正切片。",
        "{where} draws features in several tiles at once: {found}; expected each {expected}. Tile "
        "again so that none is cut or repeated.",
    ),
    "TSC-42": Code(
        _E,
        "{where} 的要素号 {found} 超出属性表；应在 {expected} 内。请修正要素号。",
        "{where} has feature id {found}, beyond its property table; expected {expected}. Correct "
        "the ids or the table.",
    ),
    "TSC-43": Code(
        _W,
        "{where} 的属性表有 {found} 行没有几何；应为 {expected}。请补上几何或删去这些行。",
        "{where} has {found} table rows that nothing is drawn for; expected {expected}. Draw them, "
        "or leave the rows out.",
    ),
    "TSC-44": Code(
        _E,
        "{where} 的属性表中标识重复：{found}；每个标识应{expected}。请更正标识或合并行。",
        "{where} has the same id in several table rows: {found}; expected each {expected}. Correct "
        "the ids, or join the rows.",
    ),
    "TSC-45": Code(
        _E,
        "{where} 中有要素缺失：{found}；应为{expected}。请检查切片是否丢失要素。",
        "{where} lacks features: {found}; expected {expected}. Look for what tiling lost.",
    ),
    "TSC-46": Code(
        _E,
        "{where} 的属性表与数据不符：{found}；应为 {expected}。请重新生成。",
        "{where} has a property table at odds with its data: {found}; expected {expected}. Build "
        "this tile again.",
    ),
    "TSC-47": Code(
        _W,
        "{where} 的 featureCount 为 {expected}，实际有 {found} 个要素。请更正。",
        "{where} states featureCount {expected} but uses {found} features. Correct it.",
    ),
    "TSC-48": Code(
        _E,
        "{where} 的 statistics 称该类要素有 {expected}，内容中实有 {found}。"
        "请检查切片是否丢失或重复要素，或更正统计。",
        "{where} states {expected} features of a class in its statistics, its contents hold "
        "{found}. Look for what tiling lost or repeated, or correct the statistics.",
    ),
    # extensions and conventions
    "TSC-51": Code(
        _E,
        "{where} 使用了扩展 {found}，但未列入 {expected}。请列出。",
        "{where} uses the extension {found} without listing it in {expected}. List it.",
    ),
    "TSC-52": Code(
        _E,
        "{where} 离开扩展 {found} 便无法读取，但未列入 {expected}。请列出。",
        "{where} cannot be read without {found}, which is not in {expected}. List it.",
    ),
    "TSC-53": Code(
        _W,
        "{where} 列出了未使用的扩展 {found}；应只列 {expected}。请从列表中删去。",
        "{where} lists the extension {found} that it does not use; expected {expected}. Take it "
        "off the list.",
    ),
    "TSC-54": Code(
        _E,
        "{where} 的竖轴有误：按 {found} 轴向上几何在包围体之外；按 {expected} 轴向上则在其内。"
        "请旋转几何或更正 gltfUpAxis。",
        "{where} has the wrong up axis: with {found} up its geometry lies outside the bounding "
        "volume, with {expected} up inside. Turn the geometry or correct gltfUpAxis.",
    ),
    "TSC-55": Code(
        _W,
        "{where} 设置了 gltfUpAxis={found}，标准中没有该属性，其他客户端会忽略；应为{expected}。"
        "请改为 Y 轴向上并删去该属性。",
        "{where} sets gltfUpAxis={found}, which no edition of the standard has and other clients "
        "ignore; expected {expected}. Turn the contents so, and leave the property out.",
    ),
    # implicit tiling
    "TSC-61": Code(
        _E,
        "{where} 的子树文件有误：{found}；应为 {expected}。请重新生成。",
        "{where} has a broken subtree: {found}; expected {expected}. Build it again.",
    ),
    "TSC-62": Code(
        _W,
        "{where} 的 availableCount 为 {found}；实际为 {expected}。请更正。",
        "{where} states availableCount {found}; the bits say {expected}. Correct it.",
    ),
}

"""What a finding says was found or expected, in Chinese; checks name it in English."""

from __future__ import annotations

from typing import Final

import orjson

from models.errors import TwinError

_PHRASES: Final = {
    "1.0 or 1.1": "1.0 或 1.1",
    "16 finite numbers, column by column, of an invertible affine matrix": "按列书写的可逆仿射矩阵"
    "的 16 个有限数",
    "Y up, as glTF has it": "Y 轴向上（与 glTF 一致）",
    "a JSON object with asset and root": "含 asset 与 root 的 JSON 对象",
    "a box, sphere or region of finite numbers": "数值有限的 box、sphere 或 region",
    "a content without a URI": "内容没有 URI",
    "a list of tiles": "瓦片列表",
    "a number of 0 or more": "不小于 0 的数",
    "a number of 0 or more for the whole tileset": "整个瓦片集一个不小于 0 的数",
    "a relative URI within the folder": "目录内的相对 URI",
    "a tile as in the standard": "符合标准的瓦片",
    "a tileset as in the standard": "符合标准的瓦片集",
    "a whole file": "完整的文件",
    "a whole subtree": "完整的子树文件",
    "a whole, valid file": "完整有效的文件",
    "children that are no tiles": "children 中有不是瓦片的值",
    "every feature at full detail": "最精细一级包含全部要素",
    "every file that is named": "所引用的全部文件",
    "every subtree": "全部子树文件",
    "in one tile at full detail": "在最精细一级只属于一个瓦片",
    "no asset or no root": "缺少 asset 或 root",
    "no tileset in itself": "瓦片集不包含自身",
    "none": "无",
    "nothing": "空",
    "once": "只出现一次",
    "the file of every content": "每个内容的文件",
    "the file of every image": "每幅图像的文件",
    "the schema": "模式文件",
    "the tileset itself": "瓦片集文件本身",
    "them in the tiles that replace it": "出现在替换它的瓦片中",
}


def chinese(value: object) -> str:
    """``value`` in Chinese; figures, names and what libraries say of a file's inside stay as they
    are."""
    if isinstance(value, TwinError):
        return value.zh.removesuffix("。")
    if isinstance(value, orjson.JSONDecodeError):
        return f"第 {value.lineno} 行第 {value.colno} 列处 JSON 不完整或有误"
    if isinstance(value, Exception):
        return "内容缺失，或其类型、取值不符"
    return _PHRASES.get(str(value), str(value))

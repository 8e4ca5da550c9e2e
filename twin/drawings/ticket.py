"""开挖告知单: the printable page of an excavation, A4, with plan and section."""

from __future__ import annotations

from typing import Any, Final

from twin.analyses.answer import Answer
from twin.drawings.common import class_colour, class_name
from twin.drawings.sheet import FONT, clean

_STATES: Final = {
    "exposed": "坑内出露",
    "possible": "可能出露（2σ 内）",
    "near": "邻近（人工开挖范围）",
    "unknown": "高程不详",
    "below": "坑底以下",
    "overhead": "架空",
}
_HEAD: Final = (
    "号",
    "状态",
    "类别",
    "规格",
    "材质",
    "顶距坑底/m",
    "出露/m",
    "误差2σ平/高",
    "人工开挖高程",
    "权属单位",
)
_STYLE: Final = f"""
@page {{ size: A4; margin: 10mm }}
body {{ font: 9.5pt/1.4 {FONT}; color: #111; width: 188mm; margin: 0 auto }}
h1 {{ font-size: 15pt; margin: 2mm 0 }} h2 {{ font-size: 11pt; margin: 3mm 0 1mm }}
table {{ border-collapse: collapse; width: 100%; font-size: 8pt }}
th, td {{ border: .2mm solid #888; padding: .5mm 1mm; text-align: left }}
th {{ background: #e8ecf0 }} tr {{ break-inside: avoid }} figure {{ margin: 1mm 0;
break-inside: avoid }} svg {{ display: block; max-width: none }}
.exposed td:first-child {{ background: #f6c6c6 }} .possible td:first-child {{ background: #fbdcb4 }}
.key {{ display: inline-block; width: 5mm; height: 2.4mm; margin-right: 1mm;
border: .15mm solid #333 }}
p, ul {{ margin: 1mm 0; font-size: 8pt }} .facts td:nth-child(odd) {{ background: #f4f6f8 }}
"""


def ticket_page(answer: Answer, plan: str, section: str, twin: str) -> str:
    """A self-contained HTML page; drawings keep their scale when it is printed at 100 %.

    It runs no script and loads nothing, and texts of the data are escaped.
    """
    result = answer.result
    codes = sorted({str(p["segment"].get("class_code")) for p in result["pipes"]})
    legend = " ".join(
        f'<span><i class="key" style="background:{class_colour(c)}"></i>{clean(class_name(c))}'
        "</span>"
        for c in codes
    )
    data = "；".join(
        f"{r['dataset']} 第{r['number']}版（{str(r['recorded'])[:10]}）" for r in answer.revisions
    )
    datum = f"平面 {answer.datum['horizontal']}；高程 {answer.datum['vertical']}"
    notes = "".join(f"<li>{clean(n.zh, 400)} {clean(n.en, 400)}</li>" for n in answer.notes)
    return (
        '<!doctype html>\n<html lang="zh-CN"><head><meta charset="utf-8">'
        f"<title>开挖地下管线告知单 {clean(twin)}</title><style>{_STYLE}</style></head><body>\n"
        f"<h1>开挖地下管线告知单 <small>Excavation ticket · {clean(twin)}</small></h1>\n"
        f"{_facts(result)}\n<figure>{plan}</figure>\n"
        f"<h2>A–A′ 剖面图（沿基坑长轴）Section along the pit</h2>\n<figure>{section}</figure>\n"
        f"<p>图例 Legend：{legend}；红实线坑底、红虚线坑口，淡色带为人工开挖范围。</p>\n"
        f"<h2>涉及管线 Pipes（{len(result['pipes'])}）</h2>\n{_pipes(result)}\n"
        f"<h2>权属单位 Owners</h2>\n{_owners(result)}\n"
        f"<p>基准 Datum：{clean(datum)}。地面 Ground：{clean(answer.accuracy['ground']['zh'])}。"
        f"数据 Data：{clean(data, 600)}。打印比例 100%。</p>\n<ul>{notes}</ul>\n</body></html>\n"
    )


def _facts(result: dict[str, Any]) -> str:
    ground = result["ground"]
    cells = [
        ("开挖深度 Depth", f"{result['depth']:.2f} m"),
        ("坑底高程 Floor", f"{result['floor_height']:.2f} m"),
        ("地面高程 Ground", f"{ground['least']:.2f}–{ground['greatest']:.2f} m"),
        ("放坡 Slope", f"1:{result['slope']:g}"),
        ("工作面宽 Working width", f"{result['working_width']:.2f} m"),
        ("坑底面积 Floor area", f"{result['floor_area']:.1f} m²"),
        ("坑口面积 Top area", f"{result['top_area']:.1f} m²"),
        ("土方量 Volume", f"{result['volume']:.1f} m³"),
        ("人工开挖余量 Margin", f"{result['margin']:.2f} m + 2σ"),
    ]
    rows = [cells[i : i + 3] for i in range(0, len(cells), 3)]
    body = "".join(
        "<tr>" + "".join(f"<td>{clean(k)}</td><td>{clean(v)}</td>" for k, v in row) + "</tr>"
        for row in rows
    )
    return f'<table class="facts">{body}</table>'


def _pipes(result: dict[str, Any]) -> str:
    rows = []
    for pipe in result["pipes"]:
        one, zone, error = pipe["segment"], pipe["hand_dig"], pipe["error"]
        above = pipe["top_above_floor"]
        cells = [
            pipe["number"],
            _STATES[pipe["state"]],
            class_name(one.get("class_code")),
            one["size"] or "不详",
            one.get("material") or "不详",
            "—" if above is None else f"{above:+.2f}",  # beside the pit, or its height is unknown
            f"{pipe['exposed_length']:.1f}",
            f"{error['plan']:.2f}/{error['height']:.2f}" + ("*" if error["assumed"] else ""),
            "—"
            if not zone or zone["upper"] is None
            else f"{zone['lower']:.2f}～{zone['upper']:.2f}",
            one.get("owner") or "不详",
        ]
        body = "".join(f"<td>{clean(cell)}</td>" for cell in cells)
        rows.append(f'<tr class="{pipe["state"]}">{body}</tr>')
    titles = "".join(f"<th>{title}</th>" for title in _HEAD)
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _owners(result: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{clean(o['owner'] or '不详 unknown')}</td>"
        f"<td>{clean('、'.join(class_name(c) for c in o['classes']))}</td>"
        f"<td>{o['pipes']}</td><td>{o['exposed_length']:.1f}</td></tr>"
        for o in result["owners"]
    )
    return (
        "<table><thead><tr><th>权属单位 Owner</th><th>类别</th><th>管段数</th><th>出露长度/m</th>"
        f"</tr></thead><tbody>{rows}</tbody></table>"
    )

"""CQL2 text to CQL2 JSON: the grammar of OGC 21-065r2 annex B, read in one pass.

Only the form is judged here; :mod:`models.cql2.read` judges the meaning, for text and JSON alike.
The time is linear in the length and the depth is bounded. (Parsers that try alternatives need
exponential time for nested parentheses that do not close, which no public address can afford.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from models.cql2.errors import FilterError
from models.cql2.operators import FUNCTIONS
from models.cql2.tokens import tokens

#: Parentheses, functions and negations inside one another.
MOST_DEPTH: Final = 32

_COMPARISONS: Final = frozenset({"=", "<>", "<", ">", "<=", ">="})
_POINT, _LINE, _POLYGON = "point", "line", "polygon"
#: Tag -> GeoJSON type, what it consists of, and whether of several.
_SHAPES: Final[dict[str, tuple[str, str, bool]]] = {
    "POINT": ("Point", _POINT, False),
    "LINESTRING": ("LineString", _LINE, False),
    "POLYGON": ("Polygon", _POLYGON, False),
    "MULTIPOINT": ("MultiPoint", _POINT, True),
    "MULTILINESTRING": ("MultiLineString", _LINE, True),
    "MULTIPOLYGON": ("MultiPolygon", _POLYGON, True),
}


def to_json(text: str) -> Any:
    """The CQL2 JSON of ``text``. Raises :class:`FilterError`, which names the place."""
    return marked(text)[0]


def marked(text: str) -> tuple[Any, dict[int, int]]:
    """The CQL2 JSON of ``text``, and at which character (from 1) each of its objects begins, by
    identity. Raises :class:`FilterError`, which names the place."""
    parser = _Parser(text)
    return parser.whole(), parser.marks


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(tokens(text))
        self.at = 0
        self.depth = 0
        self.marks: dict[int, int] = {}

    def whole(self) -> Any:
        found = self.disjunction()
        if self.kind != "end":
            raise self.wrong("an operator or the end", "运算符或结尾")
        return found

    @property
    def kind(self) -> str:
        return self.tokens[self.at][0]

    @property
    def value(self) -> str:
        return self.tokens[self.at][1]

    def wrong(self, en: str, zh: str) -> FilterError:
        place, found = self.place, self.value
        shown = found if len(found) <= 40 else f"{found[:37]}..."
        told, told_zh = (
            (f"'{shown}'", f"为“{shown}”") if self.kind != "end" else ("the end", "已结束")
        )
        return FilterError(
            f"filter: found {told} at character {place}, expected {en}.",
            f"filter：第 {place} 个字符处{told_zh}，应为{zh}。",
        )

    def take(self, *values: str) -> str | None:
        """The next token if it is one of ``values`` (keywords in capitals), which is passed."""
        if self.kind in ("sign", "word") and self.value in values:
            self.at += 1
            return self.tokens[self.at - 1][1]
        return None

    def expect(self, value: str) -> None:
        if self.take(value) is None:
            raise self.wrong(f"'{value}'", f"“{value}”")

    @property
    def place(self) -> int:
        return self.tokens[self.at][2] + 1

    def mark(self, start: int, found: Any) -> Any:
        if isinstance(found, dict):
            self.marks.setdefault(id(found), start)
        return found

    def deeper(self, part: Callable[[], Any]) -> Any:
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise FilterError(
                f"filter: nested deeper than {MOST_DEPTH} levels. Simplify it.",
                f"filter：嵌套超过 {MOST_DEPTH} 层，请简化。",
            )
        found = part()
        self.depth -= 1
        return found

    def several(self, part: Callable[[], Any]) -> list[Any]:
        """``( part, part, … )`` with at least one."""
        self.expect("(")
        found = [part()]
        while self.take(","):
            found.append(part())
        self.expect(")")
        return found

    def disjunction(self) -> Any:
        return self.chain(("OR",), self.conjunction)

    def conjunction(self) -> Any:
        return self.chain(("AND",), self.negation)

    def chain(self, word: tuple[str, ...], part: Callable[[], Any]) -> Any:
        start, found = self.place, [part()]
        while self.take(*word):
            found.append(part())
        if len(found) == 1:
            return found[0]
        return self.mark(start, {"op": word[0].lower(), "args": found})

    def negation(self) -> Any:
        start = self.place
        if self.take("NOT"):
            return self.mark(start, {"op": "not", "args": [self.deeper(self.negation)]})
        return self.mark(start, self.comparison())

    def comparison(self) -> Any:
        left = self.sum()
        if op := self.take(*_COMPARISONS):
            return {"op": op, "args": [left, self.sum()]}
        if self.take("IS"):
            negated = self.take("NOT")
            self.expect("NULL")
            return _negated({"op": "isNull", "args": [left]}, negated)
        negated = self.take("NOT")
        if self.take("LIKE"):
            return _negated({"op": "like", "args": [left, self.sum()]}, negated)
        if self.take("BETWEEN"):
            low = self.sum()
            self.expect("AND")
            return _negated({"op": "between", "args": [left, low, self.sum()]}, negated)
        if self.take("IN"):
            return _negated({"op": "in", "args": [left, self.several(self.sum)]}, negated)
        if negated:
            raise self.wrong("LIKE, BETWEEN or IN", "LIKE、BETWEEN 或 IN")
        return left

    def sum(self) -> Any:
        return self.arithmetic(("+", "-"), self.product)

    def product(self) -> Any:
        return self.arithmetic(("*", "/", "%", "DIV"), self.power)

    def arithmetic(self, signs: tuple[str, ...], part: Callable[[], Any]) -> Any:
        start, left = self.place, part()
        while op := self.take(*signs):
            left = self.mark(start, {"op": op.lower(), "args": [left, part()]})
        return left

    def power(self) -> Any:
        start, base = self.place, self.factor()
        if not self.take("^"):
            return base
        return self.mark(start, {"op": "^", "args": [base, self.factor()]})

    def factor(self) -> Any:
        return self.mark(self.place, self.operand())

    def operand(self) -> Any:
        if self.take("-"):
            found = self.deeper(self.factor)
            return -found if type(found) is float else {"op": "*", "args": [-1.0, found]}
        if self.take("+"):
            return self.number()
        if self.kind == "sign" and self.value == "(":
            return self.deeper(self.parenthesis)
        if self.kind == "number":
            return self.number()
        if self.kind == "text":
            return self.string()
        if self.kind in ("name", "quoted"):
            return self.named()
        raise self.wrong("a value, a property or '('", "值、属性或“(”")

    def parenthesis(self) -> Any:
        """A grouped expression, or an array where there is a comma or nothing in it."""
        self.expect("(")
        if self.take(")"):
            return []
        found = [self.disjunction()]
        while self.take(","):
            found.append(self.disjunction())
        self.expect(")")
        return found[0] if len(found) == 1 else found

    def named(self) -> Any:
        kind, name, _ = self.tokens[self.at]
        self.at += 1
        if kind == "quoted":
            return {"property": name}
        word = name.upper()
        if word in ("TRUE", "FALSE"):
            return word == "TRUE"
        following = self.tokens[self.at]
        flat = following[0] == "name" and following[1].upper() == "Z"
        opened = self.tokens[self.at + flat][1] == "("
        if not opened:
            return {"property": name}
        if word in _SHAPES or word == "GEOMETRYCOLLECTION":
            self.at += flat
            return self.shape(word)
        if flat:
            raise self.wrong("an operator", "运算符")
        return self.deeper(lambda: self.call(name))

    def call(self, name: str) -> Any:
        word = name.upper()
        if word == "BBOX":
            return {"bbox": self.several(self.signed)}
        if word in ("DATE", "TIMESTAMP"):
            (moment,) = self.one(self.string)
            return {word.lower(): moment}
        if word == "INTERVAL":
            return {"interval": self.several(self.instant)}
        if self.tokens[self.at + 1][1] == ")":
            self.at += 2
            return {"op": FUNCTIONS.get(word.lower(), name), "args": []}
        arrays = word.startswith("A_")
        part = self.array if arrays else self.disjunction
        return {"op": FUNCTIONS.get(word.lower(), name), "args": self.several(part)}

    def array(self) -> Any:
        """An operand of an array function, where parentheses always make an array."""
        if not (self.kind == "sign" and self.value == "("):
            return self.disjunction()
        found = self.deeper(self.parenthesis)
        return found if isinstance(found, list) else [found]

    def one(self, part: Callable[[], Any]) -> list[Any]:
        self.expect("(")
        found = [part()]
        self.expect(")")
        return found

    def instant(self) -> Any:
        return self.string() if self.kind == "text" else self.mark(self.place, self.named())

    def string(self) -> str:
        if self.kind != "text":
            raise self.wrong("a text in single quotes", "单引号文本")
        self.at += 1
        return self.tokens[self.at - 1][1]

    def number(self) -> float:
        if self.kind != "number":
            raise self.wrong("a number", "数字")
        self.at += 1
        return float(self.tokens[self.at - 1][1])

    def signed(self) -> float:
        sign = self.take("-", "+")
        return -self.number() if sign == "-" else self.number()

    def shape(self, word: str) -> Any:
        if word == "GEOMETRYCOLLECTION":
            return {"type": "GeometryCollection", "geometries": self.several(self.member)}
        name, part, many = _SHAPES[word]
        read = {_POINT: self.position_in, _LINE: self.positions, _POLYGON: self.rings}[part]
        return {"type": name, "coordinates": self.several(read) if many else read()}

    def member(self) -> Any:
        word = self.value.upper()
        if self.kind != "name" or word not in _SHAPES:
            raise self.wrong("a geometry", "几何")
        self.at += 1
        if self.kind == "name" and self.value.upper() == "Z":
            self.at += 1
        return self.shape(word)

    def position(self) -> list[float]:
        found = [self.signed(), self.signed()]
        if self.kind == "number" or self.value in ("-", "+"):
            found.append(self.signed())
        return found

    def position_in(self) -> list[float]:
        (found,) = self.one(self.position)
        return list(found)

    def positions(self) -> list[Any]:
        return self.several(self.position)

    def rings(self) -> list[Any]:
        return self.several(self.positions)


def _negated(expression: Any, negated: str | None) -> Any:
    return {"op": "not", "args": [expression]} if negated else expression

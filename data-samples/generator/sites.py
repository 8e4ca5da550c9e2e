"""The two sites. Street and block names are neutral; nothing but the places is taken from life.

Block uses: r six-storey slabs, m eleven-storey slabs, t point towers, w terrace houses,
v village, o office podium and tower, q office courtyard, c shopping, s school, h hospital,
i industry, e exhibition, p park, g gap (left free, for the BIM), S station, . empty.
"""

from __future__ import annotations

from pyproj import Transformer

from .layout import Canal, Site, Street


def _streets(spec: str, prefix: str) -> tuple[Street, ...]:
    """``-300a -100l …``: position and kind, a arterial (36 m), s street (36 m), l lane (20 m)."""
    halves = {"a": 18.0, "s": 14.0, "l": 9.0}
    return tuple(
        Street(float(word[:-1]), halves[word[-1]], f"{prefix}{n}路")
        for n, word in enumerate(spec.split(), start=1)
    )


def _path(spec: str) -> tuple[tuple[float, float], ...]:
    """Pairs of plan coordinates."""
    numbers = [float(word) for word in spec.split()]
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def _centre(lon: float, lat: float) -> tuple[float, float]:
    transformer = Transformer.from_crs("EPSG:4490", "EPSG:4549", always_xy=True)
    east, north = transformer.transform(lon, lat)
    return round(east), round(north)


def songjiang() -> Site:
    """Songjiang hub: the station over the railway, old quarters south, new town north."""
    lon, lat = 121.2264, 30.9869
    east, north = _centre(lon, lat)
    return Site(
        "songjiang-hub",
        "松江枢纽",
        lon,
        lat,
        east,
        north,
        13.0,
        (20.0, 16.0, 2600.0, 2900.0, 0.6),
        _streets("-1190a -1010l -830s -655l -470s -250a 0a 250a 445s 640l 830s 1010l 1190a", "纵"),
        _streets(
            "-1180a -1000l -820s -650l -480a -300l -125s 125a 320a 540a 750a 930s 1090l 1250a", "横"
        ),
        (
            Canal(
                _path(
                    "-540 -2200  -560 -1700  -560 -1400  -575 -900  -550 -400  -535 0  -550 300  "
                    "-575 520  -560 760  -590 1000  -560 1700  -540 2200"
                ),
                26.0,
            ),
            Canal(((-2200, -900), (-900, -915), (-575, -905), (-100, -900), (2200, -930)), 18.0),
        ),
        (
            "vvrrrvrvvviv",
            "vrrwrrrvvvii",
            "rrm.rrrwrvvi",
            "vrsmcrrsrrvi",
            "vvrrqrorrvvi",
            "vrr.mcomrvvv",
            ".....SSS....",
            "rmrmootcmrvi",
            "vrr.tootmsrv",
            "vwhrmtoqtmrv",
            "rrm.rmtmrrvv",
            "vrrsmrrrwrvv",
            "vvwr.rmvrpvv",
        ),
        (5, 6, 7),
        (8, 9, 10),
        ("C5", "R8"),
        -540.0,
        (405.0, 905.0),
        (-62.0, 62.0),
        seed=30,
    )


def qianwan() -> Site:
    """Qianwan: an office quarter beside a curved river, housing around it."""
    lon, lat = 121.30, 31.17
    east, north = _centre(lon, lat)
    return Site(
        "qianwan",
        "前湾",
        lon,
        lat,
        east,
        north,
        -9.0,
        (16.0, 22.0, 2500.0, 2700.0, 1.4),
        _streets(
            "-1160a -985l -810s -640l -470s -330l -190a -55l 80a 215l 350a 500l 650s 820l 990s "
            "1160a",
            "纵",
        ),
        _streets(
            "-1170a -1000l -830s -670l -510a -360l -210a -80l 60a 195l 330a 480l 640s 810l 980s "
            "1160a",
            "横",
        ),
        (
            Canal(
                _path(
                    "-430 -2200  -430 -1700  -400 -900  -425 -500  -395 -200  -400 60  -420 420  "
                    "-560 800  -560 1700  -560 2200"
                ),
                34.0,
                8.0,
            ),
            Canal(((-400, -745), (100, -750), (600, -752), (2200, -740)), 20.0),
        ),
        (
            "vvrv.rmrrsrmvvi",
            "vvrr.mrrmrrvvvi",
            "rmsr.r......rvi",
            "vrrm.rtmrstrrvi",
            "vrrm.cqttmmsrvv",
            "mtrr.oqoocttrrv",
            "rrms.ooooqtcmrr",
            "vrhm.oegooqtmrv",
            "rrms.oopoootrrv",
            "vrrm.qooqotmsrv",
            "vmrr.ctotcmtrrv",
            "rrw.mrmrtmrmrvv",
            "vvw.smrrsrrwvvi",
            "vwr.rrmwrrvrwvi",
            "vvv.rwrrvrwrvvi",
        ),
        (6, 8, 10),
        (6, 8, 10),
        ("C8", "R8"),
        -374.0,
        (495.0, 470.0),
        seed=70,
    )

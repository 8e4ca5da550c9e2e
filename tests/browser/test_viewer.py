"""The viewer, used as a visitor uses it: look, click, read, go underground."""

from __future__ import annotations

import json
import re
import warnings
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import Route
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile

if TYPE_CHECKING:
    from tests.browser.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

HUB, QIANWAN = "songjiang-hub", "qianwan"


def pixels(png: bytes) -> npt.NDArray[np.int16]:
    """(3, height, width) of a picture."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with MemoryFile(png) as file, file.open() as image:
            return np.asarray(image.read([1, 2, 3]), dtype=np.int16)


def highlighted(png: bytes) -> int:
    """How many pixels of the scene have the highlight's yellow: red and green, little blue."""
    red, green, blue = pixels(png)[:, :, 270:650]
    yellow = (red > 140) & (green > 0.75 * red) & (blue < 0.65 * green)
    return int(np.count_nonzero(yellow))


def changed(before: bytes, after: bytes) -> int:
    """How many pixels of the scene differ plainly."""
    difference = np.abs(pixels(before) - pixels(after))[:, :, 270:650]
    return int(np.count_nonzero(difference.max(axis=0) > 50))


def record(url: str, twin: str, found: dict[str, Any]) -> dict[str, Any]:
    with urlopen(f"{url}/twins/{twin}/features/{found['id']}") as response:
        answer: dict[str, Any] = json.load(response)
    return answer


def check_record(visit: Visit, twin: str, found: dict[str, Any], column: str) -> None:
    """The panel shows what the server says of the feature, labelled in both languages."""
    expected = record(visit.url, twin, found)
    label, value = visit.row(column)
    words = expected["labels"][column]
    first, second = label.splitlines()
    assert (first, second) == (words["zh"], words["en"])
    told = expected["attributes"][column]
    shown = told if isinstance(told, str) else f"{told:.3f}".rstrip("0").rstrip(".")
    assert shown in value
    source = visit.page.locator(".attributes .source").inner_text()
    assert expected["source"]["file"] in source
    visit.page.locator(".lang").click()
    assert visit.row(column)[0].splitlines() == [words["en"], words["zh"]]
    assert visit.row(column)[1]
    visit.page.locator(".lang").click()


def go_to(visit: Visit, layer: str) -> None:
    """Look at a layer with its button in the tree."""
    visit.page.locator(f"[data-layer={layer}] .locate").click()
    visit.settle()


def toggle_underground(visit: Visit) -> None:
    visit.page.locator("[data-tool=underground]").click()
    visit.settle()


@pytest.mark.parametrize("twin", [HUB, QIANWAN])
def test_a_visitor_sees_the_city_above_and_below_ground(visit: Visit, twin: str) -> None:
    visit.open(f"#twin={twin}")
    state = visit.ask("state()")
    assert state["twin"] == twin
    assert {layer["id"] for layer in state["layers"] if layer["loaded"]} >= {"buildings", "pipes"}
    assert np.ptp(pixels(visit.picture(f"{twin}-1-city"))[:, :, 300:]) > 60

    building = visit.ask("find('buildings')")
    visit.click(building)
    check_record(visit, twin, building, "height")
    assert highlighted(visit.picture(f"{twin}-2-building")) > 100

    go_to(visit, "bim")
    storeys = next(layer for layer in visit.ask("state()")["layers"] if layer["id"] == "bim")
    element = visit.ask("find('bim')")
    assert element["properties"]["storey_name"] in {entry["zh"] for entry in storeys["entries"]}
    visit.click(element)
    check_record(visit, twin, element, "ifc_class")
    visit.picture(f"{twin}-3-bim")

    visit.page.locator("[data-move=home]").click()
    visit.page.keyboard.press("Escape")
    toggle_underground(visit)
    assert visit.ask("state()")["groundTranslucent"]
    pipe = visit.ask("find('pipes', {kind: 'segment'})")
    assert pipe is not None, "the underground view goes where pipes are"
    before = visit.picture(f"{twin}-4-underground")
    visit.click(pipe)
    check_record(visit, twin, pipe, "class_code")
    assert changed(before, visit.picture(f"{twin}-5-pipe")) > 40
    toggle_underground(visit)
    assert visit.ask("find('pipes', {kind: 'segment'})") is None, "the ground hides the pipes"


def test_storeys_can_be_shown_one_at_a_time(visit: Visit) -> None:
    visit.open(f"#twin={HUB}")
    go_to(visit, "bim")
    bim = visit.page.locator("[data-layer=bim]")
    storey = visit.ask("find('bim')")["properties"]["storey_name"]
    row = bim.locator("li", has=visit.page.locator(f"label[data-entry$='|{storey}']"))
    row.locator(".only").click()
    visit.settle()
    visit.picture("storey-only")
    assert visit.ask(f"find('bim', {{storey_name: {json.dumps(storey)}}})") is not None
    shown = bim.locator("label[data-entry] input:checked")
    assert shown.count() == 1

    row.locator("input").uncheck()
    visit.settle()
    assert visit.ask("find('bim')") is None
    bim.locator("label.layer input").uncheck()
    visit.settle()
    assert [x["show"] for x in visit.ask("state()")["layers"] if x["id"] == "bim"] == [False]


def test_the_address_holds_the_view(visit: Visit) -> None:
    visit.open(f"#twin={QIANWAN}")
    visit.page.locator("#scene").focus()
    visit.page.keyboard.press("u")
    visit.settle()
    pipe = visit.ask("find('pipes', {kind: 'segment'})")
    visit.click(pipe)
    visit.page.locator("[data-layer=buildings] label.layer input").uncheck()
    visit.page.locator(".lang").click()
    visit.settle()
    kept = ("twin", "selected", "underground", "hidden", "lang")
    before = visit.ask("state()")
    address = visit.page.url
    assert re.search(r"#twin=qianwan&.*ug=1.*lang=en.*cam=121", address)

    visit.open(address[address.index("#") :])
    after = visit.ask("state()")
    assert {key: after[key] for key in kept} == {key: before[key] for key in kept}
    assert after["camera"]["lon"] == pytest.approx(before["camera"]["lon"], abs=1e-5)
    assert after["camera"]["height"] == pytest.approx(before["camera"]["height"], abs=0.2)
    assert visit.page.locator("html").get_attribute("lang") == "en"
    assert visit.page.locator(".attributes .id").inner_text().endswith(pipe["id"])


def test_keys_and_buttons_move_the_camera(visit: Visit) -> None:
    visit.open(f"#twin={HUB}")
    camera = visit.ask("state()")["camera"]
    visit.page.locator("#scene").focus()
    visit.page.keyboard.press("+")
    visit.settle()
    assert visit.ask("state()")["camera"]["height"] < camera["height"]
    visit.page.keyboard.press("e")
    visit.settle()
    turned = visit.ask("state()")["camera"]
    assert turned["heading"] == pytest.approx(camera["heading"] + 15, abs=0.5)
    visit.page.locator("[data-move=top]").click()
    visit.settle()
    assert visit.ask("state()")["camera"]["pitch"] < -85
    visit.page.locator("[data-move=home]").click()
    visit.settle()
    assert visit.ask("state()")["camera"]["height"] == pytest.approx(camera["height"], abs=1)

    visit.page.locator(".switch label").nth(1).click()
    other = visit.page.locator(".switch input").nth(1).get_attribute("value")
    visit.wait_ready(other)
    assert visit.ask("state()")["twin"] == other
    assert visit.page.title() == "城市孪生"


def test_a_layer_that_does_not_come_is_told_in_both_languages(visit: Visit) -> None:
    def gone(route: Route) -> None:
        route.fulfill(status=503, content_type="application/json", body="{}")

    visit.page.route(f"**/tiles/{HUB}/pipes/tileset.json", gone)
    visit.open(f"#twin={HUB}")
    banner = visit.page.locator(".banner")
    assert "地下管线" in banner.inner_text()
    [words] = visit.ask("state()")["problems"]
    assert "pipes" in words["en"].lower()
    assert visit.ask("find('buildings')") is not None, "the other layers stay"
    banner.locator("button").click()
    assert visit.ask("state()")["problems"] == []
    visit.faults = [fault for fault in visit.faults if "503" not in fault]

from __future__ import annotations

import httpx

from twin.testing import Service


def test_containers_lead_to_tilesets(service: Service) -> None:
    base = f"{service.url}/ogc/qianwan/collections3d"
    containers = httpx.get(base).json()["collections"]
    assert {"buildings", "pipes", "bim"} <= {one["id"] for one in containers}
    for one in containers:
        assert one["collectionType"] == "3d-container"
        (content,) = one["content"]
        assert content["type"] == "application/json+3dtiles"
        tileset = httpx.get(content["href"])
        assert tileset.json()["asset"]["version"] == "1.1"
        assert httpx.get(f"{base}/{one['id']}").json() == one
    missing = httpx.get(f"{base}/trees")
    assert missing.status_code == 404
    assert "buildings" in missing.json()["detail"]


def test_a_box_of_space_is_asked_over_http(service: Service) -> None:
    url = f"{service.url}/twins/qianwan/analyses"
    listed = {one["name"]: one for one in httpx.get(url).json()["analyses"]}
    answer = httpx.post(f"{url}/within", json=listed["within"]["example"], timeout=60)
    told = answer.json()
    assert answer.status_code == 200, told
    assert told["result"]["count"] == len(told["result"]["features"]) > 0
    assert set(told) >= {"datum", "accuracy", "revisions", "notes"}
    for name in ("nearest", "line-of-sight", "column", "terrain-height", "volume-and-area",
                 "overlaps", "differences"):  # fmt: skip
        found = httpx.post(f"{url}/{name}", json=listed[name]["example"], timeout=60)
        assert found.status_code == 200, (name, found.text)
    assert httpx.post(f"{url}/within", json={"box": [1]}).status_code == 400


def test_names_of_the_samples_are_found(service: Service) -> None:
    found = httpx.get(f"{service.url}/twins/qianwan/places", params={"q": "路"}).json()["places"]
    assert found
    where = {"lon": found[0]["lon"], "lat": found[0]["lat"]}
    near = httpx.get(f"{service.url}/twins/qianwan/places/reverse", params=where).json()["places"]
    assert found[0]["name"] in {one["name"] for one in near}

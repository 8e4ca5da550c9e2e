// @ts-check
// window.__twin: what scripts (tests, tutorials) may ask of the page. It reads; it changes nothing.

/** @import {Context} from "./ui/element.js" */
/** @import {Picked} from "./types.js" */

/** @param {() => Context} context */
export function exposeProbe(context) {
  const city = () => {
    const found = context().city;
    if (!found) throw new Error("the scene is not open yet");
    return found;
  };
  const probe = {
    /** True when the chosen twin's tiles for the present view are there. */
    get ready() {
      const { city: found, twin, busy, store } = context();
      return Boolean(found && twin && twin.id === store.state.twin && !busy);
    },
    /** Resolves when nothing is being loaded for two frames. */
    settle: () => city().settle(),
    /**
     * @param {number} lon
     * @param {number} lat
     * @param {number} height Metres above the ellipsoid.
     */
    pickAt: (lon, lat, height) => city().pickAt(lon, lat, height),
    /**
     * Where on the canvas is a feature of this layer that a click would hit? Tries a grid of
     * places from the middle outwards.
     * @param {string} layer
     * @param {Record<string, unknown>} [properties] That the feature must have.
     * @returns {({x: number, y: number} & Picked) | null}
     */
    find: (layer, properties = {}) => {
      const { clientWidth: width, clientHeight: height } = city().scene.canvas;
      for (const { x, y } of spiral(width, height)) {
        if (document.elementFromPoint(x, y) !== city().scene.canvas) continue;
        const picked = city().pick(x, y);
        const fits = Object.entries(properties).every(([k, v]) => picked?.properties[k] === v);
        if (picked?.layer === layer && fits) return { x, y, ...picked };
      }
      return null;
    },
    /**
     * What the renderer counts in each tile of a layer that it has loaded.
     * @param {string} layer
     */
    contents: (layer) => {
      const found = city().legend.find((entry) => entry.layer.id === layer)?.layer.tileset;
      /** @type {Array<{leaf: boolean, features: number, points: number, triangles: number}>} */
      const out = [];
      const open = found ? [found.root] : [];
      for (let tile = open.pop(); tile; tile = open.pop()) {
        open.push(...tile.children);
        const { content } = tile;
        if (!content || content.trianglesLength + content.pointsLength === 0) continue;
        out.push({
          leaf: tile.children.length === 0,
          features: content.featuresLength,
          points: content.pointsLength,
          triangles: content.trianglesLength,
        });
      }
      return out;
    },
    /** The state as plain JSON, with what the scene makes of it. */
    state: () => {
      const { store, city: found, twin, problems, picked, record } = context();
      const { hidden, ...rest } = store.state;
      return {
        ...rest,
        hidden: [...hidden],
        twinName: twin?.name ?? null,
        problems: problems.map((problem) => problem.words),
        picked,
        record,
        frames: found?.frames ?? 0,
        cameraUnderground: found?.scene.cameraUnderground ?? false,
        groundTranslucent: found?.scene.globe.translucency.enabled ?? false,
        terrain: Boolean(found?.ground.terrain && found.scene.terrainProvider === found.ground.terrain),
        layers: (found?.legend ?? []).map(({ layer, entries }) => ({
          id: layer.id,
          show: layer.tileset?.show ?? false,
          loaded: layer.tileset?.tilesLoaded ?? false,
          entries,
        })),
      };
    },
  };
  Object.assign(window, { __twin: probe });
}

/**
 * Places of a grid, the ones near the middle first.
 * @param {number} width
 * @param {number} height
 */
function spiral(width, height) {
  const places = [];
  for (let x = 15; x < width; x += 30) for (let y = 15; y < height; y += 30) places.push({ x, y });
  const far = (/** @type {{x: number, y: number}} */ p) => Math.hypot(p.x - width / 2, p.y - height / 2);
  return places.sort((a, b) => far(a) - far(b));
}

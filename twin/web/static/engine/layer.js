// @ts-check
// One tileset of a twin: loading, colours, what of it is shown.

import {
  Cartesian3,
  Cesium3DTileColorBlendMode,
  Cesium3DTileFeature,
  Cesium3DTileset,
  Cesium3DTileStyle,
  Color,
} from "../lib/cesium.js";
import { LayerRules } from "./profile.js";

/** @import {Cesium3DTile, Cesium3DTileContent, Scene, StyleExpression} from "../lib/cesium.js" */
/** @import {Entry, LayerInfo, LayerStyle, Picked} from "../types.js" */

/**
 * How all layers are to be drawn.
 * @typedef {object} Mode
 * @property {boolean} underground
 * @property {number} ground Height of the ground in the storage vertical datum, metres.
 * @property {string | null} selected
 * @property {ReadonlySet<string>} hidden `layer` or `layer/entry`.
 * @property {Color} highlight
 */

/**
 * @typedef {object} Row
 * @property {unknown} id
 * @property {string} entry
 * @property {Color} color
 * @property {boolean} buried Not to be seen from above ground.
 * @property {number} elevation Of the storey, metres; infinite for what stands in none.
 */

/** Diffuse light from all around (spherical harmonics, first band only). */
const AMBIENT = Array.from({ length: 9 }, (_, band) =>
  band === 0 ? new Cartesian3(0.5, 0.52, 0.57) : new Cartesian3(),
);

export class Layer {
  /**
   * @param {LayerInfo} info
   * @param {LayerStyle} style
   * @param {() => void} onEntries Called when the legend has grown.
   */
  constructor(info, style, onEntries) {
    this.info = info;
    this.rules = new LayerRules(style);
    this.onEntries = onEntries;
    /** @type {Map<string, Entry>} */
    this.entries = new Map();
    /** @type {Cesium3DTileset | null} */
    this.tileset = null;
    /** @type {Mode | null} */
    this.mode = null;
    /** @type {WeakMap<Cesium3DTileContent, Row[]>} */
    this.rows = new WeakMap();
    this.style = this.#makeStyle();
  }

  get id() {
    return this.info.id;
  }

  /**
   * Fetch the tileset and put it into the scene. Rejects where the server has none.
   * @param {Scene} scene
   * @param {number} maximumScreenSpaceError Pixels
   */
  async load(scene, maximumScreenSpaceError) {
    if (!this.info.tileset) return;
    const tileset = await Cesium3DTileset.fromUrl(this.info.tileset, {
      maximumScreenSpaceError,
      cacheBytes: 256 * 1024 * 1024,
      maximumCacheOverflowBytes: 256 * 1024 * 1024,
      // Pipes are wanted while the camera is low and close; do not thin them out by distance.
      dynamicScreenSpaceError: this.id !== "pipes",
    });
    // One steady light for all tiles: the default is worked out anew for each tileset from a sky
    // that is not drawn here, and costs a software renderer more than the buildings do.
    tileset.environmentMapManager.enabled = false;
    tileset.imageBasedLighting.sphericalHarmonicCoefficients = AMBIENT;
    const { blend } = this.rules.style;
    tileset.colorBlendMode =
      blend === undefined ? Cesium3DTileColorBlendMode.HIGHLIGHT : Cesium3DTileColorBlendMode.MIX;
    tileset.colorBlendAmount = blend ?? 1;
    const { plain, pixels } = this.rules.style;
    if (pixels !== undefined) {
      tileset.pointCloudShading.attenuation = true;
      tileset.pointCloudShading.maximumAttenuation = pixels;
    }
    if (!plain) {
      tileset.style = this.style;
      tileset.tileLoad.addEventListener((/** @type {Cesium3DTile} */ tile) => this.#learn(tile));
    }
    this.tileset = scene.primitives.add(tileset);
    if (this.mode) this.apply(this.mode);
  }

  /** @param {Mode} mode */
  apply(mode) {
    this.mode = mode;
    if (!this.tileset) return;
    const covered = mode.underground && this.rules.style.above === true;
    this.tileset.show = !mode.hidden.has(this.id) && !covered;
    this.tileset.makeStyleDirty();
  }

  /** True where this layer is only a shadow of itself and must not catch the pointer. */
  get faded() {
    return Boolean(this.mode?.underground && this.rules.style.underground !== undefined);
  }

  /**
   * @param {unknown} object What scene.pick returned.
   * @returns {Picked | null}
   */
  describe(object) {
    if (!(object instanceof Cesium3DTileFeature) || object.tileset !== this.tileset) return null;
    const properties = Object.fromEntries(
      object.getPropertyIds().map((name) => [name, object.getProperty(name)]),
    );
    return typeof properties.id === "string"
      ? { id: properties.id, layer: this.id, properties }
      : null;
  }

  /** @param {Scene} scene */
  remove(scene) {
    if (this.tileset) scene.primitives.remove(this.tileset);
    this.tileset = null;
  }

  /** @param {Cesium3DTile} tile */
  #learn(tile) {
    const before = this.entries.size;
    for (const row of this.#rows(tile.content)) {
      const entry = this.entries.get(row.entry);
      // A tile seen from afar has looks that features share, without ids.
      if (entry && row.id !== undefined) entry.count += 1;
    }
    if (this.entries.size !== before) this.onEntries();
  }

  /**
   * What style and legend need of each feature of a tile, in the order of its property table. Read
   * once: property tables decode their text anew at every question.
   * @param {Cesium3DTileContent} content
   */
  #rows(content) {
    const known = this.rows.get(content);
    if (known) return known;
    const rows = Array.from({ length: content.featuresLength }, (_, index) => {
      const feature = content.getFeature(index);
      const entry = this.rules.entryId(feature);
      if (!this.entries.has(entry)) this.entries.set(entry, this.rules.entryOf(feature));
      const elevation = feature.getProperty("storey_elevation");
      const id = feature.getProperty("id");
      // Wells and poles are lines a pixel wide from afar, which above ground would only be specks.
      const speck = id === undefined && this.rules.style.buried !== undefined;
      return {
        id,
        entry,
        color: this.rules.color(feature, new Color()),
        buried: speck || this.rules.buried(feature),
        elevation: typeof elevation === "number" ? elevation : Infinity,
      };
    });
    this.rows.set(content, rows);
    return rows;
  }

  #makeStyle() {
    // Functions instead of expressions: several times faster, and any text may be a name.
    const style = new Cesium3DTileStyle();
    const show = { evaluate: (/** @type {any} */ feature) => this.#shown(feature) };
    const color = {
      evaluateColor: (/** @type {any} */ feature, /** @type {Color} */ result) =>
        this.#color(feature, result),
    };
    style.show = /** @type {StyleExpression} */ (/** @type {unknown} */ (show));
    style.color = /** @type {StyleExpression} */ (/** @type {unknown} */ (color));
    return style;
  }

  /** @param {any} feature undefined for a model without a property table */
  #shown(feature) {
    if (!feature || !this.mode) return true;
    const row = this.#rows(feature.content)[feature.featureId];
    // The ground is a flat stand-in that lies below a shallow pipe here and there: what is buried
    // is shown in the underground view only.
    if (row.buried && !this.mode.underground) return false;
    return !this.mode.hidden.has(`${this.id}/${row.entry}`);
  }

  /**
   * @param {any} feature
   * @param {Color} result
   */
  #color(feature, result) {
    if (!feature || !this.mode) return Color.clone(Color.WHITE, result);
    const { selected, highlight, underground, ground } = this.mode;
    const row = this.#rows(feature.content)[feature.featureId];
    if (selected !== null && row.id === selected) return Color.clone(highlight, result);
    const color = Color.clone(row.color, result);
    // A storey below ground belongs to the underground view and stays solid.
    const faded = this.rules.style.underground;
    if (underground && faded !== undefined && row.elevation > ground - 1) color.alpha = faded;
    return color;
  }
}

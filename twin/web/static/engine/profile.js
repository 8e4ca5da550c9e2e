// @ts-check
// From a style profile (data) to colours and classes of features. No rendering here.

import { Color } from "../lib/cesium.js";

/** @import {Entry, LayerStyle, StyleClass, StyleProfile} from "../types.js" */
/** @typedef {{getProperty(name: string): any, hasProperty(name: string): boolean, featureId: number}} Feature */

/** Storey of elements that stand in none. */
const NO_STOREY = "-";

/** One layer's rules with the answers already given remembered: values repeat, features do not. */
export class LayerRules {
  /** @param {LayerStyle} style */
  constructor(style) {
    this.style = style;
    /** @type {Map<unknown, StyleClass>} */
    this.known = new Map();
    /** @type {Map<string, Color>} */
    this.colors = new Map();
    for (const entry of [...(style.classes ?? []), ...(style.other ? [style.other] : [])]) {
      this.colors.set(entry.id, Color.fromCssColorString(entry.color));
    }
  }

  /**
   * The class of a feature, or undefined where the layer has none.
   * @param {Feature} feature
   * @returns {StyleClass | undefined}
   */
  classOf(feature) {
    const { property, classes = [], other } = this.style;
    if (!property) return undefined;
    const value = feature.getProperty(property);
    const found = this.known.get(value);
    if (found) return found;
    const text = String(value ?? "");
    const lower = text.toLowerCase();
    const made =
      classes.find((c) => c.codes?.includes(text)) ??
      classes.find((c) => c.words?.some((word) => lower.includes(word))) ??
      other;
    if (made) this.known.set(value, made);
    return made;
  }

  /**
   * Which line of the legend a feature belongs to.
   * @param {Feature} feature
   */
  entryId(feature) {
    if (!this.style.storeys) return this.classOf(feature)?.id ?? NO_STOREY;
    const building = feature.getProperty("building_name") ?? "";
    return `${building}|${feature.getProperty("storey_name") || NO_STOREY}`;
  }

  /**
   * The legend line of a feature that is the first of its kind.
   * @param {Feature} feature
   * @returns {Entry}
   */
  entryOf(feature) {
    const id = this.entryId(feature);
    if (this.style.storeys) {
      const storey = feature.getProperty("storey_name");
      return {
        id,
        zh: storey || "未分楼层",
        en: storey || "no storey",
        color: null,
        group: feature.getProperty("building_name") || null,
        order: Number(feature.getProperty("storey_elevation") ?? -1e6),
        count: 0,
      };
    }
    const found = this.classOf(feature);
    const place = (this.style.classes ?? []).findIndex((c) => c.id === id);
    return {
      id,
      zh: found?.zh ?? id,
      en: found?.en ?? id,
      color: found?.color ?? null,
      group: null,
      order: place < 0 ? -1e6 : -place,
      count: 0,
    };
  }

  /**
   * Is this feature below ground whatever the terrain?
   * @param {Feature} feature
   */
  buried(feature) {
    const { buried } = this.style;
    return buried !== undefined && feature.getProperty("kind") === buried;
  }

  /**
   * Colour of a feature; white leaves the material as it is.
   * @param {Feature} feature
   * @param {Color} result
   */
  color(feature, result) {
    const found = this.classOf(feature);
    const base = found && this.colors.get(found.id);
    if (!base) return Color.clone(Color.WHITE, result);
    // Neighbours of one class would run into one mass; each gets its own lightness, always the same.
    const steps = ((feature.featureId * 2654435761) >>> 0) % 8;
    const point = feature.getProperty("kind") === "point" ? (this.style.points ?? 1) : 1;
    const factor = point * (1 - (this.style.shade ?? 0) * (steps / 7));
    return Color.fromAlpha(Color.multiplyByScalar(base, factor, result), 1, result);
  }
}

/**
 * @param {string} url
 * @returns {Promise<StyleProfile>}
 */
export async function loadProfile(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`);
  return response.json();
}

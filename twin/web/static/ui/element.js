// @ts-check
// What all elements of the interface share: the context they belong to, and being drawn anew when
// state, legend or language change. They live in the page's own tree, so one style sheet serves all.

import { LitElement } from "../lib/lit.js";
import { t } from "../i18n/i18n.js";

/** @import {City} from "../engine/city.js" */
/** @import {State, Store} from "../state.js" */
/** @import {FeatureRecord, Picked, Twin, TwinSummary, Words} from "../types.js" */

/**
 * What the page is about; made in main.js and handed down as the property `context`.
 * @typedef {object} Context
 * @property {Store} store
 * @property {City | null} city
 * @property {TwinSummary[]} twins
 * @property {Twin | null} twin
 * @property {Picked | null} picked What the tile said, at once.
 * @property {FeatureRecord | null} record What the server said, later.
 * @property {Words | null} recordError
 * @property {{id: string, words: Words, fatal: boolean}[]} problems
 * @property {boolean} busy
 */

export class TwinElement extends LitElement {
  static properties = { context: { attribute: false } };

  constructor() {
    super();
    /** @type {Context} */
    this.context = /** @type {any} */ (undefined);
  }

  createRenderRoot() {
    return this;
  }

  /** @returns {State} */
  get state() {
    return this.context.store.state;
  }

  /**
   * @param {string} key
   * @param {Record<string, string | number>} [values]
   */
  t(key, values) {
    return t(this.state.lang, key, values);
  }

  /** @param {Words} words */
  say(words) {
    return words[this.state.lang];
  }
}

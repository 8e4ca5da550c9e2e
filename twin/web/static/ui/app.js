// @ts-check
// The page: keeps scene, state and server in step, and lays out the elements.

import { html } from "../lib/lit.js";
import { ApiError, getFeature, getTwin, listTwins } from "../api.js";
import { City, QUALITY } from "../engine/city.js";
import { loadProfile } from "../engine/profile.js";
import { both, loadSentences, t } from "../i18n/i18n.js";
import { readHash, Store, writeHash } from "../state.js";
import { TwinElement } from "./element.js";
import { listenToKeys } from "./keys.js";
import "./attributes.js";
import "./header.js";
import "./layers.js";
import "./status.js";
import "./toolbar.js";

/** @import {Context} from "./element.js" */
/** @import {State} from "../state.js" */
/** @import {Picked, Words} from "../types.js" */

export class TwinApp extends TwinElement {
  constructor() {
    super();
    /** @type {Context} */
    this.context = {
      store: new Store(readHash(location.hash)),
      city: null,
      twins: [],
      twin: null,
      picked: null,
      record: null,
      recordError: null,
      problems: [],
      busy: true,
    };
    this.context.store.addEventListener("change", (event) =>
      this.#changed(/** @type {CustomEvent<(keyof State)[]>} */ (event).detail),
    );
    this.addEventListener("dismiss", (event) => {
      const id = /** @type {CustomEvent<string>} */ (event).detail;
      this.#update({ problems: this.context.problems.filter((problem) => problem.id !== id) });
    });
  }

  render() {
    const { context } = this;
    return html`
      <div id="scene" tabindex="0" role="application" aria-label=${this.t("app.scene")}></div>
      <aside class="panel side">
        <twin-header .context=${context}></twin-header>
        <twin-layers .context=${context}></twin-layers>
      </aside>
      <twin-attributes .context=${context}></twin-attributes>
      <twin-toolbar .context=${context}></twin-toolbar>
      <twin-status .context=${context}></twin-status>
    `;
  }

  async firstUpdated() {
    try {
      await loadSentences();
      this.#speak();
      const [profile, twins] = await Promise.all([
        loadProfile("/static/style/default.json"),
        listTwins(),
      ]);
      if (twins.length === 0) return this.#problem("empty", sentence("error.empty"), true);
      const scene = /** @type {HTMLElement} */ (this.querySelector("#scene"));
      const city = this.#openCity(scene, profile);
      if (!city) return this.#problem("webgl", sentence("error.webgl"), true);
      listenToKeys(() => this.context, scene);
      window.addEventListener("hashchange", () => this.#readAddress());
      this.#update({ twins, city });
      const { store } = this.context;
      city.apply({ underground: store.state.underground, hidden: store.state.hidden });
      const known = twins.some((twin) => twin.id === store.state.twin);
      if (known) await this.#openTwin();
      else store.set({ twin: twins[0].id, camera: null });
    } catch (error) {
      this.#problem("start", reason("error.start", error), true);
    }
    return undefined;
  }

  /**
   * @param {HTMLElement} scene
   * @param {import("../types.js").StyleProfile} profile
   */
  #openCity(scene, profile) {
    if (!document.createElement("canvas").getContext("webgl2")) return null;
    const asked = new URLSearchParams(location.search).get("quality");
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const city = new City(scene, profile, {
      quality: asked === "low" ? QUALITY.low : QUALITY.high,
      still,
    });
    city.addEventListener("picked", (event) => {
      const picked = /** @type {CustomEvent<Picked | null>} */ (event).detail;
      this.#update({ picked, record: null, recordError: null });
      const again = picked?.id === this.context.store.state.selected;
      this.context.store.set({ selected: picked?.id ?? null });
      // Picking the same thing again changes no state, but its record was just put away.
      if (picked && again) void this.#fetchRecord();
    });
    city.addEventListener("legend", () => this.#update({}));
    city.addEventListener("moved", () => this.context.store.set({ camera: city.cameraMan.view }));
    city.addEventListener("failed", (event) => {
      const error = /** @type {CustomEvent<Error>} */ (event).detail;
      this.#problem("render", reason("error.render", error), true);
    });
    city.addEventListener("layer-failed", (event) => {
      const { layer, error } = /** @type {CustomEvent} */ (event).detail;
      const said = String(error?.message ?? error);
      this.#problem(`layer-${layer.id}`, {
        zh: t("zh", "error.layer", { layer: layer.title?.zh ?? t("zh", "layers.terrain"), reason: said }),
        en: t("en", "error.layer", { layer: layer.title?.en ?? t("en", "layers.terrain"), reason: said }),
      });
    });
    return city;
  }

  /** @param {(keyof State)[]} changed */
  #changed(changed) {
    const { city, store } = this.context;
    const { state } = store;
    if (changed.includes("lang")) this.#speak();
    if (changed.includes("selected")) {
      if (this.context.picked?.id !== state.selected) {
        this.#update({ picked: null, record: null, recordError: null });
      }
      if (state.selected && city?.twin) void this.#fetchRecord();
    }
    if (city) {
      if (changed.includes("underground") || changed.includes("hidden") || changed.includes("selected")) {
        const { underground, hidden, selected } = state;
        city.apply({ underground, hidden, selected });
      }
      if (changed.includes("underground") && state.underground) void city.goBelow();
      if (changed.includes("twin")) void this.#openTwin();
    }
    if (state.twin) history.replaceState(null, "", writeHash(state));
    this.#update({});
  }

  /** Somebody edited the address or went back. */
  #readAddress() {
    const { store, city } = this.context;
    const asked = readHash(location.hash);
    store.set(asked);
    if (asked.camera) city?.cameraMan.jump(asked.camera);
  }

  async #openTwin() {
    const { store, city } = this.context;
    const { twin: id, camera } = store.state;
    if (!id || !city) return;
    delete this.dataset.ready;
    this.#update({ busy: true, picked: null, record: null, recordError: null });
    try {
      const twin = await getTwin(id);
      if (store.state.twin !== id) return;
      this.#update({ twin });
      const loaded = city.setTwin(twin);
      if (camera) city.cameraMan.jump(camera);
      else city.cameraMan.home();
      city.apply({ selected: store.state.selected });
      if (store.state.selected) void this.#fetchRecord();
      await loaded;
      await city.settle();
    } catch (error) {
      this.#problem("start", reason("error.start", error), true);
    }
    if (store.state.twin !== id) return;
    this.#update({ busy: false });
    // For scripts that wait for the page without evaluating text in it.
    this.dataset.ready = id;
  }

  async #fetchRecord() {
    const { twin, selected } = this.context.store.state;
    if (!twin || !selected) return;
    const still = () => this.context.store.state.selected === selected;
    try {
      const record = await getFeature(twin, selected);
      if (still()) this.#update({ record });
    } catch (error) {
      if (still()) this.#update({ recordError: words(error) });
    }
  }

  /**
   * @param {string} id
   * @param {Words} said
   * @param {boolean} [fatal]
   */
  #problem(id, said, fatal = false) {
    const others = this.context.problems.filter((problem) => problem.id !== id);
    this.#update({ problems: [...others, { id, words: said, fatal }], busy: false });
  }

  #speak() {
    const { lang } = this.state;
    document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";
    document.title = t(lang, "app.title");
    this.#update({});
  }

  /** @param {Partial<Context>} change */
  #update(change) {
    this.context = { ...this.context, ...change };
  }
}

/**
 * @param {unknown} error
 * @returns {Words}
 */
function words(error) {
  if (error instanceof ApiError) return { zh: error.zh, en: error.message };
  const said = error instanceof Error ? error.message : String(error);
  return { zh: said, en: said };
}

/**
 * @param {string} key
 * @param {unknown} error
 * @returns {Words}
 */
function reason(key, error) {
  const said = words(error);
  return { zh: t("zh", key, { reason: said.zh }), en: t("en", key, { reason: said.en }) };
}

/**
 * @param {string} key
 * @returns {Words}
 */
function sentence(key) {
  return both(key) ?? { zh: key, en: key };
}

customElements.define("twin-app", TwinApp);

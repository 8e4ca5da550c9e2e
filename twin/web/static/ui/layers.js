// @ts-check
import { html, nothing } from "../lib/lit.js";
import { TERRAIN } from "../engine/ground.js";
import { TwinElement } from "./element.js";

/** @import {Entry, LayerInfo} from "../types.js" */

/** The layer tree: a tick for each layer, and below it one for each class or storey. */
export class TwinLayers extends TwinElement {
  render() {
    const { twin, city } = this.context;
    if (!twin) return nothing;
    const legend = new Map(city?.legend.map(({ layer, entries }) => [layer.id, entries]));
    return html`
      <h2>${this.t("layers.title")}</h2>
      <ul class="tree">
        ${twin.layers.map((info) => this.#layer(info, legend.get(info.id) ?? []))}
        ${twin.terrain ? this.#terrain() : nothing}
      </ul>
    `;
  }

  #terrain() {
    return html`
      <li data-layer=${TERRAIN}>
        <div class="line">
          <label class="layer">
            <input
              type="checkbox"
              .checked=${!this.state.hidden.has(TERRAIN)}
              @change=${(/** @type {Event} */ e) => this.#show(TERRAIN, e)}
            />
            <span>${this.t("layers.terrain")}</span>
          </label>
        </div>
      </li>
    `;
  }

  /**
   * @param {LayerInfo} info
   * @param {Entry[]} entries
   */
  #layer(info, entries) {
    const shown = !this.state.hidden.has(info.id);
    const tiled = Boolean(info.tileset);
    const number = new Intl.NumberFormat(this.state.lang);
    const count = tiled
      ? this.t("layers.count", { count: number.format(info.features) })
      : this.t("layers.untiled");
    const locate = this.t("layers.locate", { layer: this.say(info.title) });
    return html`
      <li data-layer=${info.id}>
        <div class="line">
          <label class="layer">
            <input
              type="checkbox"
              .checked=${shown && tiled}
              ?disabled=${!tiled}
              @change=${(/** @type {Event} */ e) => this.#show(info.id, e)}
            />
            <span>${this.say(info.title)}</span><small>${count}</small>
          </label>
          <button
            class="locate"
            title=${locate}
            aria-label=${locate}
            ?disabled=${!tiled}
            @click=${() => this.context.city?.goToLayer(info.id)}
          >
            <svg viewBox="0 0 24 24" aria-hidden="true">
              <circle cx="12" cy="12" r="5"></circle>
              <path d="M12 3v4m0 10v4M3 12h4m10 0h4"></path>
            </svg>
          </button>
        </div>
        ${shown && entries.length > 0
          ? html`<details open>
              <summary>${this.t("layers.open")}</summary>
              ${this.#entries(info, entries)}
            </details>`
          : nothing}
      </li>
    `;
  }

  /**
   * @param {LayerInfo} info
   * @param {Entry[]} entries
   */
  #entries(info, entries) {
    const groups = new Set(entries.map((entry) => entry.group));
    return [...groups].map(
      (group) => html`
        ${group ? html`<h3>${group}</h3>` : nothing}
        <ul>
          ${entries
            .filter((entry) => entry.group === group)
            .map((entry) => this.#entry(info, entry, entries))}
        </ul>
      `,
    );
  }

  /**
   * @param {LayerInfo} info
   * @param {Entry} entry
   * @param {Entry[]} all
   */
  #entry(info, entry, all) {
    const key = `${info.id}/${entry.id}`;
    const swatch = entry.color
      ? html`<svg class="swatch" viewBox="0 0 1 1" aria-hidden="true">
          <rect width="1" height="1" fill=${entry.color}></rect>
        </svg>`
      : nothing;
    return html`
      <li>
        <label data-entry=${entry.id}>
          <input
            type="checkbox"
            .checked=${!this.state.hidden.has(key)}
            @change=${(/** @type {Event} */ e) => this.#show(key, e)}
          />
          ${swatch}<span>${this.say(entry)}</span>
        </label>
        ${entry.color
          ? nothing
          : html`<button class="only" @click=${() => this.#only(info, entry, all)}>
              ${this.t(this.#isOnly(info, entry, all) ? "storeys.all" : "storeys.only")}
            </button>`}
      </li>
    `;
  }

  /**
   * @param {LayerInfo} info
   * @param {Entry} entry
   * @param {Entry[]} all
   */
  #isOnly(info, entry, all) {
    const { hidden } = this.state;
    const others = all.filter((other) => other.id !== entry.id);
    return (
      !hidden.has(`${info.id}/${entry.id}`) &&
      others.length > 0 &&
      others.every((other) => hidden.has(`${info.id}/${other.id}`))
    );
  }

  /**
   * Show one storey alone, or all again.
   * @param {LayerInfo} info
   * @param {Entry} entry
   * @param {Entry[]} all
   */
  #only(info, entry, all) {
    const back = this.#isOnly(info, entry, all);
    const hidden = new Set(this.state.hidden);
    for (const other of all) {
      if (back || other.id === entry.id) hidden.delete(`${info.id}/${other.id}`);
      else hidden.add(`${info.id}/${other.id}`);
    }
    this.context.store.set({ hidden });
  }

  /**
   * @param {string} key
   * @param {Event} event
   */
  #show(key, event) {
    const box = /** @type {HTMLInputElement} */ (event.target);
    this.context.store.show(key, box.checked);
  }
}
customElements.define("twin-layers", TwinLayers);

// @ts-check
import { html, nothing } from "../lib/lit.js";
import { both } from "../i18n/i18n.js";
import { TwinElement } from "./element.js";

/** @import {Words} from "../types.js" */

/** Columns that say nothing to a reader, or are shown elsewhere in the panel. */
const SILENT = new Set([
  "id", "key", "geom", "source_geom", "source_row", "source_sheet", "mesh", "placement",
  "psets", "attrs", "content_sha", "row_id", "revision_id", "dataset_id", "building_id",
  "storey_key", "parent_key", "from_point_id", "to_point_id", "x_src", "y_src",
]);

/** Columns that come first, in this order. */
const FIRST = [
  "name", "class_code", "ifc_class", "storey_name", "building_name", "function", "storeys",
  "height", "material", "shape", "width_mm", "height_mm", "from_depth", "to_depth",
];

/** The attribute panel: the tile's row at once, the full record as soon as the server has sent it. */
export class TwinAttributes extends TwinElement {
  render() {
    const { picked, record, recordError } = this.context;
    if (!this.state.selected || !(picked || record || recordError)) return nothing;
    const kind = record?.table ?? picked?.layer ?? "";
    const values = record?.attributes ?? picked?.properties ?? {};
    const name = title(values);
    return html`
      <section class="panel attributes" aria-label=${this.t("panel.attributes")}>
        <header>
          <div>
            <p class="kind">${this.#kind(kind)}</p>
            <h2>${name || this.#kind(kind)}</h2>
          </div>
          <button
            class="close"
            aria-label=${this.t("panel.close")}
            title=${this.t("panel.close")}
            @click=${() => this.context.store.set({ selected: null })}
          >
            ×
          </button>
        </header>
        <div class="body">
          ${this.#table(values)}
          ${record ? this.#more(record) : nothing}
          ${recordError
            ? html`<p class="warn" role="alert">
                ${this.t("panel.failed", { reason: this.say(recordError) })}
              </p>`
            : nothing}
          ${!record && !recordError
            ? html`<p class="hint" role="status">${this.t("panel.loading")}</p>`
            : nothing}
          <p class="id"><span>${this.t("panel.id")}</span> <code>${this.state.selected}</code></p>
        </div>
      </section>
    `;
  }

  /** @param {string} kind */
  #kind(kind) {
    const words = both(`kind.${kind}`);
    const other = this.state.lang === "zh" ? "en" : "zh";
    return words ? html`${this.say(words)} <small lang=${other}>${words[other]}</small>` : kind;
  }

  /** @param {Record<string, unknown>} values */
  #table(values) {
    const place = (/** @type {string} */ name) => (FIRST.indexOf(name) + 1 || FIRST.length + 1);
    const rows = Object.entries(values)
      .filter(([name, value]) => !SILENT.has(name) && !empty(value) && typeof value !== "object")
      .sort(([a], [b]) => place(a) - place(b));
    return html`<table>
      <tbody>
        ${rows.map(
          ([name, value]) => html`<tr data-column=${name}>
            <th scope="row">${this.#label(name)}</th>
            <td>${this.#value(name, value)}</td>
          </tr>`,
        )}
      </tbody>
    </table>`;
  }

  /** @param {import("../types.js").FeatureRecord} record */
  #more(record) {
    const { attributes, source, dataset } = record;
    const from = [
      ["panel.dataset", dataset?.title ?? dataset?.name],
      ["panel.revision", dataset?.revision],
      ["panel.file", source?.file],
      ["panel.sheet", source?.sheet],
      ["panel.row", source?.row],
    ].filter(([, value]) => !empty(value));
    return html`
      ${this.#sets(attributes.psets)}
      ${isObject(attributes.attrs)
        ? this.#group(this.t("panel.attrs"), attributes.attrs, false)
        : nothing}
      ${from.length > 0
        ? html`<details open class="source">
            <summary>${this.#both("panel.source")}</summary>
            <table>
              <tbody>
                ${from.map(
                  ([key, value]) => html`<tr>
                    <th scope="row">${this.#both(String(key))}</th>
                    <td>${value}</td>
                  </tr>`,
                )}
              </tbody>
            </table>
          </details>`
        : nothing}
    `;
  }

  /** @param {unknown} psets */
  #sets(psets) {
    if (!isObject(psets)) return nothing;
    return Object.entries(psets).map(([name, set]) =>
      isObject(set) ? this.#group(name, set, true) : nothing,
    );
  }

  /**
   * @param {string} title
   * @param {Record<string, unknown>} values
   * @param {boolean} open
   */
  #group(title, values, open) {
    const rows = Object.entries(values).filter(([, value]) => !empty(value));
    if (rows.length === 0) return nothing;
    return html`<details ?open=${open}>
      <summary>${title}</summary>
      <table>
        <tbody>
          ${rows.map(
            ([name, value]) => html`<tr>
              <th scope="row">${name}</th>
              <td>${isObject(value) ? JSON.stringify(value) : this.#value("", value)}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </details>`;
  }

  /** @param {string} name Column */
  #label(name) {
    const words = this.context.record?.labels?.[name] ?? both(`field.${name}`);
    return words ? this.#pair(words) : name;
  }

  /** @param {string} key */
  #both(key) {
    const words = both(key);
    return words ? this.#pair(words) : key;
  }

  /** @param {Words} words */
  #pair(words) {
    const other = this.state.lang === "zh" ? "en" : "zh";
    return html`${this.say(words)}<small lang=${other}>${words[other]}</small>`;
  }

  /**
   * @param {string} name Column
   * @param {unknown} value
   */
  #value(name, value) {
    const coded = both(`value.${name}.${value}`);
    if (coded) return this.say(coded);
    if (typeof value === "number") {
      const grouping = !["built", "storeys", "lno"].includes(name);
      return new Intl.NumberFormat(this.state.lang, {
        maximumFractionDigits: 3,
        useGrouping: grouping,
      }).format(value);
    }
    const text = String(value);
    if (name === "class_code") {
      const found = this.#classWords(text);
      if (found) return html`${this.say(found)} <code>${text}</code>`;
    }
    const words = both(`value.${text}`);
    return words && name ? this.say(words) : text;
  }

  /**
   * @param {string} code
   * @returns {Words | undefined}
   */
  #classWords(code) {
    return this.context.city?.profile.layers.pipes?.classes?.find((c) => c.codes?.includes(code));
  }
}

/**
 * What people call a feature: a name, a survey number, or from where to where it goes.
 * @param {Record<string, unknown>} values
 */
function title(values) {
  const { name, long_name, exp_no, lno, number, from_point, to_point } = values;
  const ends = from_point && to_point ? `${from_point} – ${to_point}` : "";
  return String([name, long_name, exp_no, lno, number, ends].find((word) => !empty(word)) ?? "");
}

/** @param {unknown} value */
function empty(value) {
  return value === null || value === undefined || value === "" || Number.isNaN(value);
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

customElements.define("twin-attributes", TwinAttributes);

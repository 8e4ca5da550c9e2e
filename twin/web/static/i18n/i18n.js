// @ts-check
// Sentences of the interface. Both languages are loaded at the start: attribute labels show both.

/** @import {Lang} from "../state.js" */
/** @import {Words} from "../types.js" */

/** @typedef {Record<string, string>} Sentences */

/** @type {Record<Lang, Sentences>} */
const sentences = { zh: {}, en: {} };

const FILES = { zh: "zh-CN.json", en: "en.json" };

/** Fetch both languages; rejects if one is missing. */
export async function loadSentences() {
  const read = async (/** @type {Lang} */ lang) => {
    const response = await fetch(new URL(FILES[lang], import.meta.url));
    if (!response.ok) throw new Error(`${FILES[lang]}: HTTP ${response.status}`);
    sentences[lang] = await response.json();
  };
  await Promise.all([read("zh"), read("en")]);
}

/**
 * @param {Lang} lang
 * @param {string} key
 * @param {Record<string, string | number>} [values] For the {names} in the sentence.
 */
export function t(lang, key, values = {}) {
  const sentence = sentences[lang][key] ?? key;
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/**
 * The words of a coded value or a column, in both languages; undefined where it has none.
 * @param {string} key
 * @returns {Words | undefined}
 */
export function both(key) {
  const { zh, en } = { zh: sentences.zh[key], en: sentences.en[key] };
  return zh && en ? { zh, en } : undefined;
}

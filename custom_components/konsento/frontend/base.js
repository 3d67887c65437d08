// What the cards share: an element that draws only what has changed, how values are written, and what a site consists of.

/** Make an element. Props that begin with `on` are listeners, a `.name` is a property, all others are attributes. */
export const make = (tag, props = {}, ...children) => {
  const svg = SVG_TAGS.has(tag);
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name.startsWith(".")) node[name.slice(1)] = value;
    else attribute(node, name, value);
  }
  node.append(...children.filter((child) => child !== undefined && child !== null));
  return node;
};

const SVG_TAGS = new Set(["svg", "circle", "path", "line", "rect", "g"]);

/** Set an attribute, or take it away (`false`, `null`, `undefined`); touches nothing that is as it should be. */
export const attribute = (node, name, value) => {
  if (value === false || value === null || value === undefined) node.removeAttribute(name);
  else {
    const text = value === true ? "" : String(value);
    if (node.getAttribute(name) !== text) node.setAttribute(name, text);
  }
};

/** Set the text of an element; touches nothing that is as it should be. */
export const write = (node, text) => {
  if (node.textContent !== text) node.textContent = text;
};

/** Show or hide an element. */
export const show = (node, shown) => {
  if (node.hidden === Boolean(shown)) node.hidden = !shown;
};

/** Tell Home Assistant's frontend something, as its own elements do. */
export const fire = (node, type, detail = {}) => {
  node.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
};

/**
 * A part of the page that Home Assistant gives its state (`hass`) every time that anything anywhere changes.
 *
 * `update()` is called once before the next picture, and only if `concerns()` says that the change is of interest.
 * A tab in the background draws nothing.
 */
export class KonsentoElement extends HTMLElement {
  #hass;
  #waits = 0;

  constructor() {
    super();
    this.attachShadow({ mode: "open" });
  }

  get hass() {
    return this.#hass;
  }

  set hass(hass) {
    const before = this.#hass;
    this.#hass = hass;
    if (!before || before.language !== hass.language || before.locale !== hass.locale || this.concerns(before, hass)) {
      this.schedule();
    }
  }

  /** Whether what has changed between two states of Home Assistant is shown here. */
  concerns() {
    return true;
  }

  connectedCallback() {
    this.schedule();
  }

  disconnectedCallback() {
    cancelAnimationFrame(this.#waits);
    this.#waits = 0;
  }

  schedule() {
    if (this.#waits || !this.isConnected || !this.#hass) return;
    this.#waits = requestAnimationFrame(() => {
      this.#waits = 0;
      this.update();
    });
  }

  update() {}
}

/** Make a card known to the browser and to the card picker. A module that is loaded twice does so once. */
export const registerCard = (tag, element, entry) => {
  if (customElements.get(tag)) return;
  customElements.define(tag, element);
  window.customCards ??= [];
  // Not copied: its texts are looked up when somebody reads them, by the language that is set by then.
  window.customCards.push(Object.assign(entry, { type: tag }));
};

/** Return the state of Home Assistant for what is asked before anything is drawn. */
export const reader = () => document.querySelector("home-assistant")?.hass;

/** Return what finds texts by the language of the reader, in English where there are none; `{name}` is filled in. */
export const translator = (texts) => (hass, key, values = {}) => {
  const language = (hass?.locale?.language ?? hass?.language ?? "en").split("-")[0];
  const text = texts[language]?.[key] ?? texts.en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
};

const languageOf = (hass) => {
  switch (hass.locale.number_format) {
    case "comma_decimal":
      return ["en-US", "en"];
    case "decimal_comma":
      return ["de", "es", "it"];
    case "space_comma":
      return ["fr", "sv", "cs"];
    case "quote_decimal":
      return ["de-CH-1996"];
    case "system":
      return undefined;
    default:
      return hass.locale.language;
  }
};

const formats = new Map();

/** Return a formatter, made once: it takes longer to make one than to draw a whole card. */
const format = (kind, languages, options) => {
  const key = `${kind.name} ${languages} ${Object.values(options)}`;
  if (!formats.has(key)) formats.set(key, new kind(languages, options));
  return formats.get(key);
};

/** Write a number as the reader has chosen, with so many digits behind the point; fewer where they are zeros. */
export const number = (hass, value, digits = 0, fewest = digits) =>
  format(Intl.NumberFormat, languageOf(hass), {
    minimumFractionDigits: fewest,
    maximumFractionDigits: digits,
    useGrouping: hass.locale.number_format !== "none",
  }).format(value);

/** Write energy (Wh) in kWh, with two digits behind the point or, where zeros say nothing, down to `fewest`. */
export const energy = (hass, wattHours, fewest = 2) => `${number(hass, wattHours / 1000, 2, fewest)} kWh`;

/** Write power (W), in kW from 1000 W on. */
export const power = (hass, watts) =>
  Math.round(watts) < 1000 ? `${number(hass, watts)} W` : `${number(hass, watts / 1000, 2)} kW`;

const zoneOf = (hass) => (hass.locale.time_zone === "server" ? hass.config.time_zone : undefined);

/** Write the time of day, as the reader has chosen. */
export const clock = (hass, date) =>
  format(Intl.DateTimeFormat, hass.locale.time_format === "system" ? undefined : hass.locale.language, {
    hour: "numeric",
    minute: "2-digit",
    hour12: { 12: true, 24: false }[hass.locale.time_format],
    timeZone: zoneOf(hass),
  }).format(date);

const FACTORS = { Wh: 1, kWh: 1e3, MWh: 1e6, mW: 1e-3, W: 1, kW: 1e3, MW: 1e6, ms: 1e-3, s: 1, min: 60, h: 3600, d: 86_400 };

/** Return the number of an entity in Wh, W or s, whatever unit its owner has chosen; `null` where it has none. */
export const measured = (state) => {
  if (!state || state.state === "" || Number.isNaN(Number(state.state))) return null;
  return Number(state.state) * (FACTORS[state.attributes.unit_of_measurement] ?? 1);
};

const indices = new WeakMap();

/** Return the entities of a device of the integration by their keys, as the registry has them. */
export const entitiesOf = (hass, deviceId) => {
  // One look through the registry for all cards: it is another object whenever it has changed.
  let index = indices.get(hass.entities);
  if (!index) {
    index = new Map();
    for (const entity of Object.values(hass.entities)) {
      if (entity.platform !== "konsento" || !entity.device_id || !entity.translation_key) continue;
      if (!index.has(entity.device_id)) index.set(entity.device_id, {});
      index.get(entity.device_id)[entity.translation_key] = entity.entity_id;
    }
    indices.set(hass.entities, index);
  }
  return index.get(deviceId) ?? {};
};

/** Return the name of a device, as its owner calls it. */
export const nameOf = (hass, deviceId) => {
  const device = hass.devices[deviceId];
  return device?.name_by_user ?? device?.name ?? "";
};

/** Ask for all sites with their outlets, servers and entities. */
export const sitesOf = async (hass) => (await hass.callWS({ type: "konsento/sites" })).sites;

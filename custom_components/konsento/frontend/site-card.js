// What the cards about a whole site have in common: which site, a period, and what is asked for anew from time to time.

import { KonsentoElement, make, show, sitesOf, write } from "./base.js";
import { t } from "./texts-views.js";

const AGAIN_MS = 5 * 60_000;

export const STYLE = `
  ha-card { display: flex; flex-direction: column; gap: 16px; padding: 16px; container-type: inline-size; height: 100%; box-sizing: border-box; }
  [hidden] { display: none !important; }
  h2, h3 { margin: 0; font-weight: var(--ha-font-weight-medium, 500); line-height: 1.3; }
  h2 { font-size: var(--ha-font-size-xl, 20px); }
  h3 { font-size: var(--ha-font-size-l, 16px); }
  p { margin: 0; }
  .quiet { color: var(--secondary-text-color); font-size: var(--ha-font-size-s, 12px); line-height: 1.5; overflow-wrap: anywhere; }
  .bar { display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: center; justify-content: space-between; }
  .tools { display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: center; }
  label.choice { display: flex; align-items: center; gap: 8px; color: var(--secondary-text-color); }
  select { font: inherit; color: var(--primary-text-color); background: var(--card-background-color, transparent); border: 1px solid var(--secondary-text-color); border-radius: 8px; padding: 8px; min-block-size: 40px; max-inline-size: 100%; }
  select:focus-visible, button:focus-visible, summary:focus-visible, a:focus-visible, .scroll:focus-visible { outline: 2px solid var(--primary-color); outline-offset: 2px; }
  a { color: inherit; text-decoration: underline; }
  table { border-collapse: collapse; inline-size: 100%; font-variant-numeric: tabular-nums; }
  th, td { text-align: start; padding: 8px 12px 8px 0; border-block-end: 1px solid var(--divider-color); vertical-align: baseline; }
  th { font-weight: var(--ha-font-weight-medium, 500); color: var(--secondary-text-color); }
  .number { text-align: end; }
  .scroll { overflow-x: auto; max-inline-size: 100%; }
  .swatch { display: inline-block; inline-size: 12px; block-size: 12px; border-radius: 3px; margin-inline-end: 6px; background: var(--tone); vertical-align: -1px; }
  .said { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); }
`;

/** Return the colour of the part with this number, as Home Assistant’s own graphs have them. */
export const colour = (index) => `var(--graph-color-${index + 1}, var(--color-${index + 1}, hsl(${(index * 137) % 360} 55% 50%)))`;

const zoneOf = (hass) => (hass.locale.time_zone === "server" ? hass.config.time_zone : undefined);

const written = (hass, options, date) => new Intl.DateTimeFormat(hass.locale.language, options).format(date);

/** Write a day of the site (`2026-05-01`). */
export const dayText = (hass, day, options = { month: "short", day: "numeric" }) =>
  written(hass, { timeZone: "UTC", ...options }, new Date(`${day}T00:00:00Z`));

/** Write a moment (ISO 8601). */
export const moment = (hass, iso) =>
  written(
    hass,
    {
      month: "short",
      day: "numeric",
      hour: "numeric",
      minute: "2-digit",
      hour12: { 12: true, 24: false }[hass.locale.time_format],
      timeZone: zoneOf(hass),
    },
    new Date(iso),
  );

/** Return the day of the site that is so many days before today. */
export const dayBefore = (hass, days) => {
  const today = new Intl.DateTimeFormat("en-CA", { timeZone: hass.config.time_zone, dateStyle: "short" }).format(new Date());
  const date = new Date(`${today}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() - days);
  return date.toISOString().slice(0, 10);
};

/**
 * A card about one site. `load(site)` asks for what it shows and returns it, `draw(data, site)` shows it.
 *
 * Asked for when it appears, when its reader wants something else, and every few minutes while it is looked at.
 */
export class SiteCard extends KonsentoElement {
  #config = {};
  #timer;
  #asked = 0;
  #card = make("ha-card");
  #error = make("ha-alert", { "alert-type": "error", hidden: true });
  #body = make("div", { style: "display: contents" });
  #data;
  #site;

  constructor() {
    super();
    this.#card.append(this.#error, this.#body);
    this.shadowRoot.append(make("style", {}, STYLE, this.constructor.style ?? ""), this.#card);
  }

  static getStubConfig() {
    return {};
  }

  /** `entry_id`: of the site; without it the first one. */
  setConfig(config) {
    this.#config = config;
    this.schedule();
  }

  getCardSize() {
    return 8;
  }

  getGridOptions() {
    return { columns: "full", rows: "auto" };
  }

  concerns() {
    return false;
  }

  connectedCallback() {
    super.connectedCallback();
    this.#timer ??= setInterval(() => document.hidden || this.reload(), AGAIN_MS);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Ask anew for what is shown. */
  reload() {
    this.#asked += 1;
    if (this.hass && this.isConnected) this.#load(this.#asked);
  }

  /** Called when it appears, and when its reader writes otherwise. */
  update() {
    this.reload();
  }

  /** Draw anew what is known, with nothing asked for. */
  redraw() {
    if (this.#data) this.draw(this.#data, this.#site, this.#body);
  }

  async #load(number) {
    try {
      const sites = await sitesOf(this.hass);
      const site = this.#config.entry_id ? sites.find(({ entry_id: id }) => id === this.#config.entry_id) : sites[0];
      if (!site) throw new Error(t(this.hass, "no_site"));
      const data = await this.load(site);
      // Whoever has asked for something else meanwhile does not want this any more.
      if (number !== this.#asked) return;
      [this.#site, this.#data] = [site, data];
      show(this.#error, false);
      this.redraw();
    } catch (error) {
      if (number !== this.#asked) return;
      write(this.#error, t(this.hass, "failed", { error: error?.message ?? String(error) }));
      show(this.#error, true);
    }
  }
}

/** Make a labelled choice. `options`: pairs of value and text. */
export const choice = (label, value, options, chosen) => {
  const select = make(
    "select",
    { onchange: () => chosen(select.value) },
    ...options.map(([key, text]) => make("option", { value: key, selected: key === value }, text)),
  );
  return make("label", { class: "choice" }, make("span", {}, label), select);
};

/** Make a link to a page that is not Home Assistant’s. */
export const link = (url, text) => make("a", { href: url, target: "_blank", rel: "noreferrer noopener" }, text);

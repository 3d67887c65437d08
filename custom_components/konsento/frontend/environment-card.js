// The card of what the energy means for the climate, and how far the site's measurements have got.

import { energy, fire, make, number, reader, registerCard } from "./base.js";
import { powerColour, powerType } from "./power-types.js";
import { SiteCard, choice, dayBefore, dayText, link, moment } from "./site-card.js";
import { t } from "./texts-views.js";

const PERIODS = ["7", "30"];
const SETTINGS = "/config/integrations/integration/konsento";

const STYLE = `
  .figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(160px, 100%), 1fr)); gap: 16px; margin: 0; }
  .figures div { display: flex; flex-direction: column-reverse; justify-content: flex-end; gap: 4px; }
  .figures dt { color: var(--secondary-text-color); }
  .figures dd { margin: 0; font-size: var(--ha-font-size-2xl, 24px); font-variant-numeric: tabular-nums; }
  .figures dd.unknown { color: var(--secondary-text-color); font-size: var(--ha-font-size-l, 16px); }
  .shares { display: flex; block-size: 24px; border-radius: 8px; overflow: hidden; gap: 2px; }
  .shares span { background: var(--tone); min-inline-size: 2px; }
  .small dd { font-size: var(--ha-font-size-l, 16px); }
`;

class EnvironmentCard extends SiteCard {
  static style = STYLE;

  #period = "30";

  load(site) {
    const period = { start: dayBefore(this.hass, Number(this.#period) - 1), end: dayBefore(this.hass, 0) };
    return this.hass.callWS({ type: "konsento/environment", entry_id: site.entry_id, ...period });
  }

  draw(data, site, body) {
    const { hass } = this;
    const focused = this.shadowRoot.activeElement?.localName === "select";
    const head = make(
      "div",
      { class: "bar" },
      make("h2", {}, t(hass, "environment")),
      choice(t(hass, "period"), this.#period, PERIODS.map((each) => [each, t(hass, `days_${each}`)]), (value) => {
        this.#period = value;
        this.reload();
      }),
    );
    body.replaceChildren(
      head,
      make("p", {}, `${dayText(hass, data.start)} – ${dayText(hass, data.end)} · ${t(hass, "supplied", { energy: energy(hass, data.wh) })}`),
      ...(data.wh ? this.#energy(data) : [make("p", { class: "quiet" }, t(hass, "nothing_supplied"))]),
      ...this.#grid(data),
      ...this.#measurements(data.measurements),
    );
    if (focused) body.querySelector("select").focus();
  }

  #energy(data) {
    const { hass } = this;
    const share = data.renewable_share === null ? null : `${number(hass, data.renewable_share * 100)} %`;
    const known = data.without_factor_wh < data.wh;
    const types = data.by_power_type;
    const spoken = types.map((each) => `${powerType(hass, each.power_type)} ${this.#share(each.wh, data.wh)}`).join(", ");
    return [
      figures([
        [t(hass, "co2_by_grid"), this.#kg(data.co2_by_grid_g), t(hass, "not_known")],
        [t(hass, "co2_by_type"), known ? this.#kg(data.co2_by_type_g) : null, t(hass, "not_known")],
        [t(hass, "renewable"), share, t(hass, "not_known")],
      ]),
      make("h3", {}, t(hass, "by_type")),
      make(
        "div",
        { class: "shares", role: "img", "aria-label": t(hass, "bar_spoken", { shares: spoken }) },
        ...types.map((each) => make("span", { style: `--tone: ${powerColour(each.power_type)}; flex: ${each.wh}` })),
      ),
      this.#table(
        [t(hass, "power_type"), "kWh", t(hass, "share"), t(hass, "factor")],
        types.map((each) => [
          [make("span", { class: "swatch", style: `--tone: ${powerColour(each.power_type)}` }), powerType(hass, each.power_type)],
          number(hass, each.wh / 1000, 2),
          this.#share(each.wh, data.wh),
          each.g_per_kwh === null ? t(hass, "not_known") : number(hass, each.g_per_kwh),
        ]),
      ),
      ...this.#suppliers(data),
      make(
        "p",
        { class: "quiet" },
        data.without_factor_wh
          ? t(hass, "types_explained", { energy: energy(hass, data.without_factor_wh) })
          : t(hass, "types_explained_all"),
        " ",
        ...this.#source(data.types_source),
      ),
    ];
  }

  #suppliers(data) {
    const { hass } = this;
    // One that is not stated is no supplier.
    if (!data.by_supplier.some(({ supplier }) => supplier)) return [];
    const rows = data.by_supplier.map(({ supplier, wh }) => [
      supplier ?? t(hass, "supplier_unknown"),
      number(hass, wh / 1000, 2),
      this.#share(wh, data.wh),
    ]);
    return [make("h3", {}, t(hass, "by_supplier")), this.#table([t(hass, "supplier"), "kWh", t(hass, "share")], rows)];
  }

  #grid({ grid }) {
    const { hass } = this;
    if (!grid) {
      const settings = make(
        "ha-button",
        { appearance: "plain", size: "s", slot: "action", onclick: () => goTo(this, SETTINGS) },
        t(hass, "to_settings"),
      );
      return [make("ha-alert", { "alert-type": "info" }, t(hass, "grid_unknown"), settings)];
    }
    const text = t(hass, grid.source ? "grid_table" : "grid_entered", { g: number(hass, grid.g_per_kwh, 1, 0) });
    return [make("p", { class: "quiet" }, `${text} `, ...(grid.source ? this.#source(grid.source) : []))];
  }

  #measurements(told) {
    const { hass } = this;
    const head = make("h2", {}, t(hass, "measurements"));
    if (!told) return [head, make("p", { class: "quiet" }, t(hass, "no_route"))];
    const next = new Date(told.next_at) <= new Date() ? t(hass, "soon") : moment(hass, told.next_at);
    const key = `trouble_${told.trouble}`;
    const known = t(hass, key);
    const trouble = known === key ? t(hass, "trouble_other", { trouble: told.trouble }) : known;
    return [
      head,
      figures(
        [
          [t(hass, "sent"), number(hass, told.sent)],
          [t(hass, "waiting"), number(hass, told.waiting)],
          [t(hass, "refused"), number(hass, told.refused)],
          [t(hass, "last_sent"), told.sent_at ? moment(hass, told.sent_at) : null, t(hass, "never")],
          [t(hass, "next"), next],
        ],
        "figures small",
      ),
      ...(told.trouble ? [make("ha-alert", { "alert-type": "warning" }, trouble)] : []),
      ...(told.refused ? [make("p", { class: "quiet" }, t(hass, "refused_why", { reasons: told.reasons.join(", ") }))] : []),
    ];
  }

  #kg(grams) {
    return grams === null ? null : t(this.hass, "kg", { kg: number(this.hass, grams / 1000, grams < 100_000 ? 2 : 0) });
  }

  #share(part, whole) {
    return `${number(this.hass, (part / whole) * 100, 1)} %`;
  }

  #source({ title, url, edition }) {
    const { hass } = this;
    return [`${t(hass, "source")}: `, link(url, title), ` (${t(hass, "edition", { edition })})`];
  }

  #table([first, ...others], rows) {
    return make(
      "div",
      { class: "scroll" },
      make(
        "table",
        {},
        make(
          "thead",
          {},
          make("tr", {}, make("th", { scope: "col" }, first), ...others.map((text) => make("th", { scope: "col", class: "number" }, text))),
        ),
        make(
          "tbody",
          {},
          ...rows.map(([name, ...values]) =>
            make("tr", {}, make("td", {}, ...[name].flat()), ...values.map((value) => make("td", { class: "number" }, value))),
          ),
        ),
      ),
    );
  }
}

/** Make a row of figures: name, value, and what is said where there is none. */
const figures = (all, classes = "figures") =>
  make(
    "dl",
    { class: classes },
    ...all.map(([name, value, without]) =>
      make("div", {}, make("dt", {}, name), make("dd", { class: value === null ? "unknown" : false }, value ?? without)),
    ),
  );

const goTo = (from, path) => {
  history.pushState(null, "", path);
  fire(from, "location-changed", { replace: false });
};

registerCard("konsento-environment-card", EnvironmentCard, {
  get name() {
    return t(reader(), "environment_name");
  },
  get description() {
    return t(reader(), "environment_description");
  },
  documentationURL: "https://github.com/konsento/konsento/blob/main/docs/dashboard.md",
});

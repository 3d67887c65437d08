// The card of what the outlets supplied: energy by outlet and day, and every session of the last weeks.

import { energy, make, number, reader, registerCard } from "./base.js";
import { download } from "./csv.js";
import { powerType } from "./power-types.js";
import { SiteCard, choice, colour, dayBefore, dayText, moment } from "./site-card.js";
import { t } from "./texts-views.js";

const PERIODS = ["7", "30", "90", "365"];
const AT_FIRST = 25;
const HEIGHT = 160;
/** Top of the axis where next to nothing flowed, kWh. */
const SMALLEST = 0.1;
const WIDTH = 640;

const STYLE = `
  .chart { display: block; inline-size: 100%; block-size: 200px; }
  .axis { display: flex; justify-content: space-between; }
  .legend { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 0; padding: 0; list-style: none; }
  .grid { stroke: var(--divider-color); }
  .plot { display: grid; grid-template-columns: auto 1fr; gap: 4px 8px; }
  .scale { display: flex; flex-direction: column; justify-content: space-between; text-align: end; }
  .scale span { line-height: 1; margin-block: -.5em; }
  .plot .axis { grid-column: 2; }
  th button { font: inherit; color: inherit; background: none; border: 0; padding: 4px 0; cursor: pointer; text-align: inherit; }
  th[aria-sort] button { color: var(--primary-text-color); }
  th[aria-sort="ascending"] button::after { content: " ▲"; }
  th[aria-sort="descending"] button::after { content: " ▼"; }
  @container (width > 640px) {
    td.number + td:not(.number), th.number + th:not(.number) { padding-inline-start: 16px; }
  }
  @container (width <= 640px) {
    .sessions thead { display: block; }
    .sessions thead tr { display: flex; flex-wrap: wrap; gap: 0 16px; }
    .sessions th { border: 0; padding: 4px 0; }
    .sessions tbody, .sessions tbody tr { display: block; }
    .sessions tbody tr { display: grid; grid-template-columns: 1fr auto; gap: 2px 16px; padding-block: 12px; border-block-end: 1px solid var(--divider-color); }
    .sessions td { border: 0; padding: 0; color: var(--secondary-text-color); }
    .sessions td.outlet, .sessions td.energy_kwh { order: -2; color: var(--primary-text-color); font-weight: var(--ha-font-weight-medium, 500); }
    .sessions td.start, .sessions td.minutes { order: -1; }
    .sessions td.minutes, .sessions td.for_whom, .sessions td.power_type { text-align: end; }
    .sessions td.end::before { content: "→ "; }
    .sessions td.why { grid-column: 1; }
    .sessions td.for_whom { grid-column: 2; grid-row: 3; }
    .sessions td::after { content: attr(data-unit); }
  }
`;

/** Columns of the table of sessions: what they are sorted by, and how they read. */
const COLUMNS = [
  { key: "outlet", by: (row) => row.title, text: (_, row) => row.title },
  { key: "start", by: (row) => row.start, text: (hass, row) => moment(hass, row.start) },
  { key: "end", by: (row) => row.end ?? "9", text: (hass, row) => (row.end ? moment(hass, row.end) : t(hass, "still_runs")) },
  { key: "energy_kwh", by: (row) => row.energy_wh, text: (hass, row) => number(hass, row.energy_wh / 1000, 3), number: true, unit: () => " kWh" },
  { key: "minutes", by: (row) => row.seconds, text: (hass, row) => number(hass, row.seconds / 60), number: true, unit: (hass) => t(hass, "minutes_unit") },
  { key: "why", by: (row) => row.why, text: (_, row) => row.why },
  { key: "for_whom", by: (row) => row.whom, text: (_, row) => row.whom },
  { key: "power_type", by: (row) => row.power, text: (_, row) => row.power },
];

const endReason = (hass, reason) =>
  reason ? hass.localize(`component.konsento.entity.sensor.end_reason.state.${reason}`) || reason : "";

class HistoryCard extends SiteCard {
  static style = STYLE;

  #period = "30";
  #sort = { key: "start", down: true };
  #shown = AT_FIRST;
  #open = false;

  async load(site) {
    const period = { entry_id: site.entry_id, start: dayBefore(this.hass, Number(this.#period) - 1), end: dayBefore(this.hass, 0) };
    const [{ days }, { since, sessions }] = await Promise.all([
      this.hass.callWS({ type: "konsento/energy_by_day", ...period }),
      this.hass.callWS({ type: "konsento/sessions", ...period }),
    ]);
    return { days, since, sessions };
  }

  draw({ days, since, sessions }, site, body) {
    const { hass } = this;
    const outlets = this.#outlets(site, days, sessions);
    const rows = sessions.map((row) => ({
      ...row,
      title: outlets.get(row.outlet),
      why: endReason(hass, row.end_reason),
      whom: t(hass, row.local ? "local" : "driver") + (row.note ? `: ${row.note}` : ""),
      power: row.power_type ? powerType(hass, row.power_type) : "–",
    }));
    // What was focused is so afterwards: the button that sorts, the choice of the period.
    const focus = this.shadowRoot.activeElement?.dataset?.focus ?? (this.shadowRoot.activeElement?.localName === "select" ? "period" : "");
    body.replaceChildren(...this.#energy(days, outlets), ...this.#sessions(rows, since, days[0]?.day));
    const found = focus === "period" ? body.querySelector("select") : focus && body.querySelector(`[data-focus="${focus}"]`);
    if (found) found.focus();
  }

  /** Return the names of all outlets of which there is anything, in their order; those that are gone come last. */
  #outlets(site, days, sessions) {
    const names = new Map(site.outlets.map(({ outlet, title }) => [outlet, title]));
    for (const { outlet, evse } of sessions) {
      if (!names.has(outlet)) names.set(outlet, t(this.hass, "outlet_gone", { evse }));
    }
    const supplied = new Set(days.flatMap(({ wh }) => Object.keys(wh)));
    return new Map([...names].filter(([outlet]) => supplied.has(outlet) || site.outlets.some((each) => each.outlet === outlet)));
  }

  #energy(days, outlets) {
    const { hass } = this;
    const bars = together(days, this.#period);
    const unit = { 7: "day", 30: "day", 90: "week", 365: "month" }[this.#period];
    const text = (bar) => dayText(hass, bar.day, unit === "month" ? { year: "numeric", month: "short" } : undefined);
    const total = sum(bars.map(sumOf));
    const most = bars.reduce((best, bar) => (sumOf(bar) > sumOf(best) ? bar : best), bars[0]);
    const spoken = total
      ? t(hass, "energy_spoken", { total: energy(hass, total), day: text(most), most: energy(hass, sumOf(most)) })
      : t(hass, "energy_none_spoken");
    const from = days.find(({ source }) => source === "sessions")?.day;
    const old = days[0]?.source === "statistics";
    const periods = PERIODS.map((each) => [each, t(hass, `days_${each}`)]);
    const head = make(
      "div",
      { class: "bar" },
      make("h2", {}, t(hass, `energy_${unit}s`)),
      choice(t(hass, "period"), this.#period, periods, (value) => {
        this.#period = value;
        this.#shown = AT_FIRST;
        this.reload();
      }),
    );
    const legend = [...outlets].map(([outlet, title], index) =>
      make(
        "li",
        {},
        make("span", { class: "swatch", style: `--tone: ${colour(index)}` }),
        `${title} `,
        make("strong", {}, energy(hass, sum(bars.map(({ wh }) => wh[outlet] ?? 0)))),
      ),
    );
    return [
      head,
      make("p", {}, `${t(hass, "total")}: `, make("strong", {}, energy(hass, total))),
      this.#plot(bars, outlets, spoken, text),
      make("ul", { class: "legend" }, ...legend),
      this.#table(bars, outlets, unit, text),
      ...(old ? [make("p", { class: "quiet" }, t(hass, "from_statistics", { day: from ? dayText(hass, from) : "–" }))] : []),
    ];
  }

  #plot(bars, outlets, spoken, text) {
    const { hass } = this;
    const top = niceTop(Math.max(...bars.map(sumOf), 0) / 1000);
    const step = WIDTH / bars.length;
    const shapes = [];
    for (const line of [0, 0.5, 1]) {
      shapes.push(make("line", { class: "grid", x1: 0, x2: WIDTH, y1: HEIGHT * line, y2: HEIGHT * line, "vector-effect": "non-scaling-stroke" }));
    }
    bars.forEach((bar, place) => {
      let y = HEIGHT;
      [...outlets.keys()].forEach((outlet, index) => {
        const height = (HEIGHT * (bar.wh[outlet] ?? 0)) / 1000 / top;
        if (!height) return;
        y -= height;
        shapes.push(make("rect", { x: step * (place + 0.12), width: step * 0.76, y, height, style: `fill: ${colour(index)}` }));
      });
    });
    const marks = [bars[0], bars[Math.floor((bars.length - 1) / 2)], bars.at(-1)];
    return make(
      "div",
      { class: "plot" },
      make(
        "div",
        { class: "scale quiet", "aria-hidden": "true" },
        ...[top, top / 2, 0].map((value) => make("span", {}, `${number(hass, value, 2, 0)} kWh`)),
      ),
      make(
        "svg",
        { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": spoken },
        ...shapes,
      ),
      make("div", { class: "axis quiet", "aria-hidden": "true" }, ...marks.map((bar) => make("span", {}, text(bar)))),
    );
  }

  #table(bars, outlets, unit, text) {
    const { hass } = this;
    const kwh = (value) => (value === undefined ? "" : number(hass, value / 1000, 3));
    const table = make(
      "table",
      {},
      make(
        "thead",
        {},
        make(
          "tr",
          {},
          make("th", { scope: "col" }, t(hass, unit)),
          ...[...outlets.values(), t(hass, "total")].map((title) => make("th", { scope: "col", class: "number" }, `${title} (kWh)`)),
        ),
      ),
      make(
        "tbody",
        {},
        ...bars.map((bar) =>
          make(
            "tr",
            {},
            make("th", { scope: "row" }, text(bar)),
            ...[...outlets.keys()].map((outlet) => make("td", { class: "number" }, kwh(bar.wh[outlet] ?? (bar.whole ? 0 : undefined)))),
            make("td", { class: "number" }, kwh(bar.whole || Object.keys(bar.wh).length ? sumOf(bar) : undefined)),
          ),
        ),
      ),
    );
    const details = make(
      "details",
      { open: this.#open, ontoggle: () => (this.#open = details.open) },
      make("summary", {}, t(hass, "as_table")),
      make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": t(hass, `energy_${unit}s`) }, table),
    );
    return details;
  }

  #sessions(rows, since, first) {
    const { hass } = this;
    const { key, down } = this.#sort;
    const { by } = COLUMNS.find((column) => column.key === key);
    const sorted = rows.toSorted((one, other) => compare(by(one), by(other)) * (down ? -1 : 1));
    const head = make(
      "div",
      { class: "bar" },
      make("h2", {}, t(hass, "sessions")),
      ...(rows.length
        ? [make("ha-button", { appearance: "plain", "data-focus": "csv", onclick: () => this.#download(sorted) }, t(hass, "download"))]
        : []),
    );
    const note = first && first < since ? [make("p", { class: "quiet" }, t(hass, "sessions_since", { day: dayText(hass, since) }))] : [];
    if (!rows.length) return [head, make("p", {}, t(hass, "no_sessions")), ...note];
    const table = make(
      "table",
      { class: "sessions", role: "table", "aria-label": t(hass, "sessions") },
      make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, ...COLUMNS.map((column) => this.#heading(column)))),
      make("tbody", { role: "rowgroup" }, ...sorted.slice(0, this.#shown).map((row) => this.#row(row))),
    );
    const left = sorted.length - this.#shown;
    const more = () => {
      this.#shown += 100;
      this.redraw();
    };
    return [
      head,
      make("div", { class: "scroll" }, table),
      ...(left > 0 ? [make("ha-button", { appearance: "plain", onclick: more }, t(hass, "more", { count: Math.min(left, 100) }))] : []),
      ...note,
    ];
  }

  #heading(column) {
    const { hass } = this;
    const sorted = this.#sort.key === column.key;
    const text = t(hass, column.key);
    const sort = () => {
      this.#sort = { key: column.key, down: sorted ? !this.#sort.down : Boolean(column.number) };
      this.redraw();
    };
    const button = make("button", { type: "button", "data-focus": column.key, title: t(hass, "sort_by", { column: text }), onclick: sort }, text);
    const how = this.#sort.down ? "descending" : "ascending";
    return make(
      "th",
      { scope: "col", role: "columnheader", class: column.number ? "number" : false, "aria-sort": sorted ? how : false },
      button,
    );
  }

  #row(row) {
    return make(
      "tr",
      { role: "row" },
      ...COLUMNS.map((column) =>
        make(
          "td",
          { role: "cell", class: `${column.key} ${column.number ? "number" : ""}`, "data-unit": column.unit?.(this.hass) },
          column.text(this.hass, row),
        ),
      ),
    );
  }

  #download(rows) {
    const { hass } = this;
    const keys = ["outlet", "start", "end", "energy_kwh", "minutes", "why", "for_whom", "note", "power_type", "supplier", "server"];
    const lines = rows.map((row) => [
      row.title,
      row.start,
      row.end ?? "",
      (row.energy_wh / 1000).toFixed(3),
      (row.seconds / 60).toFixed(1),
      row.why,
      t(hass, row.local ? "local" : "driver"),
      row.note ?? "",
      row.power_type ? row.power : "",
      row.supplier ?? "",
      row.management_server ?? "",
    ]);
    download(`konsento-${dayBefore(hass, Number(this.#period) - 1)}-${dayBefore(hass, 0)}.csv`, [keys.map((key) => t(hass, key)), ...lines]);
  }
}

const sum = (values) => values.reduce((total, value) => total + value, 0);
const sumOf = (bar) => sum(Object.values(bar.wh));
const compare = (one, other) => (typeof one === "number" ? one - other : String(one).localeCompare(String(other)));

/** Return bars of a day, a week or a month. `whole`: nothing of it is unknown. */
const together = (days, period) => {
  const bars = new Map();
  days.forEach(({ day, wh, source }, index) => {
    const place = { 90: `w${Math.floor(index / 7)}`, 365: day.slice(0, 7) }[period] ?? day;
    if (!bars.has(place)) bars.set(place, { day: period === "365" ? `${place}-01` : day, wh: {}, whole: true });
    const bar = bars.get(place);
    bar.whole &&= source === "sessions";
    for (const [outlet, value] of Object.entries(wh)) bar.wh[outlet] = (bar.wh[outlet] ?? 0) + value;
  });
  return [...bars.values()];
};

/** Return the next round number for the top of an axis. */
const niceTop = (most) => {
  if (most <= SMALLEST) return SMALLEST;
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((each) => each * power).find((each) => each >= most);
};

registerCard("konsento-history-card", HistoryCard, {
  get name() {
    return t(reader(), "history_name");
  },
  get description() {
    return t(reader(), "history_description");
  },
  documentationURL: "https://github.com/konsento/konsento/blob/main/docs/dashboard.md",
});

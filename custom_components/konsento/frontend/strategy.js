// The dashboard of an owner: it builds itself from the sites, with Home Assistant's own cards where there are any.

import { reader, sitesOf } from "./base.js";
import { t } from "./texts.js";

const RUNNING = ["charging", "waiting"];
const FULL = { columns: 12 };
const SITE_TILES = [
  "running_sessions",
  "waiting",
  "energy_today",
  "power_available",
  "power_limit",
  "recommended_window",
];

const heading = (text, icon) => ({ type: "heading", heading: text, ...(icon ? { icon } : {}) });
const section = (cards, more = {}) => ({ type: "grid", cards, ...more });
// A markdown card is filled in by the server, after everything else; a heading takes one line alone.
const says = (text, more = {}) => ({ type: "heading", heading: text, heading_style: "subtitle", ...more });
const explains = (text) => ({ type: "markdown", content: text, text_only: true, grid_options: FULL });
const tile = (entity, more = {}) => ({ type: "tile", entity, ...more });
const is = (entity, state) => ({ condition: "state", entity, state });
const isNot = (entity, state) => ({ condition: "state", entity, state_not: state });
const outletCard = (outlet, more = {}) => ({
  type: "custom:konsento-outlet-card",
  device: outlet.device_id,
  grid_options: FULL,
  ...more,
});

/** Return tiles of the entities of a part that exist and tell something, without the name of the part. */
const tiles = (entities, keys) =>
  keys
    .flatMap((key) => entities[key] ?? [])
    .map((entity) => tile(entity, { name: { type: "entity" }, visibility: [isNot(entity, ["unknown", "unavailable"])] }));

const powerCards = (hass, site) => {
  const { site_power: entity, power_limit: limit } = site.entities;
  return [
    heading(site.title, "mdi:ev-station"),
    ...(entity ? [{ type: "custom:konsento-power-card", entity, limit_entity: limit, grid_options: FULL }] : []),
    ...tiles(site.entities, SITE_TILES),
    ...circuitCards(hass, site),
  ];
};

/** Return the circuits of a site that have a limit of their own, each with its power and what is left of it. */
const circuitCards = (hass, site) => {
  const keys = ["circuit_power", "circuit_power_available"];
  const cards = Object.values(hass.entities)
    .filter(({ platform, translation_key: key }) => platform === "konsento" && keys.includes(key))
    .filter(({ device_id: device }) => hass.devices[device]?.primary_config_entry === site.entry_id)
    .map(({ entity_id: entity }) => tile(entity, { name: [{ type: "device" }, { type: "entity" }] }));
  return cards.length ? [heading(t(hass, "circuits"), "mdi:electric-switch"), ...cards] : [];
};

const runningCards = (hass, site) => {
  const outlets = site.outlets.filter(({ entities }) => entities.occupancy);
  const shown = (state) => ({ show_controls: false, visibility: [is(state, RUNNING)] });
  return [
    heading(t(hass, "running"), "mdi:ev-plug-type1"),
    ...outlets.map((outlet) => outletCard(outlet, shown(outlet.entities.occupancy))),
    says(t(hass, "none_running"), { visibility: outlets.map(({ entities }) => isNot(entities.occupancy, RUNNING)) }),
  ];
};

const alarmCards = (hass, site) => {
  const alarm = { color: "red", grid_options: FULL };
  const shown = [];
  const quiet = [];
  for (const { title, entities } of site.outlets) {
    const { problem, gravest_problem: gravest, connectivity } = entities;
    if (problem) {
      shown.push(tile(gravest ?? problem, { ...alarm, name: title, icon: "mdi:alert", visibility: [is(problem, "on")] }));
      quiet.push(isNot(problem, "on"));
    }
    if (connectivity) {
      const name = t(hass, "outlet_away", { outlet: title });
      shown.push(tile(connectivity, { ...alarm, name, visibility: [is(connectivity, "off")] }));
      quiet.push(isNot(connectivity, "off"));
    }
  }
  for (const { title, entities } of site.servers) {
    const { server_connectivity: link } = entities;
    if (link) {
      shown.push(tile(link, { ...alarm, name: title, visibility: [is(link, "off")] }));
      quiet.push(isNot(link, "off"));
    }
  }
  return [heading(t(hass, "alarms"), "mdi:alert"), ...shown, says(t(hass, "no_alarms"), { visibility: quiet })];
};

const linkCards = (hass, site) => [
  heading(t(hass, "links"), "mdi:cloud-outline"),
  ...site.servers.flatMap(({ title, entities }) => {
    const { server_connectivity: link, events_waiting: waiting } = entities;
    const name = t(hass, "waiting_events", { server: title });
    const some = [{ condition: "numeric_state", entity: waiting, above: 0 }];
    return [
      ...(link ? [tile(link, { name: title, grid_options: FULL })] : []),
      ...(waiting ? [tile(waiting, { name, grid_options: FULL, visibility: some })] : []),
    ];
  }),
  ...(site.servers.length ? [] : [says(t(hass, "no_links"))]),
];

const newsCards = (hass, site) => {
  const parts = [...site.outlets, ...site.servers];
  const entities = parts.flatMap(({ entities: { happening, server_happening: link } }) => happening ?? link ?? []);
  const size = { columns: 12, rows: 6 };
  const log = { type: "logbook", target: { entity_id: entities }, hours_to_show: 24, grid_options: size };
  return entities.length ? [heading(t(hass, "news"), "mdi:history"), log] : [];
};

const nowSections = (hass, site) => {
  if (!site.loaded) return [section([heading(site.title), explains(t(hass, "not_loaded", { site: site.title }))])];
  return [
    section([...powerCards(hass, site), ...alarmCards(hass, site)]),
    section(runningCards(hass, site)),
    section([...linkCards(hass, site), ...newsCards(hass, site)]),
  ];
};

const outletSections = (hass, site, several) => {
  const there = site.outlets.filter(({ device_id: device }) => device);
  const title = several ? [section([heading(site.title)], { column_span: 4 })] : [];
  if (!there.length) return [...title, section([says(t(hass, "no_outlets"))])];
  return [...title, ...there.map((outlet) => section([outletCard(outlet)]))];
};

/** Return one wide section for each site, with a card that shows the whole site. */
const wide = (type) => (hass, site, several) => [
  section(
    [...(several ? [heading(site.title)] : []), { type, entry_id: site.entry_id, grid_options: { columns: "full" } }],
    { column_span: 4 },
  ),
];

const VIEWS = [
  { path: "now", sections: nowSections },
  { path: "outlets", sections: outletSections },
  { path: "history", sections: wide("custom:konsento-history-card") },
  { path: "environment", sections: wide("custom:konsento-environment-card") },
  { path: "labels", sections: wide("custom:konsento-labels-card") },
];

class KonsentoDashboard extends HTMLElement {
  /** What makes Home Assistant ask again: parts come, go and get other names; and the language of the reader. */
  static registryDependencies = ["entities", "devices", "language"];

  static noEditor = true;

  static getCreateSuggestions(hass) {
    return { title: t(hass, "dashboard"), icon: "mdi:ev-station" };
  }

  /** `config.entry_id`: of one site; without it all sites are shown. */
  static async generate(config, hass) {
    const all = await sitesOf(hass);
    const sites = config.entry_id ? all.filter(({ entry_id: id }) => id === config.entry_id) : all;
    if (!sites.length) return { views: [emptyView(hass)] };
    return {
      views: VIEWS.map(({ path, sections }) => ({
        title: t(hass, `view_${path}`),
        path,
        type: "sections",
        max_columns: 4,
        dense_section_placement: true,
        sections: sites.flatMap((site) => sections(hass, site, sites.length > 1)),
      })),
    };
  }
}

const emptyView = (hass) => ({
  title: t(hass, "dashboard"),
  type: "sections",
  sections: [
    section([
      says(t(hass, "no_site")),
      {
        type: "button",
        name: t(hass, "set_up"),
        icon: "mdi:cog",
        grid_options: FULL,
        tap_action: { action: "navigate", navigation_path: "/config/integrations/integration/konsento" },
      },
    ]),
  ],
});

const TAG = "ll-strategy-dashboard-konsento";

if (!customElements.get(TAG)) {
  customElements.define(TAG, KonsentoDashboard);
  window.customStrategies ??= [];
  window.customStrategies.push({
    type: "konsento",
    strategyType: "dashboard",
    get name() {
      return t(reader(), "dashboard_name");
    },
    get description() {
      return t(reader(), "dashboard_description");
    },
    documentationURL: "https://github.com/konsento/konsento/blob/main/docs/dashboard.md",
  });
}

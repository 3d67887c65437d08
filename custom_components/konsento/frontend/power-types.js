// What power types are called, and their colours: the same in every period.

import { TEXTS, t } from "./texts-views.js";

/** Return the name of a power type; of one that has none here, that it is another. */
export const powerType = (hass, type) => {
  const key = `type_${type ?? "unknown"}`;
  return t(hass, key in TEXTS.en ? key : "type_other");
};

const COLOURS = {
  solar: "var(--energy-solar-color, #ff9800)",
  wind: "#4ba394",
  hydro: "#488fc2",
  geothermal: "#d2694d",
  biomass: "#7a9c3a",
  gas: "#9a86b8",
  coal: "#5c5c66",
  oil: "#8a6d52",
};

/** Return the colour of a power type. */
export const powerColour = (type) => COLOURS[type] ?? "#8f8f8f";

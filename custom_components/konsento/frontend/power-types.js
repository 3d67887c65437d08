// What power types are called.

import { TEXTS, t } from "./texts-views.js";

/** Return the name of a power type; of one that has none here, that it is another. */
export const powerType = (hass, type) => {
  const key = `type_${type ?? "unknown"}`;
  return t(hass, key in TEXTS.en ? key : "type_other");
};

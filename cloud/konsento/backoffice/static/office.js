// The back office: tables sort by a click on a heading, narrow to what is typed, and are saved. Everything works without.

const FEW = 8;
const says = document.body.dataset;
const compare = (x, y) => x.localeCompare(y, undefined, { numeric: true });
const value = (row, column) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
// What a person typed must be no formula in a spreadsheet, and a code no number.
const cell = (text) => `"${(/^[=+\-@\t\r]|^\d[\d.,]*e\d+$/i.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
const rowsOf = (table) => [...table.tBodies[0].rows].filter((row) => !row.querySelector(".empty"));

function sort(table, column, down) {
  const rows = rowsOf(table).sort((a, b) => compare(value(a, column), value(b, column)));
  table.tBodies[0].append(...(down ? rows.reverse() : rows));
  [...table.tHead.rows[0].cells].forEach((heading, other) => {
    if (other === column) heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    else heading.removeAttribute("aria-sort");
  });
}

function narrow(table, text) {
  const words = text.toLocaleLowerCase().split(/\s+/);
  for (const row of rowsOf(table)) {
    const content = row.textContent.toLocaleLowerCase();
    row.hidden = !words.every((word) => content.includes(word));
  }
}

function save(table) {
  const rows = [table.tHead.rows[0], ...rowsOf(table).filter((row) => !row.hidden)];
  const lines = rows.map((row) => {
    const cells = [...row.cells].filter((_, column) => table.tHead.rows[0].cells[column].textContent.trim());
    // Of a choice what is chosen, of a field nothing: buttons are no data.
    const text = (one) => one.querySelector("select")?.selectedOptions[0].text ?? one.innerText;
    return cells.map((one) => cell(text(one).trim().replace(/\s+/g, " "))).join(",");
  });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(["\ufeff", lines.join("\r\n"), "\r\n"], { type: "text/csv" }));
  link.download = `${table.dataset.sort || "table"}.csv`;
  link.click();
  URL.revokeObjectURL(link.href);
}

function tools(table) {
  const bar = document.createElement("div");
  bar.className = "tools";
  if (rowsOf(table).length > FEW) {
    const filter = document.createElement("input");
    filter.type = "search";
    filter.placeholder = says.filter;
    filter.setAttribute("aria-label", says.filter);
    filter.addEventListener("input", () => narrow(table, filter.value));
    bar.append(filter);
  }
  if (rowsOf(table).length) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = says.save;
    button.addEventListener("click", () => save(table));
    bar.append(button);
  }
  table.closest(".table").before(bar);
}

function enliven(within) {
  for (const table of within.querySelectorAll("table[data-sort]")) {
    [...table.tHead.rows[0].cells].forEach((heading, column) => {
      if (!heading.textContent.trim() || heading.querySelector("a")) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => sort(table, column, heading.getAttribute("aria-sort") === "ascending"));
    });
    tools(table);
  }
}

// What somebody has sorted, narrowed or scrolled stays so when the page brings itself up to date.
function replace(part, html) {
  const before = [...part.querySelectorAll("table[data-sort]")].map((table) => ({
    sorted: [...table.tHead.rows[0].cells].findIndex((heading) => heading.hasAttribute("aria-sort")),
    down: table.querySelector("[aria-sort]")?.getAttribute("aria-sort") === "descending",
    text: table.closest(".table").previousElementSibling?.querySelector("input")?.value ?? "",
    left: table.closest(".table").scrollLeft,
  }));
  part.innerHTML = html;
  enliven(part);
  part.querySelectorAll("table[data-sort]").forEach((table, number) => {
    const was = before[number];
    if (!was) return;
    if (was.sorted >= 0) sort(table, was.sorted, was.down);
    const filter = table.closest(".table").previousElementSibling?.querySelector("input");
    if (was.text && filter) {
      filter.value = was.text;
      narrow(table, was.text);
    }
    table.closest(".table").scrollLeft = was.left;
  });
}

// The overview keeps itself up to date; a page that is not looked at does not ask, nor one in which somebody types.
for (const part of document.querySelectorAll("[data-live]")) {
  setInterval(async () => {
    if (document.hidden || part.contains(document.activeElement)) return;
    try {
      const answer = await fetch(part.dataset.live, { headers: { Accept: "text/html" } });
      if (answer.status === 401) location.reload();
      if (answer.ok) replace(part, await answer.text());
    } catch {
      // The next look may come through; the page says as of when it is.
    }
  }, 5000);
}

enliven(document);
document.querySelector(".bar nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
// A form that does something is sent once, however often its button is clicked.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "1";
});
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

// An outlet is placed by a click on the floor plan; the two fields do the same without a mouse.
for (const plan of document.querySelectorAll("[data-plan]")) {
  const form = plan.closest("form");
  if (!form) continue;
  const [x, y] = ["x", "y"].map((name) => form.querySelector(`[data-plan-${name}]`));
  const spot = plan.querySelector(".here");
  const show = () => {
    spot.toggleAttribute("hidden", x.value === "" || y.value === "");
    spot.setAttribute("transform", `translate(${x.value || 0} ${((y.value || 0) * plan.viewBox.baseVal.height) / 1000})`);
  };
  plan.addEventListener("click", (event) => {
    const box = plan.getBoundingClientRect();
    const share = (part, whole) => Math.min(1000, Math.max(0, Math.round((part / whole) * 1000)));
    x.value = share(event.clientX - box.left, box.width);
    y.value = share(event.clientY - box.top, box.height);
    show();
  });
  for (const field of [x, y]) field.addEventListener("input", show);
}

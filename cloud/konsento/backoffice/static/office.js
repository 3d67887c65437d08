// The back office: tables sort by a click on a heading. Everything works without.

for (const table of document.querySelectorAll("table[data-sort]")) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    if (!heading.textContent.trim() || heading.querySelector("a")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const down = heading.getAttribute("aria-sort") === "ascending";
      for (const other of headings) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      const body = table.tBodies[0];
      const rows = [...body.rows].sort((a, b) => {
        const [x, y] = [a, b].map((row) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim());
        return x.localeCompare(y, undefined, { numeric: true });
      });
      body.append(...(down ? rows.reverse() : rows));
    });
  });
}

// The overview keeps itself up to date; a page that is not looked at does not ask.
for (const part of document.querySelectorAll("[data-live]")) {
  setInterval(async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(part.dataset.live, { headers: { Accept: "text/html" } });
      if (answer.status === 401) location.reload();
      if (answer.ok) part.innerHTML = await answer.text();
    } catch {
      // The next look may come through; the page says as of when it is.
    }
  }, 5000);
}

"use strict";
// The list: what is shown of it, in which order, and the way from it to a document and back.
(() => {
  const { make, button, facts, field, papers, record, text, steps } = view;
  const named = (id) => document.getElementById(id);
  const [head, list, one, body, filter] = ["head", "list", "one", "rows", "filter"].map(named);
  const [shown, none, more] = ["shown", "none", "more"].map(named);
  const MOST = 1000; // rows at a time: more of them would make every filter wait for the layout
  const title = document.title;
  const rows = Array.from(body.rows);
  const words = rows.map((row) => row.textContent.toLowerCase());
  const collator = new Intl.Collator(undefined, { numeric: true });
  let most = MOST;
  let order = rows;
  let visible = rows;
  let scrolled = 0;
  let current = null; // the row whose document is open

  function data(prefix, row) {
    return JSON.parse(named(prefix + row.dataset.n).textContent);
  }

  function sift() {
    const asked = new FormData(filter);
    const statuses = new Set(asked.getAll("status"));
    const label = asked.get("label") || "";
    const sought = asked.get("text").toLowerCase().split(/\s+/).filter(Boolean);
    visible = order.filter(
      (row) =>
        (!statuses.size || statuses.has(row.dataset.status)) &&
        (!label || row.dataset.label === label) &&
        sought.every((word) => words[Number(row.dataset.n)].includes(word)),
    );
    more.hidden = visible.length <= most;
    more.textContent = `Show more, ${visible.length - most} left`;
    body.replaceChildren(...visible.slice(0, most));
    none.hidden = visible.length > 0;
    shown.value = visible.length === rows.length ? "" : `${visible.length} of ${rows.length}`;
  }

  function resift() {
    most = MOST;
    sift();
  }

  function sortBy(header) {
    const numeric = header.classList.contains("number");
    const before = header.getAttribute("aria-sort");
    const down = before ? before === "ascending" : numeric; // of numbers the highest is sought first
    for (const each of header.parentNode.cells) each.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", down ? "descending" : "ascending");
    const cell = (row) => row.cells[header.cellIndex];
    const keys = new Map(
      rows.map((row) => [row, numeric ? Number(cell(row).dataset.v) : cell(row).textContent.trim()]),
    );
    const compare = numeric ? (a, b) => a - b : collator.compare;
    order = rows.slice().sort((a, b) => (down ? -1 : 1) * compare(keys.get(a), keys.get(b)));
    resift();
  }

  function open(row) {
    if (row) location.hash = `#/${row.dataset.n}`;
  }

  function back() {
    location.hash = "#";
  }

  function beside(step) {
    const at = visible.indexOf(current);
    return at < 0 ? undefined : visible[at + step];
  }

  // The text, under the pages that are shown of it.
  function shownText(told, fields, detail) {
    const written = text(told, fields, detail); // first: it says which marks a field has
    return told.pages ? make("div", { className: "shown" }, ...papers(told.pages, fields), written) : written;
  }

  function show(row) {
    const detail = data("d", row);
    const fields = detail.fields.map(field);
    const heading = make("h2", { tabIndex: -1 }, make("bdi", { textContent: detail.id }));
    const at = visible.indexOf(row) + 1;
    current = row;
    one.replaceChildren(
      make(
        "nav",
        {},
        button("All documents", back, { className: "back" }),
        make("span", { className: "place", textContent: at ? `${at} of ${visible.length}` : "" }),
        button("Previous", () => open(beside(-1)), { disabled: !beside(-1) }),
        button("Next", () => open(beside(1)), { disabled: !beside(1) }),
      ),
      heading,
      facts(detail),
      make("div", { className: "beside" }, record(fields, detail.broken), shownText(data("t", row), fields, detail)),
      steps(detail.steps),
    );
    document.title = `${detail.id} - ${title}`;
    heading.focus({ preventScroll: true });
  }

  function route() {
    const [, number] = /^#\/(\d+)$/.exec(location.hash) || [];
    const row = rows.find((each) => each.dataset.n === number);
    const last = current;
    if (!last) scrolled = scrollY;
    head.hidden = list.hidden = Boolean(row);
    one.hidden = !row;
    if (row) {
      show(row);
      scrollTo(0, 0);
      return;
    }
    current = null;
    one.replaceChildren();
    document.title = title;
    if (last) {
      scrollTo(0, scrolled);
      last.querySelector("a").focus({ preventScroll: true });
    }
  }

  function press(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("input, select")) return;
    if (current) {
      if (event.key === "ArrowLeft") open(beside(-1));
      if (event.key === "ArrowRight") open(beside(1));
      if (event.key === "Escape") back();
    } else if (event.key === "/") {
      event.preventDefault();
      filter.elements.text.focus();
    }
  }

  filter.addEventListener("input", resift);
  more.addEventListener("click", () => {
    most += MOST;
    sift();
  });
  filter.addEventListener("submit", (event) => event.preventDefault());
  for (const header of list.querySelectorAll("th button")) {
    header.addEventListener("click", () => sortBy(header.parentNode));
  }
  body.addEventListener("click", (event) => {
    if (!event.target.closest("a") && getSelection().isCollapsed) open(event.target.closest("tr"));
  });
  addEventListener("hashchange", route);
  document.addEventListener("keydown", press);
  filter.reset();
  sift();
  route();
})();

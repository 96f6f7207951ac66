"use strict";
// One document after the other, one point after the other: decided by keys, or by the buttons that they stand for.
(() => {
  const { make, button, field, leaf, record, text } = view;
  const named = (id) => document.getElementById(id);
  const [count, said, one] = ["count", "said", "one"].map(named);
  const title = document.title;
  let documents = [];
  let at = 0; // which document
  let told = null; // what the server says of it
  let point = 0; // which point of it
  let fields = [];
  let asking = null; // the decision that ends the document, until it is confirmed
  let busy = false;
  const paper = make("section", { className: "paper", hidden: true });
  let drawn = { key: "", found: {} }; // the page that was drawn last

  async function ask(path, body) {
    const sent = body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    const answer = await fetch(path, sent || {});
    const isJson = (answer.headers.get("Content-Type") || "").startsWith("application/json");
    const value = isJson ? await answer.json() : { error: await answer.text() };
    if (!answer.ok) throw new Error(value.error || `the server said ${answer.status}`);
    return value;
  }

  function say(message, isFault) {
    said.textContent = message;
    said.className = isFault ? "fault" : "";
  }

  // One thing at a time: a key that is held down decides nothing twice.
  async function alone(act) {
    if (busy) return;
    busy = true;
    try {
      await act();
    } catch (error) {
      say(error instanceof TypeError ? "docmill review has ended: start it again" : error.message, true);
    } finally {
      busy = false;
    }
  }

  async function open(number) {
    asking = null;
    count.textContent = documents.length ? `${documents.length} in review` : "nothing in review";
    if (!documents.length) {
      told = null;
      document.title = title;
      one.replaceChildren(make("p", { className: "note", textContent: "Nothing waits in review." }));
      return;
    }
    at = Math.max(0, Math.min(number, documents.length - 1));
    const next = await ask(`/document?id=${encodeURIComponent(documents[at].id)}`);
    if (!told || told.id !== next.id) point = 0;
    told = next;
    point = Math.min(point, Math.max(told.points.length - 1, 0));
    show();
  }

  function show() {
    fields = told.detail.fields.map(field);
    paper.hidden = true; // until its page is drawn
    const heading = make("h2", { tabIndex: -1 }, make("bdi", { textContent: told.id }));
    one.replaceChildren(
      make(
        "nav",
        {},
        make("span", { className: "place", textContent: `${at + 1} of ${documents.length}` }),
        button("Previous", () => alone(() => open(at - 1)), { disabled: at === 0 }),
        button("Next", () => alone(() => open(at + 1)), { disabled: at === documents.length - 1 }),
      ),
      heading,
      make("div", { className: "beside" }, make("div", {}, paper, text(told.text, fields, told.detail)), side()),
    );
    document.title = `${told.id} - ${title}`;
    choose(point);
  }

  function side() {
    const points = make("ol", {}, ...told.points.map(card));
    const decided = told.decided.length ? make("p", { className: "note", textContent: told.decided.join("; ") }) : null;
    const whole = make(
      "div",
      { className: "acts whole" },
      button("Reject the document (r)", () => alone(reject)),
      button("Undo (u)", () => alone(undo), { disabled: !told.decided.length }),
    );
    const open = make("section", { className: "points" }, make("h3", { textContent: "To decide" }), points, decided, whole);
    return make("div", { className: "side" }, open, record(fields, told.detail.broken));
  }

  function card(each, number) {
    const line = (className, said) => (said ? make("div", { className, dir: "auto", textContent: said }) : null);
    const acts = make(
      "div",
      { className: "acts" },
      button("Accept (a)", () => alone(() => accept(number))),
      each.correctable ? button(each.adds ? "Add items (c)" : "Correct (c)", () => correct(number)) : null,
    );
    const element = make(
      "li",
      { className: "point" },
      line("name", each.name),
      line("value", each.value),
      line("wrong", each.wrong),
      each.quote ? make("pre", { className: "quote", textContent: each.quote }) : null,
      acts,
    );
    element.dataset.number = number;
    element.addEventListener("click", () => choose(number));
    return element;
  }

  function cards() {
    return Array.from(one.querySelectorAll(".point"));
  }

  // Mark a point as the one that keys decide, and show where it stands.
  function choose(number) {
    if (!told.points.length) return;
    point = Math.max(0, Math.min(number, told.points.length - 1));
    for (const each of cards()) each.classList.toggle("current", Number(each.dataset.number) === point);
    cards()[point].scrollIntoView({ block: "nearest" });
    const meant = told.points[point];
    for (const each of fields) each.element.classList.toggle("lit", each.path === meant.field);
    const [mark] = fields.filter((each) => each.path === meant.field).flatMap((each) => each.marks);
    const row = meant.adds ? one.querySelector("pre mark.row") : null;
    (mark || row || nearest(meant.field))?.scrollIntoView({ block: "center" });
    draw(meant);
  }

  // Show the page that a point is on as a picture, with the boxes of what is known to stand there.
  async function draw(meant) {
    const key = meant.page ? `${told.content} ${told.id} ${meant.page}` : "";
    const wanted = () => told && told.points[point] === meant;
    if (key && drawn.key !== key) {
      const found = await ask(`/page?id=${encodeURIComponent(told.id)}&number=${meant.page}`).catch(() => ({}));
      if (!wanted()) return;
      drawn = { key, found };
    }
    paper.hidden = !key || !drawn.found.image;
    if (paper.hidden) return;
    const frames = leaf(paper, drawn.found).filter(({ path }) => path === meant.field).map(({ frame }) => frame);
    for (const frame of frames) frame.classList.add("lit");
    frames[0]?.scrollIntoView({ block: "nearest" });
  }

  // The evidence of the field that stands nearest to one without evidence.
  function nearest(path) {
    const own = fields.findIndex((each) => each.path === path);
    const far = (each) => Math.abs(fields.indexOf(each) - own);
    const found = fields.filter((each) => each.marks.length).sort((a, b) => far(a) - far(b));
    return found.length ? found[0].marks[0] : null;
  }

  async function decide(decision, confirmed) {
    const answer = await ask("/decide", { document: told.id, content: told.content, confirmed, ...decision });
    if (answer.confirm) {
      asking = decision;
      say(`${told.id} is ${answer.confirm}: Enter writes it, Escape goes back`);
      return;
    }
    asking = null;
    say(answer.waiting ? "" : `${told.id}: ${decision.verdict === "reject" ? "rejected" : answer.status}`);
    if (!answer.waiting) documents.splice(at, 1);
    await open(at);
  }

  function accept(number) {
    if (!told.points.length) return say("somebody has decided it: go on with the next document");
    const { name, seen } = told.points[number];
    return decide({ verdict: "accept", name, seen }, false);
  }

  function reject() {
    const note = make("textarea", { ariaLabel: "why it is rejected", placeholder: "why (may be empty)" });
    edit(one.querySelector(".whole"), note, () => decide({ verdict: "reject", note: note.value.trim() }, false));
  }

  function correct(number) {
    if (!told.points.length) return say("somebody has decided it: go on with the next document");
    choose(number);
    const each = told.points[number];
    if (!each.correctable) return say("this has no value of its own: accept it, or correct a value");
    const box = make("textarea", { value: each.typed, ariaLabel: `${each.name} is`, spellcheck: false });
    if (each.adds) box.placeholder = "items to add, as JSON";
    const save = () => decide({ verdict: "correct", name: each.name, text: box.value, adds: each.adds }, false);
    edit(cards()[number], box, save);
  }

  function edit(place, box, save) {
    one.querySelectorAll("form").forEach((each) => each.remove());
    const form = make("form", {}, box, make("div", { className: "acts" }, make("button", { textContent: "Save (Enter)" })));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      box.blur();
      alone(save);
    });
    box.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter" && !event.shiftKey) {
        event.preventDefault();
        form.requestSubmit();
      } else if (event.key === "Escape") {
        form.remove();
      }
    });
    place.append(form);
    box.focus();
    box.select();
  }

  async function undo() {
    await ask("/undo", { document: told.id });
    say("");
    await open(at);
  }

  async function skip() {
    if (point < told.points.length - 1) choose(point + 1);
    else if (at < documents.length - 1) await open(at + 1);
    else say("that was the last one");
  }

  const KEYS = {
    a: () => alone(() => accept(point)),
    c: () => correct(point),
    r: () => reject(),
    s: () => alone(skip),
    u: () => alone(undo),
    ArrowDown: () => choose(point + 1),
    ArrowUp: () => choose(point - 1),
    ArrowLeft: () => alone(() => open(at - 1)),
    ArrowRight: () => alone(() => open(at + 1)),
  };

  function press(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.repeat || !told) return;
    if (event.target.closest("textarea, input")) return;
    if (asking) {
      if (event.key === "Enter") {
        event.preventDefault();
        const decision = asking;
        alone(() => decide(decision, true));
      } else if (event.key === "Escape" || event.key === "u") {
        asking = null;
        say("");
      }
      return;
    }
    const act = KEYS[event.key];
    if (!act || (event.key.startsWith("Arrow") && event.target.closest("pre"))) return;
    event.preventDefault();
    act();
  }

  document.addEventListener("keydown", press);
  alone(async () => {
    documents = (await ask("/waiting")).documents;
    await open(0);
  });
})();

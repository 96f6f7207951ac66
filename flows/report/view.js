"use strict";
// What one document's view is made of. Nothing of a document becomes markup here: elements are made one
// by one, and text is set as text.
const view = (() => {
  function make(name, properties, ...children) {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children.filter((child) => child !== null));
    return element;
  }

  function button(label, act, properties) {
    const element = make("button", { type: "button", textContent: label, ...properties });
    element.addEventListener("click", act);
    return element;
  }

  function facts(detail) {
    const paragraph = (className, said) => (said ? make("p", { className, dir: "auto", textContent: said }) : null);
    return make(
      "div",
      { className: "facts" },
      make(
        "p",
        {},
        make("span", { className: detail.status, textContent: detail.status }),
        detail.label === null ? null : make("bdi", { className: "tag", textContent: detail.label }),
        make("span", { className: "quiet", textContent: `${detail.cost}, ${detail.seconds}, ${detail.updated}` }),
      ),
      paragraph(detail.status === "review" ? "error mild" : "error", detail.error),
      paragraph("", detail.summary),
      paragraph("note", detail.truncated && "A step read only the beginning of the document."),
      paragraph("uri", detail.uri !== detail.id && detail.uri),
    );
  }

  const STATES = { found: "in the text", missing: "not found in the text", decided: "decided by a person", unchecked: "not checked" };

  function field(told) {
    const said = told.value === null ? "none" : told.value || "empty";
    const where = make("dd", { className: "where" });
    if (told.value !== null || told.state !== "unchecked") {
      where.textContent = STATES[told.state] + (told.page && `, page ${told.page}`);
    }
    const value = make("dd", { className: told.value ? "value" : "value none", dir: "auto", textContent: said });
    const name = make("dt", { textContent: told.path });
    const element = make("div", { className: `field ${told.state}` }, name, value, where);
    return { ...told, element, where, marks: [] };
  }

  function record(fields, broken) {
    const missing = fields.filter((each) => each.state === "missing").length;
    const said = `${missing === 1 ? "1 value was" : `${missing} values were`} not found in the text: check by hand.`;
    return make(
      "section",
      { className: "record" },
      make("h3", { textContent: "Record" }),
      missing ? make("p", { className: "attention", textContent: said }) : null,
      ...broken.map((each) => make("p", { className: "attention", textContent: `${each.name}: ${each.message}` })),
      fields.length
        ? make("dl", {}, ...fields.map((each) => each.element))
        : make("p", { className: "note", textContent: "No record." }),
    );
  }

  // What a person has to look at in the document itself, as it is not in the text below.
  function unread(told) {
    if (!told.length) return null;
    const doubts = told.filter((each) => each.part.startsWith("boundary"));
    const parts = told.filter((each) => !doubts.includes(each));
    const named = parts.length === 1 ? "1 part" : `${parts.length} parts`;
    const item = (each) => make("li", {}, make("bdi", { textContent: each.part }), `: ${each.why}`);
    const listed = (textContent, all) =>
      all.length ? [make("p", { textContent }), make("ul", {}, ...all.map(item))] : [];
    return make(
      "div",
      { className: "unread attention" },
      ...listed(`${named} of the document could not be read:`, parts),
      ...listed("Where the document begins or ends is in doubt:", doubts),
    );
  }

  // What the record lacks, with the key to the colours of the text.
  function leftOut(arrays) {
    const named = Object.entries(arrays);
    if (!named.length) return null;
    const rows = (many) => (many === 1 ? "1 row stands" : `${many} rows stand`);
    const said = named.map(([path, many]) => `${rows(many)} for no item of ${path}`).join("; ");
    const key = (className, textContent) => make("mark", { className, textContent });
    return make(
      "div",
      { className: "leftout attention" },
      make("p", { textContent: `${said}.` }),
      make("p", { className: "key" }, key("", "evidence of the record"), " ", key("row", "not in the record")),
    );
  }

  function text(told, fields, detail) {
    const heading = make("h3", { textContent: "Text" });
    const out = make("section", { className: "text" }, heading, unread(detail.unread), leftOut(detail.left_out));
    if (told.why) {
      out.append(make("p", { className: "note", textContent: told.why }));
      return out;
    }
    out.append(make("pre", { dir: "auto", tabIndex: 0 }, ...told.runs.map((run) => piece(run, fields))));
    fields.forEach(lead);
    return out;
  }

  function piece(run, fields) {
    if (typeof run === "string") return run;
    if (!Array.isArray(run)) {
      const between = make("span", { className: run.page ? "page" : "gap" });
      const gap = () => `${run.gap.toLocaleString("en")} characters without evidence are left out`;
      between.dataset.said = run.page ? `page ${run.page}` : gap(); // the style shows it: it is no text
      return between;
    }
    const meant = run.slice(1).flatMap((number) => fields[number] ?? []);
    const mark = make("mark", { textContent: run[0], tabIndex: 0 });
    if (run.indexOf(-1, 1) > 0) mark.className = "row"; // entries.py: a row that stands for no item
    mark.title = meant.map((each) => each.path).join(", ") || "stands for no item";
    if (!meant.length) return mark;
    for (const each of meant) each.marks.push(mark);
    light(mark, meant.map((each) => each.element));
    mark.addEventListener("focus", () => {
      if (matchMedia("(min-width: 801px)").matches) meant[0].element.scrollIntoView({ block: "nearest" });
    });
    return mark;
  }

  // Lead from a field to its evidence.
  function lead(each) {
    const [mark] = each.marks;
    if (mark) {
      const seek = () => {
        mark.focus({ preventScroll: true });
        mark.scrollIntoView({ block: "center" });
      };
      each.where.replaceChildren(button(each.where.textContent, seek));
      light(each.element, each.marks);
    } else if (each.state === "found") {
      each.where.append(" then; the text is read otherwise now");
    }
  }

  function light(element, others) {
    const all = [element, ...others];
    for (const [kind, on] of [["mouseenter", true], ["mouseleave", false], ["focusin", true], ["focusout", false]]) {
      element.addEventListener(kind, () => all.forEach((each) => each.classList.toggle("lit", on)));
    }
  }

  // Fill a paper with a page's picture, and give the frames around what stands there, each with its field's path.
  function leaf(paper, { image, boxes, page, pages }) {
    const frames = boxes.map(({ path, box }) => {
      const [left, top, right, bottom] = box.map((share) => 100 * share);
      const frame = make("div", { className: "box", title: path });
      Object.assign(frame.style, { left: `${left}%`, top: `${top}%`, width: `${right - left}%`, height: `${bottom - top}%` });
      return { path, frame };
    });
    const sheet = make("img", { src: image, alt: `page ${page} of ${pages}` });
    const whole = make("div", { className: "leaf" }, sheet, ...frames.map(({ frame }) => frame));
    const heading = make("h3", { textContent: `Page ${page} of ${pages}` });
    paper.replaceChildren(heading, make("div", { className: "sheet" }, whole));
    return frames;
  }

  // The pages of a document, whose frames and fields light each other; a frame leads to its text.
  function papers(pages, fields) {
    return pages.map((each) => {
      const paper = make("section", { className: "paper" });
      for (const { path, frame } of leaf(paper, each)) {
        for (const one of fields.filter((each) => each.path === path)) {
          light(frame, [one.element, ...one.marks]);
          light(one.element, [frame]);
          frame.addEventListener("click", () => one.marks[0]?.scrollIntoView({ block: "center" }));
        }
      }
      return paper;
    });
  }

  function steps(all) {
    const row = (name, cells) => make("tr", {}, ...cells.map((cell) => make(name, { textContent: cell })));
    const table = make(
      "table",
      {},
      make("thead", {}, row("th", ["Step", "Status", "Calls", "Tokens", "Cost", "Time"])),
      make("tbody", {}, ...all.map((each) => row("td", each.cells))),
    );
    const outputs = all.filter((each) => each.output !== null).flatMap((each) => [
      make("h4", { textContent: each.cells[0] }),
      make("pre", { dir: "auto", textContent: each.output }),
    ]);
    const heading = make("h3", { textContent: "Steps" });
    const wide = make("div", { className: "wide" }, table);
    return make("section", { className: "steps", hidden: !all.length }, heading, wide, ...outputs);
  }

  return { make, button, facts, field, leaf, papers, record, text, steps };
})();

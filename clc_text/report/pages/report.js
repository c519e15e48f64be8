(() => {
  // What is folded up on the screen is printed all the same.
  let folded = [];
  addEventListener("beforeprint", () => { folded = [...document.querySelectorAll("details:not([open])")]; folded.forEach((one) => { one.open = true; }); });
  const unfold = () => { // a link to a part of what is folded up shows it
    const aim = location.hash.length > 1 && byId(decodeURIComponent(location.hash.slice(1)));
    const box = aim && aim.closest("details");
    if (box && !box.open) { box.open = true; aim.scrollIntoView(); }
  };
  addEventListener("hashchange", unfold);
  unfold();
  addEventListener("afterprint", () => folded.forEach((one) => { one.open = false; }));

  const rows = data.rows;
  const total = rows ? rows.row.length : 0;
  if (total === 0) { document.querySelectorAll(".pair").forEach((button) => { button.disabled = true; }); return; }
  byId("corrections-table").hidden = false;

  const { texts, images, classes, short: shorts } = data;
  const [CHANGED, KEPT, DOUBTED] = [0, 1, 2];
  const SOURCES = ["given", "method", "person"];
  const SHOWN = 240; // letters of a text before it is unfolded
  const state = { column: null, direction: 1, page: 0, size: 25 };
  const name = (number) => (number < 0 ? "not known" : classes[number].trim() || "(no name)");
  const called = Object.entries(rows.called); // ids, and the file's own numbers of rows
  const ids = rows.called.Id && rows.called.Id.map((id) => id.toLowerCase());
  const lower = texts && texts.map((text) => text.toLowerCase());

  // How the proposed label stands to the true one.
  const TRUTHS = { // sign, in the table, in the filter
    right: ["✓", "right", "right"], broken: ["✗", "broken", "broken: the given label is right"],
    wrong: ["✗", "still wrong", "wrong before and after"], unknown: ["?", "not known", "not known"],
  };
  const truths = rows.true && rows.true.map((truth, i) =>
    truth < 0 ? "unknown" : truth === rows.proposed[i] ? "right" : truth === rows.given[i] ? "broken" : "wrong");

  // ---- columns ----

  const classCell = (td, number) => { // long names may break after a dot, a dash, ...
    td.classList.add("class");
    const whole = name(number), short = number < 0 ? whole : shorts[number];
    if (short !== whole) td.title = whole;
    short.split(/(?<=[._/:-])/).forEach((part, place) => td.append(...(place ? [make("wbr"), part] : [part])));
  };
  const alphabetical = classes.map((_, i) => i).sort((a, b) => classes[a].localeCompare(classes[b]));
  const rank = new Array(classes.length);
  alphabetical.forEach((number, place) => { rank[number] = place; });
  const byClass = (numbers) => (i) => (numbers[i] < 0 ? -1 : rank[numbers[i]]);
  const numeric = (values, digits) => ({
    key: (i) => values[i], first: -1,
    fill: (td, i) => { td.classList.add("number"); td.append(values[i].toFixed(digits)); },
  });
  const columns = [
    { title: "Row, from 0", key: (i) => rows.row[i], first: 1, fill: (td, i) => td.append(String(rows.row[i])) },
    ...called.map(([title, names]) => ({ title, key: (i) => (title === "Id" ? names[i] : Number(names[i])), first: 1,
      fill: (td, i) => { td.classList.toggle("whole", names[i].length <= 16); td.append(names[i]); } })),
    ...(images ? [{ title: "Image", fill: fillImage }] : []),
    ...(texts ? [{ title: "Text", key: (i) => lower[i], first: 1, fill: fillText }] : []),
    { title: "Given", key: byClass(rows.given), first: 1, fill: (td, i) => classCell(td, rows.given[i]) },
    { title: "Corrected", key: byClass(rows.proposed), first: 1, fill: fillProposed },
    ...(truths ? [{ title: "True", key: byClass(rows.true), first: 1, fill: fillTrue }] : []),
    { title: "Confidence", ...numeric(rows.confidence, 2) },
    { title: "Entropy", ...numeric(rows.entropy, 2) },
    { title: "Source", key: (i) => rows.source[i], first: -1, fill: (td, i) => td.append(SOURCES[rows.source[i]]) },
    ...(rows.since ? [{ title: "Since epoch", key: (i) => rows.since[i], first: 1,
      fill: (td, i) => { td.classList.add("number"); td.append(rows.since[i] ? String(rows.since[i]) : "–"); } }] : []),
  ];
  function thumbnail(i) {
    return images[i] ? make("img", { className: "thumb", src: images[i], alt: `Image of row ${rows.row[i]}` })
      : make("span", { className: "why", textContent: "no thumbnail" });
  }
  function fillImage(td, i) { td.append(thumbnail(i)); }
  function fillProposed(td, i) {
    classCell(td, rows.proposed[i]);
    const why = rows.kind[i] === KEPT ? "kept by a person" : rows.kind[i] === CHANGED ? "" : rows.given[i] === rows.proposed[i] ? "kept, but doubtful" : "only suggested";
    if (why) td.append(make("span", { className: "why", textContent: why }));
  }
  function fillTrue(td, i) {
    const [sign, words] = TRUTHS[truths[i]];
    classCell(td, rows.true[i]);
    td.append(make("span", { className: `why ${truths[i]}`, textContent: `${sign} ${words}` }));
  }
  function fillText(td, i) {
    td.classList.add("text");
    td.dir = "auto";
    const whole = texts[i].trim(), wanted = textWanted();
    if (whole === "") { td.append(make("span", { className: "why", textContent: "(empty)" })); return; }
    const body = make("span");
    td.append(body);
    const at = wanted ? whole.toLowerCase().indexOf(wanted) : 0;
    const start = at > SHOWN - 60 ? at - 60 : 0;
    const part = (start ? "…" : "") + whole.slice(start, start + SHOWN).replace(/\s+/g, " ") + (start + SHOWN < whole.length ? "…" : "");
    highlight(body, part, wanted);
    if (whole.length <= SHOWN) return;
    const button = make("button", { type: "button", textContent: "more" });
    button.setAttribute("aria-expanded", "false");
    button.setAttribute("aria-label", `more of row ${rows.row[i]}`);
    button.addEventListener("click", () => {
      const open = button.getAttribute("aria-expanded") !== "true";
      button.setAttribute("aria-expanded", String(open));
      button.textContent = open ? "less" : "more";
      button.setAttribute("aria-label", `${button.textContent} of row ${rows.row[i]}`);
      highlight(body, open ? whole : part, wanted);
    });
    td.append(button);
  }
  function highlight(element, text, wanted) {
    element.replaceChildren();
    const small = text.toLowerCase();
    if (!wanted || small.length !== text.length) { element.append(text); return; }
    let from = 0;
    for (let at = small.indexOf(wanted); at >= 0; at = small.indexOf(wanted, from)) {
      element.append(text.slice(from, at), make("mark", { textContent: text.slice(at, at + wanted.length) }));
      from = at + wanted.length;
    }
    element.append(text.slice(from));
  }

  // ---- filters ----

  const options = (id, entries) => byId(id).replaceChildren(...entries.map(([value, title]) => make("option", { value, textContent: title })));
  const tally = (values) => {
    const found = new Map();
    values.forEach((value) => found.set(value, (found.get(value) || 0) + 1));
    return found;
  };
  const kinds = tally(rows.kind);
  const kindTitles = { [CHANGED]: "changed", [KEPT]: "kept by a person", [DOUBTED]: "not changed, most doubtful" };
  options("kind", [...[CHANGED, KEPT, DOUBTED].filter((kind) => kinds.has(kind)).map((kind) => [kind, `${kindTitles[kind]} (${count(kinds.get(kind))})`]), ["", `all (${count(total)})`]]);
  for (const id of ["given", "proposed"]) {
    const found = tally(rows[id]);
    options(id, [["", "any class"], ...alphabetical.filter((number) => found.has(number)).map((number) => [number, `${name(number)} (${count(found.get(number))})`])]);
  }
  const sources = tally(rows.source);
  options("source", [["", "any"], ...[...sources.keys()].sort().map((source) => [source, `${SOURCES[source]} (${count(sources.get(source))})`])]);
  byId("truth-label").hidden = !truths;
  if (truths) {
    const found = tally(truths);
    options("truth", [["", "any"], ...Object.keys(TRUTHS).filter((one) => found.has(one)).map((one) => [one, `${TRUTHS[one][0]} ${TRUTHS[one][2]} (${count(found.get(one))})`])]);
  }
  byId("find").disabled = false;
  if (!texts) byId("find").placeholder = "#row number";

  const wantedText = () => byId("find").value.trim().toLowerCase();
  const rowWanted = () => (/^#\d+$/.test(wantedText()) ? Number(wantedText().slice(1)) : null);
  function textWanted() { return rowWanted() === null ? wantedText() : ""; }
  const chosen = (id) => (byId(id).value === "" ? null : Number(byId(id).value));
  const bound = (id, otherwise) => (byId(id).value === "" || Number.isNaN(byId(id).valueAsNumber) ? otherwise : byId(id).valueAsNumber);

  let visible = [];
  function filter() {
    const wanted = { kind: chosen("kind"), given: chosen("given"), proposed: chosen("proposed"), source: chosen("source") };
    const asked = Object.keys(wanted).filter((key) => wanted[key] !== null);
    const [truth, from, to, row, text] = [truths && byId("truth").value, bound("from", 0), bound("to", 1), rowWanted(), textWanted()];
    visible = [];
    for (let i = 0; i < total; i++) {
      if (asked.every((key) => rows[key][i] === wanted[key]) && (!truth || truths[i] === truth)
        && rows.confidence[i] >= from && rows.confidence[i] <= to
        && (row === null ? !text || (lower && lower[i].includes(text)) || (ids && ids[i] === text) || (!lower && String(rows.row[i]) === text) : rows.row[i] === row)) visible.push(i);
    }
    if (state.column !== null) {
      const key = columns[state.column].key;
      visible.sort((a, b) => { const [x, y] = [key(a), key(b)]; return state.direction * (x < y ? -1 : x > y ? 1 : 0) || a - b; });
    }
  }

  // ---- the table ----

  columns.forEach((column, place) => {
    const head = make("th", { scope: "col" });
    if (column.key) {
      const button = make("button", { type: "button", textContent: column.title });
      button.addEventListener("click", () => {
        state.direction = state.column === place ? -state.direction : column.first;
        state.column = place;
        update();
      });
      head.append(button);
    } else head.append(column.title);
    column.head = head;
    byId("heads").append(head);
  });

  function draw() {
    const pages = Math.max(1, Math.ceil(visible.length / state.size));
    state.page = Math.min(Math.max(state.page, 0), pages - 1);
    const start = state.page * state.size, shown = visible.slice(start, start + state.size);
    byId("lines").replaceChildren(...shown.map((i) => make("tr", {}, ...columns.map((column, place) => {
      const cell = place === 0 ? make("th", { scope: "row" }) : make("td");
      cell.dataset.head = column.title;
      column.fill(cell, i);
      return cell;
    }))));
    const which = shown.length ? `Rows ${count(start + 1)} to ${count(start + shown.length)} of ${count(visible.length)}` : "No row";
    byId("status").textContent = `${which}${visible.length < total ? " that match" : ""}`;
    byId("place").textContent = `Page ${count(state.page + 1)} of ${count(pages)}`;
    byId("first").disabled = byId("previous").disabled = state.page === 0;
    byId("next").disabled = byId("last").disabled = state.page >= pages - 1;
    byId("copy").disabled = visible.length === 0;
    columns.forEach((column, place) => {
      if (column.key) column.head.setAttribute("aria-sort", place !== state.column ? "none" : state.direction > 0 ? "ascending" : "descending");
    });
  }
  function update() { filter(); state.page = 0; draw(); }
  const turn = (page) => { state.page = page; draw(); };
  byId("first").addEventListener("click", () => turn(0));
  byId("previous").addEventListener("click", () => turn(state.page - 1));
  byId("next").addEventListener("click", () => turn(state.page + 1));
  byId("last").addEventListener("click", () => turn(Infinity));
  byId("size").addEventListener("change", () => { state.size = Number(byId("size").value); update(); });
  byId("filters").addEventListener("input", update);
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("filters").addEventListener("reset", () => setTimeout(update)); // after the fields have their first values back

  document.querySelectorAll(".pair").forEach((button) => button.addEventListener("click", () => {
    byId("filters").reset();
    setTimeout(() => {
      byId("kind").value = CHANGED;
      byId("given").value = button.dataset.given;
      byId("proposed").value = button.dataset.proposed;
      update();
      byId("filters").scrollIntoView({ block: "start" });
      byId("given").focus({ preventScroll: true });
    });
  }));

  // ---- copying row numbers ----

  function ranges() { // such as 3,8,10-12, as `clc-text revert --rows` reads it
    const numbers = visible.map((i) => rows.row[i]).sort((a, b) => a - b), found = [];
    for (const number of numbers) {
      const last = found.at(-1);
      if (last && number === last[1] + 1) last[1] = number; else found.push([number, number]);
    }
    return found.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join();
  }
  byId("copy").addEventListener("click", async () => {
    const text = ranges();
    let done = true;
    try { await navigator.clipboard.writeText(text); } catch { // a page opened from a file may have no clipboard
      const field = make("textarea", { value: text });
      document.body.append(field);
      field.select();
      done = document.execCommand("copy");
      field.remove();
      byId("copy").focus();
    }
    byId("status").textContent = done ? `Copied ${count(visible.length)} row numbers` : "Copying is not allowed here";
  });

  // ---- examples of images ----

  if (images) {
    const shown = [];
    for (let i = 0; i < total && shown.length < 12; i++) if (rows.kind[i] === CHANGED && images[i]) shown.push(i);
    byId("gallery-box").hidden = shown.length === 0;
    byId("gallery").append(...shown.map((i) => {
      const lines = [make("span", { textContent: `${name(rows.given[i])} → ${name(rows.proposed[i])}` })];
      if (truths) lines.push(make("span", { className: truths[i], textContent: `${TRUTHS[truths[i]][0]} true: ${name(rows.true[i])}` }));
      lines.push(make("span", { className: "soft", textContent: `confidence ${rows.confidence[i].toFixed(2)}, row ${rows.row[i]}` }));
      return make("li", {}, make("img", { src: images[i], alt: `Image of row ${rows.row[i]}` }), ...lines);
    }));
  }

  const left = rows.changedInAll - (kinds.get(CHANGED) || 0);
  const remarks = [data.remark];
  if (left > 0) remarks.push(`${count(left)} further changes are not listed, so that the page stays light; \`clc-text diff RUN --csv\` prints all.`);
  byId("remark").textContent = remarks.filter(Boolean).join(" ");
  update();
})();

(() => {
  const asked = data.review;
  if (!asked) return;
  const total = asked.row.length, classes = asked.names.length;
  const SKIPPED = -1, KEYED = 9;
  const served = asked.token !== undefined;
  const [NO, YES] = ["no", "yes"].map((word) => asked.names.findIndex((name) => name.toLowerCase() === word));
  const literal = classes === 2 && NO >= 0 && YES >= 0; // then y is the answer yes, whatever was given
  const box = byId("review"), find = byId("review-find");
  const answers = new Array(total).fill(null); // a class, SKIPPED, or null
  const undo = []; // [place, answer before]
  let at = 0, answered = 0, skipped = 0, unsaved = 0, listed = [], ended = false;

  const text = (id, words) => { byId(id).textContent = words; };
  const plural = (number, one, many) => (number === 1 ? `1 ${one}` : `${count(number)} ${many}`);
  const percent = (share) => (share > 0.995 ? "over 99%" : share < 0.005 ? "under 1%" : `${Math.round(100 * share)}%`);

  // ---- where answers are kept: by whoever served the page, or else in this browser ----

  const prefix = `clc-text review ${asked.runId} ${asked.step} `;
  let kept = true; // a browser may refuse to keep anything
  const remembered = (row) => { try { return localStorage.getItem(prefix + row); } catch { kept = false; return null; } };
  const remember = (place) => {
    try {
      if (answers[place] === null) localStorage.removeItem(prefix + asked.row[place]);
      else localStorage.setItem(prefix + asked.row[place], String(answers[place]));
    } catch { kept = false; }
  };

  const waiting = []; // answers on their way, in order
  let sending = false, lost = false;
  const post = (path, body) => fetch(path, {
    method: "POST", headers: { "Content-Type": "application/json", "X-Review-Token": asked.token }, body: JSON.stringify(body),
  }).then((reply) => { if (!reply.ok) throw new Error(String(reply.status)); return reply.json(); });
  const send = async () => {
    if (sending) return;
    sending = true;
    while (waiting.length) {
      try { await post("answer", waiting[0]); waiting.shift(); lost = false; } catch { lost = true; }
      note();
      if (lost) await new Promise((wake) => setTimeout(wake, 1000)); // and once more, until it is there again
    }
    sending = false;
  };
  const keep = (place) => {
    if (!served) { remember(place); return; }
    waiting.push({ row: asked.row[place], answer: answers[place] === null || answers[place] === SKIPPED ? null : answers[place] });
    send();
  };

  // ---- answers ----

  const set = (place, answer) => {
    const before = answers[place];
    answered += (answer !== null && answer !== SKIPPED) - (before !== null && before !== SKIPPED);
    skipped += (answer === SKIPPED) - (before === SKIPPED);
    answers[place] = answer;
    unsaved += 1;
    keep(place);
  };
  const answer = (choice) => {
    if (ended || at >= total) return;
    undo.push([at, answers[at]]);
    const words = choice === SKIPPED ? "skipped" : asked.names[choice];
    set(at, choice);
    onward(`Row ${asked.row[at]}: ${words}.`);
  };
  const onward = (said = "") => {
    let next = at + 1;
    while (next < total && answers[next] !== null) next += 1;
    if (next >= total) { next = 0; while (next < total && answers[next] !== null) next += 1; }
    show(next, said);
  };
  const takeBack = () => {
    if (ended || !undo.length) return;
    const [place, before] = undo.pop();
    set(place, before);
    show(place, "Taken back.");
  };

  // ---- what is shown ----

  const fill = (button, number) => {
    button.querySelector("b").textContent = asked.names[number];
    if (literal) button.querySelector("kbd").textContent = number === YES ? "y" : "n";
  };
  const show = (place, said = "") => {
    at = place;
    const done = at >= total;
    byId("review-card").hidden = done;
    byId("review-why").hidden = done || !asked.near.length;
    byId("review-done").hidden = !done;
    text("review-said", said);
    find.value = "";
    if (done) finish(); else card();
    byId("review-undo").disabled = !undo.length;
    bar();
  };
  const card = () => {
    const given = asked.given[at], suggested = asked.suggested[at];
    text("review-place", `Row ${asked.row[at]}`);
    const called = asked.called[at] === null ? "" : `; ${asked.called[at]} in its file`;
    byId("review-place").append(make("small", { textContent: ` from 0${called}` }));
    const why = asked.why[at] === asked.random ? `drawn at random, 1 in ${count(Math.round(1 / asked.inclusion[at]))}` : "chosen, since an answer may well change it";
    const copies = asked.copies[at] ? `; ${plural(asked.copies[at], "row is", "rows are")} like it` : "";
    text("review-drawn", why + copies);
    const shown = byId("review-shown");
    shown.replaceChildren();
    if (asked.texts) { shown.dir = "auto"; shown.textContent = asked.texts[at].trim() || "(empty)"; }
    else if (asked.images && asked.images[at]) shown.append(make("img", { src: asked.images[at], alt: `Image of row ${asked.row[at]}` }));
    else shown.textContent = "(not to be shown)";
    shown.classList.toggle("long", Boolean(asked.texts) && asked.texts[at].length > 280);
    shown.scrollTop = 0;
    fill(byId("review-yes"), given);
    fill(byId("review-no"), suggested);
    byId("review-labels").hidden = !asked.said;
    if (asked.said) text("review-labels", asked.said[at]);
    const by = asked.said ? "The likeliest other class by all labels" : "The networks’ choice";
    text("review-thought", `${by}, ${percent(asked.belief[at])}`);
    byId("review-yes").setAttribute("aria-pressed", String(answers[at] === given));
    byId("review-no").setAttribute("aria-pressed", String(answers[at] === suggested));
    list();
    near();
  };
  const likely = () => { // of many classes, those that may be meant beside the two above
    const found = [asked.current[at], ...(asked.near[at] || []).map((one) => one[1])];
    if (answers[at] !== null && answers[at] !== SKIPPED) found.unshift(answers[at]);
    return [...new Set(found)].filter((one) => one !== asked.given[at] && one !== asked.suggested[at]);
  };
  const matching = () => {
    const wanted = find.value.trim().toLowerCase();
    if (!wanted) return likely();
    const starts = [], inside = [];
    asked.names.forEach((name, number) => {
      const place = name.toLowerCase().indexOf(wanted);
      if (place === 0) starts.push(number); else if (place > 0) inside.push(number);
    });
    return [...starts, ...inside].slice(0, KEYED);
  };
  const list = () => {
    const many = classes > KEYED;
    byId("review-find-box").hidden = !many;
    listed = many ? matching() : asked.names.map((_, number) => number);
    const wanted = many && find.value.trim();
    text("review-other", !many ? "Or one of all classes" : wanted ? (listed.length ? "Classes that match" : "No class matches") : "Or another class");
    byId("review-classes").replaceChildren(...listed.map((number, place) => {
      const button = make("button", { type: "button" }, make("kbd", { textContent: String(place + 1) }), make("span", { textContent: asked.names[number] }));
      if (number === asked.given[at]) button.append(make("small", { textContent: "given" }));
      button.setAttribute("aria-pressed", String(answers[at] === number));
      button.addEventListener("click", () => answer(number));
      return button;
    }));
  };
  const near = () => {
    const others = asked.near[at] || [];
    byId("review-near").replaceChildren(...others.map(([words, label, likeness]) => {
      const item = make("li", {}, make("p", { textContent: words, dir: "auto" }));
      const kind = label === asked.given[at] ? "given" : label === asked.suggested[at] ? "thought" : "other";
      item.append(make("span", { className: `chip ${kind}`, textContent: asked.names[label] }), make("small", { textContent: `${Math.round(100 * likeness)}% alike` }));
      return item;
    }));
    if (!others.length && asked.near.length) byId("review-near").replaceChildren(make("li", {}, make("p", { textContent: "None has anything in common with it." })));
  };
  const bar = () => {
    byId("review-fill").style.setProperty("--done", String(total ? answered / total : 0));
    byId("review-meter").setAttribute("aria-valuenow", String(answered));
    text("review-count", `${count(answered)} of ${count(total)} answered${skipped ? `, ${count(skipped)} skipped` : ""}`);
    byId("review-save").disabled = !served && answered === 0;
    note();
  };
  const note = () => {
    let words = "";
    if (served) words = lost ? "Not saved: the command that serves this page is gone. Start it again; what you answer is kept on this page meanwhile." : "Every answer is saved in the run at once.";
    else words = kept ? "Answers are kept in this browser until you save them as a file." : "This browser keeps nothing: save the answers before you close the page.";
    text("review-note", `${words}${asked.remark ? ` ${asked.remark}` : ""}`);
    byId("review-note").classList.toggle("bad", lost || (!served && !kept));
  };
  const finish = () => {
    text("review-done-title", total ? (skipped ? "All rows looked at" : "All rows answered") : "Nothing to ask");
    text("review-done-text", total ? `${plural(answered, "answer", "answers")}${skipped ? `, ${count(skipped)} skipped` : ""}.` : "People have answered every row of this run.");
    byId("review-then").hidden = !total;
    text("review-command", served ? `clc-text audit ${quoted(asked.path)}` : `clc-text apply ${quoted(asked.path)} answers.csv`);
    byId("review-done-title").focus();
  };
  const quoted = (words) => (/^[\w@%+=:,./-]+$/.test(words) ? words : `'${words.replaceAll("'", "'\"'\"'")}'`);

  // ---- answers.csv, as `clc-text apply` reads it ----

  const cell = (value) => { const words = String(value); return /[",\r\n]/.test(words) || words.trim() !== words ? `"${words.replaceAll('"', '""')}"` : words; };
  const table = () => {
    const lines = [["row", "why", "inclusion", "asked", "run_id", "answer"]];
    answers.forEach((given, place) => {
      if (given !== null && given !== SKIPPED) lines.push([asked.row[place], asked.why[place], asked.inclusion[place], asked.step, asked.runId, decodeURIComponent(asked.csvNames[given])]);
    });
    return lines.map((line) => `${line.map(cell).join(",")}\r\n`).join("");
  };
  const save = () => {
    if (served) { end(); return; }
    if (!answered) return;
    const address = URL.createObjectURL(new Blob([table()], { type: "text/csv" }));
    make("a", { href: address, download: "answers.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
    unsaved = 0;
    text("review-said", `${plural(answered, "answer", "answers")} saved; then: clc-text apply ${quoted(asked.path)} answers.csv`);
  };
  const end = async () => {
    if (ended) return;
    if (waiting.length) { text("review-said", "Some answers are not saved yet."); return; }
    try {
      const told = await post("finish", {});
      ended = true;
      show(total);
      text("review-done-title", "Taken over");
      text("review-done-text", `${told.said} You may close this page.`);
      for (const id of ["review-again", "review-save", "review-note"]) byId(id).hidden = true;
    } catch (error) { text("review-said", `The answers could not be taken over (${error.message}); the terminal says why.`); }
  };

  // ---- keys and buttons ----

  const move = (place) => { if (!ended) show(Math.max(0, Math.min(total, place))); };
  const press = {
    y: () => answer(literal ? YES : asked.given[at]), n: () => answer(literal ? NO : asked.suggested[at]),
    s: () => answer(SKIPPED), u: takeBack,
    ArrowLeft: () => move(at - 1), ArrowRight: () => onward(), "/": () => { if (classes > KEYED) find.focus(); },
  };
  const open = () => !box.matches("dialog") || box.open;
  addEventListener("keydown", (event) => {
    if (!open() || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target === find) {
      if (event.key === "Escape") { event.preventDefault(); find.value = ""; find.blur(); list(); }
      if (event.key === "Enter" && listed.length && find.value.trim()) { event.preventDefault(); find.blur(); answer(listed[0]); }
      return;
    }
    const number = /^[1-9]$/.test(event.key) ? Number(event.key) - 1 : -1;
    if (number >= 0 && number < listed.length && at < total) { event.preventDefault(); if (!event.repeat) answer(listed[number]); return; }
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (!(key in press) || (at >= total && "yns/".includes(key))) return;
    event.preventDefault();
    if (!event.repeat || key.startsWith("Arrow")) press[key](); // a key held down answers one row, not all
  });
  byId("review-yes").addEventListener("click", () => answer(asked.given[at]));
  byId("review-no").addEventListener("click", () => answer(asked.suggested[at]));
  byId("review-skip").addEventListener("click", press.s);
  byId("review-undo").addEventListener("click", takeBack);
  byId("review-back").addEventListener("click", press.ArrowLeft);
  byId("review-on").addEventListener("click", press.ArrowRight);
  byId("review-again").addEventListener("click", () => move(0));
  byId("review-save").addEventListener("click", save);
  find.addEventListener("input", list);
  byId("review-close").addEventListener("click", () => box.close());
  document.querySelectorAll(".review-open").forEach((button) => button.addEventListener("click", () => {
    box.showModal();
    document.activeElement.blur(); // or Space would press the first button
    show(at);
  }));
  addEventListener("beforeunload", (event) => { if (served ? waiting.length && !ended : !kept && unsaved && answered) event.preventDefault(); });

  // ---- what was answered before ----

  for (let place = 0; place < total; place += 1) {
    const before = served ? asked.answers[asked.row[place]] : remembered(asked.row[place]);
    const number = before === null || before === undefined ? null : Number(before);
    if (number === null || !Number.isInteger(number) || number < SKIPPED || number >= classes) continue;
    answers[place] = number;
    answered += number !== SKIPPED;
    skipped += number === SKIPPED;
  }
  text("review-run", asked.run);
  text("review-save", served ? "Finish" : "Save answers.csv");
  at = answers.indexOf(null);
  show(at < 0 ? total : at);
})();

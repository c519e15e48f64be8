(() => {
  const SPAN = 10000; // coordinates are whole numbers up to this
  const CELL = 250; // of the grid that finds the nearest mark
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const state = { colourBy: data.labellings.at(-1), hidden: new Set(), onlyChanged: false, names: true, find: "", held: null };

  // ---- what is shown, and how ----

  const colourOf = (number) => {
    if (number < 0) return "#9a9a9a";
    const colour = data.colours[number % data.colours.length];
    if (!dark.matches) return colour;
    if (colour === "#000000") return "#ffffff";
    const parts = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
    const light = 0.3 * parts[0] + 0.59 * parts[1] + 0.11 * parts[2];
    return light >= 100 ? colour : `rgb(${parts.map((one) => Math.round(one + (255 - one) * 0.45)).join()})`; // or it would sink into the dark
  };
  const shapeOf = (number) => (number < 0 ? 0 : (number + Math.floor(number / data.colours.length)) % data.shapes);
  const STOPS = [[0, 34, 78], [53, 69, 108], [102, 105, 112], [148, 142, 119], [200, 184, 102], [254, 232, 56]]; // cividis
  const entropyColour = (value) => {
    const place = Math.min(Math.max(value / data.most, 0), 1) * (STOPS.length - 1);
    const low = Math.min(Math.floor(place), STOPS.length - 2);
    return `rgb(${STOPS[low].map((one, i) => Math.round(one + (STOPS[low + 1][i] - one) * (place - low))).join()})`;
  };
  const labelling = () => (state.colourBy === "entropy" ? "predicted" : state.colourBy);

  const drawMark = (context, x, y, size, shape) => {
    const r = size / 2;
    context.beginPath();
    if (shape === 0) context.arc(x, y, r, 0, 7);
    else if (shape === 1) context.rect(x - r * 0.9, y - r * 0.9, size * 0.9, size * 0.9);
    else {
      const corners = shape === 2 ? [[0, -1.15], [1, 0.75], [-1, 0.75]]
        : shape === 3 ? [[0, -1.2], [1, 0], [0, 1.2], [-1, 0]] : [[0, 1.15], [1, -0.75], [-1, -0.75]];
      corners.forEach(([dx, dy], i) => context[i ? "lineTo" : "moveTo"](x + dx * r, y + dy * r));
      context.closePath();
    }
    context.fill();
  };

  const matches = (sample) => {
    const wanted = state.find.trim().toLowerCase();
    const row = /^#\d+$/.test(wanted) ? Number(wanted.slice(1)) : null; // "#12" is the row 12
    const { given, corrected } = sample.labels;
    const shown = labelling();
    return sample.rows.map((number, i) =>
      !state.hidden.has(sample.labels[shown][i])
      && !(state.onlyChanged && corrected && given[i] === corrected[i])
      && (row !== null ? number === row : sample.texts[i].toLowerCase().includes(wanted)));
  };

  // ---- one panel ----

  class Panel {
    constructor(info) {
      this.info = info;
      this.sample = data.samples[info.sample];
      this.view = { x: SPAN / 2, y: SPAN / 2, zoom: 0.94 };
      this.at = null;
      this.base = make("canvas");
      this.top = make("canvas", { tabIndex: 0 });
      this.top.setAttribute("role", "img");
      this.top.setAttribute("aria-roledescription", "map of rows");
      this.top.setAttribute("aria-label", `${info.title}: ${this.sample.rows.length} rows; arrow keys walk from mark to mark`);
      this.stack = make("div", { className: "stack" }, this.base, this.top);
      this.element = make("div", { className: "panel" }, make("h3", { textContent: `${info.title} (${info.run})` }), this.stack);
      this.grid = new Map();
      for (let i = 0; i < this.sample.rows.length; i++) {
        const key = this.key(info.points[2 * i], info.points[2 * i + 1]);
        if (!this.grid.has(key)) this.grid.set(key, []);
        this.grid.get(key).push(i);
      }
      this.listen();
    }
    key(x, y) { return Math.floor(x / CELL) * 1000 + Math.floor(y / CELL); }
    x(i) { return this.info.points[2 * i]; }
    y(i) { return this.info.points[2 * i + 1]; }
    get scale() { return (this.size * this.view.zoom) / SPAN; }
    toScreen(i) {
      return [(this.x(i) - this.view.x) * this.scale + this.size / 2, (this.y(i) - this.view.y) * this.scale + this.size / 2];
    }
    toMap(px, py) { return [(px - this.size / 2) / this.scale + this.view.x, (py - this.size / 2) / this.scale + this.view.y]; }
    resize() {
      this.size = this.stack.clientWidth;
      this.dots = window.devicePixelRatio || 1;
      for (const canvas of [this.base, this.top]) canvas.width = canvas.height = Math.round(this.size * this.dots);
      this.draw();
    }
    draw() {
      const context = this.base.getContext("2d");
      context.setTransform(this.dots, 0, 0, this.dots, 0, 0);
      context.clearRect(0, 0, this.size, this.size);
      this.visible = matches(this.sample);
      const labels = this.sample.labels[labelling()];
      const count = this.sample.rows.length;
      const size = Math.max(1.6, Math.min(7, 220 / Math.sqrt(count)) * Math.min(3, this.view.zoom ** 0.5));
      const byColour = new Map();
      for (let i = 0; i < count; i++) {
        if (!this.visible[i]) continue;
        const kind = state.colourBy === "entropy" ? entropyColour(this.sample.entropy[i]) : labels[i];
        if (!byColour.has(kind)) byColour.set(kind, []);
        byColour.get(kind).push(i);
      }
      context.globalAlpha = count > 8000 ? 0.6 : 0.8;
      for (const [kind, members] of byColour) {
        context.fillStyle = typeof kind === "string" ? kind : colourOf(kind);
        for (const i of members) {
          const [px, py] = this.toScreen(i);
          if (px > -9 && py > -9 && px < this.size + 9 && py < this.size + 9) drawMark(context, px, py, size, shapeOf(labels[i]));
        }
      }
      context.globalAlpha = 1;
      if (state.names && state.colourBy !== "entropy") this.writeNames(context, labels);
      this.mark(this.at);
    }
    writeNames(context, labels) { // each class's name where its visible marks are densest, where no other stands
      const members = new Map();
      for (let i = 0; i < labels.length; i++) {
        if (!this.visible[i] || labels[i] < 0) continue;
        const [px, py] = this.toScreen(i);
        if (px < 0 || py < 0 || px > this.size || py > this.size) continue;
        const cell = Math.floor((px / this.size) * 12) * 12 + Math.floor((py / this.size) * 12);
        if (!members.has(labels[i])) members.set(labels[i], new Map());
        const cells = members.get(labels[i]);
        const sum = cells.get(cell) || [0, 0, 0];
        cells.set(cell, [sum[0] + 1, sum[1] + px, sum[2] + py]);
      }
      const style = getComputedStyle(document.documentElement), placed = [];
      context.font = "bold 12px system-ui, sans-serif";
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.lineJoin = "round";
      for (const [number, cells] of [...members].sort((a, b) => a[0] - b[0])) {
        const whole = data.classes[number].trim() || "(no name)", name = whole.length > 18 ? whole.slice(0, 17) + "…" : whole;
        const half = context.measureText(name).width / 2 + 3;
        for (const [count, sumX, sumY] of [...cells.values()].sort((a, b) => b[0] - a[0]).slice(0, 4)) {
          const x = Math.min(Math.max(sumX / count, half), this.size - half), y = Math.min(Math.max(sumY / count, 9), this.size - 9);
          if (placed.some(([ox, oy, wide]) => Math.abs(x - ox) < half + wide && Math.abs(y - oy) < 16)) continue;
          placed.push([x, y, half]);
          context.lineWidth = 4;
          context.strokeStyle = style.getPropertyValue("--back");
          context.strokeText(name, x, y);
          context.fillStyle = style.getPropertyValue("--text");
          context.fillText(name, x, y);
          break;
        }
      }
    }
    mark(i) {
      this.at = i;
      const context = this.top.getContext("2d");
      context.setTransform(this.dots, 0, 0, this.dots, 0, 0);
      context.clearRect(0, 0, this.size, this.size);
      if (i === null) return;
      const [px, py] = this.toScreen(i);
      const style = getComputedStyle(document.documentElement);
      for (const [width, name] of [[5, "--back"], [2.5, "--mark"]]) {
        context.lineWidth = width;
        context.strokeStyle = style.getPropertyValue(name);
        context.beginPath();
        context.arc(px, py, 8, 0, 7);
        context.stroke();
      }
    }
    nearest(px, py, reach = 14) {
      const [x, y] = this.toMap(px, py);
      const far = reach / this.scale;
      let best = null, least = far * far;
      for (let cx = Math.floor((x - far) / CELL); cx <= Math.floor((x + far) / CELL); cx++) {
        for (let cy = Math.floor((y - far) / CELL); cy <= Math.floor((y + far) / CELL); cy++) {
          for (const i of this.grid.get(cx * 1000 + cy) || []) {
            const d = (this.x(i) - x) ** 2 + (this.y(i) - y) ** 2;
            if (this.visible[i] && d <= least) { best = i; least = d; }
          }
        }
      }
      return best;
    }
    walk(dx, dy) { // the nearest visible mark within 45 degrees of the direction
      if (this.at === null || !this.visible[this.at]) {
        const [x, y] = [this.view.x, this.view.y];
        return this.closest((i) => (this.x(i) - x) ** 2 + (this.y(i) - y) ** 2);
      }
      const [x, y] = [this.x(this.at), this.y(this.at)];
      return this.closest((i) => {
        const ahead = (this.x(i) - x) * dx + (this.y(i) - y) * dy;
        const aside = Math.abs((this.x(i) - x) * dy) + Math.abs((this.y(i) - y) * dx);
        return ahead > 0 && aside <= ahead ? ahead + 2 * aside : Infinity;
      });
    }
    closest(cost) {
      let best = null, least = Infinity;
      for (let i = 0; i < this.sample.rows.length; i++) {
        const found = this.visible[i] ? cost(i) : Infinity;
        if (found < least) { best = i; least = found; }
      }
      return best;
    }
    zoom(factor, px = this.size / 2, py = this.size / 2) {
      const before = this.toMap(px, py);
      this.view.zoom = Math.min(60, Math.max(0.6, this.view.zoom * factor));
      const after = this.toMap(px, py);
      this.view.x += before[0] - after[0];
      this.view.y += before[1] - after[1];
      this.draw();
    }
    keepInView(i) {
      const [px, py] = this.toScreen(i);
      if (px < 0 || py < 0 || px > this.size || py > this.size) { this.view.x = this.x(i); this.view.y = this.y(i); this.draw(); }
    }
    listen() {
      const top = this.top;
      let drag = null;
      const place = (event) => { const box = top.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
      top.addEventListener("pointerdown", (event) => { drag = { at: place(event), view: { ...this.view }, moved: false }; top.setPointerCapture(event.pointerId); });
      top.addEventListener("pointermove", (event) => {
        const [px, py] = place(event);
        if (drag) {
          const [dx, dy] = [px - drag.at[0], py - drag.at[1]];
          drag.moved ||= Math.hypot(dx, dy) > 4;
          if (drag.moved) { this.view.x = drag.view.x - dx / this.scale; this.view.y = drag.view.y - dy / this.scale; this.draw(); }
        } else if (state.held === null) choose(this, this.nearest(px, py), false);
      });
      top.addEventListener("pointerup", (event) => {
        if (drag && !drag.moved) hold(this, this.nearest(...place(event)));
        drag = null;
      });
      top.addEventListener("pointercancel", () => { drag = null; });
      top.addEventListener("wheel", (event) => { event.preventDefault(); this.zoom(event.deltaY < 0 ? 1.25 : 0.8, ...place(event)); }, { passive: false });
      top.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
        if (ways[event.key]) {
          const next = this.walk(...ways[event.key]);
          if (next !== null) { this.keepInView(next); hold(this, next); }
        } else if (event.key === "Enter" || event.key === " ") hold(this, this.at);
        else if (event.key === "Escape") hold(this, null);
        else if (event.key === "c") copy();
        else if (event.key === "+" || event.key === "=") this.zoom(1.4);
        else if (event.key === "-") this.zoom(1 / 1.4);
        else if (event.key === "0") { this.view = { x: SPAN / 2, y: SPAN / 2, zoom: 0.94 }; this.draw(); }
        else return;
        event.preventDefault();
      });
    }
  }

  const panels = data.panels.map((info) => new Panel(info));
  byId("panels").append(...panels.map((panel) => panel.element));

  // ---- the chosen row ----

  let shownRow = null;
  const nameOf = (number) => (number < 0 ? "not known" : data.classes[number]);
  function choose(from, i, aloud) {
    if (i === null && shownRow === null) return;
    for (const panel of panels) { // the same row on every map
      const number = i === null ? -1 : panel.sample.rows.indexOf(from.sample.rows[i]);
      panel.mark(number < 0 ? null : number);
    }
    shownRow = i === null ? null : from.sample.rows[i];
    byId("copy").disabled = i === null;
    byId("row-id").textContent = i === null ? "–" : shownRow;
    byId("row-text").textContent = i === null ? "Hover over a mark, or go to a map with Tab and walk with the arrow keys." : from.sample.texts[i] || "(empty)";
    const facts = [];
    if (i !== null) {
      for (const [name, values] of Object.entries(from.sample.labels)) facts.push([`${name}${name === "predicted" ? "" : " label"}`, nameOf(values[i])]);
      facts.push(["entropy", `${from.sample.entropy[i].toFixed(3)} of at most ${data.most.toFixed(2)} nats`], ["run", from.info.run]);
    }
    byId("row-facts").replaceChildren(...facts.map(([name, value]) => make("tr", {}, make("th", { scope: "row", textContent: name }), make("td", { textContent: value }))));
    byId("said").textContent = aloud && i !== null ? `Row ${shownRow}: ${facts.slice(0, -1).map((fact) => fact.join(" ")).join(", ")}. ${from.sample.texts[i].slice(0, 200)}` : "";
  }
  function hold(panel, i) { state.held = i; choose(panel, i, true); }
  async function copy() {
    if (shownRow === null) return;
    let done = true;
    try { await navigator.clipboard.writeText(String(shownRow)); } catch { // a page opened from a file may have no clipboard
      const field = make("textarea", { value: String(shownRow) });
      document.body.append(field);
      field.select();
      done = document.execCommand("copy");
      field.remove();
    }
    byId("said").textContent = done ? `Copied ${shownRow}` : "Copying is not allowed here";
  }
  byId("copy").addEventListener("click", copy);

  // ---- controls ----

  const swatch = (width, height, paint) => {
    const canvas = make("canvas", { width: width * 2, height: height * 2 });
    const context = canvas.getContext("2d");
    context.scale(2, 2);
    paint(context);
    return canvas;
  };
  function drawLegend() {
    const legend = byId("legend");
    const parts = data.classes.map((name, number) => {
      const box = make("input", { type: "checkbox", checked: !state.hidden.has(number) });
      box.addEventListener("change", () => { state.hidden[box.checked ? "delete" : "add"](number); redraw(); });
      const mark = swatch(14, 14, (context) => { context.fillStyle = colourOf(number); drawMark(context, 7, 7, 10, shapeOf(number)); });
      return make("label", {}, box, mark, `${number} ${name}`);
    });
    if (state.colourBy === "entropy") {
      const scale = swatch(160, 12, (context) => { for (let x = 0; x < 160; x++) { context.fillStyle = entropyColour((x / 160) * data.most); context.fillRect(x, 0, 1, 12); } });
      parts.unshift(make("span", { id: "scale" }, "0", scale, `${data.most.toFixed(2)} nats; shapes: predicted class`));
    }
    legend.replaceChildren(legend.firstElementChild, ...parts);
  }
  function redraw() {
    panels.forEach((panel) => panel.draw());
    const shown = panels.map((panel) => panel.visible.filter(Boolean).length);
    byId("count").textContent = [...new Set(shown)].map((count) => count.toLocaleString("en")).join(" / ") + " rows shown";
  }
  for (const name of [...data.labellings, "predicted", "entropy"]) {
    const radio = make("input", { type: "radio", name: "colour", value: name, checked: name === state.colourBy });
    radio.addEventListener("change", () => { state.colourBy = name; drawLegend(); redraw(); });
    byId("colour-by").append(make("label", {}, radio, name === "predicted" ? " predicted class" : name === "entropy" ? " entropy" : ` ${name} labels`));
  }
  byId("only-changed").addEventListener("change", (event) => { state.onlyChanged = event.target.checked; redraw(); });
  byId("names").addEventListener("change", (event) => { state.names = event.target.checked; redraw(); });
  byId("find").addEventListener("input", (event) => { state.find = event.target.value; redraw(); });
  byId("controls").addEventListener("submit", (event) => event.preventDefault());

  const number = (value, digits) => (value === null ? "–" : value.toFixed(digits));
  byId("quality").append(make("tr", {}, ...["map", "labels", "rows", "k-NN % hidden layer", "k-NN % map", "silhouette hidden layer", "silhouette map"].map((head) => make("th", { scope: "col", textContent: head }))));
  for (const panel of data.panels) for (const [name, found] of Object.entries(panel.quality)) {
    const cells = [`${panel.title} (${panel.run})`, name, found.rows.toLocaleString("en"), number(found.knn.hidden, 1), number(found.knn.map, 1), number(found.silhouette.hidden, 3), number(found.silhouette.map, 3)];
    byId("quality").append(make("tr", {}, ...cells.map((text, i) => make("td", { textContent: text, className: i > 1 ? "number" : "" }))));
  }

  dark.addEventListener("change", () => { drawLegend(); redraw(); });
  new ResizeObserver(() => panels.forEach((panel) => { if (panel.stack.clientWidth !== panel.size) panel.resize(); })).observe(byId("panels"));
  drawLegend();
  panels.forEach((panel) => panel.resize());
  redraw();
})();

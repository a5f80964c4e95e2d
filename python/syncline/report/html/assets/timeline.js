// One trial over time: many panels, one axis, one cursor.

const AXIS_SIZE = () => (innerWidth < 600 ? 56 : 76);
const PANEL_HEIGHT = 92;
const HEAT_HEIGHT = 150;
const MARK_HUE = { stall: "--bad", timeout: "--bad", error: "--bad", full: "--warn", blocked: "--hue-3", warmup: "--dim" };
const CHIPS_OF_BLOCKS = 3;

const nearest = (times, at) => {
  let low = 0;
  let high = times.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (times[middle] <= at) low = middle;
    else high = middle;
  }
  return at - times[low] <= times[high] - at ? low : high;
};

const drawHeat = (u, heat) => {
  const context = u.ctx;
  const most = Math.max(...heat.n.map((column) => Math.max(...column)));
  context.save();
  context.fillStyle = theme.color("--heat");
  heat.n.forEach((column, i) => {
    const [left, right] = [heat.t[i], heat.t[i + 1]].map((t) => u.valToPos(t, "x", true));
    column.forEach((count, row) => {
      if (!count) return;
      const [bottom, top] = [heat.us[row], heat.us[row + 1]].map((v) => u.valToPos(v, "y", true));
      // Logarithmic, so that a single slow request still shows.
      context.globalAlpha = 0.14 + 0.86 * (Math.log1p(count) / Math.log1p(most));
      context.fillRect(Math.round(left), Math.round(top), Math.max(1, Math.round(right) - Math.round(left)), Math.max(1, Math.round(bottom) - Math.round(top)));
    });
  });
  context.restore();
};

const drawMarks = (u, marks) => {
  const context = u.ctx;
  const { left, top, width, height } = u.bbox;
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  marks.forEach((mark) => {
    const x = u.valToPos(mark.at, "x", true);
    context.fillStyle = context.strokeStyle = theme.color(MARK_HUE[mark.kind]);
    if (mark.until !== null) {
      context.globalAlpha = 0.1;
      context.fillRect(x, top, u.valToPos(mark.until, "x", true) - x, height);
    }
    if (mark.kind === "warmup") return;
    context.globalAlpha = mark.kind === "blocked" ? 0.35 : 0.9;
    context.lineWidth = devicePixelRatio * (mark.kind === "blocked" ? 1 : 1.5);
    context.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
    context.beginPath();
    context.moveTo(x, top);
    context.lineTo(x, top + height);
    context.stroke();
  });
  context.restore();
};

// At least two decades, so that one slow second does not fill the panel.
const heatRange = (heat) => {
  const [low, high] = [heat.us[0], heat.us[heat.us.length - 1]];
  const short = Math.max(0, 2 - Math.log10(high / low)) / 2;
  return [low / 10 ** short, high * 10 ** short];
};

const panelPlot = (state, panel, host, legend, last) => {
  const width = host.clientWidth;
  const heat = panel.heat;
  const known = panel.tracks.flatMap((track) => track.v).filter((v) => v !== null);
  const most = Math.max(...known, panel.quantity === "duration_us" ? 1 : 0);
  const yRange = heat ? heatRange(heat) : [0, most > 0 ? most * 1.12 : 1];
  // A heat map has no line, but a cursor needs something to move over.
  const data = heat ? [heat.t, heat.t.map(() => null)] : uPlot.join(panel.tracks.map((track) => [track.t, track.v]));
  const tracks = heat ? [{ name: "", bound: false }] : panel.tracks;
  return new uPlot({
    width,
    height: (heat ? HEAT_HEIGHT : PANEL_HEIGHT) + (last ? 24 : 0),
    padding: [6, 12, last ? 0 : 4, 0],
    legend: { show: false },
    cursor: {
      y: false,
      points: { show: false },
      sync: { key: state.label },
      drag: { x: true, y: false, setScale: false },
    },
    select: { show: true },
    scales: {
      x: { time: false, range: () => [state.from, state.to] },
      y: { distr: heat ? 3 : 1, range: () => yRange },
    },
    axes: [
      axis({
        show: true, size: last ? 26 : 0,
        values: (u, splits) => (last ? splits.map((v) => seconds(v)) : splits.map(() => "")),
      }),
      axis({
        size: AXIS_SIZE(), space: 34,
        ...(heat ? { splits: () => decades(...yRange).filter((v) => v >= yRange[0] && v <= yRange[1]), filter: (u, s) => s } : {}),
        values: (u, splits) => splits.map((v) => words(panel.quantity, v)),
      }),
    ],
    series: [{}, ...tracks.map((track, i) => ({
      stroke: track.bound ? theme.color("--dim") : theme.hue(i),
      width: track.bound ? 1.25 : 1.75,
      dash: track.bound ? [5, 4] : undefined,
      fill: i === 0 && !track.bound && tracks.length === 1 && !heat ? `${theme.hue(0)}22` : undefined,
      points: { show: !track.bound && (track.t?.length ?? 99) < 20, size: 5, fill: theme.hue(i) },
    }))],
    hooks: {
      drawAxes: [(u) => { if (heat) drawHeat(u, heat); drawMarks(u, state.strip.marks); }],
      setSelect: [(u) => {
        if (u.select.width > 4) {
          state.zoom(u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x"));
        }
        u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      }],
      setCursor: [(u) => {
        if (u.cursor.left < 0) return;
        state.at = u.posToVal(u.cursor.left, "x");
        readOut(panel, legend, state.at);
      }],
    },
  }, data, host);
};

const readOut = (panel, legend, at) => {
  if (panel.heat) {
    const column = Math.min(panel.heat.n.length - 1, Math.max(0, panel.heat.t.findIndex((t) => t > at) - 1));
    const counts = panel.heat.n[column];
    const top = counts.reduce((found, count, i) => (count ? i : found), -1);
    const total = counts.reduce((sum, count) => sum + count, 0);
    legend.firstChild.lastChild.textContent = top < 0 ? "none" : `${words("count", total)}, the slowest at most ${words("duration_us", panel.heat.us[top + 1])}`;
    return;
  }
  panel.tracks.forEach((track, i) => {
    legend.children[i].lastChild.textContent = words(panel.quantity, track.v[nearest(track.t, at)]);
  });
};

const panelFrame = (panel) => {
  const frame = make("div", "panel");
  const head = make("div", "panel-head");
  const legend = make("div", "legend");
  const keys = panel.heat ? [{ name: "requests", bound: false }] : panel.tracks;
  keys.forEach((track, i) => {
    const item = make("span", "key");
    const swatch = make("span", track.bound ? "swatch dashed" : "swatch");
    swatch.style.setProperty("--key", panel.heat ? "var(--heat)" : track.bound ? "var(--dim)" : `var(--hue-${i % HUES})`);
    item.append(swatch, make("span", "name", track.name), make("span", "value"));
    legend.append(item);
  });
  head.append(make("h4", "", panel.title), legend);
  const host = make("div", "plot");
  frame.append(head, host);
  return { frame, host, legend };
};

const timelineTable = (host, strip) => {
  const table = make("table");
  const head = table.createTHead().insertRow();
  ["quantity", "least", "mean", "greatest", "greatest at"].forEach((title, i) => {
    const cell = make("th", i ? "right" : "", title);
    cell.scope = "col";
    head.append(cell);
  });
  const body = table.createTBody();
  strip.panels.forEach((panel) => panel.tracks.forEach((track) => {
    const known = track.v.map((v, i) => [v, track.t[i]]).filter(([v]) => v !== null);
    if (!known.length) return;
    const row = body.insertRow();
    const name = make("th", "", `${panel.title}, ${track.name}`);
    name.scope = "row";
    const top = known.reduce((a, b) => (b[0] > a[0] ? b : a));
    const low = known.reduce((a, b) => (b[0] < a[0] ? b : a));
    const mean = known.reduce((sum, [v]) => sum + v, 0) / known.length;
    row.append(name, ...[words(panel.quantity, low[0]), words(panel.quantity, mean), words(panel.quantity, top[0]), seconds(top[1])].map((text) => make("td", "right", text)));
  }));
  host.replaceChildren(table);
};

class TimelineView {
  constructor(spec, number) {
    this.label = `timeline-${number}`;
    this.spec = spec;
    this.host = byId(this.label);
    this.chooser = byId(`${this.label}-strip`);
    this.plots = [];
    this.at = null;
    this.chooser.addEventListener("change", () => this.show(Number(this.chooser.value)));
    byId(`${this.label}-all`).addEventListener("click", () => this.zoom(0, this.strip.length));
    this.host.addEventListener("keydown", (event) => this.key(event));
    this.host.addEventListener("dblclick", () => this.zoom(0, this.strip.length));
    drawn.push(() => this.draw());
    this.show(spec.chosen);
  }

  show(index) {
    this.chooser.value = String(index);
    this.strip = this.spec.strips[index];
    [this.from, this.to] = [0, Math.max(this.strip.length, 0.001)];
    this.at = null;
    this.chips();
    timelineTable(byId(`${this.label}-table`), this.strip);
    this.draw();
  }

  draw() {
    this.plots.forEach((plot) => plot.destroy());
    const frames = this.strip.panels.map((panel) => panelFrame(panel));
    this.host.replaceChildren(...frames.map(({ frame }) => frame));
    this.plots = this.strip.panels.map((panel, i) => panelPlot(this, panel, frames[i].host, frames[i].legend, i === frames.length - 1));
    if (this.at !== null) this.moveTo(this.at);
  }

  chips() {
    const blocks = this.strip.marks.filter((mark) => mark.kind === "blocked");
    const shown = this.strip.marks.filter((mark) => mark.kind !== "warmup" && (mark.kind !== "blocked" || blocks.indexOf(mark) < CHIPS_OF_BLOCKS));
    const items = shown.map((mark) => {
      const button = make("button", `chip ${mark.kind}`, `${seconds(mark.at)} ${mark.text}`);
      button.type = "button";
      button.addEventListener("click", () => this.moveTo(mark.at));
      const item = make("li");
      item.append(button);
      return item;
    });
    if (blocks.length > CHIPS_OF_BLOCKS) {
      items.push(make("li", "dim", `and ${blocks.length - CHIPS_OF_BLOCKS} more times the loop was blocked`));
    }
    byId(`${this.label}-marks`).replaceChildren(...items);
  }

  zoom(from, to) {
    const least = this.strip.length / 500;
    const middle = (from + to) / 2;
    const half = Math.max(to - from, least) / 2;
    this.from = Math.max(0, middle - half);
    this.to = Math.min(this.strip.length, middle + half);
    this.plots.forEach((plot) => plot.setScale("x", { min: this.from, max: this.to }));
    if (this.at !== null) this.moveTo(Math.min(this.to, Math.max(this.from, this.at)));
    say(`Shown: ${seconds(this.from)} to ${seconds(this.to)}`);
  }

  // The cursor to an instant, which is brought into view; what stood there is said.
  moveTo(at) {
    const inside = Math.min(this.strip.length, Math.max(0, at));
    if (inside < this.from || inside > this.to) this.zoom(0, this.strip.length);
    this.at = inside;
    this.plots.forEach((plot) => plot.setCursor({ left: plot.valToPos(inside, "x"), top: 1 }, true, false));
    this.at = inside;
    const said = this.strip.panels.flatMap((panel) => panel.tracks.filter((track) => !track.bound).map((track) => `${panel.title}, ${track.name}: ${words(panel.quantity, track.v[nearest(track.t, inside)])}`));
    say(`At ${seconds(inside)}. ${said.join("; ")}`);
  }

  jump(key, at) {
    const index = this.spec.strips.findIndex((strip) => strip.key === key);
    if (index < 0) return false;
    if (this.spec.strips[index] !== this.strip) this.show(index);
    if (at !== null) this.moveTo(at);
    return true;
  }

  key(event) {
    const step = (this.to - this.from) / (event.shiftKey ? 10 : 100);
    const at = this.at ?? this.from;
    const span = this.to - this.from;
    const moves = {
      ArrowLeft: () => this.moveTo(Math.max(this.from, at - step)),
      ArrowRight: () => this.moveTo(Math.min(this.to, at + step)),
      Home: () => this.moveTo(this.from),
      End: () => this.moveTo(this.to),
      "+": () => this.zoom(at - span / 4, at + span / 4),
      "=": () => this.zoom(at - span / 4, at + span / 4),
      "-": () => this.zoom(at - span, at + span),
      0: () => this.zoom(0, this.strip.length),
      Escape: () => this.zoom(0, this.strip.length),
    };
    const move = event.ctrlKey || event.metaKey || event.altKey ? undefined : moves[event.key];
    if (!move) return;
    event.preventDefault();
    move();
  }
}

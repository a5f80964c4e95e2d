// A run as it happens: events of a stream become words, a bar, moving charts and a list.

const MOST = 3000; // points of a trial; then every second one goes
const CHARTS = [
  { title: "Answers", quantity: "rate", lines: [["rate", "per second", 0]] },
  { title: "Latency", quantity: "duration_us", lines: [["p50_us", "p50", 0], ["p99_us", "p99", 1]] },
  { title: "Requests in flight, connection pool, threads", quantity: "count", lines: [["in_flight", "in flight", 0], ["pool", "pool: checked out", 1], ["pool_limit", "pool: limit", 1, true], ["threads", "threads", 2], ["threads_limit", "threads: limit", 2, true]] },
  { title: "Event loop lag", quantity: "duration_us", lines: [["lag_us", "at most", 3]] },
  { title: "Memory of the service", quantity: "size", lines: [["rss_bytes", "service", 4]] },
];
const NAMES = CHARTS.flatMap((chart) => chart.lines.map(([name]) => name));
const state = { points: { t: [] }, index: 0, total: 0, endsAt: null, id: null, over: false };
const charts = [];
const sync = uPlot.sync("live");

const clear = () => { state.points = { t: [], ...Object.fromEntries(NAMES.map((name) => [name, []])) }; };
const known = (chart) => chart.lines.filter(([name]) => state.points[name].some((v) => v !== null));
const series = (lines) => [state.points.t, ...lines.map(([name]) => state.points[name])];

const readOut = (legend, chart, lines, at) => {
  [...legend.children].forEach((item, i) => {
    const values = state.points[lines[i][0]];
    item.lastChild.textContent = words(chart.quantity, values[at ?? values.length - 1]);
  });
};

// A chart comes when its quantity is first seen; it is made anew when one more line is.
const show = (chart, place) => {
  const lines = known(chart);
  const there = charts[place];
  if (!lines.length || there?.count === lines.length) return;
  const figure = there?.figure ?? make("figure", "chart");
  there?.plot.destroy();
  const host = make("div", "plot");
  const legend = make("div", "legend");
  figure.replaceChildren(make("h3", "", chart.title), host, legend);
  if (!there) {
    const later = charts.find((one, i) => i > place && one);
    byId("panels").insertBefore(figure, later ? later.figure : null);
  }
  legend.replaceChildren(...lines.map(([, label, hue, dashed]) => {
    const item = make("span", "key");
    const swatch = make("span", dashed ? "swatch dashed" : "swatch");
    swatch.style.setProperty("--key", `var(--hue-${hue})`);
    item.append(swatch, make("span", "name", label), make("span", "value"));
    return item;
  }));
  host.setAttribute("role", "img");
  host.setAttribute("aria-label", `${chart.title}, over the seconds of the trial`);
  const plot = new uPlot({
    width: host.clientWidth,
    height: 190,
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false }, sync: { key: sync.key } },
    scales: {
      x: { time: false, range: (u, low, high) => [0, Math.max(5, high)] },
      y: { range: (u, low, high) => [0, high > 0 ? high * 1.12 : 1] },
    },
    axes: [
      axis({ size: 30, values: (u, splits) => splits.map((v) => `${significant(v)} s`) }),
      axis({ size: 68, values: (u, splits) => splits.map((v) => words(chart.quantity, v)) }),
    ],
    series: [{}, ...lines.map(([, , hue, dashed]) => ({
      stroke: theme.hue(hue), width: dashed ? 1.25 : 2, dash: dashed ? [6, 5] : undefined, points: { show: false },
    }))],
    hooks: { setCursor: [(u) => readOut(legend, chart, lines, u.cursor.idx)] },
  }, series(lines), host);
  charts[place] = { figure, plot, legend, lines, count: lines.length };
};

let asked = 0;
const redraw = () => {
  asked = 0;
  CHARTS.forEach((chart, place) => {
    show(chart, place);
    const there = charts[place];
    if (!there) return;
    there.plot.setData(series(there.lines));
    readOut(there.legend, chart, there.lines, there.plot.cursor.idx);
  });
};
const later = () => { asked ||= requestAnimationFrame(redraw); };
drawn.push(() => {
  charts.forEach((there) => { there.count = 0; });
  redraw();
});

const add = (told) => {
  state.points.t.push(told.t);
  NAMES.forEach((name) => state.points[name].push(told[name] ?? null));
  if (state.points.t.length > MOST) {
    ["t", ...NAMES].forEach((name) => { state.points[name] = state.points[name].filter((_, i) => i % 2); });
  }
  later();
};

const doing = (text) => { byId("doing").textContent = text; };
const left = () => {
  const seconds = state.endsAt === null || state.over ? 0 : Math.round((state.endsAt - Date.now()) / 1000);
  const time = seconds > 90 ? `about ${Math.round(seconds / 60)} min to go` : seconds > 0 ? `about ${seconds} s to go` : "";
  const place = state.total ? `${state.index} of ${state.total} trials done` : "";
  byId("left").textContent = [place, time].filter(Boolean).join(", ");
  const bar = byId("progress");
  bar.max = state.total || 1;
  bar.value = state.index;
};
const expect = (told) => {
  if (told.eta_s !== undefined) state.endsAt = Date.now() + told.eta_s * 1000;
  if (told.total) state.total = told.total;
  left();
};
const note = (text, list = "notes", tone = "") => byId(list).append(make("li", tone, text));
const link = (text) => {
  const found = byId("report-link");
  found.href = state.over ? `/runs/${state.id}` : `/runs/${state.id}/report`;
  found.textContent = text;
  found.hidden = false;
};
const over = (text) => {
  state.over = true;
  doing(text);
  say(text);
  left();
  byId("pulse").hidden = true;
  byId("glance").hidden = true;
  byId("cancel-form")?.remove();
  document.documentElement.dataset.over = "yes";
  if (state.id) link("Open the report");
};

const TAKE = {
  run(told) {
    state.id = told.id;
    byId("title").textContent = `${told.case}: ${told.title}`;
    link("The report so far");
    expect(told);
  },
  phase(told) { doing(told.text); note(told.text); expect(told); },
  doing(told) { doing(told.text); },
  trial(told) {
    clear();
    later();
    doing("measuring");
    byId("trial").textContent = told.text;
    byId("trial").hidden = false;
    expect(told);
  },
  progress(told) {
    add(told);
    const parts = [`${words("rate", told.rate)}`, `p99 ${words("duration_us", told.p99_us)}`, `${words("count", told.in_flight)} in flight`];
    if (told.failed) parts.push(`${words("count", told.failed)} failed`);
    byId("glance").textContent = `${parts.join("  ·  ")}${told.warmup ? "  (warming up)" : ""}`;
  },
  done(told) {
    state.index = told.index;
    expect(told);
    const item = make("li");
    item.append(make("span", "trial", told.trial), make("span", told.tone, told.text));
    byId("done").prepend(item);
    say(`${told.trial}: ${told.text}`);
  },
  note(told) { note(told.text); },
  end(told) { over(told.status === "finished" ? "Finished." : `The run is ${told.status}; what was done is kept.`); },
  exit(told) {
    stream.close();
    if (!state.over) over(told.status === 0 ? "Ended." : `It ended with exit code ${told.status}.`);
    if (told.text) {
      byId("words").textContent = told.text;
      byId("words").hidden = false;
    }
  },
};

clear();
const stream = new EventSource(DATA.source);
stream.addEventListener("message", (event) => {
  const told = JSON.parse(event.data);
  TAKE[told.kind]?.(told);
  if (told.kind === "end" && DATA.source !== "/live/events") stream.close();
});
stream.addEventListener("open", () => { if (!state.id && !state.over) doing("starting"); });
stream.addEventListener("error", () => {
  if (!state.over) doing(stream.readyState === EventSource.CLOSED ? "The connection is lost; load the page again." : "Connecting again");
});
byId("cancel-form")?.addEventListener("submit", () => {
  byId("cancel").disabled = true;
  doing("Cancelling: services and databases are stopped");
});
setInterval(left, 1000);
addEventListener("beforeunload", () => stream.close());
document.documentElement.dataset.ready = "yes";

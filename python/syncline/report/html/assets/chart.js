// Lines over an axis: intervals as whiskers, others' figures dashed, what failed as a word.

const decades = (low, high) => {
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    found.push(10 ** power);
  }
  return found;
};

const logTicks = (low, high) => {
  const whole = decades(low, high).filter((v) => v >= low * 0.999 && v <= high * 1.001);
  if (whole.length > 2) return whole;
  return decades(low, high).flatMap((v) => [v, 2 * v, 5 * v]).filter((v) => v >= low * 0.999 && v <= high * 1.001);
};

const places = (spec, view) => {
  const all = [...new Set(view.lines.flatMap((line) => line.x))].sort((a, b) => a - b);
  if (spec.x.quantity !== "one_in") return all;
  return [1, 2, 4, ...decades(10, all[all.length - 1] * 1.01).filter((v) => v <= all[all.length - 1] * 1.01)];
};

// Of ticks that would overlap the later one goes.
const apart = (u, splits, room) => {
  let last = -Infinity;
  return splits.map((value) => {
    const at = u.valToPos(value, "x");
    if (at - last < room) return null;
    last = at;
    return value;
  });
};

const drawLineMarks = (u, view) => {
  const context = u.ctx;
  const ratio = devicePixelRatio;
  let failed = 0;
  context.save();
  context.setLineDash([]);
  view.lines.forEach((line) => {
    const color = theme.hue(line.hue);
    context.strokeStyle = color;
    context.fillStyle = line.dashed ? theme.color("--paper") : color;
    context.lineWidth = 1.5 * ratio;
    line.x.forEach((x, i) => {
      const left = u.valToPos(x, "x", true);
      if (line.y[i] === null) {
        if (!line.note[i] || line.note[i] === "not run") return;
        const low = u.bbox.top + u.bbox.height - (6 + 15 * (failed++ % 4)) * ratio;
        context.font = `600 ${11 * ratio}px ${theme.color("--font")}`;
        context.fillStyle = color;
        const right = left > u.bbox.left + u.bbox.width / 2;
        context.textAlign = right ? "right" : "left";
        context.fillText(`✕ ${line.name}: ${line.note[i]}`, left, low);
        return;
      }
      const top = u.valToPos(line.y[i], "y", true);
      if (line.low[i] !== null) {
        const ends = [line.low[i], line.high[i]].map((v) => u.valToPos(Math.max(v, u.scales.y.min), "y", true));
        context.beginPath();
        context.moveTo(left, ends[0]);
        context.lineTo(left, ends[1]);
        ends.forEach((end) => { context.moveTo(left - 4 * ratio, end); context.lineTo(left + 4 * ratio, end); });
        context.stroke();
      }
      if (line.x.length > 24) return;
      context.fillStyle = line.dashed ? theme.color("--paper") : color;
      drawShape(context, line.hue % SHAPES, left, top, 3.4 * ratio);
      context.fill();
      if (line.dashed) context.stroke();
    });
  });
  context.restore();
};

const legendOf = (host, lines) => {
  host.replaceChildren(...lines.map((line) => {
    const item = make("span", "key");
    const swatch = make("span", line.dashed ? "swatch dashed" : line.thin ? "swatch thin" : "swatch");
    swatch.style.setProperty("--key", `var(--hue-${line.hue % HUES})`);
    item.append(swatch, make("span", "name", line.name), make("span", "value"));
    return item;
  }));
};

const drawChart = (spec, number) => {
  const host = byId(`chart-${number}`);
  const legend = byId(`chart-${number}-legend`);
  const chooser = byId(`chart-${number}-view`);
  let plot = null;
  const draw = () => {
    plot?.destroy();
    const view = spec.views[chooser ? Number(chooser.value) : 0];
    legendOf(legend, view.lines);
    const data = uPlot.join(view.lines.map((line) => [line.x, line.y]));
    const xs = places(spec, view);
    const known = view.lines.flatMap((line) => [...line.y, ...line.high]).filter((v) => v !== null && v > 0);
    const [least, most] = [Math.min(...known), Math.max(...known)];
    const yRange = spec.y.log ? [least / 1.5, most * 1.5] : [0, most * 1.08];
    const pad = xs.length > 1 ? 1.12 : 2;
    const xRange = [xs[0] / (spec.x.quantity === "one_in" ? 1 : pad), xs[xs.length - 1] * pad];
    plot = new uPlot({
      width: host.clientWidth,
      height: Math.max(220, Math.min(300, host.clientWidth * 0.6)),
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      scales: {
        x: { time: false, distr: spec.x.log ? 3 : 1, range: () => xRange },
        y: { distr: spec.y.log ? 3 : 1, range: () => yRange },
      },
      axes: [
        axis({
          label: spec.x.title, labelSize: 22, size: 30,
          splits: () => xs,
          filter: (u, splits) => apart(u, splits, spec.x.quantity === "one_in" ? 52 : 34),
          values: (u, splits) => splits.map((v) => (v === null ? "" : spec.x.quantity === "one_in" && v === 1 ? "0 %" : words(spec.x.quantity, v))),
        }),
        axis({
          size: 68,
          ...(spec.y.log ? { splits: () => logTicks(...yRange), filter: (u, s) => s } : {}),
          values: (u, splits) => splits.map((v) => words(spec.y.quantity, v)),
        }),
      ],
      series: [{}, ...view.lines.map((line) => ({
        stroke: theme.hue(line.hue),
        width: line.dashed || line.thin ? 1.25 : 2.25,
        dash: line.dashed ? [6, 5] : undefined,
        alpha: line.thin ? 0.6 : 1,
        points: { show: false },
      }))],
      hooks: {
        draw: [(u) => drawLineMarks(u, view)],
        setCursor: [(u) => {
          const at = u.cursor.left >= 0 ? u.posToVal(u.cursor.left, "x") : null;
          [...legend.children].forEach((item, i) => {
            item.lastChild.textContent = at === null ? "" : nearestWords(spec, view.lines[i], at);
          });
        }],
      },
    }, data, host);
    host.setAttribute("aria-label", `${spec.title}. Lines: ${view.lines.map((line) => line.name).join(", ")}. The figures are in the table below.`);
  };
  chooser?.addEventListener("change", draw);
  drawn.push(draw);
  draw();
};

const nearestWords = (spec, line, at) => {
  const far = (x) => Math.abs(Math.log(x) - Math.log(at));
  const best = line.x.reduce((found, x, i) => (far(x) < far(line.x[found]) ? i : found), 0);
  const y = line.y[best];
  return `${words(spec.y.quantity, y)} at ${words(spec.x.quantity, line.x[best])}`;
};

// What the other parts stand on: the data, figures in words, colours of the theme, small elements.

const DATA = JSON.parse(document.getElementById("data").textContent);
const SHAPES = 4;
const HUES = 8;

// Only text: there is no way from a string to markup in this script.
const make = (tag, className, text) => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
};
const byId = (id) => document.getElementById(id);

const significant = (value) => {
  if (value === 0) return "0";
  const places = Math.min(9, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value)) + 1e-12)));
  return value.toLocaleString("en-US", { minimumFractionDigits: 0, maximumFractionDigits: places });
};
const stepped = (value, steps, last) => {
  for (const [unit, scale] of steps) {
    if (Math.abs(value) < 999.5 * scale) return `${significant(value / scale)} ${unit}`;
  }
  return `${significant(value / last[1])} ${last[0]}`;
};
const WORDS = {
  rate: (v) => `${significant(v)}/s`,
  count: (v) => v.toLocaleString("en-US", { maximumFractionDigits: 0 }),
  duration_us: (v) => stepped(v, [["µs", 1], ["ms", 1e3]], ["s", 1e6]),
  size: (v) => stepped(v, [["B", 1], ["kB", 1e3], ["MB", 1e6]], ["GB", 1e9]),
  cores: (v) => significant(v),
  share: (v) => `${significant(v * 100)} %`,
  one_in: (v) => {
    const share = 100 * (1 - 1 / v);
    return `${Number(share.toFixed(Math.max(0, Math.ceil(Math.log10(v)) - 1)))} %`;
  },
};
const words = (quantity, value) => (value === null || value === undefined ? "–" : WORDS[quantity](value));
const seconds = (value) => `${significant(Math.round(value * 1000) / 1000)} s`;

const theme = {
  color(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  },
  hue(index) {
    return this.color(`--hue-${index % HUES}`);
  },
};

const font = (size = 12) => `${size}px ${theme.color("--font")}`;

// Marks of one hue share a shape too, so that colour is never the only difference.
const drawShape = (context, shape, x, y, r) => {
  context.beginPath();
  if (shape === 0) context.arc(x, y, r, 0, 2 * Math.PI);
  else if (shape === 1) context.rect(x - r, y - r, 2 * r, 2 * r);
  else {
    const corners = shape === 2 ? [[0, -1.25], [1.2, 0.9], [-1.2, 0.9]] : [[0, -1.4], [1.4, 0], [0, 1.4], [-1.4, 0]];
    corners.forEach(([dx, dy], i) => context[i ? "lineTo" : "moveTo"](x + dx * r, y + dy * r));
    context.closePath();
  }
};

const axis = (more) => ({
  stroke: theme.color("--dim"),
  font: font(),
  labelFont: font(),
  grid: { stroke: theme.color("--grid"), width: 1 },
  ticks: { show: false },
  ...more,
});

// Everything that is drawn can be drawn again: for another theme, another width, or paper.
const drawn = [];
const redrawAll = () => drawn.forEach((redraw) => redraw());
const say = (text) => { byId("say").textContent = text; };

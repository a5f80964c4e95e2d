// Flame graphs, and the difference of two: blue is less than before, vermilion is more.

const flameColor = (compared) => (node, original) => {
  if (node.highlight) return theme.color("--warn");
  const delta = (node.data.delta ?? 0) / 1e6;
  if (!compared) return original;
  const strength = Math.min(1, Math.sqrt(Math.abs(delta)) * 2);
  const [r, g, b] = delta > 0 ? [213, 94, 0] : [0, 114, 178];
  const mix = (c) => Math.round(235 + (c - 235) * strength);
  return `rgb(${mix(r)}, ${mix(g)}, ${mix(b)})`;
};

const drawFlame = (spec, number) => {
  const host = byId(`flame-${number}`);
  const said = byId(`flame-${number}-said`);
  let chart = null;
  const total = spec.root.value || 1;
  const label = ({ data }) => {
    const share = `${significant((100 * data.value) / total)} %`;
    const delta = spec.compared ? `, ${data.delta > 0 ? "+" : ""}${significant(data.delta / 1e4)} points` : "";
    return `${data.name}: ${words("count", data.value)} ${spec.unit}, ${share}${delta}`;
  };
  const draw = () => {
    host.replaceChildren();
    chart = flamegraph.default().width(host.clientWidth).cellHeight(18).minFrameSize(2).transitionDuration(0)
      .title("").inverted(false).setLabelHandler(label).setColorMapper(flameColor(spec.compared))
      .setDetailsHandler((text) => { said.textContent = text ?? ""; });
    d3.select(host).datum(structuredClone(spec.root)).call(chart);
  };
  byId(`flame-${number}-find`).addEventListener("input", (event) => {
    if (event.target.value) chart.search(event.target.value);
    else chart.clear();
  });
  byId(`flame-${number}-all`).addEventListener("click", () => chart.resetZoom());
  drawn.push(draw);
  draw();
};

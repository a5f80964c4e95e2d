// The page comes to life; without this script its texts and tables are all there.

DATA.charts.forEach(drawChart);
const timelines = DATA.timelines.map((spec, number) => new TimelineView(spec, number));
DATA.flames.forEach(drawFlame);

const jump = (key, at) => {
  const found = timelines.find((timeline) => timeline.jump(key, at));
  if (!found) return false;
  found.host.closest("figure").scrollIntoView({ block: "start" });
  found.host.focus({ preventScroll: true });
  return true;
};

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-strip]");
  if (!link) return;
  const at = link.dataset.at === undefined ? null : Number(link.dataset.at);
  if (!jump(link.dataset.strip, at)) return;
  event.preventDefault();
  history.pushState(null, "", `#trial=${link.dataset.strip}${at === null ? "" : `@${at}`}`);
});

// speedscope reads a profile from the fragment, which no browser sends to a server.
document.querySelectorAll("a[data-whole]").forEach((link) => {
  const whole = byId(link.dataset.whole);
  const asked = `profileURL=${encodeURIComponent(whole.href)}&title=${encodeURIComponent(whole.download)}`;
  link.addEventListener("click", () => { link.hash = asked; });
});

const follow = () => {
  const asked = /^#trial=([0-9a-f-]+)(?:@([0-9.]+))?$/.exec(location.hash);
  if (asked) jump(asked[1], asked[2] === undefined ? null : Number(asked[2]));
};
addEventListener("popstate", follow);
follow();
document.documentElement.dataset.ready = "yes";

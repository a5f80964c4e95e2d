// The page comes to life; without this script its texts and tables are all there.

const THEMES = ["system", "light", "dark"];

const remembered = () => {
  try {
    return localStorage.getItem("syncline-theme") ?? "system";
  } catch {
    return "system"; // a page from disk may have no storage
  }
};
const setTheme = (name) => {
  if (name === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  byId("theme").textContent = `Theme: ${name}`;
  try {
    localStorage.setItem("syncline-theme", name);
  } catch { /* then it is forgotten */ }
};

setTheme(THEMES.includes(remembered()) ? remembered() : "system");
DATA.charts.forEach(drawChart);
const timelines = DATA.timelines.map((spec, number) => new TimelineView(spec, number));
DATA.flames.forEach(drawFlame);

byId("theme").hidden = false;
byId("theme").addEventListener("click", () => {
  const now = document.documentElement.dataset.theme ?? "system";
  setTheme(THEMES[(THEMES.indexOf(now) + 1) % THEMES.length]);
  redrawAll();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);

let width = innerWidth;
let waiting = 0;
addEventListener("resize", () => {
  if (innerWidth === width) return; // a phone's address bar comes and goes
  width = innerWidth;
  clearTimeout(waiting);
  waiting = setTimeout(redrawAll, 120);
});

// Paper is white, and as wide as it is.
const print = (on) => {
  document.documentElement.classList.toggle("paper", on);
  redrawAll();
};
addEventListener("beforeprint", () => print(true));
addEventListener("afterprint", () => print(false));

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

const follow = () => {
  const asked = /^#trial=([0-9a-f-]+)(?:@([0-9.]+))?$/.exec(location.hash);
  if (asked) jump(asked[1], asked[2] === undefined ? null : Number(asked[2]));
};
addEventListener("popstate", follow);
follow();
document.documentElement.dataset.ready = "yes";

// Light, dark or as the system has it; drawn again for another width, and for paper.

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

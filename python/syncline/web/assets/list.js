// The list: choices take effect at once, exactly two runs can be compared, and it stays current.

const filter = byId("filter");
filter?.addEventListener("change", (event) => {
  if (event.target.tagName === "SELECT") filter.requestSubmit();
});

const list = byId("list");
const count = () => {
  const ticked = list.querySelectorAll("input:checked").length;
  byId("compare").disabled = ticked !== 2;
  byId("hint").textContent = ticked === 1 ? "Tick one more." : ticked > 2 ? "Untick all but two." : ticked ? "" : "Tick two runs to hold them against each other.";
};
if (list) {
  list.addEventListener("change", count);
  addEventListener("pageshow", count); // a browser that goes back keeps the ticks
  count();
}
// A list in use is not changed under its reader's hand: then it only says that there is more.
const LOOK_MS = 2000;
const inUse = () => list?.querySelector("input:checked") || byId("text")?.value !== byId("text")?.defaultValue;
const look = async () => {
  if (!document.hidden) {
    const answer = await fetch("/state").catch(() => null); // a server that has ended has no news
    if (answer?.ok && (await answer.text()) !== DATA.state) {
      if (!inUse()) return location.reload();
      byId("changed").hidden = false;
    }
  }
  setTimeout(look, LOOK_MS);
};
if (DATA.state) setTimeout(look, LOOK_MS);
document.documentElement.dataset.ready = "yes";

// The list: choices take effect at once, and exactly two runs can be compared.

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
document.documentElement.dataset.ready = "yes";

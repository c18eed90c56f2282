const form = document.querySelector("form"), nothing = document.querySelector("#nothing");
form.hidden = false;
function show() {
  const words = form.words.value.toLowerCase().split(/\s+/).filter(Boolean), only = form.missing.checked;
  let any = false;
  for (const card of document.querySelectorAll("details")) {
    const fits = words.every(word => card.dataset.words.includes(word));
    const lacks = card.querySelector(".missing") !== null;
    card.hidden = !fits || only && !lacks;
    any ||= !card.hidden;
    for (const point of card.querySelectorAll("li")) point.hidden = only && !point.classList.contains("missing");
    for (const group of card.querySelectorAll("section")) group.hidden = !group.querySelector("li:not([hidden])");
  }
  nothing.hidden = any;
}
form.addEventListener("input", show);
form.addEventListener("submit", event => event.preventDefault());
form.fold.addEventListener("click", () => {
  const cards = [...document.querySelectorAll("details")], open = cards.some(card => !card.open);
  for (const card of cards) card.open = open;
});
show();

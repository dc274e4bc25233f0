"use strict";
// The page is whole without this: it only finds and sorts what is there.
const words = (node) => node.textContent.trim().toLocaleLowerCase();
const number = (node) => Number.parseFloat(node.textContent.replaceAll(",", ""));

const search = document.getElementById("search");
search.closest("[hidden]").hidden = false;
const rows = [...document.querySelectorAll("table tbody tr")].map((row) => [row, words(row)]);
search.addEventListener("input", () => {
  const wanted = search.value.trim().toLocaleLowerCase();
  for (const [row, text] of rows) row.hidden = !text.includes(wanted);
  for (const group of document.querySelectorAll("section.group"))
    group.hidden = wanted !== "" && !group.querySelector("tbody tr:not([hidden])");
});

const compare = (one, other) => {
  const [a, b] = [number(one), number(other)];
  if (Number.isNaN(a) && Number.isNaN(b)) return words(one).localeCompare(words(other));
  return Number.isNaN(a) - Number.isNaN(b) || a - b;
};

for (const head of document.querySelectorAll("table.reports thead th")) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...head.childNodes);
  head.append(button);
  button.addEventListener("click", () => {
    const column = head.cellIndex;
    const isUp = head.getAttribute("aria-sort") !== "ascending";
    for (const each of head.parentNode.cells) each.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", isUp ? "ascending" : "descending");
    const body = head.closest("table").tBodies[0];
    const sorted = [...body.rows].sort(
      (a, b) => (isUp ? 1 : -1) * compare(a.cells[column], b.cells[column]),
    );
    body.append(...sorted);
  });
}

"use strict";
(() => {
  const form = document.getElementById("filters");
  const status = document.getElementById("shown");
  const changes = [...document.querySelectorAll("article.change")];
  const days = [...document.querySelectorAll("section.day")];
  const number = new Intl.NumberFormat("en");
  const all = status.textContent;

  const apply = () => {
    const operations = new Set([...form.querySelectorAll("[name=operation]:checked")].map((box) => box.value));
    const attribute = form.elements.attribute.value;
    const actor = form.elements.actor.value;
    let shown = 0;
    for (const change of changes) {
      const { dataset } = change;
      // "*" stands for a change of which it can't be told what it touched: no filter may hide it.
      const names = dataset.attributes.split(" ");
      const matches =
        operations.has(dataset.operation) &&
        (!attribute || names.includes("*") || names.includes(attribute)) &&
        (!actor || dataset.actor === actor);
      change.hidden = !matches;
      shown += matches;
    }
    for (const day of days) day.hidden = !day.querySelector("article.change:not([hidden])");
    status.textContent =
      shown === changes.length ? all : `${number.format(shown)} of ${number.format(changes.length)} changes match the filters; times are UTC.`;
  };

  // A link may lead to a change that the filters hide.
  const reveal = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (target && target.hidden) {
      form.reset();
      apply();
      target.scrollIntoView();
    }
  };

  form.addEventListener("input", apply);
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", reveal);
  form.hidden = false;
  apply(); // a browser may have kept what was chosen before a reload
})();

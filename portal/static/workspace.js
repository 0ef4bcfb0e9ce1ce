// Shortcuts of the workspace: J and K from row to row, Enter opens, X ticks, / searches. The page works without them.
"use strict";

(() => {
  const rows = () => Array.from(document.querySelectorAll(".worklist > li, .lettering tbody tr"));
  const current = () => rows().findIndex((row) => row.contains(document.activeElement));
  const typing = (element) => element.matches("input:not([type=checkbox]), textarea, select");

  const go = (step) => {
    const all = rows();
    if (!all.length) return;
    const next = all[Math.min(Math.max(current() + step, 0), all.length - 1)];
    const target = next.querySelector("a.key, input[type=checkbox]");
    if (target) target.focus();
  };

  const acts = {
    j: () => go(1),
    k: () => go(-1),
    x: () => {
      const row = rows()[current()];
      const box = row && row.querySelector("input[type=checkbox]");
      if (box) box.click();
    },
    "/": () => {
      const search = document.querySelector("input[type=search]");
      if (search) search.focus();
      else window.location.assign("/s/search");
    },
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
})();

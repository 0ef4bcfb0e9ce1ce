// While an invoice is written: keeps it, and shows the page and the verdict beside it. The form works without this.
"use strict";

(() => {
  const form = document.getElementById("invoice");
  const beside = document.getElementById("look");
  const saved = form.querySelector(".saved");
  const quietMs = 450;
  let waiting = 0;
  let asking = null;

  const tell = (faults) => {
    for (const place of form.querySelectorAll("p.error[id$='-error']")) {
      const name = place.id.slice(0, -"-error".length);
      const input = form.elements.namedItem(name);
      const sentence = faults[name] || "";
      place.hidden = !sentence;
      place.querySelector("span").textContent = sentence;
      if (input && input.setAttribute) {
        if (sentence) input.setAttribute("aria-invalid", "true");
        else input.removeAttribute("aria-invalid");
      }
    }
  };

  const fill = (lines) => {
    lines.forEach((line, at) => {
      for (const [name, value] of Object.entries(line)) {
        const input = form.elements.namedItem(`line-${at}-${name}`);
        if (!input || input === document.activeElement || !value || input.value === value) continue;
        if (input.tagName === "SELECT" && !Array.from(input.options).some((each) => each.value === value)) continue;
        if (name === "name" || !input.value || input.tagName === "SELECT") input.value = value;
      }
    });
  };

  const look = async () => {
    if (asking) asking.abort();
    asking = new AbortController();
    try {
      const answer = await fetch(`${form.getAttribute("action")}/look`, {
        method: "POST",
        body: new URLSearchParams(new FormData(form)),
        signal: asking.signal,
      });
      const told = await answer.json();
      if (!answer.ok) {
        saved.textContent = told.refused || saved.dataset.lost;
        return;
      }
      form.elements.namedItem("revision").value = told.revision;
      tell(told.faults);
      fill(told.lines);
      const before = beside.querySelector("img");
      const fresh = document.createElement("div");
      fresh.innerHTML = told.aside;
      const after = fresh.querySelector("img");
      if (before && after && before.getAttribute("src") === after.getAttribute("src")) after.replaceWith(before);
      else if (before && after) {
        await new Promise((shown) => {
          const drawn = new Image();
          drawn.onload = drawn.onerror = shown;
          drawn.src = after.getAttribute("src");
        });
      }
      beside.replaceChildren(...fresh.childNodes);
      saved.textContent = saved.dataset.saved;
    } catch (error) {
      if (error.name !== "AbortError") saved.textContent = saved.dataset.lost;
    }
  };

  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(look, quietMs);
  };

  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
  form.addEventListener("submit", () => {
    clearTimeout(waiting);
    if (asking) asking.abort();
  });
})();

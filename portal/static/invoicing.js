// While an invoice is written: keeps it, and shows the page and the verdict beside it. The form works without this.
"use strict";

(() => {
  const form = document.getElementById("invoice");
  const beside = document.getElementById("look");
  const saved = form.querySelector(".saved");
  const quietMs = 450;
  const patienceMs = 20000;
  let waiting = 0;
  let asking = null; // one call at a time: the next one carries the revision that this one answers
  let again = false;
  let pressed = null;

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

  const keep = async () => {
    const answer = await fetch(`${form.getAttribute("action")}/look`, {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
      signal: AbortSignal.timeout(patienceMs),
    });
    const told = await answer.json();
    if (answer.ok) form.elements.namedItem("revision").value = told.revision;
    return { told, isKept: answer.ok };
  };

  const show = async (told) => {
    tell(told.faults);
    if (!asking && !waiting) fill(told.lines); // else it would write over what was typed since
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
    if (told.revision !== Number(form.elements.namedItem("revision").value)) return; // a newer one is shown
    beside.replaceChildren(...fresh.childNodes);
    saved.textContent = saved.dataset.saved;
  };

  const look = async () => {
    again = asking !== null;
    if (again) return;
    try {
      asking = keep();
      const { told, isKept } = await asking;
      asking = null;
      if (again && !pressed) look();
      if (isKept) await show(told);
      else saved.textContent = told.refused || saved.dataset.lost;
    } catch {
      asking = null;
      saved.textContent = saved.dataset.lost;
    }
  };

  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      waiting = 0;
      look();
    }, quietMs);
  };

  const send = () => {
    const button = pressed;
    pressed = null;
    form.requestSubmit(button);
  };

  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
  form.addEventListener("submit", (event) => {
    clearTimeout(waiting);
    if (!asking) return;
    event.preventDefault(); // what is being kept answers first, or the server takes this for another window
    if (pressed) return;
    pressed = event.submitter;
    asking.then(send, send);
  });
})();

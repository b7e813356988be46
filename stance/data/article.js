"use strict";
(() => {
  const form = document.querySelector("form.filters");
  const all = (selector) => [...document.querySelectorAll(selector)];
  if (form) {
    const marks = all(".j");
    const refs = new Map(all(".ref").map((r) => [r.dataset.for, r]));
    const filter = () => {
      const names = new Set(all("[name=actor]:checked").map((x) => x.dataset.name));
      const labels = new Set(all("[name=label]:checked").map((x) => x.value));
      const least = Number(form.elements.least.value);
      const left = new Set();
      let shown = 0;
      for (const m of marks) {
        const keep = names.has(m.dataset.actor) && labels.has(m.dataset.label) && Number(m.dataset.p) >= least;
        m.hidden = !keep;
        refs.get(m.id).hidden = !keep;
        if (keep) { shown += 1; left.add(m.dataset.sentence); }
      }
      for (const s of all(".s")) s.classList.toggle("off", !left.has(s.id));
      document.getElementById("least").textContent = least.toFixed(2);
      document.getElementById("left").textContent = `${shown} of ${marks.length} marks shown`;
    };
    form.hidden = false;
    form.addEventListener("input", filter);
    form.addEventListener("submit", (e) => e.preventDefault());
    filter();
  }
  // Escape closes what is open, also what only the pointer or the address opened (WCAG 1.4.13).
  document.addEventListener("keydown", (e) => {
    if (e.key !== "Escape") return;
    for (const d of all(".j details[open]")) d.open = false;
    document.body.classList.add("quiet");
    if (location.hash.includes("-j")) history.replaceState(null, "", location.pathname + location.search);
  });
  for (const event of ["pointermove", "toggle", "hashchange", "keyup"])
    window.addEventListener(event, (e) => { if (e.key !== "Escape") document.body.classList.remove("quiet"); }, true);
})();

"use strict";
(() => {
  // What a point stands for, beside the pointer; on a touch screen after a tap.
  const tip = document.getElementById("tip");
  const hide = () => { tip.hidden = true; };
  const show = (event) => {
    const words = event.target.closest?.("[data-tip]")?.dataset.tip;
    if (!words) return hide();
    tip.textContent = words;
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    const left = Math.min(event.clientX + 14, innerWidth - box.width - 8);
    const above = event.clientY - box.height - 12;
    tip.style.transform = `translate(${Math.max(left, 8)}px, ${above > 4 ? above : event.clientY + 18}px)`;
  };
  for (const name of ["pointermove", "click"]) document.addEventListener(name, show);
  document.addEventListener("scroll", hide, { passive: true });

  // A series of the legend, picked out in every chart.
  let picked = null;
  const pick = (series) => {
    document.body.classList.toggle("series", series !== null);
    for (const one of document.querySelectorAll("[data-series]")) one.classList.toggle("lit", one.dataset.series === series);
  };
  for (const item of document.querySelectorAll(".legend [data-series]")) {
    item.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse") pick(item.dataset.series); });
    item.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") pick(picked); });
    item.addEventListener("click", () => { picked = picked === item.dataset.series ? null : item.dataset.series; pick(picked); });
  }

  // Tables by any column, up and down.
  const value = (row, place) => {
    const cell = row.cells[place];
    const written = cell.dataset.value ?? cell.textContent.trim();
    return written === "" ? null : Number.isNaN(Number(written)) ? written : Number(written);
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((head, place) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const body = table.tBodies[0];
        const sorted = [...body.rows].sort((one, two) => {
          const [a, b] = [value(one, place), value(two, place)];
          if (a === null || b === null) return (a === null) - (b === null);
          const order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
          return down ? -order : order;
        });
        for (const row of sorted) row.classList.remove("new-space");
        body.append(...sorted);
      });
    });
  }

  const reload = Number(document.body.dataset.reload);
  if (reload > 0) setTimeout(() => location.reload(), reload * 1000);
})();

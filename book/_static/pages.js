// What the theme leaves out for those who don't use a mouse or don't see the page.
(() => {
  "use strict";

  // What scrolls by itself on a narrow screen can be reached by keyboard.
  const SCROLLING =
    ".bd-article :is(.cell_output, figure, .pst-scrollable-table-container, div.math," +
    " pre, mjx-container)";

  function reach() {
    for (const part of document.querySelectorAll(SCROLLING)) {
      const scrolls = getComputedStyle(part).overflowX === "auto" &&
        part.scrollWidth > part.clientWidth;
      if (scrolls) part.tabIndex = 0;
      else if (part.tabIndex === 0) part.removeAttribute("tabindex");
    }
  }

  function name() {
    // A folded cell's own words say what it is.
    for (const fold of document.querySelectorAll(".bd-article summary[aria-label]")) {
      if (fold.textContent.trim()) fold.removeAttribute("aria-label");
    }
    for (const fold of document.querySelectorAll(".bd-sidebar-primary summary")) {
      const page = fold.closest("li")?.querySelector("a")?.textContent.trim();
      fold.setAttribute("aria-label", `Pages below ${page ?? "this one"}`);
    }
  }

  // Sphinx sets a long signature as a list without terms, docutils a bibliography as
  // a list without items.
  function roles() {
    for (const part of document.querySelectorAll(".bd-article dt :is(dl, dd)")) {
      part.setAttribute("role", "none");
    }
    for (const paper of document.querySelectorAll(".citation-list > .citation")) {
      paper.setAttribute("role", "listitem");
    }
  }

  window.addEventListener("load", () => { name(); roles(); reach(); });
  window.addEventListener("resize", reach);
})();

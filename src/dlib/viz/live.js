  // Starts each figure of a kind that does not run yet, with the data in its script.
  // Not by id and not by the running script's place: a notebook may show one output
  // twice, and some move its scripts elsewhere before they run.
  function animate(kind, run) {
    const waiting = `.dlib-${kind}:not([data-running])`;
    for (const root of document.querySelectorAll(waiting)) {
      const store = root.querySelector('script[type="application/json"]');
      if (!store) continue;
      root.dataset.running = "";
      root.querySelectorAll('script[type="text/html"]').forEach((script) => {
        script.outerHTML = script.textContent;
      });
      run(root, JSON.parse(store.textContent));
    }
  }

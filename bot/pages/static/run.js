// Keeps the page of a run up to date. Text is only ever set as text; the three parts that come as HTML were
// escaped by the server, and the page's policy lets nothing in them run.
"use strict";

(() => {
  const SHOWN = 4_000_000; // characters of output; a browser gets slow with more
  const NEAR = 48; // pixels that count as being at the end
  const AGAIN = [2_000, 60_000]; // milliseconds until a refused connection is tried again: at first, at last

  const find = (id) => document.getElementById(id);
  const [bar, elapsed, output, lines, line, dropped, connection, toEnd] =
    ["bar", "elapsed", "output", "lines", "line", "dropped", "connection", "to-end"].map(find);
  const root = document.documentElement;

  let offset = output.dataset.from;
  let shown = lines.textContent.length;
  let following = true;
  let over = false;
  let again = AGAIN[0];

  const atEnd = () => innerHeight + scrollY >= root.scrollHeight - NEAR;
  const scroll = () => {
    if (following) scrollTo({ top: root.scrollHeight, behavior: "instant" });
    toEnd.hidden = over || following || atEnd();
  };
  // Only what the reader does stops or resumes following: content that grows scrolls nothing by itself.
  let before = scrollY;
  addEventListener("scroll", () => {
    if (scrollY < before - 1 && !atEnd()) following = false;
    else if (atEnd()) following = true;
    before = scrollY;
    toEnd.hidden = over || following;
  }, { passive: true });
  addEventListener("resize", scroll);
  toEnd.addEventListener("click", () => {
    following = true;
    scroll();
  });

  const append = (text) => {
    lines.append(text);
    shown += text.length;
    while (shown > SHOWN && lines.childNodes.length > 1) {
      shown -= lines.firstChild.data.length;
      lines.firstChild.remove();
      dropped.hidden = false;
    }
  };

  const spoken = (seconds) => {
    if (seconds < 10) return `${seconds.toFixed(1).replace(".0", "")} s`;
    const whole = Math.round(seconds);
    const hours = Math.floor(whole / 3600);
    const minutes = Math.floor((whole % 3600) / 60);
    if (hours) return `${hours} h ${minutes} min`;
    return minutes ? `${minutes} min ${whole % 60} s` : `${whole} s`;
  };
  let counted = performance.now();
  setInterval(() => {
    const since = (performance.now() - counted) / 1000;
    for (const place of document.querySelectorAll("[data-ticking]")) {
      const seconds = Number(place.dataset.seconds) + since;
      place.textContent = spoken(seconds < 10 ? Math.floor(seconds) : seconds);
    }
  }, 1_000);

  const put = (id, html) => {
    const place = find(id);
    if (place.dataset.last === html) return;
    place.dataset.last = html;
    place.innerHTML = html;
  };
  const show = (run) => {
    document.title = run.title;
    bar.dataset.tone = run.tone;
    for (const [id, html] of Object.entries(run.html)) put(id, html);
    elapsed.dataset.seconds = run.elapsed;
    elapsed.toggleAttribute("data-ticking", run.ticking);
    elapsed.textContent = spoken(run.elapsed);
    counted = performance.now();
  };

  const listen = () => {
    const source = new EventSource(`${output.dataset.log}&from=${offset}`);
    source.addEventListener("open", () => {
      connection.textContent = "live";
      connection.className = "live";
      again = AGAIN[0];
    });
    source.addEventListener("output", (event) => {
      find("empty")?.remove();
      append(JSON.parse(event.data));
      line.textContent = "";
      offset = event.lastEventId;
      scroll();
    });
    source.addEventListener("line", (event) => {
      if (event.data !== '""') find("empty")?.remove();
      line.textContent = JSON.parse(event.data);
      scroll();
    });
    source.addEventListener("run", (event) => {
      show(JSON.parse(event.data));
      scroll();
    });
    source.addEventListener("end", () => {
      source.close();
      over = true;
      connection.textContent = "";
      connection.className = "";
      const empty = find("empty");
      if (empty) empty.textContent = "There is no output.";
      scroll();
    });
    source.addEventListener("error", () => {
      connection.textContent = "connection lost, trying again";
      connection.className = "lost";
      // A browser tries again by itself, except where it was refused.
      if (source.readyState !== EventSource.CLOSED) return;
      setTimeout(listen, again);
      again = Math.min(2 * again, AGAIN[1]);
    });
  };

  scroll();
  listen();
})();

"use strict";
// Shows a picture of a topology: search, pan, zoom, and the details of a node. Names reach the page as text only.
(() => {
  const graph = JSON.parse(document.getElementById("graph").textContent);
  const view = document.getElementById("view");
  const picture = view.querySelector("svg");
  const search = document.getElementById("search");
  const found = document.getElementById("found");
  const details = document.getElementById("details");
  const boxes = [...picture.querySelectorAll("[data-node]")];
  const curves = [...picture.querySelectorAll("[data-from]")];
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]));
  const numbers = new Map(graph.ids.map((id, number) => [id, number]));
  const whole = picture.viewBox.baseVal;
  const all = { x: whole.x, y: whole.y, width: whole.width, height: whole.height };
  const MAX_ZOOM = 8;
  const MIN_SCALE = 0.4;
  let shown = { ...all };
  let hits = [];
  let hit = -1;

  // The part of the picture that is shown

  const scale = () => Math.min(view.clientWidth / shown.width, view.clientHeight / shown.height);

  const show = (part) => {
    shown = part;
    picture.setAttribute("viewBox", `${part.x} ${part.y} ${part.width} ${part.height}`);
  };

  const zoom = (factor, x = view.clientWidth / 2, y = view.clientHeight / 2) => {
    const smallest = Math.min(all.width, Math.max(view.clientWidth, 1) / MAX_ZOOM);
    const width = Math.min(Math.max(shown.width / factor, smallest), all.width * 4);
    const height = (shown.height * width) / shown.width;
    const point = place(x, y);
    const ratio = width / shown.width;
    show({ x: point.x - (point.x - shown.x) * ratio, y: point.y - (point.y - shown.y) * ratio, width, height });
  };

  const place = (x, y) => {
    const by = scale();
    return {
      x: shown.x + shown.width / 2 + (x - view.clientWidth / 2) / by,
      y: shown.y + shown.height / 2 + (y - view.clientHeight / 2) / by,
    };
  };

  const move = (dx, dy) => show({ ...shown, x: shown.x - dx / scale(), y: shown.y - dy / scale() });

  const centre = (number) => {
    const box = boxes[number].getBBox();
    const width = Math.min(shown.width, view.clientWidth);
    const height = (width * Math.max(view.clientHeight, 1)) / Math.max(view.clientWidth, 1);
    show({ x: box.x + box.width / 2 - width / 2, y: box.y + box.height / 2 - height / 2, width, height });
  };

  // A picture of hundreds of objects would be too small to read as a whole: it begins at its upper left.
  const begin = () => {
    const [across, down] = [Math.max(view.clientWidth, 1), Math.max(view.clientHeight, 1)];
    if (Math.min(across / all.width, down / all.height) >= MIN_SCALE) {
      return;
    }
    const width = Math.min(Math.max(all.width, across), across / MIN_SCALE);
    show({ x: all.x + Math.min(0, (all.width - width) / 2), y: all.y, width, height: (width * down) / across });
  };

  // Marks

  const fade = (isKept) => {
    boxes.forEach((box, number) => box.classList.toggle("faded", isKept !== null && !isKept.has(number)));
    for (const curve of curves) {
      const ends = [Number(curve.dataset.from), Number(curve.dataset.to)];
      curve.classList.toggle("faded", isKept !== null && !ends.every((end) => isKept.has(end)));
    }
  };

  const clear = () => {
    boxes.forEach((box) => box.classList.remove("chosen", "found"));
    details.hidden = true;
    found.textContent = "";
    hits = [];
    hit = -1;
    fade(null);
  };

  // Search

  const texts = graph.ids.map((id) => {
    const node = nodes.get(id);
    const rules = node.findings.map((finding) => finding.code);
    const keys = graph.edges.filter((edge) => edge.target === id).map((edge) => edge.key ?? "");
    return [node.name, node.detail, ...rules, ...keys].join("\n").toLowerCase();
  });

  const find = () => {
    const words = search.value.trim().toLowerCase();
    clear();
    if (!words) {
      return;
    }
    texts.forEach((text, number) => text.includes(words) && hits.push(number));
    hits.forEach((number) => boxes[number].classList.add("found"));
    fade(new Set(hits));
    found.textContent = hits.length === 1 ? "1 object" : `${hits.length} objects`;
  };

  const next = (step) => {
    if (hits.length) {
      hit = (hit + step + hits.length) % hits.length;
      found.textContent = `${hit + 1} of ${hits.length}`;
      centre(hits[hit]);
    }
  };

  // Details of one node

  const add = (parent, name, text) => {
    const element = document.createElement(name);
    element.textContent = text;
    parent.append(element);
    return element;
  };

  const list = (title, items, fill) => {
    if (items.length) {
      add(details, "h3", title);
      const entries = add(details, "ul", "");
      items.forEach((item) => fill(add(entries, "li", ""), item));
    }
  };

  const fillWay = (end) => (entry, edge) => {
    const button = add(entry, "button", edge[end]);
    button.type = "button";
    button.className = "way";
    button.addEventListener("click", () => choose(numbers.get(edge[end]), true));
    const more = Object.keys(edge.arguments).length ? ` ${JSON.stringify(edge.arguments)}` : "";
    const key = edge.key ? ` with ${edge.key}` : "";
    add(entry, "code", `${key}${more}`);
    if (edge.kind !== "binding") {
      add(entry, "span", ` (${edge.kind})`);
    }
    edge.findings.forEach((finding) => add(entry, "p", `${finding.code}: ${finding.what}`));
  };

  const describe = (node) => {
    details.replaceChildren();
    add(details, "h2", node.id + (node.count > 1 ? ` ×${node.count}` : ""));
    add(details, "p", node.detail);
    list("Arguments", Object.entries(node.arguments), (entry, [name, value]) =>
      add(entry, "code", `${name}: ${JSON.stringify(value)}`),
    );
    list("Findings", node.findings, (entry, finding) =>
      add(entry, "p", `${finding.code} ${finding.severity}: ${finding.what}. ${finding.remedy}`),
    );
    list("To", graph.edges.filter((edge) => edge.source === node.id), fillWay("target"));
    list("From", graph.edges.filter((edge) => edge.target === node.id), fillWay("source"));
    details.hidden = false;
  };

  const choose = (number, isCentred) => {
    clear();
    const id = graph.ids[number];
    const near = new Set([number]);
    for (const edge of graph.edges) {
      if (edge.source === id || edge.target === id) {
        near.add(numbers.get(edge.source)).add(numbers.get(edge.target));
      }
    }
    fade(near);
    boxes[number].classList.add("chosen");
    describe(nodes.get(id));
    if (isCentred) {
      centre(number);
    }
  };

  // Mouse, touch and keys

  const pointers = new Map();
  let wasMoved = false;

  view.addEventListener("pointerdown", (event) => {
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    wasMoved = false;
  });

  view.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) {
      return;
    }
    const dx = event.clientX - before.x;
    const dy = event.clientY - before.y;
    if (!wasMoved && Math.hypot(dx, dy) < 4) {
      return;
    }
    wasMoved = true;
    view.setPointerCapture(event.pointerId);
    view.classList.add("moving");
    const others = [...pointers].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
    const now = { x: event.clientX, y: event.clientY };
    if (others.length) {
      const distance = (point) => Math.hypot(point.x - others[0].x, point.y - others[0].y) || 1;
      const top = view.getBoundingClientRect().top;
      zoom(distance(now) / distance(before), (now.x + others[0].x) / 2, (now.y + others[0].y) / 2 - top);
    } else {
      move(dx, dy);
    }
    pointers.set(event.pointerId, now);
  });

  const release = (event) => {
    pointers.delete(event.pointerId);
    view.classList.remove("moving");
  };
  view.addEventListener("pointerup", release);
  view.addEventListener("pointercancel", release);

  view.addEventListener("click", (event) => {
    if (wasMoved) {
      return;
    }
    const box = event.target.closest("[data-node]");
    if (box) {
      choose(Number(box.dataset.node), false);
    } else {
      clear();
    }
  });

  view.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const top = view.getBoundingClientRect().top;
      zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.002)), event.clientX, event.clientY - top);
    },
    { passive: false },
  );

  const STEP = 80;
  const keys = {
    "+": () => zoom(1.3),
    "=": () => zoom(1.3),
    "-": () => zoom(1 / 1.3),
    0: () => show({ ...all }),
    "/": () => search.focus(),
    ArrowLeft: () => move(STEP, 0),
    ArrowRight: () => move(-STEP, 0),
    ArrowUp: () => move(0, STEP),
    ArrowDown: () => move(0, -STEP),
  };

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      search.value = "";
      clear();
      view.focus();
    } else if (event.target !== search && !event.ctrlKey && !event.metaKey && !event.altKey && keys[event.key]) {
      event.preventDefault();
      keys[event.key]();
    }
  });

  search.addEventListener("input", find);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      next(event.shiftKey ? -1 : 1);
    }
  });
  document.getElementById("in").addEventListener("click", () => zoom(1.3));
  document.getElementById("out").addEventListener("click", () => zoom(1 / 1.3));
  document.getElementById("fit").addEventListener("click", () => show({ ...all }));
  begin();
})();

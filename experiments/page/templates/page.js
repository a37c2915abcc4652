// The maps and sounds of the page. Nothing is fetched: numbers, files and clips are in the page itself.
"use strict";
(() => {
  const SECONDS = 0.7; // of a sound
  const RAMP = 0.015; // seconds, in and out
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const floats = (text) => new Float32Array(bytes(text).buffer);
  const files = read("files");
  const spec = read("spec");

  // Files: gzip in base64.
  const TYPES = { svg: "image/svg+xml", pdf: "application/pdf", csv: "text/csv" };
  const urls = new Map();
  async function urlOf(name) {
    if (!urls.has(name)) {
      const stream = new Blob([bytes(files[name])]).stream().pipeThrough(new DecompressionStream("gzip"));
      const plain = await new Response(stream).arrayBuffer();
      urls.set(name, URL.createObjectURL(new Blob([plain], { type: TYPES[name.split(".").pop()] })));
    }
    return urls.get(name);
  }
  for (const image of document.querySelectorAll("img[data-file]")) {
    if (files[image.dataset.file]) urlOf(image.dataset.file).then((url) => (image.src = url));
  }
  for (const link of document.querySelectorAll("a[data-file]")) {
    link.addEventListener("click", async (event) => {
      const name = link.dataset.file;
      if (!files[name] || link.dataset.ready) return;
      event.preventDefault();
      link.href = await urlOf(name);
      link.download = name.replaceAll("/", ".");
      link.dataset.ready = "yes";
      link.click();
    });
  }
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((each) => (each.open = true)));

  // What scrolls sideways in its box can be scrolled with the keyboard.
  const boxes = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth + 1) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });
  for (const box of document.querySelectorAll(".scroll")) {
    boxes.observe(box);
    for (const image of box.querySelectorAll("img")) image.addEventListener("load", () => (boxes.unobserve(box), boxes.observe(box)));
  }

  // Sounds.
  let context = null;
  let playing = null;
  const volume = document.getElementById("volume");

  const valueOf = (map, row, what) => (typeof what === "number" ? what : map.values[what][row]);

  // The sound of a row into `target`; resolves to how long it lasts, or to null where it is silence.
  async function sounded(map, row, target, at) {
    const on = target.context;
    const sound = map.sound;
    if (map.silent.has(row) || sound.kind === "none") return null;
    const envelope = on.createGain();
    envelope.connect(target);
    let seconds = SECONDS;
    const sources = [];
    const oscillator = (frequency, into) => {
      const source = on.createOscillator();
      source.frequency.value = frequency;
      source.connect(into);
      sources.push(source);
      return source;
    };
    if (sound.kind === "sines") {
      // As loud as each other as in the experiment: one scale for all sounds of a map.
      const scale = 1 / sound.loudest;
      sound.frequencies.forEach((frequency, index) => {
        const gain = on.createGain();
        gain.gain.value = scale * valueOf(map, row, sound.amplitudes[index]);
        gain.connect(envelope);
        oscillator(valueOf(map, row, frequency), gain);
      });
    } else if (sound.kind === "harmonics") {
      const part = (all) => Float32Array.from({ length: sound.count + 1 }, (_, index) => (index ? all[row * sound.count + index - 1] / 32767 : 0));
      const wave = on.createPeriodicWave(part(sound.real), part(sound.imag), { disableNormalization: true });
      const gain = on.createGain();
      gain.gain.value = sound.scale * 1.5;
      gain.connect(envelope);
      oscillator(valueOf(map, row, "f0"), gain).setPeriodicWave(wave);
    } else {
      const clip = sound.clips[row];
      if (!clip) return null;
      const source = on.createBufferSource();
      source.buffer = await on.decodeAudioData(bytes(clip).buffer);
      source.connect(envelope);
      seconds = source.buffer.duration;
      sources.push(source);
    }
    envelope.gain.setValueAtTime(0, at);
    envelope.gain.linearRampToValueAtTime(1, at + RAMP);
    envelope.gain.setValueAtTime(1, at + seconds - RAMP);
    envelope.gain.linearRampToValueAtTime(0, at + seconds);
    for (const source of sources) {
      source.start(at);
      source.stop(at + seconds);
    }
    return { seconds, stop: () => sources.forEach((source) => source.stop()) };
  }

  function stop() {
    if (playing) playing.stop();
    playing = null;
  }

  async function play(map, row) {
    if (map.sound.kind === "none") return;
    stop();
    context = context || new AudioContext();
    await context.resume();
    const master = context.createGain();
    master.gain.value = (volume.value / 100) ** 2;
    master.connect(context.destination);
    playing = await sounded(map, row, master, context.currentTime + 0.02);
    say(map, row, playing ? ". Playing." : `. ${map.sound.kind === "clips" ? "This recording is not in the page." : "At the Nyquist frequency: the encoder hears silence."}`);
  }

  // What a test listens to: the same sound, made as fast as one can.
  async function render(id, row, rate = 48000) {
    const map = maps.get(id);
    const offline = new OfflineAudioContext(1, Math.round(rate * SECONDS), rate);
    await sounded(map, row, offline.destination, 0);
    return (await offline.startRendering()).getChannelData(0);
  }

  // Maps.
  const shown = (value) => (Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3))));
  function described(map, row) {
    const known = map.parameters.filter(({ name }) => Number.isFinite(map.values[name][row]));
    const parts = known.map(({ name, label, unit }) => `${label} ${shown(map.values[name][row])}${unit ? " " + unit : ""}`);
    const text = (map.texts || []).filter(({ values }) => values[row]).map(({ label, values }) => `${label} ${values[row]}`.trim());
    return [text.join(" "), ...parts].filter(Boolean).join(", ");
  }
  function say(map, row, more = "") {
    map.status.textContent = described(map, row) + more;
  }

  function prepared(map) {
    for (const name of Object.keys(map.values)) map.values[name] = floats(map.values[name]);
    for (const encoder of map.encoders) {
      encoder.x = floats(encoder.x);
      encoder.y = floats(encoder.y);
      const { x, y, names } = encoder.background || { x: "", y: "", names: [] };
      encoder.background = { x: floats(x), y: floats(y), names };
    }
    map.silent = new Set(map.silent);
    if (map.colour.labels) map.colour.distinct = [...new Set(map.colour.labels)].sort(); // as the figure has them
    map.size = map.values[map.parameters[0].name].length;
    const sound = map.sound;
    if (sound.kind === "sines") {
      sound.loudest = 0;
      for (let row = 0; row < map.size; row++) {
        sound.loudest = Math.max(sound.loudest, sound.amplitudes.reduce((sum, each) => sum + valueOf(map, row, each), 0));
      }
    } else if (sound.kind === "harmonics") {
      sound.real = new Int16Array(bytes(sound.real).buffer);
      sound.imag = new Int16Array(bytes(sound.imag).buffer);
    }
    if (map.grid) {
      map.axes = map.parameters.map(({ name }) => [...new Set(map.values[name])].sort((a, b) => a - b));
      map.rowAt = new Map();
      for (let row = 0; row < map.size; row++) map.rowAt.set(placeOf(map, row).join(), row);
    }
    map.chosen = map.grid ? Math.floor(map.size / 2) : 0;
    map.views = [];
    return map;
  }
  const placeOf = (map, row) => map.parameters.map(({ name }, axis) => map.axes[axis].indexOf(map.values[name][row]));

  function datum(map, encoder, row) {
    return { row, x: encoder.x[row], y: encoder.y[row], colour: map.colour.labels ? map.colour.labels[row] : map.values[map.colour.name][row] };
  }
  const placed = (encoder, row) => Number.isFinite(encoder.x[row]);
  const allRows = (map) => Array.from({ length: map.size }, (_, row) => row);

  // What is written on a map: in black of its sounds; in grey of those beneath; in their colours the labels, at the
  // token of each that is nearest to the middle of them.
  const LETTERS = 240; // of all labels together: more would cover each other
  const LONGEST = 14;
  function texts(map, encoder) {
    const black = map.names.filter(({ row }) => placed(encoder, row)).map(({ text, row }) => ({ text, x: encoder.x[row], y: encoder.y[row], ink: "black" }));
    const { x, y } = encoder.background;
    const grey = encoder.background.names.map(({ text, row }) => ({ text, x: x[row], y: y[row], ink: "#6a6a6a" }));
    const distinct = map.colour.labels ? map.colour.distinct : [];
    if (distinct.map((label) => shortened(label, LONGEST)).join("").length > LETTERS) return [...black, ...grey];
    const coloured = distinct.map((label, index) => {
      const rows = allRows(map).filter((row) => map.colour.labels[row] === label && placed(encoder, row));
      if (!rows.length) return null;
      const [middleX, middleY] = [encoder.x, encoder.y].map((values) => median(rows.map((row) => values[row])));
      const away = (row) => Math.hypot(encoder.x[row] - middleX, encoder.y[row] - middleY);
      const row = rows.reduce((best, each) => (away(each) < away(best) ? each : best));
      return { text: label, x: encoder.x[row], y: encoder.y[row], ink: darker(map.colour.range[index % map.colour.range.length]) };
    });
    return [...coloured.filter(Boolean), ...black, ...grey];
  }
  const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
  const darker = (colour) => "#" + colour.match(/[0-9A-Fa-f]{2}/g).map((part) => Math.round(parseInt(part, 16) * 0.75).toString(16).padStart(2, "0")).join("");

  // The same with their places: next to what they name, where they cover no other, with a line where that is far off.
  const AROUND = [9, 18, 28, 40, 54, 70, 90].flatMap((far) => [0, 4, 2, 6, 1, 7, 3, 5].map((eighth) => [far * Math.sin((eighth * Math.PI) / 4), -far * Math.cos((eighth * Math.PI) / 4)]));
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = "bold 13px system-ui, sans-serif"; // as map.vl.json has it
  function names(map, encoder, side) {
    const [x, y] = domains(encoder);
    const scale = side / (x[1] - x[0]);
    const done = [];
    for (const each of texts(map, encoder)) {
      const text = shortened(each.text, LONGEST);
      const [left, top] = [(each.x - x[0]) * scale, (y[1] - each.y) * scale];
      const [halfWidth, halfHeight] = [pen.measureText(text).width / 2 + 1, 7.5];
      const box = ([across, down]) => {
        const sideways = across + Math.sign(Math.round(across)) * (halfWidth - 4);
        return { x: Math.min(Math.max(left + sideways, halfWidth + 2), side - halfWidth - 2), y: Math.min(Math.max(top + down, 9), side - 9), halfWidth, halfHeight };
      };
      const cover = (one) => {
        const hides = done.map((other) => overlap(one.x - other.box.x, one.halfWidth + other.box.halfWidth) * overlap(one.y - other.box.y, one.halfHeight + other.box.halfHeight));
        const points = done.map((other) => overlap(one.x - other.left, one.halfWidth + 3) * overlap(one.y - other.top, one.halfHeight + 3));
        return [...hides, ...points, overlap(one.x - left, one.halfWidth) * overlap(one.y - top, one.halfHeight)].reduce((sum, part) => sum + part, 0);
      };
      const boxes = AROUND.map(box);
      const best = boxes.find((one) => cover(one) === 0) || boxes.reduce((least, one) => (cover(one) < cover(least) ? one : least));
      done.push({ ...each, text, left, top, box: best });
    }
    const far = ({ left, top, box }) => Math.max(Math.abs(box.x - left) - box.halfWidth, Math.abs(box.y - top) - box.halfHeight) > 10;
    const [toX, toY] = [(pixels) => x[0] + pixels / scale, (pixels) => y[1] - pixels / scale];
    return done.map((each) => {
      const [atX, atY] = [toX(each.box.x), toY(each.box.y)];
      return { text: each.text, ink: each.ink, x: atX, y: atY, fromX: far(each) ? each.x : atX, fromY: far(each) ? each.y : atY };
    });
  }
  const overlap = (apart, room) => Math.max(0, room - Math.abs(apart));
  const shortened = (text, most) => ([...text].length > most ? [...text].slice(0, most - 1).join("") + "…" : text);

  function datasets(map, encoder, side) {
    return {
      background: Array.from(encoder.background.x, (x, index) => ({ x, y: encoder.background.y[index] })),
      points: allRows(map).filter((row) => placed(encoder, row)).map((row) => datum(map, encoder, row)),
      names: names(map, encoder, side),
      chosen: placed(encoder, map.chosen) ? [datum(map, encoder, map.chosen)] : [],
    };
  }

  // A square around the points, so that distances are as long in both directions.
  function domains(encoder) {
    const ends = (values) => {
      const known = values.filter(Number.isFinite);
      return [known.reduce((a, b) => Math.min(a, b), Infinity), known.reduce((a, b) => Math.max(a, b), -Infinity)];
    };
    const [x, y] = [ends([...encoder.x, ...encoder.background.x]), ends([...encoder.y, ...encoder.background.y])];
    const half = 0.56 * Math.max(x[1] - x[0], y[1] - y[0], 1e-6);
    return [x, y].map(([low, high]) => [(low + high) / 2 - half, (low + high) / 2 + half]);
  }

  function specOf(map, encoder, side) {
    const made = structuredClone(spec);
    const [x, y] = domains(encoder);
    made.width = made.height = side;
    const points = made.layer[1];
    const { color } = points.encoding;
    if (map.colour.labels) {
      color.type = "nominal";
      color.scale = { domain: map.colour.distinct, range: map.colour.range };
      points.encoding.shape = { field: "colour", type: "nominal", title: map.colour.title, scale: { domain: map.colour.distinct } };
      points.mark = { type: "point", filled: true, opacity: 1 };
      // All labels, in as many columns as there is room for; by itself Vega shows 30, in one row.
      const longest = map.colour.labels.reduce((most, label) => Math.max(most, [...label].length), 1);
      const columns = Math.max(1, Math.floor(side / (7 * Math.min(longest, 40) + 26)));
      color.legend = points.encoding.shape.legend = { columns, symbolLimit: 0, labelLimit: side - 26 };
      color.title = map.colour.title;
    } else {
      color.title = map.colour.title;
      // The lightest yellow of viridis is lost on white.
      color.scale = map.colour.diverging ? { range: ["#0072B2", "#C8C8C8", "#D55E00"] } : { scheme: { name: "viridis", extent: [0, 0.92] } };
    }
    points.mark.size = map.size > 2000 ? 9 : map.size > 400 ? 22 : 34;
    for (const layer of made.layer) {
      layer.encoding.x.scale = { domain: x, nice: false, zero: false };
      layer.encoding.y.scale = { domain: y, nice: false, zero: false };
      layer.encoding.x.axis = layer.encoding.y.axis = null;
    }
    made.datasets = datasets(map, encoder, side);
    return made;
  }

  function choose(map, row) {
    map.chosen = row;
    say(map, row);
    for (const { view, encoder } of map.views) {
      view.data("chosen", placed(encoder(), row) ? [datum(map, encoder(), row)] : []).runAsync();
    }
    for (const set of map.sliders) set(row);
  }

  // The sound nearest to the pointer, if it is within reach.
  function nearest(map, view, encoder, event) {
    const box = view.container().querySelector("canvas").getBoundingClientRect();
    const [left, top] = view.origin();
    const [x, y] = [event.clientX - box.left - left - view.padding().left, event.clientY - box.top - top - view.padding().top];
    const [toX, toY] = [view.scale("x"), view.scale("y")];
    let best = 30 ** 2;
    let found = null;
    for (let row = 0; row < map.size; row++) {
      if (!placed(encoder, row)) continue;
      const away = (toX(encoder.x[row]) - x) ** 2 + (toY(encoder.y[row]) - y) ** 2;
      if (away < best) [best, found] = [away, row];
    }
    return found;
  }

  async function drawn(map, element) {
    map.status = element.querySelector(".status");
    const panels = element.querySelector(".panels");
    const snapshots = map.encoders.filter((each) => each.step !== null);
    const together = snapshots.length > 1;
    const groups = map.encoders.filter((each) => !together || each.step === null).map((each) => [each]);
    if (together) groups.unshift(snapshots);
    for (const group of groups) {
      const figure = document.createElement("figure");
      const name = document.createElement("p");
      name.className = "name";
      const plot = document.createElement("div");
      plot.className = "plot";
      plot.setAttribute("aria-hidden", "true");
      const below = document.createElement("p");
      below.className = "below";
      figure.append(name, plot, below);
      panels.append(figure);
      let current = group[group.length - 1];
      const title = () => {
        const isolated = document.createElement("bdi"); // a name may be written from right to left
        isolated.textContent = current.name;
        name.replaceChildren(isolated);
        below.replaceChildren(...current.below.flatMap((line, index) => (index ? [document.createElement("br"), line] : [line])));
        if (current.control) {
          const control = document.createElement("span");
          control.className = "control";
          control.textContent = " (control)";
          name.append(control);
        }
      };
      title();
      const side = () => Math.max(180, Math.min(440, plot.clientWidth - 24));
      // Interpreted, not compiled: the page allows no code made from text.
      const embedded = async () => (await vegaEmbed(plot, specOf(map, current, side()), { mode: "vega-lite", ast: true, actions: false, renderer: "canvas", tooltip: false })).view;
      const panel = { view: await embedded(), encoder: () => current };
      map.views.push(panel);
      const at = (event) => nearest(map, panel.view, current, event);
      plot.addEventListener("pointermove", (event) => {
        const row = at(event);
        if (row !== null && row !== map.chosen) choose(map, row);
      });
      plot.addEventListener("click", (event) => {
        const row = at(event);
        if (row === null) return;
        choose(map, row);
        play(map, row);
      });
      new ResizeObserver(() => {
        if (panel.view.width() !== side()) panel.view.width(side()).height(side()).data("names", names(map, current, side())).runAsync();
      }).observe(plot);
      if (group.length > 1) {
        figure.append(
          slider("Training step", group.length, group.length - 1, (index) => group[index].step.toLocaleString("en"), async (index) => {
            current = group[index];
            title();
            panel.view.finalize();
            panel.view = await embedded();
          }).label,
        );
      }
    }
    const sliders = element.querySelector(".sliders");
    map.sliders = [];
    const axes = map.grid ? map.parameters : [{ label: "Sound", unit: "" }];
    const keys = ["← →", "↑ ↓", "Page Up, Page Down"];
    const varying = axes.map((_, axis) => axis).filter((axis) => !map.grid || map.axes[axis].length > 1).reverse();
    axes.forEach(({ label, unit }, axis) => {
      const values = map.grid ? map.axes[axis] : allRows(map);
      if (values.length < 2) return;
      const told = (index) => (map.grid ? `${shown(values[index])}${unit ? " " + unit : ""}` : `${index + 1} of ${map.size}`);
      const moved = (index) => choose(map, map.grid ? moveTo(map, axis, index) : index);
      const made = slider(label, values.length, 0, told, moved, keys[varying.indexOf(axis)]);
      sliders.append(made.label);
      map.sliders.push((row) => made.set(map.grid ? placeOf(map, row)[axis] : row));
    });
    element.querySelector(".play")?.addEventListener("click", () => play(map, map.chosen));
    panels.addEventListener("keydown", (event) => {
      if (event.target !== panels) return;
      const row = walked(map, event.key);
      if (row !== null) choose(map, row);
      else if (event.key === "Enter" || event.key === " ") play(map, map.chosen);
      else return;
      event.preventDefault();
    });
    choose(map, map.chosen);
  }

  function slider(name, count, value, told, moved, keys = "") {
    const label = document.createElement("label");
    const hint = document.createElement("span"); // which keys move it on the map
    hint.className = "keys";
    hint.textContent = keys;
    hint.setAttribute("aria-hidden", "true");
    const input = document.createElement("input");
    const output = document.createElement("output");
    Object.assign(input, { type: "range", min: 0, max: count - 1, step: 1, value });
    const set = (index) => {
      input.value = index;
      output.textContent = told(Number(index));
      input.setAttribute("aria-valuetext", output.textContent);
    };
    input.addEventListener("input", () => {
      set(input.value);
      moved(Number(input.value));
    });
    label.append(name, hint, input, output);
    set(value);
    return { label, set };
  }

  function moveTo(map, axis, index) {
    const place = placeOf(map, map.chosen);
    place[axis] = Math.max(0, Math.min(map.axes[axis].length - 1, index));
    const row = map.rowAt.get(place.join());
    return row === undefined ? map.chosen : row;
  }

  // Where a key leads: left and right along the last parameter, up and down along the one before, pages the first.
  function walked(map, key) {
    const steps = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowUp: [1, 1], ArrowDown: [1, -1], PageUp: [2, 1], PageDown: [2, -1] };
    if (!steps[key]) return null;
    const [which, step] = steps[key];
    if (!map.grid) return Math.max(0, Math.min(map.size - 1, map.chosen + step * (which ? 10 : 1)));
    const varying = map.axes.map((_, axis) => axis).filter((axis) => map.axes[axis].length > 1).reverse();
    const axis = varying[Math.min(which, varying.length - 1)];
    return moveTo(map, axis, placeOf(map, map.chosen)[axis] + step);
  }

  document.getElementById("stop")?.addEventListener("click", stop);
  addEventListener("keydown", (event) => event.key === "Escape" && stop());
  const maps = new Map(read("maps").map((map) => [map.id, prepared(map)]));
  const ready = Promise.all([...document.querySelectorAll("[data-map]")].map((element) => drawn(maps.get(element.dataset.map), element)));
  window.w2v = { maps, render, ready, chosen: (id) => maps.get(id).chosen, described: (id, row) => described(maps.get(id), row) };
})();

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
      encoder.background = encoder.background ? [floats(encoder.background.x), floats(encoder.background.y)] : [[], []];
    }
    map.silent = new Set(map.silent);
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

  // Names that would cover each other stand together at the first one.
  function names(map, encoder, side) {
    const [x, y] = domains(encoder);
    const pixels = ({ row }) => [((encoder.x[row] - x[0]) / (x[1] - x[0])) * side, ((encoder.y[row] - y[0]) / (y[1] - y[0])) * side];
    const found = [];
    for (const each of map.names.filter(({ row }) => placed(encoder, row))) {
      const [left, top] = pixels(each);
      const near = found.find((other) => Math.abs(other.left - left) < 24 && Math.abs(other.top - top) < 13);
      if (near) near.text += ` ${each.text}`;
      else found.push({ ...datum(map, encoder, each.row), text: each.text, left, top });
    }
    return found;
  }

  function datasets(map, encoder, side) {
    return {
      background: Array.from(encoder.background[0], (x, index) => ({ x, y: encoder.background[1][index] })),
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
    const [x, y] = [ends([...encoder.x, ...encoder.background[0]]), ends([...encoder.y, ...encoder.background[1]])];
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
      color.scale = { range: map.colour.range };
      points.encoding.shape = { field: "colour", type: "nominal", title: map.colour.title };
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
        name.textContent = current.name;
        below.replaceChildren(...current.below.flatMap((line, index) => (index ? [document.createElement("br"), line] : [line])));
        if (current.control) {
          const control = document.createElement("span");
          control.className = "control";
          control.textContent = " (control: nothing learned)";
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
        if (panel.view.width() !== side()) panel.view.width(side()).height(side()).runAsync();
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
    axes.forEach(({ label, unit }, axis) => {
      const values = map.grid ? map.axes[axis] : allRows(map);
      if (values.length < 2) return;
      const told = (index) => (map.grid ? `${shown(values[index])}${unit ? " " + unit : ""}` : `${index + 1} of ${map.size}`);
      const moved = (index) => choose(map, map.grid ? moveTo(map, axis, index) : index);
      const made = slider(label, values.length, 0, told, moved);
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

  function slider(name, count, value, told, moved) {
    const label = document.createElement("label");
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
    label.append(name, input, output);
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

  document.getElementById("stop").addEventListener("click", stop);
  addEventListener("keydown", (event) => event.key === "Escape" && stop());
  const maps = new Map(read("maps").map((map) => [map.id, prepared(map)]));
  const ready = Promise.all([...document.querySelectorAll("[data-map]")].map((element) => drawn(maps.get(element.dataset.map), element)));
  window.w2v = { maps, render, ready, chosen: (id) => maps.get(id).chosen, described: (id, row) => described(maps.get(id), row) };
})();

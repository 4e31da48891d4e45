"use strict";
// The form asks /explain, the drop zone /score; everything shown is put in as text.
(() => {
  const sides = document.querySelector("[data-pipeline]");
  if (!sides) return;
  const form = sides.querySelector("form");
  const problem = form.querySelector("[data-problem]");
  const said = sides.querySelector("[data-said]");
  const nothing = sides.querySelector("[data-nothing]");
  const examples = JSON.parse(document.getElementById("examples").textContent);
  const fields = [...form.elements].filter((field) => field.name);
  let shown = -1;
  let asked = 0;

  const make = (name, text, kind) => {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    if (kind) element.className = kind;
    return element;
  };
  const number = (value) => Number(value.toPrecision(4)).toLocaleString("en", { maximumSignificantDigits: 4 }).replace("-", "−");
  const percent = (value) => (value > 0 && value < 0.001 ? "< 0.1 %" : value < 1 && value > 0.999 ? "> 99.9 %" : `${(100 * value).toFixed(1)} %`);
  const word = (value) => (value === null ? "missing" : typeof value === "number" ? number(value) : String(value));

  const fill = (row) => {
    for (const field of fields) field.value = row[field.name] === null || row[field.name] === undefined ? "" : String(row[field.name]);
  };
  const valueOf = (field) => {
    const text = field.value;
    if (text.trim() === "") return null;
    if (field.dataset.kind === "boolean") return text === "true";
    if (field.dataset.kind === "number" && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text.trim())) return Number(text);
    return text;
  };
  const row = () => Object.fromEntries(fields.map((field) => [field.name, valueOf(field)]));

  const tell = (text) => {
    problem.textContent = text;
    problem.hidden = !text;
    said.classList.toggle("stale", Boolean(text));
  };
  const blame = (problems) => {
    for (const field of fields) field.removeAttribute("aria-invalid");
    for (const error of form.querySelectorAll("[data-error]")) error.hidden = true;
    const others = [];
    let first = null;
    for (const each of problems) {
      const field = fields.find((one) => one.name === each.column);
      if (!field) {
        others.push(each.problem);
        continue;
      }
      field.setAttribute("aria-invalid", "true");
      const error = form.querySelector(`[data-error="${CSS.escape(each.column)}"]`);
      error.textContent = `${each.problem}${each.allowed ? `: ${each.allowed.replace(/,? or null$/, "")}, or nothing` : ""}`;
      error.hidden = false;
      first = first || field;
    }
    if (first) others.unshift("Some values can't be read.");
    tell(others.join(" "));
    if (first) first.focus();
  };

  const headline = (prediction) => {
    const found = make("div");
    if ("probability" in prediction) {
      found.append(make("p", percent(prediction.probability), "headline"));
      found.append(make("p", `probability of ${prediction.class}; ${prediction.positive ? "counts" : "does not count"} as ${prediction.class}`));
      const scale = make("div", undefined, "scale");
      const bar = make("span");
      bar.style.width = `${100 * prediction.probability}%`;
      scale.append(bar);
      const threshold = Number(sides.dataset.threshold);
      if (threshold) {
        const mark = make("i");
        mark.style.left = `${100 * threshold}%`;
        scale.append(mark);
        found.append(scale, make("small", `The mark is the threshold, ${percent(threshold)}.`));
      } else found.append(scale);
      return found;
    }
    if ("probabilities" in prediction) {
      found.append(make("p", prediction.class, "headline"));
      const order = Object.entries(prediction.probabilities).sort((a, b) => b[1] - a[1]).slice(0, 8);
      found.append(bars(order.map(([name, value]) => [name, "", value, percent(value)]), true));
      return found;
    }
    if ("action" in prediction) {
      found.append(make("p", prediction.action, "headline"), make("p", `worth ${number(prediction.value)}; what follows, the best first:`, "soft"));
      const list = make("ol");
      for (const each of prediction.alternatives) list.append(make("li", `${each.action} (${number(each.value)})`));
      found.append(list);
      return found;
    }
    found.append(make("p", number(prediction.value), "headline"));
    return found;
  };
  const short = (prediction) =>
    "probability" in prediction ? percent(prediction.probability)
    : "probabilities" in prediction ? prediction.class
    : "action" in prediction ? prediction.action
    : number(prediction.value);

  const bars = (rows, plain) => {
    const table = make("div", undefined, "bars");
    const largest = Math.max(...rows.map((each) => Math.abs(each[2])), 1e-12);
    for (const [name, value, size, text] of rows) {
      const label = make("div");
      label.append(make("b", name), ` ${value}`);
      const bar = make("div", undefined, plain ? "bar plain" : "bar");
      const length = make("span", undefined, size < 0 ? "down" : "up");
      length.style.width = `${(plain ? 100 : 50) * Math.abs(size) / largest}%`;
      bar.append(length);
      table.append(label, bar, make("span", text));
    }
    return table;
  };
  const signed = (value) => `${value > 0 ? "+" : value < 0 ? "−" : ""}${number(Math.abs(value))}`;

  const show = (answer) => {
    const parts = [headline(answer.prediction)];
    const odd = Object.entries(answer.noticed).filter(([what]) => what !== "missing");
    for (const [what, columns] of odd) {
      const words = what === "unseen" ? "a value that training has never seen" : "out of the range of training";
      parts.push(make("p", `${Object.keys(columns).join(", ")}: ${words}. The answer is worth less for it.`, "notice warn"));
    }
    parts.push(make("h3", "Why"));
    const reasons = answer.reasons;
    if (reasons.left_out) parts.push(make("p", reasons.left_out, "soft"));
    else {
      const rows = reasons.columns.map((each) => [each.column, `= ${word(each.value)}`, each.adds, signed(each.adds)]);
      if (reasons.rest) rows.push(["all others", "", reasons.rest, signed(reasons.rest)]);
      parts.push(bars(rows), make("small", `What each column adds, from ${number(reasons.base)} to ${number(reasons.said)}, in ${reasons.scale}. It is what the model does, not what causes what.`));
    }
    const decides = !("value" in answer.prediction) || "action" in answer.prediction;
    parts.push(make("h3", decides ? "What would change it" : "What would move it most"));
    if (!answer.changes.length) parts.push(make("p", "No other value of a single column that training has seen.", "soft"));
    else {
      const list = make("ul", undefined, "changes");
      for (const each of answer.changes) {
        const item = make("li");
        const text = make("span");
        text.append(make("b", each.column), ` ${word(each.to)} in place of ${word(each.from)}: ${short(each.prediction)}`);
        const attempt = make("button", "Try it");
        attempt.type = "button";
        attempt.setAttribute("aria-label", `Try ${each.column} ${word(each.to)}`);
        attempt.addEventListener("click", () => {
          const field = fields.find((one) => one.name === each.column);
          field.value = each.to === null ? "" : String(each.to);
          field.focus();
          ask();
        });
        item.append(text, attempt);
        list.append(item);
      }
      parts.push(list, make("small", "One column alone, all others as they are. The model may be wrong about such a row."));
    }
    parts.push(make("small", `Answered by version ${answer.version}.`));
    said.replaceChildren(...parts);
    said.hidden = false;
    said.classList.remove("stale");
    nothing.hidden = true;
    const section = sides.querySelector("[data-answer]");
    if (section.getBoundingClientRect().top > window.innerHeight) section.scrollIntoView();
  };

  const send = async (address, options) => {
    try {
      return await fetch(address, options);
    } catch {
      return null;
    }
  };
  const problemsOf = async (answer) => {
    try {
      return (await answer.json()).problems || [];
    } catch {
      return [];
    }
  };
  const ask = async () => {
    const mine = ++asked;
    const button = form.querySelector(".solid");
    button.disabled = true;
    const answer = await send(`${sides.dataset.pipeline}/explain`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(row()),
    });
    const content = answer && answer.ok ? await answer.json() : null;
    const problems = answer && !answer.ok ? await problemsOf(answer) : [];
    if (mine !== asked) return;
    button.disabled = false;
    if (!answer) tell("The server does not answer. Is it running?");
    else if (!answer.ok) blame(problems.length ? problems : [{ problem: `The server says ${answer.status}.` }]);
    else {
      blame([]);
      show(content);
    }
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  const another = form.querySelector("[data-example]");
  const next = () => {
    shown = (shown + 1) % examples.length;
    fill(examples[shown]);
  };
  if (another) {
    another.addEventListener("click", () => {
      next();
      ask();
    });
    next();
  }
  form.querySelector("[data-clear]").addEventListener("click", () => {
    fill({});
    blame([]);
    fields[0].focus();
  });

  const zone = document.querySelector("[data-drop]");
  const drop = zone.querySelector(".drop");
  const input = drop.querySelector("input");
  const told = zone.querySelector("[data-file]");
  const score = async (file) => {
    if (!file) return;
    told.className = "";
    told.textContent = `Scoring ${file.name}…`;
    const answer = await send(zone.dataset.drop, { method: "POST", headers: { "Content-Type": "text/csv" }, body: file });
    if (!answer || !answer.ok) {
      const problems = answer ? await problemsOf(answer) : [];
      told.className = "problem";
      told.textContent = !answer ? "The server does not answer, or the file is too large." : problems.map((each) => `${each.column ? `${each.column}: ` : ""}${each.problem}${each.allowed ? ` (${each.allowed})` : ""}`).join(". ") || `The server says ${answer.status}.`;
      return;
    }
    const scored = await answer.blob();
    const link = make("a", "Save it again");
    link.href = URL.createObjectURL(scored);
    link.download = file.name.replace(/(\.csv)?$/i, ".scored.csv");
    const text = await scored.text();
    const unread = /,"?row \d+: /.test(text) ? "; rows that could not be read have no answer, and the last column says why" : "";
    told.replaceChildren(`${file.name} is scored and saved as ${link.download}${unread}. `, link);
    link.click();
  };
  input.addEventListener("change", () => {
    score(input.files[0]);
    input.value = "";
  });
  for (const name of ["dragenter", "dragover"]) drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    score(event.dataTransfer.files[0]);
  });
})();

// What a page of plain HTML can't do: follow Airflow's theme, leave the frame, send to Airflow's own REST API with the
// reader's own session, and tell what becomes of it. Loaded before the page is drawn.
"use strict";
(() => {
  const theme = () => {
    const chosen = localStorage.getItem("theme");
    document.documentElement.dataset.theme = chosen === "light" || chosen === "dark" ? chosen : "";
  };
  theme();
  addEventListener("storage", theme);

  const PAUSE = 1500;
  const ENDED = ["success", "failed"];
  const framed = window !== window.top;
  let airflow = "";
  const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
  const runPath = (dag, run) => `/dags/${encodeURIComponent(dag)}/dagRuns/${encodeURIComponent(run)}`;
  const runPage = (dag, run) => `${airflow}/dags/${encodeURIComponent(dag)}/runs/${encodeURIComponent(run)}`;

  // Airflow's frame may neither open tabs nor change the address of the window around it; a link of that window may.
  function leave(event) {
    const link = event.target.closest("a.out");
    if (!link || !framed) return;
    event.preventDefault();
    const outside = window.top.document.createElement("a");
    outside.href = link.href;
    const elsewhere = link.origin !== location.origin || event.ctrlKey || event.metaKey || event.button === 1;
    if (elsewhere) Object.assign(outside, { target: "_blank", rel: "noopener" });
    window.top.document.body.append(outside);
    outside.click();
    outside.remove();
  }

  // Airflow leaves the frame where it is when its own link to this page is pressed again.
  function heed() {
    const gone = new AbortController();
    const list = `${airflow}/mlsys/`;
    const home = ({ target }) => {
      if (target.closest?.('a[href$="/plugin/mlsys"]') && location.pathname !== list) location.assign(list);
    };
    window.top.document.addEventListener("click", home, { signal: gone.signal });
    addEventListener("pagehide", () => gone.abort(), { once: true });
  }
  if (framed) addEventListener("pageshow", heed);

  const REFUSED = {
    401: "Your session has ended. Reload the page and log in again.",
    403: "Airflow does not allow you to do this. Ask for a role that may.",
    404: "Airflow does not know this",
    409: "Airflow refuses, because somebody was faster",
  };

  async function ask(method, path, body) {
    const request = { method, headers: { Accept: "application/json" } };
    if (body) Object.assign(request, { body: JSON.stringify(body) }).headers["Content-Type"] = "application/json";
    let answer;
    try {
      answer = await fetch(`${airflow}/api/v2${path}`, request);
    } catch {
      throw new Error("Airflow does not answer. Is it up?");
    }
    const content = await answer.json().catch(() => ({}));
    if (answer.ok) return content;
    const said = Array.isArray(content.detail) ? content.detail.map((one) => one.msg).join("; ") : content.detail;
    const detail = typeof said === "string" ? said : JSON.stringify(said ?? "");
    if (answer.status === 401 || answer.status === 403) throw new Error(REFUSED[answer.status]);
    throw new Error(`${REFUSED[answer.status] ?? `Airflow refuses this (${answer.status})`}: ${detail.slice(0, 400)}`);
  }

  const trigger = (dag, conf, more) =>
    ask("POST", `/dags/${encodeURIComponent(dag)}/dagRuns`, { logical_date: null, conf, ...more }).then((run) => [dag, run.dag_run_id]);
  // Airflow's list of runs shows ids: they begin with the day, where one is asked for.
  const about = (day) => day && { dag_run_id: `manual__${day}__${Math.random().toString(36).slice(2, 10)}` };
  const given = (values) => Object.fromEntries(Object.entries(values).filter(([, value]) => value));

  const ACTIONS = {
    retrain: ({ pipeline, day, reason }) => trigger(`retrain_${pipeline}`, given({ day, reason }), about(day)),
    rollback: ({ pipeline, version, reason }) => trigger("rollback", { pipeline, version, reason }),
    hold: ({ pipeline, until, reason }) => trigger("hold", given({ pipeline, until: until && `${until}:00Z`, reason })),
    release: ({ pipeline, reason }) => trigger("hold", { pipeline, release: true, reason }),
    answer: async ({ request, choice, reason }) => {
      const [dag, run] = [request.slice(0, request.indexOf("/")), request.slice(request.indexOf("/") + 1)];
      const body = { chosen_options: [choice], params_input: given({ reason }) };
      await ask("PATCH", `${runPath(dag, run)}/taskInstances/approve/-1/hitlDetails`, body);
      return [dag, run];
    },
  };

  function say(pipeline, text, { href, kind, request } = {}) {
    const line = document.querySelector(`[data-live="${CSS.escape(pipeline)}"]`);
    if (!line) return;
    if (request && document.querySelector(`[data-box="${CSS.escape(pipeline)}"]`)) text = href = "";  // the page says more
    line.className = `live ${kind ?? ""}`;
    line.textContent = text;
    if (href) line.append(" ", Object.assign(document.createElement("a"), { href, className: "out", textContent: "DAG run" }));
    if (!request || !text || !document.getElementById("answer")) return;
    const answers = Object.assign(document.createElement("span"), { className: "actions" });
    const back = request.startsWith("rollback/");
    for (const [choice, does] of [["Approve", back ? "Roll back" : "Let it serve"], ["Reject", "Change nothing"]]) {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: `${does}…` });
      Object.assign(button.dataset, { dialog: "answer", pipeline, request, choice, does, subject: text });
      answers.append(button);
    }
    line.append(answers);
  }

  // Which rows of the list are shown; kept for the tab, because the page is made anew when a run ends.
  function filter(form) {
    const kept = JSON.parse(sessionStorage.getItem("mlsys-filter") ?? '{"words":"","states":[]}');
    const states = new Set(kept.states);
    form.q.value = kept.words;
    const apply = () => {
      const words = form.q.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of document.querySelectorAll(".models tbody")) {
        row.hidden = (states.size && !states.has(row.dataset.state)) || !words.every((word) => row.dataset.words.includes(word));
        shown += !row.hidden;
      }
      for (const button of form.querySelectorAll("[data-state]")) button.ariaPressed = String(states.has(button.dataset.state));
      document.querySelector("[data-none]").hidden = shown > 0;
      sessionStorage.setItem("mlsys-filter", JSON.stringify({ words: form.q.value, states: [...states] }));
    };
    const clear = () => {
      form.q.value = "";
      states.clear();
      apply();
    };
    form.addEventListener("input", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    for (const button of form.querySelectorAll("[data-state]")) {
      const { state } = button.dataset;
      button.addEventListener("click", () => (states.delete(state) || states.add(state), apply()));
    }
    document.querySelector("[data-clear]").addEventListener("click", clear);
    for (const state of [...states]) if (!form.querySelector(`[data-state="${CSS.escape(state)}"]`)) states.delete(state);
    apply();
  }

  const watched = {};  // which loop has the last word about a pipeline

  async function follow(pipeline, dag, run, answered) {
    const path = runPath(dag, run);
    const href = runPage(dag, run);
    const what = { rollback: "Rolling back", hold: "Hold" }[dag] ?? "Retraining";
    const mine = (watched[pipeline] = Symbol(run));
    let asked = false;
    for (let round = 0; watched[pipeline] === mine; round += 1) {
      const { state, note } = await ask("GET", path);
      if (ENDED.includes(state)) return ended(pipeline, what, { state, note, path, href });
      const tasks = state === "running" ? (await ask("GET", `${path}/taskInstances?limit=100`)).task_instances : [];
      const waiting = !answered && tasks.some((task) => task.state === "awaiting_input");
      if (waiting && round && !asked) return keep(pipeline, "", {});  // the page shows more of what there is to decide
      if (waiting && !asked) {
        const { subject } = await ask("GET", `${path}/taskInstances/approve/-1/hitlDetails`);
        say(pipeline, subject, { href, kind: "waiting", request: `${dag}/${run}` });
      } else if (!waiting) {
        const at = [...new Set(tasks.filter((task) => task.state === "running").map((task) => task.task_id))];
        const paused = state === "queued" && round > 3 && (await ask("GET", `/dags/${encodeURIComponent(dag)}`)).is_paused;
        say(pipeline, `${what}: ${paused ? "queued, and the DAG is paused" : at.join(", ") || state} …`, { href });
      }
      asked = waiting;
      await wait(PAUSE);
    }
  }

  async function ended(pipeline, what, { state, note, path, href }) {
    const kind = state === "success" ? "good" : "bad";
    // The last paragraph of the note is ours; its links are on the page anyway.
    const said = (note ?? "").split(/\n\s*\n/).pop().replace(/^mlsys: /, "").replace(/\s*\[[^\]]*\]\([^)]*\)/g, "");
    if (said) return keep(pipeline, `${what}: ${said}`, { href, kind });
    if (kind === "good") return keep(pipeline, `${what}: done.`, { href, kind });
    const { task_instances: tasks } = await ask("GET", `${path}/taskInstances?limit=100`);
    const failed = tasks.filter((task) => task.state === "failed").map((task) => task.task_id);
    return keep(pipeline, `${what}: the run failed in ${failed.join(", ") || "Airflow"}; its log says why.`, { href, kind });
  }

  // The page is made anew by the server; what happened is told once more on it.
  function keep(pipeline, text, more) {
    sessionStorage.setItem("mlsys", JSON.stringify([pipeline, text, more]));
    location.reload();
  }

  const watch = (...run) => follow(...run).catch((error) => say(run[0], error.message, { kind: "bad" }));

  async function send(event) {
    event.preventDefault();
    const form = event.target;
    const values = Object.fromEntries(new FormData(form));
    const button = form.querySelector("[type=submit]");
    const problem = form.querySelector(".problem");
    button.disabled = true;
    problem.textContent = "";
    try {
      const [dag, run] = await ACTIONS[form.dataset.action](values);
      form.closest("dialog").close();
      say(values.pipeline, "Sent to Airflow …", { href: runPage(dag, run) });
      watch(values.pipeline, dag, run, form.dataset.action === "answer");
    } catch (error) {
      problem.textContent = error.message;
    } finally {
      button.disabled = false;
    }
  }

  function open(button) {
    const dialog = document.getElementById(button.dataset.dialog);
    dialog.querySelector("form").reset();
    dialog.querySelector(".problem").textContent = "";
    for (const [name, value] of Object.entries(button.dataset)) {
      for (const place of dialog.querySelectorAll(`[data-fill="${name}"]`)) place.textContent = value;
      for (const input of dialog.querySelectorAll(`input[name="${name}"]`)) input.value = value;
    }
    for (const link of dialog.querySelectorAll("[data-href=dag]")) link.href = `${airflow}/dags/retrain_${encodeURIComponent(button.dataset.pipeline)}`;
    dialog.showModal();
  }

  async function unfinished() {
    const shown = [...document.querySelectorAll("[data-live]")].map((line) => line.dataset.live);
    if (!shown.length) return;
    const { dag_runs: runs } = await ask("GET", "/dags/~/dagRuns?state=running&state=queued&limit=100&order_by=-run_after");
    for (const pipeline of shown) {
      const mine = runs.find((run) => run.dag_id === `retrain_${pipeline}` || (["rollback", "hold"].includes(run.dag_id) && run.conf?.pipeline === pipeline));
      if (mine) watch(pipeline, mine.dag_id, mine.dag_run_id);
    }
  }

  // Nothing runs, and nothing else on the page would say so: parts of Airflow that are dead, DAGs that are paused or lost.
  async function health() {
    const parts = await ask("GET", "/monitor/health");
    const dead = [["scheduler", "scheduler"], ["dag_processor", "dag-processor"], ["triggerer", "triggerer"]]
      .filter(([key]) => parts[key]?.status && parts[key].status !== "healthy").map(([, name]) => name);
    const line = document.querySelector("[data-airflow-health]");
    const means = dead.includes("scheduler") ? "No run starts" : "Airflow does not do all of its work";
    line.textContent = dead.length ? `Airflow's ${dead.join(" and ")} ${dead.length > 1 ? "are" : "is"} not running. ${means} until it is started again, in the embedded stack by mlsys up.` : "";
    const shown = [...document.querySelectorAll("[data-airflow-says]")];
    if (!shown.length) return;
    const known = new Map();
    for (let offset = 0, total = 1; offset < total; offset += 100) {
      const page = await ask("GET", `/dags?dag_id_pattern=retrain_&limit=100&offset=${offset}`);
      for (const dag of page.dags) known.set(dag.dag_id, dag.is_paused);
      total = page.total_entries;
    }
    for (const place of shown) {
      const paused = known.get(`retrain_${place.dataset.airflowSays}`);
      const row = place.closest("tbody");
      if (paused !== false && row?.dataset.state === "fine") row.parentNode.querySelector('tbody[data-state="fine"]').before(row);
      if (paused === undefined) place.textContent = "Airflow does not know its DAG: no run starts. The list of DAGs says which file can't be read.";
      else place.textContent = paused ? "Its DAG is paused: no run starts until somebody switches it on." : "";
    }
  }

  addEventListener("DOMContentLoaded", () => {
    document.addEventListener("click", leave);
    document.addEventListener("auxclick", leave);
    if (!("airflow" in document.body.dataset)) return;  // a report card, which only wants its links to work
    airflow = document.body.dataset.airflow;
    for (const form of document.querySelectorAll("form[data-action]")) form.addEventListener("submit", send);
    document.addEventListener("click", ({ target }) => target.closest("[data-dialog]") && open(target.closest("[data-dialog]")));
    for (const button of document.querySelectorAll("[data-close]")) button.addEventListener("click", () => button.closest("dialog").close());
    document.querySelectorAll("[data-filter-form]").forEach(filter);
    const told = sessionStorage.getItem("mlsys");
    sessionStorage.removeItem("mlsys");
    if (told) say(...JSON.parse(told));
    unfinished().catch(() => {});  // only the live line is missing then
    health().catch(() => {});
  });
})();

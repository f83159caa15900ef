"""What the page does when scripts run: find a user of the sample, say why their codes, mark the map.

Text from the log enters the page by ``textContent`` alone, so nothing of it is read as HTML.
"""

SCRIPT = r"""
(() => {
  const found = JSON.parse(document.getElementById("sample").textContent);
  const [query, results, matches, view] = ["query", "results", "matches", "user"].map((id) =>
    document.getElementById(id));
  const form = document.getElementById("search"), choices = [...form.querySelectorAll("select")];
  const byId = new Map(found.users.map((user) => [user[0], user]));
  const SHOWN = 12;

  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };
  const cut = (text) => {
    const plain = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]+/g, " ");
    return plain.length > 120 ? plain.slice(0, 119) + "…" : plain;
  };
  const isolated = (text) => make("bdi", {}, cut(text));
  const count = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
  const figure = (value) => {
    const text = Math.abs(value).toFixed(3);
    return Number(text) === 0 ? "0.000" : (value < 0 ? "−" : "+") + text;
  };
  const percent = (p) => (p > 0.99 && p < 0.9995 ? ">\u00a099" : (100 * p).toFixed(0)) + "\u00a0%";
  const coded = (p, code) => `${code} ${found.labels[p][code] ?? "unknown"}`;
  const summary = (user) => user[1].map((code, p) => `${found.profiles[p]} ${code}`).join(", ");
  const link = (id) => "#user=" + encodeURIComponent(id);

  const list = () => {
    const text = query.value.trim().toLowerCase();
    const wanted = choices.map((choice) => (choice.value === "" ? null : Number(choice.value)));
    const scored = [];
    for (const user of found.users) {
      if (wanted.some((code, p) => code !== null && user[1][p] !== code)) continue;
      const id = user[0].toLowerCase(), at = id.indexOf(text);
      if (at < 0) continue;
      scored.push([id === text ? 0 : at === 0 ? 1 : 2, user]);
    }
    scored.sort((a, b) => a[0] - b[0]);
    results.replaceChildren(...scored.slice(0, SHOWN).map(([, user]) => {
      const button = make("a", { href: link(user[0]) }, isolated(user[0]),
        make("small", {}, summary(user)));
      return make("li", {}, button);
    }));
    const all = scored.length;
    matches.textContent = all === 0
      ? "No user of the sample matches. userip explain EXPERIMENT --user ID knows everybody."
      : all > SHOWN ? `${count(all, "user")} match, ${SHOWN} are listed.` : `${count(all, "user")} listed.`;
  };

  const codesOf = ([, codes, probabilities]) => {
    const rows = codes.map((code, p) => {
      const sure = probabilities ? probabilities[p] : null;
      const bar = make("span", { class: "bar" });
      bar.style.setProperty("--width", `${100 * (sure ?? 0)}%`);
      return make("tr", {}, make("th", { scope: "row" }, isolated(found.profiles[p])),
        make("td", { class: "text" }, isolated(coded(p, code))),
        sure === null ? make("td", {}, "–") : make("td", {}, bar, percent(sure)));
    });
    const head = make("tr", {}, ...["profile", "code", "sure"].map((name, i) =>
      make("th", { scope: "col", ...(i === 1 ? { class: "text" } : {}) }, name)));
    return make("table", { class: "codes" }, make("thead", {}, head), make("tbody", {}, ...rows));
  };

  const odds = (total) => {
    const value = Math.exp(Math.abs(total));
    const text = value > 1e6 ? "more than a million" : value > 100 ? Math.round(value).toLocaleString("en")
      : value.toFixed(1);
    return total < 0 ? `1 to ${text}` : `${text} to 1`;
  };

  const evidenceOf = (user) => {
    const [, codes, probabilities, , [against, prior, rest, others, total, events]] = user;
    const scores = probabilities === null;  // of codes that are no classes
    const heard = ["disliked", "liked"];
    const steps = [
      [[scores ? "before any event" : "share of users with these codes"], prior],
      ...events.map(([title, label, nats]) =>
        [[isolated(found.titles[title]), label === null ? "" : make("small", {}, heard[label])], nats]),
    ];
    if (others) steps.push([[count(others, "other event")], rest]);
    let sum = 0, low = 0, high = 0;
    const spans = steps.map(([, nats]) => {
      const from = sum;
      sum += nats;
      [low, high] = [Math.min(low, sum), Math.max(high, sum)];
      return [from, sum];
    });
    spans.push([0, total]);
    [low, high] = [Math.min(low, total), Math.max(high, total)];
    const place = (value) => (100 * (value - low)) / (high - low || 1);
    const rows = [...steps, [[scores ? "score" : "log-odds"], total]].map(([what, nats], i) => {
      const [from, to] = spans[i].map(place);
      const bar = make("i", { class: nats < 0 ? "against" : "for" });
      bar.style.left = `${Math.min(from, to)}%`;
      bar.style.width = `${Math.abs(to - from)}%`;
      const cell = make("td", { class: "step", "aria-hidden": "true" }, bar);
      cell.style.setProperty("--zero", `${place(0)}%`);
      return make("tr", i === steps.length ? { class: "total" } : {},
        make("th", { scope: "row" }, ...what), cell, make("td", {}, figure(nats)));
    });
    const name = (p, code) => `${found.profiles[p]} ${coded(p, code)}`;
    const differs = codes.map((code, p) => p).filter((p) => codes[p] !== against[p]);
    const own = differs.map((p) => name(p, codes[p])).join(", ");
    const other = differs.map((p) => name(p, against[p])).join(", ");
    const head = make("tr", {}, make("th", { scope: "col" }, "what speaks for and against"),
      make("td", { class: "step" }), make("th", { scope: "col" }, "nats"));
    return [
      make("h4", {}, "Why these codes"),
      make("p", {}, "The closest other choice is ", isolated(other), " in place of ", isolated(own),
        scores ? `. Its score is lower by ${total.toFixed(3)}. Every row below adds to that, `
          : `. The odds are ${odds(total)}. Every row below adds to them, `,
        "from the top to the last line."),
      make("table", { class: "evidence" }, make("thead", {}, head), make("tbody", {}, ...rows)),
    ];
  };

  const here = document.getElementById("here");
  const point = (user) => {
    if (!here) return;
    here.toggleAttribute("hidden", !user?.[5]);
    if (user?.[5]) [here.cx.baseVal.value, here.cy.baseVal.value] = user[5];
  };

  const show = (user) => {
    view.hidden = false;
    const heading = make("h3", { id: "userh", tabindex: "-1" }, "User ", isolated(user[0]));
    view.replaceChildren(heading, make("p", { class: "facts" }, count(user[3], "event")), codesOf(user),
      ...(user[4] ? evidenceOf(user) : [make("p", { class: "caption" }, found.why)]));
    point(user);
    heading.focus({ preventScroll: true });
    view.scrollIntoView({ block: "start" });
  };

  const follow = () => {
    if (!location.hash.startsWith("#user=")) return;
    let id = location.hash.slice("#user=".length);
    try { id = decodeURIComponent(id); } catch { /* not encoded: taken as it stands */ }
    if (byId.has(id)) { show(byId.get(id)); return; }
    view.hidden = true;
    point(null);
    query.value = id;
    list();
    document.getElementById("users").scrollIntoView();
    query.focus({ preventScroll: true });
  };

  const map = document.getElementById("map");
  if (map) {
    const nearest = (event) => {
      const screen = map.getScreenCTM();
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(screen.inverse());
      let best = null, near = (12 / screen.a) ** 2;
      for (const user of found.users) {
        if (!user[5]) continue;
        const far = (user[5][0] - at.x) ** 2 + (user[5][1] - at.y) ** 2;
        if (far < near) [best, near] = [user, far];
      }
      return best;
    };
    const told = document.getElementById("hover");
    let chosen = null;
    map.addEventListener("pointermove", (event) => {
      const user = nearest(event);
      map.style.cursor = user ? "pointer" : "";
      if (user === chosen) return;
      chosen = user;
      point(user);
      told.textContent = user ? `User ${cut(user[0])}: ${summary(user)}. Click to see why.` : "";
    });
    map.addEventListener("click", (event) => {
      const user = nearest(event);
      if (user) location.hash = link(user[0]);
    });
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    results.querySelector("a")?.click();
  });
  form.addEventListener("input", list);
  form.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" || event.target !== query) return;
    event.preventDefault();
    results.querySelector("a")?.focus();
  });
  results.addEventListener("keydown", (event) => {
    const links = [...results.querySelectorAll("a")], at = links.indexOf(document.activeElement);
    if (event.key === "Escape" || (event.key === "ArrowUp" && at === 0)) query.focus();
    else if (event.key === "ArrowUp") links[at - 1].focus();
    else if (event.key === "ArrowDown") links[Math.min(at + 1, links.length - 1)].focus();
    else return;
    event.preventDefault();
  });
  for (const more of document.querySelectorAll("[data-code]")) {
    more.hidden = false;
    more.addEventListener("click", () => {
      const [profile, code] = more.dataset.code.split(" ");
      for (const choice of choices) choice.value = choice.dataset.profile === profile ? code : "";
      query.value = "";
      list();
      document.getElementById("users").scrollIntoView();
      query.focus({ preventScroll: true });
    });
  }
  addEventListener("hashchange", follow);
  addEventListener("click", (event) => {
    const link = event.target.closest?.("a");
    if (link?.hash.startsWith("#user=") && link.hash === location.hash) follow();
  });
  form.hidden = false;
  list();
  follow();
})();
"""

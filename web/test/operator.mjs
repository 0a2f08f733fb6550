// Drives the map and the operators' pages in a headless Chromium, as page.mjs
// does those of users: with the keyboard, and with script in every name that a
// switch or a person can choose. Arguments: as of page.mjs.
import assert from "node:assert/strict";
import { drive, link, operator, pause, text, until } from "./drive.mjs";

const [address, keyFile, pictures, executablePath] = process.argv.slice(2);

/** onMap looks at the map, which says the same in words. */
async function onMap(driver, page) {
  await link(page, "Map");
  await text(page, "4 switches, 4 links");
  await page.waitForSelector("canvas");
  await until(page, "the map is drawn", () => performance.getEntriesByName("map drawn").length > 0);
  await text(page, "All 4 switches are connected");
  await page.focus(".canvas");
  for (const key of ["ArrowLeft", "ArrowUp", "+", "-", "0"]) await page.keyboard.press(key);
  await page.type("[name=find]", "10.0.0.3");
  await text(page, "at 4 port 1");
  await page.keyboard.press("Enter");
  await text(page, "CONGA emulated switch");
  await text(page, "Allocations here");
  await page.focus(".carried a");
  await page.keyboard.press("Enter");
  await until(page, "it is chosen", () => document.querySelector(".carried a[aria-current]"));
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))); // what is to be done after painting is done
  assert.ok(await page.evaluate(() => document.activeElement.matches(".carried a[aria-current]")), "the focus stays on what was chosen");
  await page.focus("summary");
  await page.keyboard.press("Enter");
  await text(page, "on it");
  await driver.accessible(page, "map");
}

/** positionsStay drags a switch, and looks again. */
async function positionsStay(page) {
  const kept = () => page.evaluate(() => JSON.parse(localStorage.getItem("conga.map.positions")));
  const before = await kept();
  assert.equal(Object.keys(before).length, 4);
  for (const at of Object.values(before)) assert.ok(at.length === 2 && at.every(Number.isInteger), JSON.stringify(before));
  const other = { ...before, "0000000000000001": [before["0000000000000001"][0] - 300, 17] };
  await page.evaluate((other) => localStorage.setItem("conga.map.positions", JSON.stringify(other)), other);
  await page.reload({ waitUntil: "networkidle2" });
  await until(page, "the map is drawn", () => performance.getEntriesByName("map drawn").length > 0);
  assert.deepEqual(await kept(), other);
  assert.deepEqual(await page.evaluate(() => [Object.keys(localStorage), Object.keys(sessionStorage)]), [["conga.map.positions"], []]);
}

/** tour goes through the operators' pages. */
async function tour(driver, page) {
  await ask(page, 7019);
  await link(page, "Operations");
  await text(page, "4 of 4 up");
  await driver.accessible(page, "switches");
  await link(page, "0000000000000001");
  await text(page, "CONGA emulated switch");
  await text(page, "table=0");
  await text(page, "priority=61000,dl_type=0x88cc actions=CONTROLLER:65535");
  await text(page, "an allocation");
  await text(page, "best effort of port 1");
  await driver.accessible(page, "one switch");
  for (const [name, says] of [["Links", "100 Mbit/s"], ["Projects", "projectC"], ["Audit", "allocation.create"], ["Health", "All parts are ready."], ["Events", "What happens from now on"]]) {
    await link(page, name);
    await text(page, says);
    await pause(200);
    await driver.accessible(page, name.toLowerCase());
  }
  await ask(page, 7020);
  await text(page, "allocation.changed");
  await text(page, "10.0.0.2 to 10.0.0.3:7020");
}

/** ask makes a request as a program would, so that there is news. */
const ask = (page, port) => page.evaluate(async (port) => {
  const answer = await fetch("/api/v1/allocations", {
    method: "POST", headers: { "Conga-Page": "1", "Content-Type": "application/json" },
    body: JSON.stringify({ project_id: "projectB", src_ip: "10.0.0.2", dst_ip: "10.0.0.3", dst_port: port, duration: 600 }),
  });
  if (answer.status >= 300) throw new Error(await answer.text());
}, port);

/** failed takes a link away from what the page is answered, and then a switch. */
async function failed(driver, page) {
  await link(page, "Map");
  await text(page, "All 4 switches are connected");
  await page.evaluate(() => {
    const real = globalThis.fetch;
    globalThis.fetch = async (where, ...more) => {
      const answer = await real(where, ...more);
      if (!/\/(links|switches)\?/.test(String(where)) || String(where).includes("stats")) return answer;
      const all = await answer.json();
      if (String(where).includes("links")) all.results = all.results.filter((l) => l.from.dpid > "0000000000000002" && l.to.dpid > "0000000000000002");
      else all.results[1].connected = false;
      return new Response(JSON.stringify(all), { status: answer.status, headers: answer.headers });
    };
  });
  await link(page, "Operations");
  await link(page, "Map");
  await text(page, "A switch is away: 2");
  await text(page, "3 links are lost");
  await pause(500);
  await driver.accessible(page, "map with failures");
}

const script = `<script>alert(1)</script><img src=x onerror="alert(2)"> javascript:alert(3) {{4}}`;

/** hostile has script in every text that a switch, a host or a person may have chosen. */
async function hostile(driver) {
  const page = await driver.newPage(1280, 900);
  await page.evaluateOnNewDocument((script) => {
    const chosen = new Set(["user_id", "project_id", "changed_by", "reason", "description", "errors", "name", "address", "limitation", "limitations", "members", "detail", "action", "match", "instructions", "addresses"]);
    const put = (v, key) => (Array.isArray(v) ? v.map((one) => put(one, key)) : v && typeof v === "object"
      ? Object.fromEntries(Object.entries(v).map(([k, one]) => [k, chosen.has(k) ? (Array.isArray(one) ? [script] : script) : put(one, k)])) : v);
    const real = globalThis.fetch;
    globalThis.fetch = async (...request) => {
      const answer = await real(...request);
      return new Response(JSON.stringify(put(await answer.json())), { status: answer.status, headers: answer.headers });
    };
    const listen = EventSource.prototype.addEventListener;
    EventSource.prototype.addEventListener = function (kind, f) {
      listen.call(this, kind, (m) => f({ data: JSON.stringify(put(JSON.parse(m.data))) }));
    };
  }, script);
  await operator(driver, page, keyFile, "#/operate/events");
  await ask(page, 7021);
  await until(page, "an event shows", () => document.querySelector(".feed li"));
  for (const at of ["switches", "switches/0000000000000001", "links", "projects", "audit", "health"]) {
    await page.evaluate((at) => { location.hash = `#/operate/${at}`; }, at);
    await until(page, `${at} has rows`, () => document.querySelector("main tbody tr, main li"));
    if (at !== "links" && at !== "health") await text(page, script);
    await nothing(page, at);
  }
  await page.evaluate(() => { location.hash = "#/map"; });
  await until(page, "the map is drawn", () => performance.getEntriesByName("map drawn").length > 0);
  await page.type("[name=find]", "alert(1)");
  await page.keyboard.press("Enter");
  await text(page, script);
  await nothing(page, "map");
  await page.close();
}

async function nothing(page, where) {
  assert.equal(await page.evaluate(() => document.querySelectorAll("#page img, #page script, #page iframe").length), 0, where);
}

await drive({ address, pictures, executablePath }, async (driver) => {
  for (const width of [1280, 400]) {
    const page = await driver.newPage(width, 900);
    if (width === 400) await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]);
    await operator(driver, page, keyFile);
    await onMap(driver, page);
    if (width === 1280) {
      await positionsStay(page);
      await tour(driver, page);
    } else {
      await link(page, "Operations");
      await link(page, "0000000000000001");
      await text(page, "table=0");
      await driver.accessible(page, "one switch, dark");
    }
    if (width === 1280) await failed(driver, page);
    await page.close();
    await driver.browser.deleteCookie(...await driver.browser.cookies());
  }
  await hostile(driver);
  console.log("the operators' pages pass");
});

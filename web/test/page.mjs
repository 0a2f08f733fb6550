// Drives the page in a headless Chromium as a user does, and fails at the first
// thing that is not as it should be. The daemon has the emulated network of
// congad demo. Arguments: the page's address, the admin's key's file, a folder
// for screenshots (or none), and Chromium.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRequire } from "node:module";
import puppeteer from "puppeteer-core";

const [address, keyFile, pictures, executablePath = "/usr/bin/chromium"] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const profile = mkdtempSync(join(tmpdir(), "conga-page-"));
const browser = await puppeteer.launch({
  executablePath, userDataDir: profile, acceptInsecureCerts: true,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const said = [];
let expected = 0; // refusals that the test itself asks for, which browsers log

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function newPage(width, height) {
  const page = await browser.newPage();
  await page.setViewport({ width, height });
  page.setDefaultTimeout(40000);
  page.on("console", (m) => (m.text().includes("status of 40") && expected > 0 ? expected-- : said.push(`console: ${m.text()} ${m.location().url ?? ""}`)));
  page.on("pageerror", (e) => said.push(`error: ${e.message}`));
  page.on("dialog", (d) => { said.push(`dialog: ${d.message()}`); void d.dismiss(); });
  page.on("request", (r) => { if (!r.url().startsWith(address) && !r.url().startsWith("data:")) said.push(`request elsewhere: ${r.url()}`); });
  return page;
}

/** accessible fails if axe-core finds anything serious. */
async function accessible(page, where) {
  await page.evaluate(axe);
  const found = await page.evaluate(async () => (await globalThis.axe.run(document, { resultTypes: ["violations"] })).violations
    .filter((v) => v.impact === "serious" || v.impact === "critical").map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ") + " " + n.failureSummary).join("; ")}`));
  assert.deepEqual(found, [], `axe-core, ${where}`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `${where} scrolls sideways by ${wide} pixels at ${page.viewport().width}`);
  if (pictures && pictures !== "none") await page.screenshot({ path: join(pictures, `${where.replaceAll(" ", "-")}-${page.viewport().width}.png`), fullPage: true });
}

/** until waits for what a function of the page says of an argument. */
const until = (page, what, f, arg) => page.waitForFunction(f, {}, arg).catch(async () => {
  throw new Error(`never: ${what}, but\n${await page.evaluate(() => document.body.innerText)}`);
});
const text = (page, wanted) => until(page, `the page says ${JSON.stringify(wanted)}`, (t) => document.body.innerText.includes(t), wanted);
const state = (page, wanted) => until(page, `it is ${wanted}`, (t) => document.querySelector("[aria-label=State]")?.textContent.includes(t), wanted);
const button = (page, name) => page.locator(`::-p-aria([name="${name}"][role="button"])`).click();

async function fill(page, name, value) {
  const field = await page.waitForSelector(`[name="${name}"]`);
  await field.click({ count: 3 });
  await page.keyboard.press("Backspace");
  await field.type(value);
}

async function signIn(page, fields) {
  for (const [name, value] of Object.entries(fields)) await fill(page, name, value);
  await page.keyboard.press("Enter"); // no mouse is needed
}

/** user signs in, asks, watches, extends, changes, releases, and signs out. */
async function user(width, port) {
  const page = await newPage(width, 800);
  await page.goto(address, { waitUntil: "networkidle2" });
  await text(page, "Sign in as");
  await accessible(page, "sign in");
  expected++;
  await signIn(page, { user: "abc123", project: "<script>alert(1)</script>" });
  await page.waitForSelector("[role=alert]");
  await signIn(page, { user: "abc123", project: "projectB" });
  await text(page, "New allocation");
  await text(page, "Live: changes show by themselves.");
  await accessible(page, "allocations");

  await page.locator("::-p-aria([name=\"New allocation\"][role=\"link\"])").click();
  await fill(page, "src", "10.0.0.2");
  await fill(page, "dst", "10.0.0.3");
  await fill(page, "dst_port", String(port));
  for (const unclear of ["10MB/s", "1,500M"]) { // bytes; thousands or a fraction
    await fill(page, "rate", unclear);
    await text(page, "Write the rate in bit/s");
  }
  await fill(page, "rate", "900G");
  await text(page, "What would fit instead");
  await accessible(page, "new allocation");
  await fill(page, "rate", "2M");
  await fill(page, "duration", "5 min");
  await text(page, "You ask for: 2 Mbit/s, for 5 min.");
  await text(page, "It fits: ");
  await button(page, "Ask for it");
  await text(page, "Window and rate");
  await state(page, "active");
  await text(page, "of 2 Mbit/s");
  await page.waitForSelector(".plot canvas");
  await text(page, "were delivered on average");
  await text(page, "port ");
  await accessible(page, "allocation");
  const at = await page.evaluate(() => location.hash);

  await button(page, "Extend…");
  await fill(page, "more", "2 min");
  await accessible(page, "extend");
  await page.keyboard.press("Enter");
  await text(page, "It now ends");
  await text(page, "7 min");
  await button(page, "Change…");
  await fill(page, "rate", "3M");
  await page.keyboard.press("Enter");
  await text(page, "It now has 3 Mbit/s");
  await button(page, "Release…");
  await page.waitForSelector("dialog[open]");
  await page.keyboard.press("Escape");
  await until(page, "the dialog closes", () => !document.querySelector("dialog"));
  await button(page, "Release…");
  await button(page, "Release it");
  await state(page, "complete");
  await text(page, "Receipt");
  await accessible(page, "receipt");
  await leftNothing(page);

  // What is kept in the browser opens nothing to scripts; signing out ends it.
  const cookies = await browser.cookies();
  const mine = cookies.find((c) => c.name === "__Host-conga");
  assert.ok(mine.httpOnly && mine.secure && mine.sameSite === "Strict" && mine.path === "/" && mine.session, JSON.stringify({ ...mine, value: "" }));
  assert.equal(await page.evaluate(() => document.cookie), "");
  await button(page, "Sign out");
  await text(page, "You are signed out.");
  assert.equal((await browser.cookies()).length, 0);
  await page.close();
  return at;
}

async function leftNothing(page) {
  const kept = await page.evaluate(() => JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage).filter(([k]) => k !== "conga.map.positions")]));
  assert.equal(kept, "[[],[]]");
}

/** ended has a session end in the middle of the work. */
async function ended() {
  const page = await newPage(1200, 800);
  await page.goto(address, { waitUntil: "networkidle2" });
  await signIn(page, { user: "abc123", project: "projectB" });
  await text(page, "Live: changes show by themselves.");
  expected += 20; // whatever asks until the page has noticed
  await page.evaluate(() => fetch("/api/v1/session", { method: "DELETE", headers: { "Conga-Page": "1" } }));
  await text(page, "Your session has ended");
  await pause(300);
  expected = 0;
  await page.close();
}

/** What a name may hold; it runs nowhere. */
const script = `<script>alert(1)</script><img src=x onerror="alert(2)"> javascript:alert(3) {{4}}`;

/** hostile has script in every text of an answer that a person or a switch may have chosen. */
async function hostile() {
  const page = await newPage(1200, 800);
  await page.evaluateOnNewDocument((script) => {
    const chosen = new Set(["user_id", "project_id", "changed_by", "reason", "description", "errors"]);
    const put = (v, key) => Array.isArray(v) ? v.map((one) => put(one, key))
      : v && typeof v === "object" ? Object.fromEntries(Object.entries(v).map(([k, one]) => [k, chosen.has(k) ? script : put(one, k)])) : v;
    const real = globalThis.fetch;
    globalThis.fetch = async (...request) => {
      const answer = await real(...request);
      return new Response(JSON.stringify(put(await answer.json())), { status: answer.status, headers: answer.headers });
    };
  }, script);
  await page.goto(address, { waitUntil: "networkidle2" });
  await signIn(page, { user: "abc123", project: "projectB" });
  await text(page, `${script}, ${script}`);
  await text(page, "left"); // the list is there
  await page.locator(".card a").click();
  await text(page, "Window and rate");
  await text(page, script);
  assert.equal(await page.evaluate(() => document.querySelectorAll("#page img, #page script").length), 0);
  await button(page, "Sign out");
  await text(page, "You are signed out.");
  await page.close();
}

/** unanswered loses the answers to a request, which is made again, and to a release, of which events tell. */
async function unanswered() {
  const page = await newPage(1200, 800);
  await page.evaluateOnNewDocument(() => {
    const real = globalThis.fetch, lost = new Set();
    globalThis.fetch = async (address, options) => {
      const answer = await real(address, options), method = options?.method ?? "GET";
      if (!String(address).includes("/allocations") || method === "GET" || lost.has(method)) return answer;
      lost.add(method);
      throw new TypeError("Failed to fetch");
    };
  });
  await page.goto(address, { waitUntil: "networkidle2" });
  await signIn(page, { user: "abc123", project: "projectB" });
  await page.locator("::-p-aria([name=\"New allocation\"][role=\"link\"])").click();
  for (const [name, value] of Object.entries({ src: "10.0.0.2", dst: "10.0.0.3", dst_port: "7010", rate: "2M" })) await fill(page, name, value);
  await text(page, "It fits: ");
  await button(page, "Ask for it");
  await text(page, "The server does not answer");
  await button(page, "Ask for it");
  await text(page, "Window and rate");
  const those = () => page.evaluate(async () => (await (await fetch("/api/v1/allocations?per_page=1000")).json()).results.filter((a) => a.dst_port === 7010).map((a) => a.state));
  assert.equal((await those()).length, 1, "asked for twice, since the first answer was lost");
  await button(page, "Release…");
  await button(page, "Release it");
  await state(page, "complete"); // an event tells it
  await text(page, "Receipt");
  assert.deepEqual(await those(), ["complete"]);
  await button(page, "Sign out");
  await text(page, "You are signed out.");
  await page.close();
}

/** operator looks at the map, which says the same in words. */
async function operator(width) {
  const page = await newPage(width, 900);
  await page.goto(address, { waitUntil: "networkidle2" });
  await page.locator("::-p-aria([name=\"an operator\"][role=\"radio\"])").click();
  await signIn(page, { key: readFileSync(keyFile, "utf8").trim() });
  await page.locator("::-p-aria([name=\"Map\"][role=\"link\"])").click();
  await text(page, "4 switches, 4 links");
  await page.waitForSelector("canvas");
  const first = await page.$eval("main select option:nth-child(2)", (o) => o.value);
  await page.select("main select", first);
  await page.locator("summary").click();
  await text(page, "on it");
  await pause(500);
  await accessible(page, "map");
  await leftNothing(page);
  await button(page, "Sign out");
  await text(page, "You are signed out.");
  await page.close();
}

try {
  for (const [i, width] of [1280, 400].entries()) {
    await user(width, 7001 + i);
    await operator(width);
  }
  const dark = await newPage(1280, 800);
  await dark.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]);
  await dark.goto(address, { waitUntil: "networkidle2" });
  await text(dark, "Sign in as");
  await accessible(dark, "sign in, dark");
  await dark.close();
  await ended();
  await unanswered();
  await hostile();
  assert.deepEqual(said, [], "the console, and requests");
  console.log("the page passes");
} catch (err) {
  console.error(err.message, said);
  process.exitCode = 1;
} finally {
  await browser.close();
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
}

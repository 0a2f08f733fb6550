// Drives the page in a headless Chromium as a user does, and fails at the first
// thing that is not as it should be. The daemon has the emulated network of
// congad demo. What operators do is in operator.mjs.
// Arguments: the page's address, the admin's key's file, a folder for
// screenshots (or none), and Chromium.
import assert from "node:assert/strict";
import { button, fill, launch, link, operator, signIn, state, text, until } from "./drive.mjs";

const [address, keyFile, pictures, executablePath] = process.argv.slice(2);
const driver = await launch({ address, pictures, executablePath });
const { browser, said } = driver;
const newPage = (width, height) => driver.newPage(width, height);
const accessible = (page, where) => driver.accessible(page, where);

/** user signs in, asks, watches, extends, changes, releases, and signs out. */
async function user(width, port) {
  const page = await newPage(width, 800);
  await page.goto(address, { waitUntil: "networkidle2" });
  await text(page, "Sign in as");
  await accessible(page, "sign in");
  driver.expected++;
  await signIn(page, { user: "abc123", project: "<script>alert(1)</script>" });
  await page.waitForSelector("[role=alert]");
  await signIn(page, { user: "abc123", project: "projectB" });
  await text(page, "New allocation");
  await text(page, "Live: changes show by themselves.");
  await page.waitForSelector(".spark canvas");
  if (width > 960) {
    const first = () => page.$eval(".list tbody tr", (row) => row.innerText);
    await button(page, "Rate");
    assert.match(await first(), /60 Mbit/);
    await page.keyboard.press("Enter"); // the head has the focus
    assert.match(await first(), /20 Mbit/);
    assert.equal(await page.$eval("[aria-sort]", (head) => `${head.innerText.split(" ")[0]} ${head.ariaSort}`), "Rate ascending");
  }
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
  await page.waitForSelector(".path-drawing canvas");
  await text(page, "port ");
  await text(page, "Connections and users");
  await accessible(page, "allocation");
  const at = await page.evaluate(() => location.hash);

  await link(page, "Calendar");
  await text(page, "Calendar: Project projectB");
  await page.waitForSelector(".plot canvas");
  await text(page, `10.0.0.3:${port}`);
  await button(page, "Zoom in");
  await until(page, "half a day is shown", () => document.querySelector("[name=span]").selectedOptions[0].text === "12 h");
  await text(page, "are reserved at");
  if (width < 960) await accessible(page, "calendar"); // a wide one is the operator's
  await page.goBack();
  await text(page, "Window and rate");

  await button(page, "Extend…");
  await fill(page, "more", "2 min");
  await accessible(page, "extend");
  await page.keyboard.press("Enter");
  await text(page, "It now ends");
  await text(page, "7 min");
  await button(page, "Change…");
  driver.expected++;
  await fill(page, "rate", "900G");
  await page.keyboard.press("Enter");
  await text(page, "What would be taken instead");
  if (width < 960) await accessible(page, "refused");
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
  const kept = await page.evaluate(() => JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage)]));
  assert.equal(kept, "[[],[]]");
}

/** ended has a session end in the middle of the work. */
async function ended() {
  const page = await newPage(1200, 800);
  await page.goto(address, { waitUntil: "networkidle2" });
  await signIn(page, { user: "abc123", project: "projectB" });
  await text(page, "Live: changes show by themselves.");
  driver.expected += 20; // whatever asks until the page has noticed
  await page.evaluate(() => fetch("/api/v1/session", { method: "DELETE", headers: { "Conga-Page": "1" } }));
  await text(page, "Your session has ended");
  await page.close(); // what it has asked meanwhile is answered, or never will be
  driver.expected = 0;
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

/** atIssuer comes back from an issuer that refuses, and with a code that opens nothing; there, an issuer is only said to be. */
async function atIssuer(width) {
  const page = await newPage(width, 800);
  await page.evaluateOnNewDocument(() => {
    const real = globalThis.fetch;
    globalThis.fetch = async (address, options) => String(address).endsWith("/session/oidc")
      ? Response.json({ status: 0, results: [{ issuer: "https://login.example", client_id: "conga", redirect_uri: `${location.origin}/`, _links: {} }], errors: [] })
      : real(address, options);
  });
  await page.goto(`${address}/?error=access_denied&error_description=Call+0900&state=x`, { waitUntil: "networkidle2" });
  await text(page, "was declined at your institution's page");
  await text(page, "a member of an institution");
  await page.waitForSelector("::-p-aria([name=\"Sign in at login.example\"][role=\"button\"])");
  assert.equal(await page.evaluate(() => location.search + document.body.innerText.includes("0900")), "false");
  await accessible(page, "sign in at an issuer");
  driver.expected++;
  await page.goto(`${address}/?code=guessed&state=guessed`, { waitUntil: "networkidle2" });
  await text(page, "this server signs nobody in at an issuer");
  assert.equal(await page.evaluate(() => location.search), "");
  await page.locator("::-p-aria([name=\"a user with a password\"][role=\"radio\"])").click();
  await page.waitForSelector("[name=password]");
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

/** calendar looks at a link's calendar, from an hour to two years. */
async function calendar(width) {
  const page = await newPage(width, 900);
  await operator(driver, page, keyFile, "#/calendar");
  await text(page, "Choose a project or a link");
  await page.waitForSelector("[name=subject] optgroup[label=Links]");
  const of = await page.$$eval("[name=subject] optgroup[label=Links] option", (all) => all.find((o) => o.text.includes("1:3 → 2:1")).value);
  await page.select("[name=subject]", of);
  await text(page, "of 80 Mbit/s that allocations may hold (capacity 100 Mbit/s)");
  await page.waitForSelector(".plot canvas");
  for (const span of ["an hour", "two years"]) {
    const value = await page.$$eval("[name=span] option", (all, span) => all.find((o) => o.text === span).value, span);
    await page.select("[name=span]", value);
    await text(page, "are reserved at");
  }
  await text(page, "10.0.0.1 → 10.0.0.3"); // holds it
  await text(page, "waits for its start at"); // and that waits
  await accessible(page, "calendar of a link");
  await button(page, "Sign out");
  await text(page, "You are signed out.");
  await page.close();
}

try {
  for (const [i, width] of [1280, 400].entries()) {
    await user(width, 7001 + i);
    await calendar(width);
  }
  const dark = await newPage(1280, 800);
  await dark.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]);
  await dark.goto(address, { waitUntil: "networkidle2" });
  await text(dark, "Sign in as");
  await accessible(dark, "sign in, dark");
  await dark.close();
  await atIssuer(400);
  await ended();
  await unanswered();
  await hostile();
  assert.deepEqual(said, [], "the console, and requests");
  console.log("the page passes");
} catch (err) {
  console.error(err.stack, said);
  process.exitCode = 1;
} finally {
  await driver.close();
}

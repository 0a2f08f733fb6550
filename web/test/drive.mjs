// What the tests of the page have in common: a headless Chromium, what must not
// happen in it, and what a person does.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer from "puppeteer-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** drive runs a test, and fails at the first thing that is not as it should be. */
export async function drive(where, test) {
  const driver = await launch(where);
  try {
    await test(driver);
    assert.deepEqual(driver.said, [], "the console, and requests");
  } catch (err) {
    console.error(err.stack, driver.said);
    process.exitCode = 1;
  } finally {
    await driver.close();
  }
}

/** launch starts the browser. */
export async function launch({ address, pictures = "none", executablePath = "/usr/bin/chromium" }) {
  const profile = mkdtempSync(join(tmpdir(), "conga-page-"));
  const browser = await puppeteer.launch({
    executablePath, userDataDir: profile, acceptInsecureCerts: true,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  return new Driver({ browser, profile, address, pictures });
}

class Driver {
  said = [];
  expected = 0; // refusals that the test itself asks for, which browsers log

  constructor(parts) {
    Object.assign(this, parts);
  }

  async close() {
    await this.browser.close();
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }

  async newPage(width, height) {
    const page = await this.browser.newPage();
    const said = this.said;
    await page.setViewport({ width, height });
    page.setDefaultTimeout(40000);
    page.on("console", (m) => (/status of 4\d\d/.test(m.text()) && this.expected > 0 ? this.expected-- : said.push(`console: ${m.text()} ${m.location().url ?? ""}`)));
    page.on("pageerror", (e) => said.push(`error: ${e.message}`));
    page.on("dialog", (d) => { said.push(`dialog: ${d.message()}`); void d.dismiss(); });
    page.on("request", (r) => { if (!r.url().startsWith(this.address) && !r.url().startsWith("data:")) said.push(`request elsewhere: ${r.url()}`); });
    return page;
  }

  /** accessible fails if axe-core finds anything serious. */
  async accessible(page, where) {
    await page.evaluate(axe);
    const found = await page.evaluate(async () => (await globalThis.axe.run(document, { resultTypes: ["violations"] })).violations
      .filter((v) => v.impact === "serious" || v.impact === "critical").map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ") + " " + n.failureSummary).join("; ")}`));
    assert.deepEqual(found, [], `axe-core, ${where}`);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(wide <= 0, `${where} scrolls sideways by ${wide} pixels at ${page.viewport().width}`);
    if (this.pictures !== "none") await page.screenshot({ path: join(this.pictures, `${where.replaceAll(" ", "-")}-${page.viewport().width}.png`), fullPage: true });
  }
}

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** until waits for what a function of the page says of an argument. */
export const until = (page, what, f, arg) => page.waitForFunction(f, {}, arg).catch(async () => {
  throw new Error(`never: ${what}, but\n${await page.evaluate(() => document.body.innerText)}`);
});
export const text = (page, wanted) => until(page, `the page says ${JSON.stringify(wanted)}`, (t) => document.body.innerText.includes(t), wanted);
export const state = (page, wanted) => until(page, `it is ${wanted}`, (t) => document.querySelector("[aria-label=State]")?.textContent.includes(t), wanted);
export const button = (page, name) => page.locator(`::-p-aria([name="${name}"][role="button"])`).click();
export const link = (page, name) => page.locator(`::-p-aria([name="${name}"][role="link"])`).click();

export async function fill(page, name, value) {
  const field = await page.waitForSelector(`[name="${name}"]`);
  await field.click({ count: 3 });
  await page.keyboard.press("Backspace");
  await field.type(value);
}

export async function signIn(page, fields) {
  for (const [name, value] of Object.entries(fields)) await fill(page, name, value);
  await page.keyboard.press("Enter"); // no mouse is needed
}

/** operator signs in with a key, at an address of the page. */
export async function operator(driver, page, keyFile, at = "") {
  await page.goto(`${driver.address}/${at}`, { waitUntil: "networkidle2" });
  await page.locator("::-p-aria([name=\"an operator\"][role=\"radio\"])").click();
  await signIn(page, { key: readFileSync(keyFile, "utf8").trim() });
  await text(page, "Live: changes show by themselves.");
}

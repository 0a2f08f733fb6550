// A user's way through the page against real switches, whose test cuts a link
// when this says so. Arguments: the page's address, user, project, source,
// destination, a switch of the first path and one of the second, and Chromium.
// It prints one line a step, as JSON. For each line "watch" that it reads it waits
// until the page shows the other path; it goes on when it reads an empty one.
import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { button, drive, fill, link, signIn, state, text, until } from "./drive.mjs";

const [address, user, project, src, dst, first, second, executablePath] = process.argv.slice(2);
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (step) => console.log(JSON.stringify(step));

const hops = (page, dpid) => until(page, `its path crosses ${dpid}`, (dpid) => document.querySelector(".hops")?.textContent.includes(dpid), dpid);

await drive({ address, executablePath }, async (driver) => {
  const page = await driver.newPage(1000, 900);
  await page.goto(address, { waitUntil: "networkidle2" });
  await signIn(page, { user, project });
  await text(page, "Live: changes show by themselves.");
  await link(page, "New allocation");
  for (const [name, value] of Object.entries({ src, dst, rate: "2M", duration: "10 min" })) await fill(page, name, value);
  await page.select("[name=protocol]", "any");
  await text(page, "It fits: ");
  await button(page, "Ask for it");
  await text(page, "Window and rate");
  await state(page, "active");
  await hops(page, first);
  await until(page, "its rate shows", () => [...document.querySelectorAll("main meter")].some((m) => m.value > 0));
  say({ step: "carried", rate: await page.$eval("main meter", (m) => m.value) });
  for (;;) {
    const { value, done } = await answers.next();
    assert.ok(!done, "the test has ended");
    if (!value) break;
    const leaves = (await page.$eval(".hops", (hops) => hops.textContent)).includes(first) ? first : second;
    // The page notes by itself when it shows the other path.
    const moved = page.evaluate((wanted) => new Promise((done) => {
      const look = () => {
        if (document.querySelector(".hops")?.textContent.includes(wanted)) done(Date.now());
        else requestAnimationFrame(look);
      };
      look();
    }), leaves === first ? second : first);
    say({ step: "watching", leaves });
    say({ step: "moved", at: await moved });
  }
  await button(page, "Extend…");
  await fill(page, "more", "2 min");
  await page.keyboard.press("Enter");
  await text(page, "It now ends");
  await button(page, "Release…");
  await button(page, "Release it");
  await state(page, "complete");
  await button(page, "Sign out");
  await text(page, "You are signed out.");
  assert.equal((await driver.browser.cookies()).length, 0);
  say({ step: "done" });
});
process.stdin.destroy();

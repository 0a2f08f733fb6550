// Shows the map of a large network in a headless Chromium while a hundred links
// a second change, and prints how smoothly that goes. Arguments: the page's
// address, how many switches and links there are, for how many seconds to look,
// a folder for pictures (or none), and Chromium.
import { join } from "node:path";
import { drive, pause, text, until } from "./drive.mjs";

const [address, switches, links, seconds, pictures, executablePath] = process.argv.slice(2);

/** watch has the page note its own long tasks and frames. */
function watch() {
  globalThis.tasks = [];
  globalThis.frames = [];
  new PerformanceObserver((l) => { for (const e of l.getEntries()) globalThis.tasks.push([Math.round(e.startTime), Math.round(e.duration)]); }).observe({ type: "longtask", buffered: true });
  let before = performance.now();
  const frame = (now) => {
    globalThis.frames.push([Math.round(now), Math.round(now - before)]);
    before = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

const longest = (list) => Math.max(0, ...list.map(([, took]) => took));

/** onProcessor returns how long the tasks of the page kept a processor busy, whatever else runs on this machine. */
function onProcessor(trace) {
  const events = JSON.parse(Buffer.from(trace).toString()).traceEvents;
  const thread = (e) => `${e.pid} ${e.tid}`;
  const ours = thread(events.find((e) => e.name === "map drawn")); // the browser has pages of its own
  const took = events.filter((e) => e.ph === "X" && e.name.endsWith("RunTask") && thread(e) === ours).map((e) => (e.tdur ?? 0) / 1000);
  return `the longest task took ${Math.round(Math.max(0, ...took))} ms of a processor, all together ${Math.round(took.reduce((a, b) => a + b, 0))} ms`;
}

await drive({ address, pictures, executablePath }, async (driver) => {
  const page = await driver.newPage(1280, 900);
  await page.evaluateOnNewDocument(watch);
  await page.tracing.start({ categories: ["toplevel", "blink.user_timing"] });
  await page.goto(`${address}/#/map`);
  await until(page, "the map is drawn", () => performance.getEntriesByName("map drawn").length > 0);
  const first = await page.evaluate(() => ({
    paint: Math.round(performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN),
    drawn: Math.round(performance.getEntriesByName("map drawn")[0].startTime), tasks: globalThis.tasks,
  }));
  const loading = onProcessor(await page.tracing.stop());
  console.log(`first paint ${first.paint} ms, whole map drawn ${first.drawn} ms; long tasks until then: ${first.tasks.length}, the longest ${longest(first.tasks)} ms; ${loading}`);
  await text(page, `${switches} switches, ${links} links`);
  await pause(1500); // what still belongs to the beginning
  await page.tracing.start({ categories: ["toplevel", "blink.user_timing"] });
  const from = await page.evaluate(() => performance.now());
  const count = () => page.evaluate(() => performance.getEntriesByName("map drawn").length);
  const before = await count();
  await pause(1000 * Number(seconds));
  const during = await page.evaluate((from) => ({
    tasks: globalThis.tasks.filter(([at]) => at >= from), frames: globalThis.frames.filter(([at]) => at >= from),
  }), from);
  await until(page, "the map is drawn while links change", (before) => performance.getEntriesByName("map drawn").length > before, before);
  const changes = (await count()) - before;
  const busy = onProcessor(await page.tracing.stop());
  console.log(`while 100 links a second change, for ${seconds} s: ${during.tasks.length} tasks above 50 ms, the longest ${longest(during.tasks)} ms; ${during.frames.length} frames, the longest gap ${longest(during.frames)} ms; drawn ${changes} times; ${busy}`);
  if (pictures !== "none") await page.screenshot({ path: join(pictures, "large-map.png") });
});

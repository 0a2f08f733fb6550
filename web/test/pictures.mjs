// Makes the pictures of the README from congad demo. Arguments: the page's
// address, the admin's key's file, the folder for the pictures, and Chromium.
import { join } from "node:path";
import { drive, fill, operator, pause, text, until } from "./drive.mjs";

const [address, keyFile, folder, executablePath] = process.argv.slice(2);

/** Each picture's name, the page that it is of, and what is done there before. */
const pictures = [
  ["allocations", "#/", (page) => text(page, "left")],
  ["allocation", "#/", async (page) => {
    await page.locator('::-p-text(10.0.0.1 → 10.0.0.3)').click();
    await page.waitForSelector(".plot canvas");
    await text(page, "were delivered on average");
  }],
  ["new", "#/new", async (page) => {
    for (const [name, value] of Object.entries({ src: "10.0.0.2", dst: "10.0.0.3", dst_port: "7001", project: "projectB", rate: "900M" })) await fill(page, name, value);
    await text(page, "What would fit instead");
  }],
  ["map", "#/map", async (page) => {
    await until(page, "the map is drawn", () => performance.getEntriesByName("map drawn").length > 0);
    await page.$eval(".carried li:last-child a", (a) => a.focus({ preventScroll: true })); // which shows its path
  }],
  ["switch", "#/operate/switches/0000000000000001", (page) => text(page, "table=0")],
];

await drive({ address, executablePath }, async (driver) => {
  const page = await driver.newPage(1100, 780);
  await page.emulateTimezone("UTC");
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }, { name: "prefers-reduced-motion", value: "reduce" }]);
  await operator(driver, page, keyFile);
  for (const [name, at, before] of pictures) {
    await page.evaluate((at) => { location.hash = at; scrollTo(0, 0); }, at);
    await before(page);
    await pause(1000); // figures that come a moment later
    await page.evaluate((y) => scrollTo(0, y), name === "new" ? 1e6 : 0); // what would fit is at its end
    await page.screenshot({ path: join(folder, `${name}.png`) });
  }
});

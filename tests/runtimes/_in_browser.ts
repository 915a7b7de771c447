// Runs a script in a browser, and prints its output: `_in_browser.ts BROWSER SCRIPT`.
// The script has ended when it prints the numbers of passed and failed checks.

import { chromium } from "playwright-core";

const [executablePath, script] = Deno.args;
await using browser = await chromium.launch({
  executablePath: executablePath!,
});
const page = await browser.newPage();
const over = Promise.withResolvers<void>();
page.on("console", (message) => {
  console.log(message.text());
  if (/^\d+ passed, /.test(message.text())) over.resolve();
});
page.on("pageerror", (error) => {
  console.error(error);
  over.resolve();
});
// A secure context, as pages have it that are served over HTTPS.
const address = "http://localhost/";
await page.route(address, (route) => route.fulfill({ body: "" }));
await page.goto(address);
await page.addScriptTag({ type: "module", path: script! });
await over.promise;

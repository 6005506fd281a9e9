// SPDX-License-Identifier: MPL-2.0
//
// Makes pictures of messages, for people to look at: node render.mjs SAMPLES IMAGES
//
// Each *.json in SAMPLES is what Teams is sent; its Adaptive Card is drawn by Microsoft's renderer, as the name says: in
// the theme light or dark, and with its context unfolded. Each *.html is a mail. Chromium (CHROMIUM names another browser)
// draws them, without a network.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const [samples, images] = process.argv.slice(2).map((dir) => resolve(dir));
const work = mkdtempSync(join(tmpdir(), "pictures-"));

// A page holds its content and says, once it is drawn, how high it is.
const measure = "<script>addEventListener('load', () => { const shown = document.querySelector('iframe'); " +
  "document.documentElement.dataset.height = Math.ceil(shown ? shown.contentDocument.documentElement.scrollHeight : document.body.scrollHeight); });</script>";

function cardPage(message, theme, unfolded) {
  const script = (path) => `<script src="${pathToFileURL(join(here, "node_modules", path))}"></script>`;
  const data = (value) => JSON.stringify(value).replaceAll("<", "\\u003c");
  return `<!DOCTYPE html><meta charset="utf-8">
<link rel="stylesheet" href="${pathToFileURL(join(here, "teams.css"))}">
<body class="${theme}"><div id="card"></div>
${script("adaptivecards/dist/adaptivecards.min.js")}${script("markdown-it/dist/markdown-it.min.js")}
<script>
AdaptiveCards.AdaptiveCard.onProcessMarkdown = (text, result) => { result.outputHtml = markdownit().render(text); result.didProcess = true; };
const card = new AdaptiveCards.AdaptiveCard();
card.hostConfig = new AdaptiveCards.HostConfig(${readFileSync(join(here, `teams-${theme}.json`), "utf8")});
card.parse(${data(message.attachments[0].content)});
document.getElementById("card").append(card.render());
for (const at of document.querySelectorAll("p")) at.innerHTML = at.innerHTML.replace(/&lt;at&gt;(.*?)&lt;\\/at&gt;/g, "<span class=at>$1</span>");
if (${unfolded}) [...document.querySelectorAll("button")].find((b) => b.innerText.includes("context")).click();
</script>${measure}`;
}

function mailPage(html) {
  const quoted = html.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
  return `<!DOCTYPE html><meta charset="utf-8"><style>body{margin:0}iframe{border:0;width:100vw;height:100vh}</style>
<iframe srcdoc="${quoted}"></iframe>${measure}`;
}

function chromium(...more) {
  return execFileSync(process.env.CHROMIUM ?? "chromium", [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run", "--hide-scrollbars", "--force-device-scale-factor=1", `--user-data-dir=${join(work, "profile")}`, ...more,
  ], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], timeout: 60_000 });
}

function draw(name, page, width) {
  const file = join(work, `${name}.html`);
  writeFileSync(file, page);
  const url = String(pathToFileURL(file));
  const height = Number(/<html[^>]* data-height="(\d+)"/.exec(chromium(`--window-size=${width},800`, "--dump-dom", url))?.[1]);
  if (!height) throw new Error(`${name} was not drawn`);
  chromium(`--window-size=${width},${height}`, `--screenshot=${join(images, `${name}.png`)}`, url);
  console.log(`${name}.png`);
}

try {
  for (const file of readdirSync(samples).sort()) {
    const text = readFileSync(join(samples, file), "utf8");
    if (file.endsWith(".json")) {
      const name = basename(file, ".json");
      draw(name, cardPage(JSON.parse(text), name.includes("-dark") ? "dark" : "light", name.includes("-unfolded")), 720);
    } else if (file.endsWith(".html")) {
      draw(basename(file, ".html"), mailPage(text), 720);
    }
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}

// Grades pages: takes one JSON object on the standard input, answers one line of JSON a page.

import { writeFileSync } from "node:fs";
import { text } from "node:stream/consumers";

import { stand } from "./proxy.mjs";

const SCANNER = new URL("./node_modules/@mdn/mdn-http-observatory/", import.meta.url);
const part = (path) => import(new URL(`src/${path}`, SCANNER));

// The list of hosts that browsers know to be https only. Ours, made up, are not on it.
writeFileSync(new URL("conf/hsts-preload.json", SCANNER), "{}");

const { ALL_TESTS } = await part("constants.js");
const { MINIMUM_SCORE_FOR_EXTRA_CREDIT } = await part("grader/charts.js");
const { getScoreModifier } = await part("grader/grader.js");
const { retrieve } = await part("retriever/retriever.js");
const { scan } = await part("scanner/index.js");

const ACCEPT = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

/** The scanner's `scan()` takes neither a path, a cookie nor a 404, so its parts do the same. */
async function grade({ host, path, cookie }) {
  const headers = cookie ? [ACCEPT, `Cookie: ${cookie}`] : [ACCEPT];
  const requests = await retrieve(host, { path, headers });
  const results = ALL_TESTS.map((test) => test(requests));
  const modifiers = results.map(({ result }) => getScoreModifier(result));
  const lost = sum(modifiers.filter((modifier) => modifier < 0));
  const earned = 100 + lost >= MINIMUM_SCORE_FOR_EXTRA_CREDIT ? sum(modifiers) : lost;
  return {
    status: requests.responses.auto.status,
    score: Math.max(100 + earned, 0),
    results: results.map(({ result }, index) => [result, modifiers[index]]),
  };
}

/** Where `scan()` can say it itself, both must say the same. */
async function check({ host, path, cookie }, { status, score }) {
  if (cookie || status !== 200) return;
  const said = (await scan(host + path)).scan.score;
  if (said !== score) throw new Error(`scan() gives ${host}${path} ${said} points, not ${score}.`);
}

const { web, key, certificate, pages } = JSON.parse(await text(process.stdin));
await stand(web, key, certificate);
for (const page of pages) {
  const found = await grade(page);
  await check(page, found);
  console.log(JSON.stringify(found));
}
process.exit(0);

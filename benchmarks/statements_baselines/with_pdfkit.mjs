// The same statement table drawn with pdfkit: `with_pdfkit.mjs FONTS ROWS.jsonl OUT.pdf`.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import readline from "node:readline";

const [fonts, rows, out] = process.argv.slice(2);
const began = process.hrtime.bigint();
const PDFDocument = createRequire(path.join(process.cwd(), "package.json"))("pdfkit");
const ready = process.hrtime.bigint();
const LEFT = 38, RIGHT = 557.28, TOP = 74, BOTTOM = 789.89, ROW = 23;
const COLUMNS = [[45, "Date"], [110, "Reference"], [180, "Details"]];
const FIGURES = [[405.28, "Money out"], [477.28, "Money in"], [550.28, "Balance"]];

const doc = new PDFDocument({ size: "A4", margin: 0, autoFirstPage: false });
const file = fs.createWriteStream(out);
doc.pipe(file);
doc.registerFont("Regular", path.join(fonts, "NotoSans-Regular.ttf"));
doc.registerFont("Bold", path.join(fonts, "NotoSans-Bold.ttf"));
const left = (text, x, y) => doc.text(text, x, y, { lineBreak: false });
const right = (text, x, y) => doc.text(text, x - doc.widthOfString(text), y, { lineBreak: false });

let page = 0, y = 0, number = 0;
function furniture() {
  doc.addPage();
  page += 1;
  doc.rect(LEFT, TOP, RIGHT - LEFT, 19).fill("#0b5f53");
  doc.fillColor("#ffffff").font("Bold").fontSize(7.5);
  for (const [x, title] of COLUMNS) left(title, x, TOP + 5);
  for (const [x, title] of FIGURES) right(title, x, TOP + 5);
  doc.fillColor("#66727f").font("Regular").fontSize(7.5);
  left("Reference 7KQ2MRX9TB", LEFT, 806);
  right(`Page ${page}`, RIGHT, 806);
  y = TOP + 19;
}

for await (const line of readline.createInterface({ input: fs.createReadStream(rows) })) {
  const [day, clock, reference, details, more, moneyOut, moneyIn, balance] = JSON.parse(line);
  if (page === 0 || y + ROW > BOTTOM) furniture();
  if (number % 2) doc.rect(LEFT, y, RIGHT - LEFT, ROW).fill("#f3f7f6");
  doc.fillColor("#66727f").font("Regular").fontSize(6.5);
  left(clock, 45, y + 13);
  left(more, 180, y + 13);
  doc.fillColor("#17212b").fontSize(8);
  left(day, 45, y + 3);
  left(reference, 110, y + 3);
  left(details, 180, y + 3);
  [moneyOut, moneyIn, balance].forEach((amount, n) => { if (amount) right(amount, FIGURES[n][0], y + 7); });
  y += ROW;
  number += 1;
}
doc.end();
await new Promise((resolve) => file.on("finish", resolve));
const since = (moment) => Number(process.hrtime.bigint() - moment) / 1e9;
const peak = /VmHWM:\s+(\d+)/.exec(fs.readFileSync("/proc/self/status", "utf8"))[1] * 1024;
console.log(JSON.stringify([since(ready), since(began), peak]));

// ussd-state-builder on node's http with its own Redis storage: the two menus of the benchmark.
// Run with REDIS_URL and PORT, where `npm install ussd-state-builder redis` was run.
import http from "node:http";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { RedisStorage } = require("ussd-state-builder");
const { createApp } = require("ussd-state-builder/sdk");

const app = createApp()
  .state("language", (state) =>
    state
      .message("Welcome to Cycle\nKaribu Cycle\n1 English\n2 Kiswahili")
      .on("1").goto("consent")
      .on("2").goto("consent"),
  )
  .state("consent", (state) =>
    state
      .message("Do you accept our terms?\n1 I accept\n2 No\n0 Back 00 Home")
      .on("0").goto("language"),
  )
  .start("language")
  .storage(new RedisStorage({ url: process.env.REDIS_URL }))
  .timeout(240)
  .logger(null)
  .build();

http
  .createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", async () => {
      const form = Object.fromEntries(new URLSearchParams(body));
      const typed = form.text.split("*").at(-1);
      const text = await app.processInput(form.sessionId, typed);
      response.writeHead(200, { "Content-Type": "text/plain" });
      response.end(text);
    });
  })
  .listen(Number(process.env.PORT), "127.0.0.1");

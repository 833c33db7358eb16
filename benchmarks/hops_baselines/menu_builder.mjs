// ussd-menu-builder on node's http with Redis: the two menus of the benchmark, one GET and one
// SETEX a hop. Run with REDIS_URL and PORT, where `npm install ussd-menu-builder redis` was run.
import http from "node:http";
import UssdMenu from "ussd-menu-builder";
import { createClient } from "redis";

const redis = await createClient({ url: process.env.REDIS_URL }).connect();

function newMenu() {
  // An instance a request: the shared one of its README mixes up concurrent callers.
  const menu = new UssdMenu();
  menu.startState({
    run: () => menu.con("Welcome to Cycle\nKaribu Cycle\n1 English\n2 Kiswahili"),
    next: { 1: "consent", 2: "consent" },
  });
  menu.state("consent", {
    run: () => menu.con("Do you accept our terms?\n1 I accept\n2 No\n0 Back 00 Home"),
    next: { 0: "__start__" },
  });
  return menu;
}

http
  .createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", async () => {
      const form = Object.fromEntries(new URLSearchParams(body));
      const hops = Number((await redis.get(form.sessionId)) ?? 0);
      newMenu().run(form, async (text) => {
        await redis.setEx(form.sessionId, 240, String(hops + 1));
        response.writeHead(200, { "Content-Type": "text/plain" });
        response.end(text);
      });
    });
  })
  .listen(Number(process.env.PORT), "127.0.0.1");

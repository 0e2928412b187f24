// finance.mjs is the finance bot's job by WAHA's paths: it takes the webhook, writes the amount down and answers.
import { createServer } from "node:http";
const totals = {};
createServer((request, response) => {
  let body = "";
  request.on("data", (part) => (body += part)).on("end", async () => {
    response.end();
    const { event, session, payload } = JSON.parse(body);
    const amount = event === "message" && /^(\S+) (\d+)$/.exec(payload.body);
    if (!amount) return;
    totals[payload.from] = (totals[payload.from] ?? 0) + Number(amount[2]);
    const reply = { session, chatId: payload.from, reply_to: payload.id, text: `${amount[1]}: ${amount[2]}. Total: ${totals[payload.from]}` };
    await fetch(`${process.env.BOT}/api/sendText`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(reply) });
  });
}).listen(Number(process.env.PORT), "127.0.0.1", () => console.log("listening"));

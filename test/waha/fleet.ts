// fleet.ts does with many sessions what a provider's code does with WAHA: `make` creates them, `codes` reads their codes,
// `use` sends from each to the next and reads it there, `end` stops and deletes them.
import { client, report, wrong } from "./checked.js";

const [what, ...names] = process.argv.slice(2);
const { HOOK, NUMBERS = "" } = process.env as Record<string, string>;
const numbers = NUMBERS.split(",");
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

async function make() {
  for (const name of names) {
    const config = { metadata: { customer: name }, webhooks: [{ url: HOOK, events: ["message", "session.status"], hmac: { key: "a-key-of-the-fleet" } }] };
    const made = await client.POST("/api/sessions", { body: { name, start: true, config } as never });
    if (made.data?.name !== name) wrong.push(`made ${made.data?.name} in place of ${name}`);
    await client.PUT("/api/sessions/{session}", { params: { path: { session: name } }, body: { config: made.data?.config } as never });
  }
  const all = await client.GET("/api/sessions", { params: { query: { all: true } } });
  if (all.data?.length !== names.length) wrong.push(`${all.data?.length} sessions are listed`);
  report();
}

async function codes() {
  const found: Record<string, string> = {};
  for (const session of names) {
    const code = await client.GET("/api/{session}/auth/qr", { params: { path: { session }, query: { format: "raw" } } });
    found[session] = (code.data as any)?.value ?? "";
  }
  report({ codes: found });
}

async function use() {
  await Promise.all(names.map(async (session, i) => {
    const next = (i + 1) % names.length;
    const chatId = `${numbers[next]}@c.us`;
    const me = await client.GET("/api/sessions/{session}/me", { params: { path: { session } } });
    if (me.data?.id !== `${numbers[i]}@c.us`) wrong.push(`${session} is ${me.data?.id}`);
    await client.GET("/api/contacts/check-exists", { params: { query: { session, phone: numbers[next] } } });
    await client.POST("/api/sendText", { body: { session, chatId, text: `from ${session}` } });
    const path = { session: names[next], chatId: `${numbers[i]}@c.us` };
    for (let tries = 0; ; tries++) {
      const messages = await client.GET("/api/{session}/chats/{chatId}/messages", { params: { path, query: { limit: 5 } as never } });
      if ((messages.data as any[])?.some((m) => m.body === `from ${session}`)) break;
      if (tries === 100) { wrong.push(`${names[next]} has no message from ${session}`); break; }
      await pause(100);
    }
    await client.POST("/api/sendSeen", { body: { session: names[next], chatId: path.chatId } });
  }));
  report();
}

async function end() {
  for (const session of names) {
    await client.POST("/api/sessions/{session}/stop", { params: { path: { session } } });
    await client.DELETE("/api/sessions/{session}", { params: { path: { session } } });
  }
  report();
}

await ({ make, codes, use, end } as Record<string, () => Promise<void>>)[what]();

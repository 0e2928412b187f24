// checked.ts is a client that is generated from WAHA's OpenAPI document. It notes which answers are as the document says.
import createClient from "openapi-fetch";
import type { paths } from "./waha.js";
// @ts-ignore: plain JavaScript
import { answer } from "./check.mjs";

export const wrong: string[] = [];
export const good = new Set<string>();
export const client = createClient<paths>({ baseUrl: process.env.BOT, headers: process.env.KEY ? { "X-Api-Key": process.env.KEY } : {} });
client.use({
  async onResponse({ request, response, schemaPath }) {
    const type = response.headers.get("content-type") ?? "";
    const body = type.includes("json") ? await response.clone().json() : undefined;
    const found: string[] = answer(schemaPath, request.method, response.status, type, body);
    wrong.push(...found);
    if (found.length === 0) good.add(`${request.method} ${schemaPath}`);
  },
});

/** Prints what was found, and what else a test asks for. */
export function report(more: object = {}) {
  console.log(JSON.stringify({ good: [...good].sort(), wrong, ...more }));
}

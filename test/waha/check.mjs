// check.mjs validates answers and events against WAHA's OpenAPI document. `node check.mjs FILE` reads a JSON array of
// events and prints what does not fit.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import Ajv from "ajv/dist/2020.js";

const document = JSON.parse(readFileSync(new URL("openapi.json", import.meta.url), "utf8"));
// The document calls the names of events objects; WAHA takes and answers strings.
document.components.schemas.WebhookConfig.properties.events.items = { type: "string" };
// WAHA answers null where no phone is linked.
document.components.schemas.SessionInfo.properties.me = { anyOf: [document.components.schemas.SessionInfo.properties.me, { type: "null" }] };
// The document says in the words of an older OpenAPI that this may be null.
document.components.schemas.LabelChatAssociation.properties.label = { anyOf: [{ $ref: "#/components/schemas/Label" }, { type: "null" }] };
const ajv = new Ajv.default({ strict: false, validateFormats: false, allErrors: true });
const compiled = new Map();

function misfits(key, schema, value) {
  if (!compiled.has(key)) compiled.set(key, ajv.compile({ ...schema, components: document.components }));
  const check = compiled.get(key);
  return check(value) ? [] : check.errors.map((e) => `${key}: ${e.instancePath} ${e.message}`);
}

// The document calls this list an object; WAHA itself answers a list, as the bot does.
const lists = ["GET /api/{session}/groups"];

/** Says what of an answer the document does not allow. */
export function answer(path, method, status, type, body) {
  const operation = document.paths[path]?.[method.toLowerCase()];
  if (!operation) return [`${method} ${path}: not in the document`];
  const described = operation.responses[status];
  if (!described) return [`${method} ${path}: status ${status} is not in the document: ${JSON.stringify(body).slice(0, 300)}`];
  const schema = described.content?.["application/json"]?.schema;
  if (!schema || !type.includes("json")) return [];
  if (lists.includes(`${method} ${path}`) && Array.isArray(body)) return [];
  return misfits(`${method} ${path} ${status}`, schema, body);
}

/** Says what of an event the document does not allow. */
export function event(value) {
  const schema = Object.values(document.components.schemas).find((s) => s.properties?.event?.const === value.event);
  return schema ? misfits(`event ${value.event}`, schema, value) : [`event ${value.event}: not in the document`];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const events = JSON.parse(readFileSync(process.argv[2], "utf8"));
  const wrong = events.flatMap(event);
  console.log(JSON.stringify({ events: events.length, names: [...new Set(events.map((e) => e.event))].sort(), wrong }));
}

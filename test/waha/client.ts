// client.ts drives a session by a client that is generated from WAHA's OpenAPI document, and prints which paths answered as
// the document says.
import { client, report, wrong } from "./checked.js";

const { SESSION: session = "default", CHAT, GROUP, CHANNEL, CAME, LID, CALL } = process.env as Record<string, string>;
const path = { session };

const id = (m: { data?: { id: string } }) => m.data?.id ?? "";
const chat = { session, chatId: CHAT };

await client.GET("/ping");
await client.GET("/api/version");
await client.GET("/api/server/version");
await client.GET("/api/server/status");
await client.GET("/api/sessions", { params: { query: {} } });
await client.GET("/api/sessions/{session}", { params: { path } });
await client.GET("/api/sessions/{session}/me", { params: { path } });
await client.POST("/api/sessions/{session}/start", { params: { path } });
await client.POST("/api/sessions/start", { body: { name: session } });
await client.GET("/health");

const fresh = await client.GET("/api/{session}/new-message-id", { params: { path } });
await client.GET("/api/{session}/status/new-message-id", { params: { path } });
const sent = await client.POST("/api/sendText", { body: { ...chat, text: "halo", id: fresh.data?.id } });
if (!id(sent).endsWith(fresh.data?.id ?? "none")) wrong.push(`sendText: id ${id(sent)}, asked for ${fresh.data?.id}`);
await client.POST("/api/reply", { body: { ...chat, text: "halo lagi", reply_to: CAME } as never });
const link = "https://toko.example/1";
await client.POST("/api/send/link-custom-preview", { body: { ...chat, text: `Lihat ${link}`, preview: { url: link, title: "Toko", description: "Buka jam 9" } } as never });
await client.POST("/api/sendLinkPreview", { body: { ...chat, url: link, title: "Toko" } as never });
await client.PUT("/api/reaction", { body: { session, messageId: CAME, reaction: "👍" } });
await client.POST("/api/forwardMessage", { body: { ...chat, messageId: CAME } });
await client.POST("/api/sendSeen", { body: { ...chat, messageIds: [CAME] } });
await client.POST("/api/sendLocation", { body: { ...chat, latitude: -6.2, longitude: 106.8, title: "Monas" } });
await client.POST("/api/sendContactVcard", { body: { ...chat, contacts: [{ fullName: "Sari", phoneNumber: "+6289900000002", organization: "Toko", whatsappId: "6289900000002", vcard: null }] } as never });
const poll = await client.POST("/api/sendPoll", { body: { ...chat, poll: { name: "Kapan?", options: ["Senin", "Selasa"], multipleAnswers: false } } as never });
await client.POST("/api/sendPollVote", { body: { ...chat, pollMessageId: (poll.data as any)?.id, votes: ["Senin"] } as never });
const channel = await client.POST("/api/{session}/channels", { params: { path }, body: { name: "Toko", description: "Harga" } as never });
const inChannel = { session, id: (channel.data as any)?.id };
await client.POST("/api/{session}/events", { params: { path }, body: { chatId: CHAT, event: { name: "Arisan", startTime: 2063137000, endTime: null, location: { name: "Monas" } } } as never });
await client.GET("/api/{session}/channels", { params: { path, query: {} } });
await client.GET("/api/{session}/channels/{id}", { params: { path: inChannel } });
await client.POST("/api/sendText", { body: { session, chatId: inChannel.id, text: "harga" } as never });
await client.GET("/api/{session}/channels/{id}/messages/preview", { params: { path: inChannel, query: { downloadMedia: false, limit: 10 } } });
await client.POST("/api/{session}/channels/search/by-text", { params: { path }, body: { text: "Toko", categories: [], limit: 10, startCursor: "" } });
await client.POST("/api/{session}/channels/search/by-view", { params: { path }, body: { view: "RECOMMENDED", countries: ["US"], categories: [], limit: 10, startCursor: "" } });
await client.DELETE("/api/{session}/channels/{id}", { params: { path: inChannel } });
const followed = { session, id: CHANNEL };
await client.POST("/api/{session}/channels/{id}/follow", { params: { path: followed } });
await client.POST("/api/{session}/channels/{id}/mute", { params: { path: followed } });
await client.POST("/api/{session}/channels/{id}/unmute", { params: { path: followed } });
await client.POST("/api/{session}/channels/{id}/unfollow", { params: { path: followed } });
await client.POST("/api/startTyping", { body: chat });
await client.POST("/api/stopTyping", { body: chat });

const messages = "/api/{session}/chats/{chatId}/messages";
const inChat = { session, chatId: CHAT };
await client.GET(messages, { params: { path: inChat, query: { limit: 10, "filter.fromMe": true, sortOrder: "asc" } as never } });
await client.GET("/api/messages", { params: { query: { session, chatId: CHAT as never, limit: 5 } } });
await client.POST("/api/{session}/chats/{chatId}/messages/read", { params: { path: inChat, query: {} } });
const message = "/api/{session}/chats/{chatId}/messages/{messageId}";
const ours = { ...inChat, messageId: id(sent) };
await client.GET(message, { params: { path: ours, query: {} } });
await client.POST("/api/{session}/chats/{chatId}/messages/{messageId}/pin", { params: { path: ours }, body: { duration: 86400 } });
await client.POST("/api/{session}/chats/{chatId}/messages/{messageId}/unpin", { params: { path: ours } });
await client.PUT(message, { params: { path: ours }, body: { text: "halo, sudah diubah" } });
await client.DELETE(message, { params: { path: ours } });
await client.GET("/api/{session}/chats", { params: { path, query: {} } });
await client.GET("/api/{session}/chats/overview", { params: { path, query: {} } });
await client.POST("/api/{session}/chats/overview", { params: { path }, body: { pagination: { limit: 20, offset: 0 }, filter: {} } as never });

await client.GET("/api/contacts/check-exists", { params: { query: { session, phone: CHAT } } });
await client.GET("/api/checkNumberStatus", { params: { query: { session, phone: CHAT } } });
await client.GET("/api/{session}/lids", { params: { path, query: {} } });
await client.GET("/api/{session}/lids/count", { params: { path } });
await client.GET("/api/{session}/lids/{lid}", { params: { path: { session, lid: LID } } });
await client.GET("/api/{session}/lids/pn/{phoneNumber}", { params: { path: { session, phoneNumber: CHAT } } });

await client.POST("/api/{session}/presence", { params: { path }, body: { presence: "typing", chatId: CHAT } });
await client.GET("/api/{session}/presence", { params: { path } });
await client.GET("/api/{session}/presence/{chatId}", { params: { path: inChat } });
await client.POST("/api/{session}/presence/{chatId}/subscribe", { params: { path: inChat } });
const status = await client.POST("/api/{session}/status/text", { params: { path }, body: { text: "kabar", backgroundColor: "#38b42f", font: 0, contacts: [CHAT] } as never });
await client.POST("/api/{session}/status/delete", { params: { path }, body: { id: (status.data as any)?.id } as never });
await client.POST("/api/{session}/calls/reject", { params: { path }, body: { from: CHAT, id: CALL } });

const group = { session, id: GROUP };
const person = { participants: [{ id: "6289900000003@c.us" }] };
await client.GET("/api/{session}/groups", { params: { path, query: {} } });
await client.GET("/api/{session}/groups/count", { params: { path } });
await client.POST("/api/{session}/groups/refresh", { params: { path } });
await client.POST("/api/{session}/groups", { params: { path }, body: { name: "Kas", participants: [{ id: CHAT }] } });
await client.GET("/api/{session}/groups/{id}", { params: { path: group } });
await client.GET("/api/{session}/groups/{id}/participants", { params: { path: group } });
await client.GET("/api/{session}/groups/{id}/participants/v2", { params: { path: group } });
await client.PUT("/api/{session}/groups/{id}/subject", { params: { path: group }, body: { subject: "Kas kantor" } });
await client.PUT("/api/{session}/groups/{id}/description", { params: { path: group }, body: { description: "Uang kas" } });
await client.POST("/api/{session}/groups/{id}/participants/add", { params: { path: group }, body: person });
await client.POST("/api/{session}/groups/{id}/admin/promote", { params: { path: group }, body: person });
await client.POST("/api/{session}/groups/{id}/admin/demote", { params: { path: group }, body: person });
await client.POST("/api/{session}/groups/{id}/participants/remove", { params: { path: group }, body: person });
const code = await client.GET("/api/{session}/groups/{id}/invite-code", { params: { path: group } });
await client.GET("/api/{session}/groups/join-info", { params: { path, query: { code: code.data ?? "" } } });
await client.POST("/api/{session}/groups/{id}/invite-code/revoke", { params: { path: group } });
for (const setting of ["info-admin-only", "messages-admin-only"] as const) {
  await client.PUT(`/api/{session}/groups/{id}/settings/security/${setting}`, { params: { path: group }, body: { adminsOnly: true } });
  await client.GET(`/api/{session}/groups/{id}/settings/security/${setting}`, { params: { path: group } });
}
const label = await client.POST("/api/{session}/labels", { params: { path }, body: { name: "Lead", colorHex: "#ff9485" } });
const labelled = { session, labelId: label.data?.id ?? "" };
await client.GET("/api/{session}/labels", { params: { path } });
await client.PUT("/api/{session}/labels/{labelId}", { params: { path: labelled }, body: { name: "Pelanggan", color: 1 } });
await client.PUT("/api/{session}/labels/chats/{chatId}", { params: { path: inChat }, body: { labels: [{ id: labelled.labelId }] } });
await client.GET("/api/{session}/labels/chats/{chatId}", { params: { path: inChat } });
await client.GET("/api/{session}/labels/{labelId}/chats", { params: { path: labelled } });
await client.DELETE("/api/{session}/labels/{labelId}", { params: { path: labelled } });
await client.POST("/api/{session}/chats/{chatId}/archive", { params: { path: inChat } });
await client.POST("/api/{session}/chats/{chatId}/unarchive", { params: { path: inChat } });
await client.PUT("/api/star", { body: { ...chat, messageId: CAME, star: true } });
await client.DELETE("/api/{session}/chats/{chatId}/messages", { params: { path: inChat } });
await client.POST("/api/{session}/groups/{id}/leave", { params: { path: group } });
await client.POST("/api/sessions/{session}/restart", { params: { path } });

report();

// Package passkey answers WhatsApp's demand for a passkey while a phone is being linked, on top of a whatsmeow
// that does not know it. It hooks into whatsmeow's handlers of nodes, and never decides when a person is asked.
//
// The conversation, on the socket of the pairing, between the scan and pair-success:
//
//  1. WhatsApp asks for an assertion of the account's passkey (Requested). The ADV secret is replaced at once.
//  2. A person signs on web.whatsapp.com; Answer sends the assertion and a commitment to an ephemeral key.
//  3. The phone sends its ephemeral key. Both sides can show a verification code (Confirmation).
//  4. The new ADV secret goes to the phone, encrypted. pair-success follows, as without a passkey.
//
// The facts come from whatsmeow's own implementation of 2026-07 and from reports of other clients' users. A
// whatsmeow that has it makes this package unnecessary.
package passkey

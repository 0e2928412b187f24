// Package session keeps one WhatsApp session connected. A pure state machine decides; a supervisor drives whatsmeow
// and the store as it says. The package opens no port, imports no message code, and never unlinks a device unless a
// person asks.
//
// # The machine
//
// model is a value that holds all that the machine knows. step takes a model, the time, a random number and an input,
// and returns the next model and a list of actions:
//
//	next, actions := step(model, now, dice, input)
//
// It reads no clock, touches no file and starts nothing, so a test replays any story by stepping through inputs, and
// a fuzzer finds the ones that nobody wrote down. Everything that a snapshot says comes from the model, except the
// revision and the time of the change, which count publications.
//
// # How it is driven
//
// Supervisor.Run is the one goroutine that owns a model. It waits for an envelope, handles it, and waits again. To
// handle an input it
//
//  1. drops it if it is about an earlier client, a dial that was cancelled or a timer that was disarmed,
//  2. steps the model,
//  3. publishes a snapshot if it differs from the last one,
//  4. performs the actions in order.
//
// The loop does no I/O. An action that needs WhatsApp or the disk starts on another goroutine, and its result comes
// back as an input:
//
//	actDial          -> inDialled         on the client's queue
//	actFetchVersion  -> inVersion         on the side
//	actBackup        -> inBackedUp        on the side
//	actUnlink        -> inUnlinked        on the side
//	actRemember      -> (nothing)         on the disk's queue
//	actSettle        -> (nothing)         on the disk's queue
//	actForget        -> inForgotten       on the disk's queue
//
// A queue runs its jobs one after the other. A dial waits for the writes that were ordered before it: a takeover is
// on the disk before it happens, or a crash would start another fight with the other client. An answer to a person
// waits for the same writes.
//
// # Clients and sockets
//
// A client is one whatsmeow client with its device. Its generation numbers it: actRenew makes the next one, and the
// events of the one before are dropped. The socket of a client is down, connecting, open or up (logged in). whatsmeow
// never reconnects on its own; every dial is an action.
//
// # Access from other goroutines
//
// Everyone else reads immutable snapshots (Watch), asks by API calls that become inputs (Restart, Stop, Clear, Pair),
// or borrows the logged-in client (Client). Messages never enter the loop: a Sink takes them on whatsmeow's handler
// goroutine.
package session

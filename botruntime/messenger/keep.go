package messenger

import "sesi.dev/sesi/botruntime/journal"

// Commit writes an event of another package with the same promise as Take: it reports whether the event is on disk.
// With once, an event that WhatsApp does not deliver again is written with the next commit that succeeds.
func (m *Messenger) Commit(do func(*journal.Tx) error, once bool) bool { return m.commit(do, once) }

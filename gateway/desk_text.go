package gateway

import (
	"crypto/rand"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

// newIdempotencyKey makes a form that is sent twice send its message once.
func newIdempotencyKey() string { return "desk-" + rand.Text() }

// deskTexts are the texts of the desk.
var deskTexts = map[string]text{
	"skip": {"Langsung ke isi", "Skip to content"}, "language": {"Bahasa", "Language"}, "desk": {"Meja sesi", "Session desk"},
	"signIn": {"Masuk", "Sign in"}, "signOut": {"Keluar", "Sign out"},
	"signInLead":    {"Pakai kunci API gateway, atau token Kubernetes Anda.", "Use an API key of the gateway, or your Kubernetes token."},
	"credential":    {"Kunci atau token", "Key or token"},
	"new":           {"Sesi baru", "New session"},
	"create":        {"Buat", "Create"},
	"search":        {"Cari nama atau nomor", "Search a name or number"},
	"state":         {"Status", "State"},
	"allStates":     {"Semua status", "All states"},
	"namespace":     {"Namespace", "Namespace"},
	"allNamespaces": {"Semua namespace", "All namespaces"},
	"show":          {"Tampilkan", "Show"}, "showAll": {"Tampilkan semua", "Show all"},
	"needy":        {"Menunggu seseorang", "Waiting for a person"},
	"waits":        {"Menunggu:", "Waiting:"},
	"nobodyNeeded": {"Tidak ada sesi yang menunggu seseorang.", "No session waits for a person."},
	"table":        {"Tabel sesi", "Table of sessions"},
	"sessions":     {"Semua sesi", "All sessions"}, "counts": {"Jumlah per status", "Counts by state"},
	"name": {"Nama", "Name"}, "account": {"Akun", "Account"}, "since": {"Selama", "For"}, "next": {"Halaman berikutnya", "Next page"},
	"none":       {"Tidak ada sesi yang cocok.", "No session matches."},
	"open":       {"Buka", "Open"},
	"lost":       {"Koneksi ke gateway terputus; halaman akan tersambung lagi secara otomatis.", "The connection to the gateway is lost; the page reconnects."},
	"noAccount":  {"belum tertaut", "not linked"},
	"conditions": {"Kondisi", "Conditions"},
	"linkedAt":   {"Ditautkan", "Linked"}, "connectedAt": {"Terhubung sejak", "Connected since"}, "restrictedUntil": {"Dibatasi sampai", "Restricted until"},
	"node": {"Node", "Node"}, "version": {"Versi WhatsApp Web", "WhatsApp Web version"}, "notice": {"Catatan", "Notice"},
	"linkTitle": {"Tautkan ponsel", "Link a phone"},
	"scan1":     {"Buka WhatsApp di ponsel.", "Open WhatsApp on the phone."},
	"scan2":     {"Buka menu ⋮ (Android) atau Pengaturan (iPhone), lalu Perangkat tertaut.", "Open the menu ⋮ (Android) or Settings (iPhone), then Linked devices."},
	"scan3":     {"Ketuk Tautkan perangkat, lalu arahkan kamera ke kode ini.", "Tap Link a device, and point the camera at this code."},
	"qrAlt":     {"Kode QR untuk menautkan WhatsApp", "QR code to link WhatsApp"},
	"qrWait":    {"Menunggu kode…", "Waiting for a code…"},
	"phone":     {"Atau ketik kode: nomor WhatsApp ponsel itu", "Or type a code: the phone's WhatsApp number"},
	"askCode":   {"Minta kode", "Get a code"}, "pairFailed": {"Tidak berhasil:", "It did not work:"},
	"private":        {"Siapa pun yang memindai kode ini menentukan akun mana yang dilayani bot. Jangan bagikan.", "Whoever scans this code decides which account the bot serves. Do not share it."},
	"passkeyTitle":   {"Tanda tangani dengan passkey", "Sign with the passkey"},
	"passkey1":       {"Di komputer tempat passkey dapat dipakai, buka", "On a computer where the passkey can be used, open"},
	"passkey2":       {"Buka konsol peramban (F12), tempel perintah ini, lalu tekan Enter.", "Open the browser's console (F12), paste this command and press Enter."},
	"passkey3":       {"Setujui dengan passkey, lalu tempel hasilnya di bawah.", "Approve with the passkey, then paste the result below."},
	"passkeyConsole": {"Perintah", "Command"}, "copy": {"Salin", "Copy"}, "passkeyAnswer": {"Hasil", "Result"}, "passkeySend": {"Kirim", "Send"},
	"passkeyFailed":  {"Tidak diterima:", "Not accepted:"},
	"passkeyCompare": {"Bandingkan kode ini dengan yang ada di ponsel.", "Compare this code with the one on the phone."}, "passkeySame": {"Kodenya sama", "The codes are the same"},
	"passkeyWait": {"Diterima. Ponsel menyelesaikan penautan.", "Accepted. The phone finishes the linking."},
	"sendTitle":   {"Kirim pesan uji", "Send a test message"}, "to": {"Ke nomor", "To the number"}, "text": {"Pesan", "Message"}, "send": {"Kirim", "Send"},
	"hello":    {"Halo dari Sesi", "Hello from Sesi"},
	"messages": {"Pesan terakhir", "Last messages"}, "noMessages": {"Belum ada pesan yang disimpan.", "No message is kept yet."}, "me": {"bot", "bot"},
	"webhook": {"Webhook", "Webhook"}, "backlog": {"menunggu", "waiting"}, "dead": {"gagal", "given up"},
	"actions":  {"Tindakan", "Actions"},
	"nameHint": {"Huruf a-z, angka dan -, paling banyak 60.", "Letters a-z, digits and -, at most 60."},

	"act.restart": {"Sambungkan ulang", "Restart"}, "ask.restart": {"Sambungkan ulang sesi ini sekarang?", "Reconnect this session now?"},
	"act.stop": {"Tangguhkan", "Suspend"}, "ask.stop": {"Hentikan bot? Sesi tetap tertaut.", "Stop the bot? The session stays linked."},
	"act.start": {"Mulai", "Start"}, "ask.start": {"Jalankan bot lagi?", "Run the bot again?"},
	"act.logout": {"Putuskan tautan", "Log out"}, "ask.logout": {"Putuskan tautan dari ponsel? Sesudahnya perlu pindai ulang.", "Unlink from the phone? Afterwards it needs a new scan."},
	"act.delete": {"Hapus", "Delete"}, "ask.delete": {"Hapus sesi ini? Penyimpanannya tinggal atau ikut terhapus menurut retentionPolicy.", "Delete this session? Its storage stays or goes by its retentionPolicy."},

	"done.restart": {"Sesi menyambung ulang.", "The session reconnects."}, "done.stop": {"Sesi ditangguhkan.", "The session is suspended."},
	"done.start": {"Bot dimulai.", "The bot starts."}, "done.logout": {"Tautan diputus.", "The session is logged out."}, "done.send": {"Pesan dikirim.", "The message was sent."},
}

// stateTexts are the words for the states.
var stateTexts = map[bot.State]text{
	bot.StateConnecting: {"Menghubungkan", "Connecting"}, bot.StatePairing: {"Perlu ditautkan", "Needs linking"}, bot.StateConnected: {"Terhubung", "Connected"},
	bot.StateReconnecting: {"Menyambung kembali", "Reconnecting"}, bot.StateConflict: {"Dipakai di tempat lain", "In use elsewhere"},
	bot.StateLoggedOut: {"Keluar", "Logged out"}, bot.StateRestricted: {"Dibatasi", "Restricted"}, bot.StateOutdated: {"Versi ditolak", "Version rejected"},
	bot.StateFailed: {"Gagal", "Failed"}, bot.StateStopped: {"Dihentikan", "Stopped"},
	v1alpha1.StatePending: {"Disiapkan", "Pending"}, v1alpha1.StateSuspended: {"Ditangguhkan", "Suspended"},
	v1alpha1.StateTerminating: {"Sedang dihapus", "Being deleted"}, v1alpha1.StateUnknown: {"Tidak terjangkau", "Unreachable"},
}

// actionTexts say what a person should do, and name the button that leads there.
var actionTexts = map[bot.UserAction][2]text{
	bot.ActionScanQR:          {{"Pindai kode dengan ponselnya, atau ketik kode di ponsel.", "Scan the code with its phone, or type a code there."}, {"Tautkan", "Link"}},
	bot.ActionSignPasskey:     {{"Tanda tangani penautan dengan passkey akun.", "Sign the linking with the account's passkey."}, {"Tanda tangani", "Sign"}},
	bot.ActionResolveConflict: {{"Klien lain memakai sesi ini. Hentikan yang lain, lalu sambungkan ulang.", "Another client uses this session. Stop the other one, then restart."}, {"Selesaikan", "Resolve"}},
	bot.ActionWaitUntil:       {{"Tunggu: WhatsApp membatasi akun ini.", "Wait: WhatsApp restricts this account."}, {"Lihat", "View"}},
	bot.ActionUpgradeClient:   {{"WhatsApp menolak versi bot: perbarui Sesi.", "WhatsApp rejects the bot's version: upgrade Sesi."}, {"Lihat", "View"}},
	bot.ActionOpenPhone:       {{"Buka WhatsApp di ponsel akun ini.", "Open WhatsApp on this account's phone."}, {"Lihat", "View"}},
	bot.ActionCheckNetwork:    {{"WhatsApp tidak terjangkau: periksa jaringan dan proxy.", "WhatsApp cannot be reached: check the network and the proxy."}, {"Lihat", "View"}},
	bot.ActionFixStorage:      {{"Penyimpanan menolak tulisan: periksa PVC.", "The storage refuses writes: check the PVC."}, {"Lihat", "View"}},
}

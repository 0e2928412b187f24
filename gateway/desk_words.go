package gateway

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

// stateTexts are the words for the states.
var stateTexts = map[bot.State]text{
	bot.StateConnecting: {"Menghubungkan", "Connecting"}, bot.StatePairing: {"Perlu ditautkan", "Needs linking"}, bot.StateConnected: {"Terhubung", "Connected"},
	bot.StateReconnecting: {"Menyambung kembali", "Reconnecting"}, bot.StateConflict: {"Dipakai di tempat lain", "In use elsewhere"},
	bot.StateLoggedOut: {"Keluar", "Logged out"}, bot.StateRestricted: {"Dibatasi", "Restricted"}, bot.StateOutdated: {"Versi ditolak", "Version rejected"},
	bot.StateFailed: {"Gagal", "Failed"}, bot.StateStopped: {"Dihentikan", "Stopped"},
	v1alpha1.StatePending: {"Disiapkan", "Pending"}, v1alpha1.StateSuspended: {"Ditangguhkan", "Suspended"},
	v1alpha1.StateTerminating: {"Sedang dihapus", "Being deleted"}, v1alpha1.StateUnknown: {"Tidak terjangkau", "Unreachable"},
}

// conditionTexts are the words for the conditions.
var conditionTexts = map[string]text{
	v1alpha1.ConditionReady:           {"Siap mengirim dan menerima", "Ready to send and receive"},
	v1alpha1.ConditionStorageReady:    {"Penyimpanan siap", "Storage is ready"},
	v1alpha1.ConditionPodReady:        {"Bot berjalan", "The bot runs"},
	v1alpha1.ConditionSessionExists:   {"Ponsel tertaut", "A phone is linked"},
	v1alpha1.ConditionConnected:       {"Terhubung ke WhatsApp", "Connected to WhatsApp"},
	v1alpha1.ConditionQRRequired:      {"Perlu ditautkan dengan ponsel", "Needs a phone to link it"},
	v1alpha1.ConditionSessionExpired:  {"Tautan diputus WhatsApp", "WhatsApp ended the link"},
	v1alpha1.ConditionConflict:        {"Dipakai juga di tempat lain", "Also used elsewhere"},
	v1alpha1.ConditionEventsDelivered: {"Webhook menerima semua peristiwa", "Webhooks get all events"},
	v1alpha1.ConditionSending:         {"Pesan dikirim tanpa ditahan", "No message is held back"},
	v1alpha1.ConditionReconciling:     {"Operator sedang menyesuaikan", "The operator is at work"},
	v1alpha1.ConditionStalled:         {"Menunggu perubahan resource", "Waits for a change of the resource"},
}

var conditionValues = map[metav1.ConditionStatus]text{
	metav1.ConditionTrue: {"ya", "yes"}, metav1.ConditionFalse: {"tidak", "no"}, metav1.ConditionUnknown: {"belum diketahui", "not known"},
}

// webhookTexts are the words for the states of webhooks.
var webhookTexts = map[bot.WebhookState]text{
	bot.WebhookDelivering: {"menerima peristiwa", "gets its events"}, bot.WebhookRetrying: {"menolak atau tidak menjawab; dicoba lagi", "refuses or does not answer; tried again"},
	bot.WebhookPaused: {"dijeda seseorang; peristiwa menunggu", "paused by a person; events wait"}, bot.WebhookEnded: {"diakhiri penerima (410)", "ended by the receiver (410)"},
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

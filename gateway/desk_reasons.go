package gateway

import (
	"cmp"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

// said is what a condition, a state or an event says. Detail is the operator's own message where Text is a translation:
// it is English, and names what Text cannot.
type said struct{ Text, Detail string }

// say puts a reason and its message into words.
func say(reason, message, language string) said {
	translated := reasonTexts[reason]
	if language == "en" || translated == "" {
		return said{Text: cmp.Or(message, reason)}
	}
	return said{translated, message}
}

// reasonTexts are in Indonesian what each reason of a condition, a state or an event means. In English the operator's
// message says it.
var reasonTexts = map[string]string{
	// the claim
	v1alpha1.ReasonClaimBound:       "Penyimpanan siap dipakai.",
	v1alpha1.ReasonClaimPending:     "Penyimpanan sedang disediakan.",
	v1alpha1.ReasonClaimNotFound:    "PVC yang disebut di resource tidak ada.",
	v1alpha1.ReasonClaimLost:        "Volume milik PVC ini hilang.",
	v1alpha1.ReasonClaimShared:      "Sesi lain yang lebih lama memakai PVC dan clientId yang sama.",
	v1alpha1.ReasonClaimTaken:       "Nama PVC untuk sesi ini sudah dipakai untuk hal lain.",
	v1alpha1.ReasonClaimTerminating: "PVC sedang dihapus.",
	v1alpha1.ReasonClaimRejected:    "Kubernetes menolak PVC.",

	// the pod
	v1alpha1.ReasonPodRunning:            "Bot berjalan.",
	v1alpha1.ReasonPodStarting:           "Bot sedang dijalankan.",
	v1alpha1.ReasonUnschedulable:         "Tidak ada node yang dapat menjalankan bot.",
	v1alpha1.ReasonImagePullFailed:       "Image tidak dapat diunduh.",
	v1alpha1.ReasonCrashLooping:          "Bot berulang kali berhenti setelah dijalankan.",
	v1alpha1.ReasonOOMKilled:             "Bot dihentikan karena melewati batas memori.",
	v1alpha1.ReasonVolumeMountFailed:     "Node tidak dapat menyiapkan volume atau jaringan untuk bot.",
	v1alpha1.ReasonPodFailed:             "Pod berakhir dan akan diganti.",
	v1alpha1.ReasonPodRejected:           "Kubernetes menolak pod.",
	v1alpha1.ReasonPodNameTaken:          "Nama pod untuk bot ini sudah dipakai untuk hal lain.",
	v1alpha1.ReasonPodOrphaned:           "Pod bot kehilangan tanda pemiliknya, jadi operator tidak menyentuhnya.",
	v1alpha1.ReasonContainerConfigFailed: "Node tidak dapat membuat container; mungkin ada Secret yang hilang.",
	v1alpha1.ReasonNameTaken:             "Nama Secret, Service, atau NetworkPolicy untuk sesi ini sudah dipakai untuk hal lain.",
	v1alpha1.ReasonAwaitingTermination:   "Menunggu pod sebelumnya benar-benar berakhir.",
	v1alpha1.ReasonAwaitingStorage:       "Menunggu penyimpanan siap.",
	v1alpha1.ReasonAwaitingPairing:       "Perubahan menunggu penautan yang sedang berjalan selesai.",
	v1alpha1.ReasonAwaitingTurn:          "Menunggu giliran diperbarui; bot yang sekarang tetap berjalan.",
	v1alpha1.ReasonNodeUnreachable:       "Node tempat bot berjalan tidak dapat dihubungi.",
	v1alpha1.ReasonBotUnreachable:        "Pod berjalan, tetapi operator tidak dapat menghubungi bot.",
	v1alpha1.ReasonOperatorOutdated:      "Bot lebih baru daripada operator: perbarui operator.",

	// what mirrors the bot
	v1alpha1.ReasonNotObserved:   "Belum ada laporan dari bot.",
	v1alpha1.ReasonLinked:        "Ponsel tertaut.",
	v1alpha1.ReasonNotLinked:     "Belum ada ponsel yang tertaut.",
	v1alpha1.ReasonNotNeeded:     "Tidak ada kode yang perlu dipindai.",
	v1alpha1.ReasonNotExpired:    "Tautan masih berlaku.",
	v1alpha1.ReasonNoConflict:    "Tidak ada klien lain yang memakai sesi ini.",
	v1alpha1.ReasonAccountShared: "Sesi lain tertaut ke akun yang sama.",

	// webhooks
	v1alpha1.ReasonDelivering:     "Semua webhook menerima peristiwanya.",
	v1alpha1.ReasonNoWebhooks:     "Sesi ini tidak punya webhook.",
	v1alpha1.ReasonRetrying:       "Sebuah penerima tidak menjawab atau menolak; peristiwa dicoba lagi.",
	v1alpha1.ReasonBehind:         "Sebuah penerima lebih lambat daripada datangnya peristiwa.",
	v1alpha1.ReasonPaused:         "Seseorang menjeda sebuah webhook.",
	v1alpha1.ReasonEnded:          "Sebuah penerima mengakhiri pengiriman (410).",
	v1alpha1.ReasonRefused:        "Bot tidak dapat membaca webhook-nya.",
	v1alpha1.ReasonSecretNotFound: "Secret sebuah webhook tidak ada, atau tidak punya label yang mengizinkannya dipakai.",
	v1alpha1.ReasonSecretInvalid:  "Secret sebuah webhook tidak lengkap, atau isinya tidak dapat dipakai.",

	// sending
	v1alpha1.ReasonNotHeld:     "Tidak ada pesan yang ditahan.",
	v1alpha1.ReasonTimelocked:  "Untuk sementara WhatsApp melarang akun ini menulis kepada orang baru.",
	v1alpha1.ReasonCapped:      "Jatah WhatsApp untuk menulis kepada orang baru sudah habis.",
	v1alpha1.ReasonQuietHours:  "Jam tenang: bot tidak mengirim apa pun.",
	v1alpha1.ReasonHeld:        "Pesan ditahan.",
	v1alpha1.ReasonMessagesOff: "Pesan dimatikan untuk sesi ini.",

	// the operator
	v1alpha1.ReasonUndone:          "Sesuatu terus mengembalikan perubahan operator.",
	v1alpha1.ReasonWriteFailed:     "Operator terus gagal menulis ke Kubernetes.",
	v1alpha1.ReasonSuspended:       "Sesi ditangguhkan.",
	v1alpha1.ReasonTerminating:     "Sesi sedang dihapus.",
	v1alpha1.ReasonInvalidMessages: "spec.messages berisi nilai yang salah.",
	v1alpha1.ReasonInvalidTemplate: "spec.template tidak dapat dipakai.",
	"Unlinked":                     "Perangkat dikeluarkan dari WhatsApp sebelum sesi dihapus.",
	"NotUnlinked":                  "Sesi dihapus, tetapi perangkatnya masih tertaut di WhatsApp.",
	"RolloutHeldUp":                "Pembaruan image berhenti: bot yang sudah diperbarui belum terhubung lagi.",

	// the bot
	string(bot.ReasonStarting):              "Bot masuk ke WhatsApp dengan tautan yang tersimpan.",
	string(bot.ReasonQRAvailable):           "Ada kode yang dapat dipindai sekarang.",
	string(bot.ReasonQRTimeout):             "Kode sudah habis; bot meminta yang baru.",
	string(bot.ReasonQRIdle):                "Tidak ada yang memindai; bot menunggu sampai ada yang membuka halaman.",
	string(bot.ReasonPaired):                "Ponsel sudah memindai kode; bot masuk.",
	string(bot.ReasonPairError):             "Pemindaian gagal; kode baru menyusul.",
	string(bot.ReasonMultideviceNotEnabled): "WhatsApp di ponsel itu belum mendukung perangkat tertaut.",
	string(bot.ReasonPasskeyRequired):       "WhatsApp meminta passkey akun ini.",
	string(bot.ReasonPasskeyConfirmation):   "Passkey diterima; ponsel menyelesaikan penautan.",
	string(bot.ReasonPasskeyFailed):         "Penautan dengan passkey gagal; kode baru menyusul.",
	string(bot.ReasonLoggedIn):              "Terhubung ke WhatsApp.",
	string(bot.ReasonKeepAliveTimeout):      "WhatsApp tidak merespons.",
	string(bot.ReasonConnectionLost):        "Koneksi ke WhatsApp terputus.",
	string(bot.ReasonStreamReplaced):        "Klien lain mengambil alih sesi ini.",
	string(bot.ReasonLoggedOut):             "Perangkat dikeluarkan dari ponsel.",
	string(bot.ReasonPrimaryDeviceGone):     "Akun di ponsel sudah tidak ada atau terkunci.",
	string(bot.ReasonAccountBanned):         "WhatsApp memblokir akun ini.",
	string(bot.ReasonTemporaryBan):          "WhatsApp memblokir akun ini untuk sementara.",
	string(bot.ReasonClientOutdated):        "WhatsApp menolak versi bot.",
	string(bot.ReasonConnectFailure):        "WhatsApp menolak login.",
	string(bot.ReasonStoreUnwritable):       "Disk sesi tidak dapat ditulisi; bot menunggu.",
	string(bot.ReasonClearedByUser):         "Seseorang mengeluarkan atau menghapus sesi ini.",
	string(bot.ReasonStoppedByUser):         "Seseorang menghentikan sesi ini.",
}

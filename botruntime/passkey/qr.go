package passkey

import (
	"strings"

	"go.mau.fi/whatsmeow/proto/waCompanionReg"
)

// qrLink begins the QR text of WhatsApp's clients since 2026-05. It is a link, so the phone's own camera opens
// WhatsApp at the right page.
const qrLink = "https://wa.me/settings/linked_devices#"

// clientTypes are the last field of the QR text, by the kind of device that the bot says it is. Source: whatsmeow
// of 2026-08 (its PairClientType).
var clientTypes = map[waCompanionReg.DeviceProps_PlatformType]string{
	waCompanionReg.DeviceProps_CHROME:            "1",
	waCompanionReg.DeviceProps_EDGE:              "2",
	waCompanionReg.DeviceProps_FIREFOX:           "3",
	waCompanionReg.DeviceProps_IE:                "4",
	waCompanionReg.DeviceProps_OPERA:             "5",
	waCompanionReg.DeviceProps_SAFARI:            "6",
	waCompanionReg.DeviceProps_DESKTOP:           "7",
	waCompanionReg.DeviceProps_UWP:               "8",
	waCompanionReg.DeviceProps_CATALINA:          "c",
	waCompanionReg.DeviceProps_ANDROID_PHONE:     "e",
	waCompanionReg.DeviceProps_ANDROID_TABLET:    "e",
	waCompanionReg.DeviceProps_ANDROID_AMBIGUOUS: "e",
}

const otherWebClient = "9"

// QRText turns whatsmeow's QR text, four fields, into the link that phones expect since 2026-05. A newer whatsmeow
// makes the link itself; that one stays.
func QRText(code string, platform waCompanionReg.DeviceProps_PlatformType) string {
	if strings.HasPrefix(code, qrLink) {
		return code
	}
	kind, known := clientTypes[platform]
	if !known {
		kind = otherWebClient
	}
	return qrLink + code + "," + kind
}

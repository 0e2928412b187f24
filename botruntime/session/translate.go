package session

import (
	"fmt"

	"go.mau.fi/whatsmeow"
	wastore "go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/passkey"
)

// accepted is delivered like an event of whatsmeow: a phone took the code, and the device is not written yet.
type accepted struct{}

// translate turns an event of whatsmeow into an input; nil when the event is not about the connection.
func translate(client *whatsmeow.Client, evt any) input {
	switch evt := evt.(type) {
	case *events.QR:
		return inCodes{linkTexts(evt.Codes)}
	case accepted:
		return inAccepted{}
	case *events.PairSuccess:
		return inPaired{account{jid: evt.ID.String(), lid: evt.LID.String(), pushName: evt.BusinessName}}
	case *events.PairError:
		return inPairFailed{evt.Error}
	case *events.QRScannedWithoutMultidevice:
		return inNoMultidevice{}
	case *events.ManualLoginReconnect:
		return inStreamRestart{}
	case *events.Connected:
		return inConnected{accountOf(client.Store)}
	case *events.KeepAliveTimeout:
		return inSilent{evt.ErrorCount, evt.LastSuccess}
	case *events.KeepAliveRestored:
		return inAnswered{}
	case *events.Disconnected:
		return inLost{"the socket closed"}
	case *events.StreamError:
		return inLost{fmt.Sprintf("stream error %q", evt.Code)}
	case *events.StreamReplaced:
		return inReplaced{}
	case *events.LoggedOut:
		return inLoggedOut{logoutReason(evt.Reason)}
	case *events.TemporaryBan:
		return inBanned{evt.Expire, evt.Code.String()}
	case *events.ClientOutdated:
		return inOutdated{}
	case *events.ConnectFailure:
		return inRefused{evt.Reason.String()}
	case *events.CATRefreshError:
		return inRefused{"the login's crypto token was refused"}
	case *events.PushNameSetting:
		return inPushName{evt.Action.GetName()}
	}
	return nil
}

// translateGate turns what a passkey gate reports into an input.
func translateGate(evt any) input {
	switch evt := evt.(type) {
	case passkey.Requested:
		return inPasskeyAsked{string(evt.Options), evt.Life}
	case passkey.Confirmation:
		return inPasskeyCode{evt.Code, evt.Needed}
	case passkey.Failed:
		return inPasskeyFailed{plain(evt.Err)}
	}
	return nil
}

// linkTexts turns whatsmeow's QR texts into the links that phones expect since 2026-05. Phones call the old text an
// unofficial code.
func linkTexts(codes []string) []string {
	texts := make([]string, len(codes))
	for i, code := range codes {
		texts[i] = passkey.QRText(code, wastore.DeviceProps.GetPlatformType())
	}
	return texts
}

// logoutReason distinguishes the three ways in which WhatsApp removes a device.
func logoutReason(code events.ConnectFailureReason) bot.Reason {
	switch code {
	case events.ConnectFailureMainDeviceGone:
		return bot.ReasonPrimaryDeviceGone
	case events.ConnectFailureUnknownLogout:
		return bot.ReasonAccountBanned
	default:
		return bot.ReasonLoggedOut
	}
}

// accountOf returns who a device is linked to; the zero account when it is not linked.
func accountOf(device *wastore.Device) account {
	if device == nil || device.ID == nil {
		return account{}
	}
	name := device.PushName
	if name == "" {
		name = device.BusinessName
	}
	return account{jid: device.ID.String(), lid: device.LID.String(), pushName: name}
}

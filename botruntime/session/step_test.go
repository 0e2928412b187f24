package session

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	wastore "go.mau.fi/whatsmeow/store"

	"sesi.dev/sesi/api/bot"
)

var (
	epoch        = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	someone      = account{jid: "62811:3@s.whatsapp.net", lid: "77:3@lid", pushName: "Shop"}
	usual        = policy{takeover: true, takeoverTimeout: 10 * time.Second, qrRounds: 10, backupInterval: 5 * time.Minute, firstCode: firstCodeLife, nextCode: nextCodeLife, login: loginDeadline, pulse: pulseInterval, pace: calm}
	newerVersion = wastore.WAVersionContainer{2, 3000, 9}
	asked        = inPasskeyAsked{`{"challenge":"AAAA"}`, 10 * time.Minute}
	six          = []string{"c1", "c2", "c3", "c4", "c5", "c6"}
)

// story steps a model through inputs and remembers the actions of the last step.
type story struct {
	t    *testing.T
	m    model
	now  time.Time
	dice float64
	did  []action
	// runs are the armed timers.
	runs map[timer]bool
	kept facts // what the next process would know
	// slowDisk: the test feeds the end of a removal and of a backup; without it both end at once.
	slowDisk bool
}

func newStory(t *testing.T, linked bool, f facts) *story {
	t.Helper()
	who := account{}
	if linked {
		who = someone
	}
	s := &story{t: t, now: epoch, m: newModel(usual, linked, who, f, epoch), runs: map[timer]bool{}, kept: f}
	return s.then(inStart{})
}

func (s *story) then(inputs ...input) *story {
	s.did = nil
	for _, in := range inputs {
		var did []action
		if tick, ok := in.(inTimer); ok {
			delete(s.runs, tick.name)
		}
		s.m, did = step(s.m, s.now, s.dice, in)
		s.did = append(s.did, did...)
		for _, a := range did {
			switch a := a.(type) {
			case actTimer:
				s.runs[a.name] = true
			case actDisarm:
				delete(s.runs, a.name)
			case actRemember:
				s.m.remember(&s.kept)
			case actBackup:
				if !s.slowDisk {
					s.m, _ = step(s.m, s.now, s.dice, inBackedUp{at: s.now})
				}
			case actForget:
				if !s.slowDisk {
					before := s.did
					s.then(inForgotten{})
					s.did = append(before, s.did...)
				}
			}
		}
	}
	return s
}

func (s *story) after(d time.Duration) *story {
	s.now = s.now.Add(d)
	return s
}

// online brings the story to a connected session.
func online(t *testing.T) *story {
	t.Helper()
	return newStory(t, true, facts{}).then(inDialled{}, inConnected{someone})
}

// scanning brings the story to a current code.
func scanning(t *testing.T) *story {
	t.Helper()
	return newStory(t, false, facts{}).then(inDialled{}, inCodes{six})
}

func (s *story) asked(want action) bool {
	return slices.ContainsFunc(s.did, func(a action) bool {
		return cmp.Equal(a, want, cmp.AllowUnexported(actTimer{}, actDisarm{}, actUnlink{}, actLog{}, actDial{}, actForget{}, actAskPairingCode{}, actCountReconnect{}, actCountLogout{}, actCountBackup{}, actCountBackupFailed{}, actCountVersion{}, actAnswerUnlink{}, actCheckSocket{}, actStoreFailed{}, actWarn{}))
	})
}

func (s *story) timer(name timer) (time.Duration, bool) {
	var wait time.Duration
	armed := false
	for _, a := range s.did {
		switch a := a.(type) {
		case actTimer:
			if a.name == name {
				wait, armed = a.after, true
			}
		case actDisarm:
			if a.name == name {
				armed = false
			}
		}
	}
	return wait, armed
}

// kinds lists the actions of the last step, timers with their waits, without logs and counters.
func (s *story) kinds() string {
	var out []string
	for _, a := range s.did {
		switch a := a.(type) {
		case actDisarm, actLog, actWarn, actStoreFailed, actStoreWorks, actAnswerUnlink, actCountReconnect, actCountCode, actCountPairing, actCountLogout, actCountTakeover, actCountBackup, actCountBackupFailed, actCountVersion:
		case actTimer:
			out = append(out, fmt.Sprintf("%s in %s", a.name, a.after))
		default:
			out = append(out, strings.TrimPrefix(fmt.Sprintf("%T", a), "session.act"))
		}
	}
	return strings.Join(out, ", ")
}

// TestRows has one case per row of the state machine's table: what led there, what happens, what the snapshot says and
// what the bot does.
func TestRows(t *testing.T) {
	type want struct {
		state     bot.State
		reason    bot.Reason
		connected bool
		exists    bool
		expired   bool
		qr        bool
		action    bot.UserAction
		did       string
	}
	cases := map[string]struct {
		story *story
		want  want
	}{
		"store opened, no device": {
			newStory(t, false, facts{}),
			want{bot.StateConnecting, bot.ReasonNotLinked, false, false, false, true, bot.ActionScanQR, "version in 5m0s, Dial"},
		},
		"store opened, device": {
			newStory(t, true, facts{}),
			want{bot.StateConnecting, bot.ReasonStarting, false, true, false, false, bot.ActionNone, "version in 5m0s, Dial"},
		},
		"QR": {
			newStory(t, false, facts{}).then(inDialled{}).then(inCodes{six}),
			want{bot.StatePairing, bot.ReasonQRAvailable, false, false, false, true, bot.ActionScanQR, "code in 1m0s"},
		},
		"QR before the dial's end was told": {
			newStory(t, false, facts{}).then(inCodes{six}),
			want{bot.StatePairing, bot.ReasonQRAvailable, false, false, false, true, bot.ActionScanQR, "code in 1m0s"},
		},
		"second code": {
			scanning(t).after(time.Minute).then(inTimer{timerCode}),
			want{bot.StatePairing, bot.ReasonQRAvailable, false, false, false, true, bot.ActionScanQR, "code in 20s"},
		},
		"codes used up": {
			scanning(t).then(repeat(inTimer{timerCode}, 5)...).then(inTimer{timerCode}),
			want{bot.StatePairing, bot.ReasonQRTimeout, false, false, false, true, bot.ActionScanQR, "Hangup, retry in 250ms"},
		},
		"socket closed with the last code": {
			scanning(t).then(repeat(inTimer{timerCode}, 5)...).then(inLost{"closed"}),
			want{bot.StatePairing, bot.ReasonQRTimeout, false, false, false, true, bot.ActionScanQR, "Hangup, retry in 250ms"},
		},
		"rounds used up": {
			rounds(scanning(t), 9).then(repeat(inTimer{timerCode}, 6)...),
			want{bot.StatePairing, bot.ReasonQRIdle, false, false, false, true, bot.ActionScanQR, "code in 20s, code in 20s, code in 20s, code in 20s, code in 20s, Hangup"},
		},
		"someone looks at an idle session": {
			rounds(scanning(t), 9).then(repeat(inTimer{timerCode}, 6)...).then(inLooked{}),
			want{bot.StatePairing, bot.ReasonQRIdle, false, false, false, true, bot.ActionScanQR, "Dial"},
		},
		"PairSuccess": {
			scanning(t).then(inPaired{someone}),
			want{bot.StateConnecting, bot.ReasonPaired, false, true, false, false, bot.ActionNone, "Settle, Remember, login in 15s, pulse in 1s"},
		},
		"stream restart after pairing": {
			scanning(t).then(inPaired{someone}).then(inStreamRestart{}),
			want{bot.StateConnecting, bot.ReasonPaired, false, true, false, false, bot.ActionNone, "Hangup, Dial"},
		},
		"stream restart after pairing, again and again": {
			scanning(t).then(inPaired{someone}, inStreamRestart{}, inDialled{}).then(inStreamRestart{}),
			want{bot.StateConnecting, bot.ReasonPaired, false, true, false, false, bot.ActionNone, "Hangup, retry in 250ms"},
		},
		"stream restart of a session that is up": {
			online(t).then(inStreamRestart{}),
			want{bot.StateReconnecting, bot.ReasonConnectionLost, false, true, false, false, bot.ActionNone, "Hangup, retry in 250ms"},
		},
		"promised stream restart awaited": {
			scanning(t).then(inPaired{someone}).then(inTimer{timerPulse}),
			want{bot.StateConnecting, bot.ReasonPaired, false, true, false, false, bot.ActionNone, "CheckSocket, pulse in 1s"},
		},
		"socket closed where the stream restart should come": {
			scanning(t).then(inPaired{someone}).then(inLost{"closed"}),
			want{bot.StateConnecting, bot.ReasonPaired, false, true, false, false, bot.ActionNone, "Hangup, retry in 250ms"},
		},
		"promised stream restart does not come": {
			scanning(t).then(inPaired{someone}).after(15 * time.Second).then(inTimer{timerLogin}),
			want{bot.StateConnecting, bot.ReasonPaired, false, true, false, false, bot.ActionNone, "Hangup, Dial"},
		},
		"reconnect after pairing fails": {
			scanning(t).then(inPaired{someone}, inStreamRestart{}).then(inDialled{errors.New("refused")}),
			want{bot.StateConnecting, bot.ReasonPaired, false, true, false, false, bot.ActionNone, "Hangup, retry in 250ms"},
		},
		"PairSuccess while fresh codes are fetched": {
			scanning(t).then(repeat(inTimer{timerCode}, 6)...).then(inPaired{someone}),
			want{bot.StateConnecting, bot.ReasonPaired, false, true, false, false, bot.ActionNone, "Settle, Remember, login in 15s, pulse in 1s, Dial"},
		},
		"a phone took the code": {
			scanning(t).then(inAccepted{}),
			want{bot.StatePairing, bot.ReasonQRAvailable, false, false, false, true, bot.ActionScanQR, "login in 15s"},
		},
		"stream restart and close before PairSuccess is told": {
			scanning(t).then(inAccepted{}).then(inStreamRestart{}, inLost{"closed"}),
			want{bot.StatePairing, bot.ReasonQRAvailable, false, false, false, true, bot.ActionScanQR, ""},
		},
		"stream restart and close, then PairSuccess": {
			scanning(t).then(inAccepted{}, inStreamRestart{}, inLost{"closed"}).then(inPaired{someone}),
			want{bot.StateConnecting, bot.ReasonPaired, false, true, false, false, bot.ActionNone, "Settle, Remember, login in 15s, pulse in 1s, Hangup, Dial"},
		},
		"stream restart, then PairSuccess, then another restart": {
			scanning(t).then(inAccepted{}, inStreamRestart{}, inPaired{someone}, inDialled{}).then(inStreamRestart{}),
			want{bot.StateConnecting, bot.ReasonPaired, false, true, false, false, bot.ActionNone, "Hangup, retry in 250ms"},
		},
		"stream restart, then PairError": {
			scanning(t).then(inAccepted{}, inStreamRestart{}).then(inPairFailed{errors.New("disk")}),
			want{bot.StatePairing, bot.ReasonPairError, false, false, false, true, bot.ActionScanQR, "Hangup, Renew, retry in 5s"},
		},
		"a pairing whose end is never told": {
			scanning(t).then(inAccepted{}, inStreamRestart{}).after(15 * time.Second).then(inTimer{timerLogin}),
			want{bot.StatePairing, bot.ReasonConnectionLost, false, false, false, true, bot.ActionScanQR, "Hangup, retry in 250ms"},
		},
		"PairError": {
			scanning(t).then(inPairFailed{errors.New("hmac")}),
			want{bot.StatePairing, bot.ReasonPairError, false, false, false, true, bot.ActionScanQR, "Hangup, Renew, retry in 5s"},
		},
		"passkey asked for": {
			scanning(t).then(asked),
			want{bot.StatePairing, bot.ReasonPasskeyRequired, false, false, false, false, bot.ActionSignPasskey, "passkey in 10m0s, Remember"},
		},
		"passkey asked for, though no code was shown": {
			newStory(t, false, facts{}).then(asked),
			want{bot.StatePairing, bot.ReasonPasskeyRequired, false, false, false, false, bot.ActionSignPasskey, "passkey in 10m0s, Remember"},
		},
		"passkey asked for again": {
			scanning(t).then(asked).then(inPasskeyAsked{"{}", time.Hour}),
			want{bot.StatePairing, bot.ReasonPasskeyRequired, false, false, false, false, bot.ActionSignPasskey, ""},
		},
		"codes and the end of one during a passkey": {
			scanning(t).then(asked).then(inCodes{six}, inTimer{timerCode}, inLooked{}, inPairPhone{"628111"}, inNoMultidevice{}),
			want{bot.StatePairing, bot.ReasonPasskeyRequired, false, false, false, false, bot.ActionSignPasskey, ""},
		},
		"signature refused": {
			scanning(t).then(asked).then(inPasskeyRefused{"code 403"}),
			want{bot.StatePairing, bot.ReasonPasskeyRequired, false, false, false, false, bot.ActionSignPasskey, ""},
		},
		"signature taken": {
			scanning(t).then(asked).then(inPasskeyTaken{}),
			want{bot.StatePairing, bot.ReasonPasskeyConfirmation, false, false, false, false, bot.ActionNone, "passkey in 1m30s"},
		},
		"passkey's code, proven": {
			scanning(t).then(asked).then(inPasskeyCode{"AAAA-BBBB", false}, inPasskeyTaken{}),
			want{bot.StatePairing, bot.ReasonPasskeyConfirmation, false, false, false, false, bot.ActionNone, "passkey in 1m30s"},
		},
		"passkey's code, to be compared": {
			scanning(t).then(asked, inPasskeyTaken{}).then(inPasskeyCode{"AAAA-BBBB", true}),
			want{bot.StatePairing, bot.ReasonPasskeyConfirmation, false, false, false, false, bot.ActionSignPasskey, "passkey in 5m0s"},
		},
		"passkey's code compared": {
			scanning(t).then(asked, inPasskeyTaken{}, inPasskeyCode{"AAAA-BBBB", true}).then(inPasskeyConfirmed{}),
			want{bot.StatePairing, bot.ReasonPasskeyConfirmation, false, false, false, false, bot.ActionNone, "passkey in 1m30s"},
		},
		"PairSuccess after a passkey": {
			scanning(t).then(asked, inPasskeyTaken{}).then(inPaired{someone}),
			want{bot.StateConnecting, bot.ReasonPaired, false, true, false, false, bot.ActionNone, "Remember, Settle, Remember, login in 15s, pulse in 1s"},
		},
		"stream restart after a passkey's PairSuccess": {
			scanning(t).then(asked, inPaired{someone}).then(inStreamRestart{}),
			want{bot.StateConnecting, bot.ReasonPaired, false, true, false, false, bot.ActionNone, "Hangup, Dial"},
		},
		"nobody signs": {
			scanning(t).then(asked).after(10 * time.Minute).then(inTimer{timerPasskey}),
			want{bot.StatePairing, bot.ReasonPasskeyFailed, false, false, false, true, bot.ActionScanQR, "Hangup, Remember, retry in 250ms"},
		},
		"nobody compares": {
			scanning(t).then(asked, inPasskeyCode{"AAAA-BBBB", true}).after(5 * time.Minute).then(inTimer{timerPasskey}),
			want{bot.StatePairing, bot.ReasonPasskeyFailed, false, false, false, true, bot.ActionScanQR, "Hangup, Remember, retry in 250ms"},
		},
		"no pairing after the signature": {
			scanning(t).then(asked, inPasskeyTaken{}).after(90 * time.Second).then(inTimer{timerPasskey}),
			want{bot.StatePairing, bot.ReasonPasskeyFailed, false, false, false, true, bot.ActionScanQR, "Hangup, Remember, retry in 250ms"},
		},
		"passkey failed": {
			scanning(t).then(asked, inPasskeyTaken{}).then(inPasskeyFailed{"code 500"}),
			want{bot.StatePairing, bot.ReasonPasskeyFailed, false, false, false, true, bot.ActionScanQR, "Hangup, Remember, retry in 250ms"},
		},
		"socket closed during a passkey": {
			scanning(t).then(asked).then(inLost{"closed"}),
			want{bot.StatePairing, bot.ReasonPasskeyFailed, false, false, false, true, bot.ActionScanQR, "Hangup, Remember, retry in 250ms"},
		},
		"stream restart before a passkey's PairSuccess is told": {
			scanning(t).then(asked, inPasskeyCode{"AAAA-BBBB", false}).then(inStreamRestart{}),
			want{bot.StatePairing, bot.ReasonPasskeyConfirmation, false, false, false, false, bot.ActionNone, "passkey in 3s"},
		},
		"stream restart, then a passkey's PairSuccess that was announced": {
			scanning(t).then(asked, inPasskeyCode{"AAAA-BBBB", false}, inAccepted{}, inStreamRestart{}).then(inPaired{someone}),
			want{bot.StateConnecting, bot.ReasonPaired, false, true, false, false, bot.ActionNone, "Remember, Settle, Remember, login in 15s, pulse in 1s, Hangup, Dial"},
		},
		"stream restart, then a passkey's PairSuccess": {
			scanning(t).then(asked, inPasskeyCode{"AAAA-BBBB", false}, inStreamRestart{}).then(inPaired{someone}),
			want{bot.StateConnecting, bot.ReasonPaired, false, true, false, false, bot.ActionNone, "Remember, Settle, Remember, login in 15s, pulse in 1s"},
		},
		"stream restart without a passkey's PairSuccess": {
			scanning(t).then(asked, inPasskeyCode{"AAAA-BBBB", false}, inStreamRestart{}).then(inTimer{timerPasskey}),
			want{bot.StatePairing, bot.ReasonPasskeyFailed, false, false, false, true, bot.ActionScanQR, "Hangup, Remember, retry in 250ms"},
		},
		"one KeepAliveTimeout during a passkey": {
			scanning(t).then(asked).then(inSilent{1, epoch}),
			want{bot.StatePairing, bot.ReasonPasskeyRequired, false, false, false, false, bot.ActionSignPasskey, ""},
		},
		"two KeepAliveTimeouts during a passkey": {
			scanning(t).then(asked).then(inSilent{2, epoch}),
			want{bot.StatePairing, bot.ReasonPasskeyFailed, false, false, false, true, bot.ActionScanQR, "Hangup, Remember, retry in 250ms"},
		},
		"a new code after a passkey failed comes from a new device": {
			scanning(t).then(asked, inPasskeyFailed{"code 500"}).then(inTimer{timerRetry}, inDialled{}, inCodes{six}),
			want{bot.StatePairing, bot.ReasonPasskeyFailed, false, false, false, true, bot.ActionScanQR, "Renew, Dial, login in 30s, code in 1m0s"},
		},
		"the round after a passkey failed is over": {
			scanning(t).then(asked, inPasskeyFailed{"code 500"}, inTimer{timerRetry}, inDialled{}, inCodes{six[:1]}, inTimer{timerCode}, inTimer{timerRetry}, inDialled{}).then(inCodes{six}),
			want{bot.StatePairing, bot.ReasonQRAvailable, false, false, false, true, bot.ActionScanQR, "code in 1m0s"},
		},
		"crash during a passkey": {
			newStory(t, false, scanning(t).then(asked).kept).then(inDialled{}, inCodes{six}),
			want{bot.StatePairing, bot.ReasonPasskeyFailed, false, false, false, true, bot.ActionScanQR, "login in 30s, code in 1m0s"},
		},
		"crash after a crash during a passkey": {
			newStory(t, false, newStory(t, false, scanning(t).then(asked).kept).kept).then(inDialled{}, inCodes{six}),
			want{bot.StatePairing, bot.ReasonQRAvailable, false, false, false, true, bot.ActionScanQR, "login in 30s, code in 1m0s"},
		},
		"stopped during a passkey": {
			scanning(t).then(asked).then(inStop{}),
			want{bot.StateStopped, bot.ReasonStoppedByUser, false, false, false, false, bot.ActionNone, "Hangup, Remember, Remember"},
		},
		"restarted during a passkey": {
			scanning(t).then(asked).then(inRestart{}),
			want{bot.StateConnecting, bot.ReasonNotLinked, false, false, false, true, bot.ActionScanQR, "Remember, Hangup, Remember, Renew, Dial"},
		},
		"cleared during a passkey": {
			scanning(t).then(asked).then(inUnlink{}, inUnlinked{}),
			want{bot.StateLoggedOut, bot.ReasonClearedByUser, false, false, false, true, bot.ActionScanQR, "Hangup, Remember, Remember, Unlink, Hangup, Remember, Renew, Dial"},
		},
		"disk full during a passkey": {
			scanning(t).then(asked).then(inUnwritable{syscall.ENOSPC}),
			want{bot.StateFailed, bot.ReasonStoreUnwritable, false, false, false, false, bot.ActionFixStorage, "Renew, Hangup, Remember, retry in 2s"},
		},
		"phone without multidevice": {
			scanning(t).then(inNoMultidevice{}),
			want{bot.StatePairing, bot.ReasonMultideviceNotEnabled, false, false, false, true, bot.ActionScanQR, ""},
		},
		"socket closed while a code is live": {
			scanning(t).then(inLost{"closed"}),
			want{bot.StatePairing, bot.ReasonConnectionLost, false, false, false, true, bot.ActionScanQR, "Hangup, retry in 250ms"},
		},
		"Connected": {
			newStory(t, true, facts{}).then(inDialled{}).then(inConnected{someone}),
			want{bot.StateConnected, bot.ReasonLoggedIn, true, true, false, false, bot.ActionNone, "Remember, pulse in 15s, backup in 1m0s"},
		},
		"pulse": {
			online(t).then(inTimer{timerPulse}),
			want{bot.StateConnected, bot.ReasonLoggedIn, true, true, false, false, bot.ActionNone, "CheckSocket, pulse in 15s"},
		},
		"login reported during a dial": {
			newStory(t, true, facts{}).then(inConnected{someone}).then(inDialled{}),
			want{bot.StateConnecting, bot.ReasonStarting, false, true, false, false, bot.ActionNone, "login in 5s"},
		},
		"login without an answer": {
			newStory(t, true, facts{}).then(inDialled{}).after(30 * time.Second).then(inTimer{timerLogin}),
			want{bot.StateReconnecting, bot.ReasonConnectionLost, false, true, false, false, bot.ActionNone, "Hangup, retry in 250ms"},
		},
		"one KeepAliveTimeout": {
			online(t).then(inSilent{1, epoch}),
			want{bot.StateConnected, bot.ReasonLoggedIn, true, true, false, false, bot.ActionNone, ""},
		},
		"two KeepAliveTimeouts": {
			online(t).after(70 * time.Second).then(inSilent{2, epoch}),
			want{bot.StateReconnecting, bot.ReasonKeepAliveTimeout, false, true, false, false, bot.ActionNone, ""},
		},
		"LastSuccess too old": {
			online(t).after(90 * time.Second).then(inSilent{2, epoch}),
			want{bot.StateReconnecting, bot.ReasonKeepAliveTimeout, false, true, false, false, bot.ActionNone, "Hangup, retry in 250ms"},
		},
		"three KeepAliveTimeouts": {
			online(t).then(inSilent{3, epoch}),
			want{bot.StateReconnecting, bot.ReasonKeepAliveTimeout, false, true, false, false, bot.ActionNone, "Hangup, retry in 250ms"},
		},
		"KeepAliveRestored": {
			online(t).then(inSilent{2, epoch}, inAnswered{}),
			want{bot.StateConnected, bot.ReasonLoggedIn, true, true, false, false, bot.ActionNone, ""},
		},
		"one KeepAliveTimeout while a code is live": {
			scanning(t).after(35 * time.Second).then(inSilent{1, epoch}),
			want{bot.StatePairing, bot.ReasonQRAvailable, false, false, false, true, bot.ActionScanQR, ""},
		},
		"two KeepAliveTimeouts while a code is live": {
			scanning(t).after(70 * time.Second).then(inSilent{2, epoch}),
			want{bot.StatePairing, bot.ReasonConnectionLost, false, false, false, true, bot.ActionScanQR, "Hangup, retry in 250ms"},
		},
		"two KeepAliveTimeouts while the last code is live": {
			scanning(t).then(repeat(inTimer{timerCode}, 5)...).then(inSilent{2, epoch}),
			want{bot.StatePairing, bot.ReasonConnectionLost, false, false, false, true, bot.ActionScanQR, "Hangup, retry in 250ms"},
		},
		"KeepAliveTimeouts of a socket that was given up": {
			scanning(t).then(inSilent{2, epoch}).then(inSilent{3, epoch}),
			want{bot.StatePairing, bot.ReasonConnectionLost, false, false, false, true, bot.ActionScanQR, ""},
		},
		"Disconnected": {
			online(t).then(inLost{"the socket closed"}),
			want{bot.StateReconnecting, bot.ReasonConnectionLost, false, true, false, false, bot.ActionNone, "Hangup, retry in 250ms"},
		},
		"StreamReplaced": {
			online(t).then(inReplaced{}),
			want{bot.StateConflict, bot.ReasonStreamReplaced, false, true, false, false, bot.ActionNone, "Hangup, retry in 10s, Remember"},
		},
		"StreamReplaced, reclaim": {
			online(t).then(inReplaced{}).after(10 * time.Second).then(inTimer{timerRetry}),
			want{bot.StateConflict, bot.ReasonStreamReplaced, false, true, false, false, bot.ActionNone, "Remember, Dial"},
		},
		"StreamReplaced, budget used up": {
			replacedTimes(online(t), 3).then(inReplaced{}),
			want{bot.StateConflict, bot.ReasonStreamReplaced, false, true, false, false, bot.ActionResolveConflict, "Hangup, Remember"},
		},
		"conflict over a restart": {
			newStory(t, true, facts{Yielded: true, Takeovers: []time.Time{epoch.Add(-3 * time.Minute), epoch.Add(-2 * time.Minute), epoch.Add(-time.Minute)}}),
			want{bot.StateConflict, bot.ReasonStreamReplaced, false, true, false, false, bot.ActionResolveConflict, "version in 5m0s"},
		},
		"conflict over a restart, budget free again": {
			newStory(t, true, facts{Yielded: true, Takeovers: []time.Time{epoch.Add(-13 * time.Minute), epoch.Add(-2 * time.Minute), epoch.Add(-time.Minute)}}),
			want{bot.StateConflict, bot.ReasonStreamReplaced, false, true, false, false, bot.ActionNone, "version in 5m0s, Remember, Dial"},
		},
		"conflict ended by a person": {
			replacedTimes(online(t), 3).then(inReplaced{}).then(inRestart{}),
			want{bot.StateConnecting, bot.ReasonStarting, false, true, false, false, bot.ActionNone, "Remember, Dial"},
		},
		"LoggedOut 401": {
			online(t).then(inLoggedOut{bot.ReasonLoggedOut}),
			want{bot.StateLoggedOut, bot.ReasonLoggedOut, false, false, true, true, bot.ActionScanQR, "Hangup, Remember, Forget, Renew, Dial"},
		},
		"LoggedOut 401, then QR": {
			online(t).then(inLoggedOut{bot.ReasonLoggedOut}, inDialled{}, inCodes{six}),
			want{bot.StatePairing, bot.ReasonQRAvailable, false, false, true, true, bot.ActionScanQR, "Hangup, Remember, Forget, Renew, Dial, login in 30s, code in 1m0s"},
		},
		"expired over a restart": {
			newStory(t, false, facts{Expired: true, ExpiredReason: bot.ReasonLoggedOut}).then(inCodes{six}),
			want{bot.StatePairing, bot.ReasonQRAvailable, false, false, true, true, bot.ActionScanQR, "code in 1m0s"},
		},
		"expired, then PairSuccess": {
			online(t).then(inLoggedOut{bot.ReasonLoggedOut}, inCodes{six}).then(inPaired{someone}),
			want{bot.StateConnecting, bot.ReasonPaired, false, true, false, false, bot.ActionNone, "Settle, Remember, login in 15s, pulse in 1s"},
		},
		"crash before the facts of a new pairing were written": {
			newStory(t, true, facts{Expired: true, ExpiredReason: bot.ReasonLoggedOut, ExpiredJID: "62811:2@s.whatsapp.net"}),
			want{bot.StateConnecting, bot.ReasonStarting, false, true, false, false, bot.ActionNone, "version in 5m0s, Dial"},
		},
		"crash before the expired device was deleted": {
			newStory(t, true, facts{Expired: true, ExpiredReason: bot.ReasonLoggedOut, ExpiredJID: someone.jid}),
			want{bot.StateConnecting, bot.ReasonStarting, false, true, true, false, bot.ActionNone, "version in 5m0s, Dial"},
		},
		"LoggedOut 403": {
			online(t).then(inLoggedOut{bot.ReasonPrimaryDeviceGone}),
			want{bot.StateLoggedOut, bot.ReasonPrimaryDeviceGone, false, false, true, true, bot.ActionOpenPhone, "Hangup, Remember, Forget, Renew"},
		},
		"LoggedOut 406 over a restart": {
			newStory(t, false, facts{Expired: true, ExpiredReason: bot.ReasonAccountBanned}),
			want{bot.StateLoggedOut, bot.ReasonAccountBanned, false, false, true, true, bot.ActionOpenPhone, "version in 5m0s"},
		},
		"LoggedOut 406, someone looks": {
			online(t).then(inLoggedOut{bot.ReasonAccountBanned}).then(inLooked{}),
			want{bot.StateLoggedOut, bot.ReasonAccountBanned, false, false, true, true, bot.ActionOpenPhone, "Dial"},
		},
		"a new device is refused": {
			newStory(t, false, facts{}).then(inDialled{}).then(inLoggedOut{bot.ReasonLoggedOut}),
			want{bot.StateFailed, bot.ReasonConnectFailure, false, false, false, false, bot.ActionNone, "Hangup, retry in 1m0s"},
		},
		"TemporaryBan": {
			online(t).then(inBanned{2 * time.Hour, "101"}),
			want{bot.StateRestricted, bot.ReasonTemporaryBan, false, true, false, false, bot.ActionWaitUntil, "Hangup, retry in 15m0s, Remember"},
		},
		"TemporaryBan without an end": {
			online(t).then(inBanned{0, "101"}),
			want{bot.StateRestricted, bot.ReasonTemporaryBan, false, true, false, false, bot.ActionWaitUntil, "Hangup, retry in 15m0s, Remember"},
		},
		"TemporaryBan over a restart": {
			newStory(t, true, facts{RestrictedUntil: epoch.Add(time.Hour)}),
			want{bot.StateRestricted, bot.ReasonTemporaryBan, false, true, false, false, bot.ActionWaitUntil, "version in 5m0s, retry in 15m0s"},
		},
		"TemporaryBan over": {
			online(t).then(inBanned{time.Hour, "101"}).after(time.Hour).then(inTimer{timerRetry}).then(inDialled{}, inConnected{someone}),
			want{bot.StateConnected, bot.ReasonLoggedIn, true, true, false, false, bot.ActionNone, "login in 30s, Remember, pulse in 15s"},
		},
		"ClientOutdated": {
			newStory(t, true, facts{}).then(inDialled{}).then(inOutdated{}),
			want{bot.StateOutdated, bot.ReasonClientOutdated, false, true, false, false, bot.ActionUpgradeClient, "Hangup, FetchVersion"},
		},
		"ClientOutdated, newer version": {
			newStory(t, true, facts{}).then(inDialled{}, inOutdated{}).then(inVersion{version: newerVersion}),
			want{bot.StateOutdated, bot.ReasonClientOutdated, false, true, false, false, bot.ActionUpgradeClient, "Remember, Dial"},
		},
		"ClientOutdated again": {
			newStory(t, true, facts{}).then(inDialled{}, inOutdated{}, inVersion{version: newerVersion}, inDialled{}).after(time.Minute).then(inOutdated{}),
			want{bot.StateOutdated, bot.ReasonClientOutdated, false, true, false, false, bot.ActionUpgradeClient, "Hangup, retry in 59m0s"},
		},
		"ClientOutdated, no version to be had": {
			newStory(t, true, facts{}).then(inDialled{}, inOutdated{}).then(inVersion{err: errors.New("404")}),
			want{bot.StateOutdated, bot.ReasonClientOutdated, false, true, false, false, bot.ActionUpgradeClient, "retry in 1m0s"},
		},
		"ClientOutdated, no version to be had for long": {
			newStory(t, true, facts{}).then(inDialled{}, inOutdated{}).then(repeat(inVersion{err: errors.New("404")}, 1)...).
				then(inTimer{timerRetry}, inVersion{err: errors.New("404")}, inTimer{timerRetry}, inVersion{err: errors.New("404")}, inTimer{timerRetry}, inVersion{err: errors.New("404")}, inTimer{timerRetry}).
				then(inVersion{err: errors.New("404")}),
			want{bot.StateOutdated, bot.ReasonClientOutdated, false, true, false, false, bot.ActionUpgradeClient, "retry in 1h0m0s"},
		},
		"ClientOutdated, none fetched, another known": {
			newStory(t, true, facts{}).then(inDialled{}, inOutdated{}).then(inVersion{err: errors.New("404"), version: newerVersion}),
			want{bot.StateOutdated, bot.ReasonClientOutdated, false, true, false, false, bot.ActionUpgradeClient, "Remember, Dial"},
		},
		"ClientOutdated, the same version fetched": {
			newStory(t, true, facts{}).then(inDialled{}, inOutdated{}).then(inVersion{}),
			want{bot.StateOutdated, bot.ReasonClientOutdated, false, true, false, false, bot.ActionUpgradeClient, "Remember, retry in 1h0m0s"},
		},
		"ClientOutdated, by a clock that was set back since": {
			newStory(t, true, facts{OutdatedAt: epoch.Add(48 * time.Hour)}).then(inDialled{}).then(inOutdated{}),
			want{bot.StateOutdated, bot.ReasonClientOutdated, false, true, false, false, bot.ActionUpgradeClient, "Hangup, FetchVersion"},
		},
		"ClientOutdated, an hour later": {
			newStory(t, true, facts{}).then(inDialled{}, inOutdated{}, inVersion{}).after(time.Hour).then(inTimer{timerRetry}),
			want{bot.StateOutdated, bot.ReasonClientOutdated, false, true, false, false, bot.ActionUpgradeClient, "FetchVersion"},
		},
		"ClientOutdated over a restart in the middle of the fetch": {
			newStory(t, true, newStory(t, true, facts{}).then(inDialled{}).then(inOutdated{}).kept).then(inDialled{}).then(inOutdated{}),
			want{bot.StateOutdated, bot.ReasonClientOutdated, false, true, false, false, bot.ActionUpgradeClient, "Hangup, FetchVersion"},
		},
		"ClientOutdated over a restart, no version to be had before": {
			newStory(t, true, newStory(t, true, facts{}).then(inDialled{}, inOutdated{}, inVersion{err: errors.New("404")}).kept).then(inDialled{}).then(inOutdated{}),
			want{bot.StateOutdated, bot.ReasonClientOutdated, false, true, false, false, bot.ActionUpgradeClient, "Hangup, FetchVersion"},
		},
		"ClientOutdated over a restart, the newer version rejected before": {
			newStory(t, true, newStory(t, true, facts{}).then(inDialled{}, inOutdated{}, inVersion{version: newerVersion}, inDialled{}, inOutdated{}).kept).then(inDialled{}).then(inOutdated{}),
			want{bot.StateOutdated, bot.ReasonClientOutdated, false, true, false, false, bot.ActionUpgradeClient, "Hangup, retry in 1h0m0s"},
		},
		"ClientOutdated over a restart": {
			newStory(t, true, facts{OutdatedAt: epoch.Add(-time.Minute)}).then(inDialled{}).then(inOutdated{}),
			want{bot.StateOutdated, bot.ReasonClientOutdated, false, true, false, false, bot.ActionUpgradeClient, "Hangup, retry in 59m0s"},
		},
		"other ConnectFailure": {
			newStory(t, true, facts{}).then(inDialled{}).then(inRefused{"400"}),
			want{bot.StateFailed, bot.ReasonConnectFailure, false, true, false, false, bot.ActionNone, "Hangup, retry in 1m0s"},
		},
		"other ConnectFailure, third": {
			newStory(t, true, facts{}).then(inRefused{"400"}, inTimer{timerRetry}, inRefused{"400"}, inTimer{timerRetry}).then(inRefused{"400"}),
			want{bot.StateFailed, bot.ReasonConnectFailure, false, true, false, false, bot.ActionNone, "Hangup, retry in 15m0s"},
		},
		"clear while connected": {
			online(t).then(inUnlink{}),
			want{bot.StateConnected, bot.ReasonLoggedIn, true, true, false, false, bot.ActionNone, "Remember, Unlink"},
		},
		"cleared": {
			online(t).then(inUnlink{}).then(inUnlinked{atWhatsApp: true}),
			want{bot.StateLoggedOut, bot.ReasonClearedByUser, false, false, false, true, bot.ActionScanQR, "Hangup, Remember, Renew, Dial"},
		},
		"clear fails": {
			online(t).then(inUnlink{}).then(inUnlinked{err: errors.New("disk full")}),
			want{bot.StateConnecting, bot.ReasonStarting, false, true, false, false, bot.ActionNone, "Remember, Hangup, Dial"},
		},
		"clear fails, though WhatsApp ended the link": {
			online(t).then(inUnlink{}).then(inUnlinked{atWhatsApp: true, err: errors.New("disk full")}),
			want{bot.StateLoggedOut, bot.ReasonClearedByUser, false, false, false, true, bot.ActionScanQR, "Hangup, Remember, Forget, Renew, Dial"},
		},
		"clear while a code is live": {
			scanning(t).then(inUnlink{}),
			want{bot.StateConnecting, bot.ReasonNotLinked, false, false, false, true, bot.ActionScanQR, "Hangup, Remember, Unlink"},
		},
		"clear while a version is fetched": {
			newStory(t, true, facts{}).then(inDialled{}, inOutdated{}, inUnlink{}).then(inVersion{version: newerVersion}),
			want{bot.StateOutdated, bot.ReasonClientOutdated, false, true, false, false, bot.ActionUpgradeClient, ""},
		},
		"crash in the middle of a clear": {
			newStory(t, false, facts{Expired: true, ExpiredReason: bot.ReasonClearedByUser, ExpiredJID: someone.jid}),
			want{bot.StateConnecting, bot.ReasonNotLinked, false, false, false, true, bot.ActionScanQR, "version in 5m0s, Dial"},
		},
		"stopped by a person": {
			online(t).then(inStop{}),
			want{bot.StateStopped, bot.ReasonStoppedByUser, false, true, false, false, bot.ActionNone, "Hangup, Remember"},
		},
		"stopped while a code is live": {
			scanning(t).then(inStop{}),
			want{bot.StateStopped, bot.ReasonStoppedByUser, false, false, false, false, bot.ActionNone, "Hangup, Remember"},
		},
		"stopped, someone looks and asks for a pairing code": {
			scanning(t).then(inStop{}).then(inLooked{}, inPairPhone{"62811"}),
			want{bot.StateStopped, bot.ReasonStoppedByUser, false, false, false, false, bot.ActionNone, ""},
		},
		"stopped, and the connection's last words": {
			online(t).then(inStop{}).then(inLost{"closed"}, inReplaced{}, inBanned{time.Hour, "101"}, inOutdated{}, inRefused{"400"}),
			want{bot.StateStopped, bot.ReasonStoppedByUser, false, true, false, false, bot.ActionNone, "Remember, Remember, FetchVersion"},
		},
		"stopped as the phone scanned": {
			scanning(t).then(inStop{}).then(inPaired{someone}),
			want{bot.StateStopped, bot.ReasonStoppedByUser, false, true, false, false, bot.ActionNone, "Settle, Remember, login in 15s, pulse in 1s"},
		},
		"stopped as the phone unlinked": {
			online(t).then(inStop{}).then(inLoggedOut{bot.ReasonLoggedOut}),
			want{bot.StateStopped, bot.ReasonStoppedByUser, false, false, true, false, bot.ActionNone, "Remember, Forget, Renew"},
		},
		"stopped over a restart": {
			newStory(t, true, facts{Stopped: true}),
			want{bot.StateStopped, bot.ReasonStoppedByUser, false, true, false, false, bot.ActionNone, "version in 5m0s"},
		},
		"stopped in the middle of a clear": {
			online(t).then(inUnlink{}, inStop{}).then(inUnlinked{atWhatsApp: true}),
			want{bot.StateStopped, bot.ReasonStoppedByUser, false, false, false, false, bot.ActionNone, "Hangup, Remember, Renew"},
		},
		"restarted in the middle of a clear": {
			online(t).then(inUnlink{}, inStop{}, inRestart{}).then(inUnlinked{atWhatsApp: true}),
			want{bot.StateLoggedOut, bot.ReasonClearedByUser, false, false, false, true, bot.ActionScanQR, "Hangup, Remember, Renew, Dial"},
		},
		"cleared while stopped": {
			online(t).then(inStop{}, inUnlink{}).then(inUnlinked{}),
			want{bot.StateStopped, bot.ReasonStoppedByUser, false, false, false, false, bot.ActionNone, "Hangup, Remember, Renew"},
		},
		"stop ended by a person": {
			newStory(t, true, facts{Stopped: true}).then(inRestart{}),
			want{bot.StateConnecting, bot.ReasonStarting, false, true, false, false, bot.ActionNone, "Remember, Dial"},
		},
		"restart by a person while banned": {
			online(t).then(inBanned{time.Hour, "101"}).then(inRestart{}),
			want{bot.StateConnecting, bot.ReasonStarting, false, true, false, false, bot.ActionNone, "Remember, Dial"},
		},
		"pairing code asked for": {
			scanning(t).then(inPairPhone{"62811"}),
			want{bot.StatePairing, bot.ReasonQRAvailable, false, false, false, true, bot.ActionScanQR, "AskPairingCode"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := c.story.m.snapshot()
			got := want{s.State, s.Reason, s.Connected, s.Exists, s.Expired, s.QRRequired, s.UserAction, c.story.kinds()}
			if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(want{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func repeat(in input, n int) []input { return slices.Repeat([]input{in}, n) }

// rounds lets n rounds of codes expire and opens the next.
func rounds(s *story, n int) *story {
	for range n {
		s.then(repeat(inTimer{timerCode}, 6)...).then(inTimer{timerRetry}, inDialled{}, inCodes{six})
	}
	return s
}

// replacedTimes lets the session be replaced n times, and taken back each time.
func replacedTimes(s *story, n int) *story {
	for range n {
		s.then(inReplaced{}).after(10*time.Second).then(inTimer{timerRetry}, inDialled{}, inConnected{someone})
	}
	return s
}

func TestReconnectsAreSpreadAndNeverOftenerThanTheirLeast(t *testing.T) {
	for _, dice := range []float64{0, 0.5, 0.999} {
		s := online(t)
		s.dice = dice
		part := func(d time.Duration) time.Duration { return time.Duration(dice * float64(d)) }
		want := lateReason + part(calm.first)
		for i := range 20 {
			s.then(inLost{"x"})
			wait, armed := s.timer(timerRetry)
			if !armed || wait != want {
				t.Fatalf("dice %v, loss %d: retry in %v (armed %v), want %v", dice, i, wait, armed, want)
			}
			want = calm.least + part(calm.spread)
			s.after(wait).then(inTimer{timerRetry})
		}
	}
}

func TestTheFirstWaitComesBackOnlyAfterALoginThatLasted(t *testing.T) {
	s := online(t)
	s.dice = 0.5
	drop := func() time.Duration {
		s.then(inLost{"x"})
		wait, _ := s.timer(timerRetry)
		s.after(wait).then(inTimer{timerRetry}, inDialled{}, inConnected{someone})
		return wait
	}
	first, second := drop(), drop()
	if second <= first {
		t.Errorf("a login dropped at once is repeated after %v, no later than the first time (%v)", second, first)
	}
	s.after(stableAfter)
	if again := drop(); again != first {
		t.Errorf("after a login that lasted the wait is %v, want %v", again, first)
	}
}

func TestRoundsThatBreakOffAreBoundedToo(t *testing.T) {
	s := newStory(t, false, facts{})
	s.dice = 0.5
	waits := []time.Duration{}
	for s.m.reason != bot.ReasonQRIdle {
		if len(waits) > usual.qrRounds {
			t.Fatalf("still asks for codes after %d rounds that WhatsApp broke off", len(waits))
		}
		s.then(inDialled{}, inCodes{six}).after(time.Second).then(inLost{"closed"})
		wait, _ := s.timer(timerRetry)
		waits = append(waits, wait)
		s.after(wait).then(inTimer{timerRetry})
	}
	for _, wait := range waits[1 : len(waits)-1] {
		if wait < calm.least {
			t.Errorf("broken off again, and repeated after %v already", wait)
		}
	}
}

// TestCodesOfAFrozenPeerSpendNoRounds: such codes could not be scanned. The tries still keep their distance.
func TestCodesOfAFrozenPeerSpendNoRounds(t *testing.T) {
	s := newStory(t, false, facts{})
	s.dice = 0.5
	waits := []time.Duration{}
	for range usual.qrRounds + 2 {
		s.then(inDialled{}, inCodes{six}).after(35 * time.Second).then(inSilent{1, epoch})
		s.after(25 * time.Second).then(inTimer{timerCode}).after(15 * time.Second).then(inSilent{2, epoch})
		if _, live := s.m.code(s.now); live || s.m.reason != bot.ReasonConnectionLost {
			t.Fatalf("after %d frozen rounds: %+v", len(waits)+1, s.m.snapshot())
		}
		wait, _ := s.timer(timerRetry)
		waits = append(waits, wait)
		s.after(wait).then(inTimer{timerRetry})
	}
	for _, wait := range waits[1:] {
		if wait < calm.least {
			t.Errorf("frozen again, and repeated after %v already", wait)
		}
	}
	rounds(s.then(inDialled{}, inCodes{six}), usual.qrRounds-1).then(repeat(inTimer{timerCode}, 5)...)
	if s.m.reason != bot.ReasonQRAvailable {
		t.Errorf("the frozen rounds were counted: %s", s.m.reason)
	}
	s.m.attempt = 3
	if s.then(inCodes{six}, inSilent{1, epoch}, inAnswered{}, inTimer{timerCode}); s.m.attempt != 0 {
		t.Error("a connection that answers again does not count as good")
	}
}

func TestAConnectionThatNeverLastsIsStillBackedUp(t *testing.T) {
	s := online(t)
	backedUp := 0
	due := epoch.Add(firstBackupWait)
	for range 60 { // each connection ends before a first backup's time
		s.after(firstBackupWait/2).then(inLost{"x"}).then(inTimer{timerRetry}, inDialled{}, inConnected{someone})
		if wait, armed := s.timer(timerBackup); armed {
			due = s.now.Add(wait)
		}
		if s.runs[timerBackup] && !s.now.Before(due) {
			if s.then(inTimer{timerBackup}).asked(actBackup{}) {
				backedUp++
			}
			wait, _ := s.timer(timerBackup)
			due = s.now.Add(wait)
		}
	}
	if backedUp < 5 { // half an hour, once in five minutes
		t.Errorf("backed up %d times in half an hour of connections that break", backedUp)
	}
	if s.then(inLoggedOut{bot.ReasonLoggedOut}); s.runs[timerBackup] {
		t.Error("still backs up a session that ended")
	}
}

// TestABanIsWaitedOutByTheClock: timers stop while a laptop sleeps, and a wrong clock may be corrected later; the ban
// ends when the clock says so.
func TestABanIsWaitedOutByTheClock(t *testing.T) {
	banned := func(until time.Time) *story { return newStory(t, true, facts{RestrictedUntil: until}) }
	cases := map[string]struct {
		story *story
		meant time.Duration // how far the clock moved while the timer ran
		dials bool
	}{
		"the clock agrees":               {banned(epoch.Add(10 * time.Minute)), 0, true},
		"asleep for a day":               {banned(epoch.Add(20 * time.Hour)), 24 * time.Hour, true},
		"it began in another century":    {banned(epoch.Add(400_000 * time.Hour)), 400_000 * time.Hour, true},
		"set back by an hour":            {banned(epoch.Add(30 * time.Minute)), -time.Hour, false},
		"hours to go, and no clock lies": {banned(epoch.Add(5 * time.Hour)), 0, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := c.story
			wait, armed := s.timer(timerRetry)
			if !armed || wait > banLook {
				t.Fatalf("looks at the clock again after %v", wait)
			}
			s.after(wait + c.meant).then(inTimer{timerRetry})
			if s.asked(actDial{}) != c.dials {
				t.Fatalf("dials: %v", !c.dials)
			}
			if !c.dials && (!s.runs[timerRetry] || s.m.state != bot.StateRestricted || s.m.snapshot().RetryAt.IsZero()) {
				t.Errorf("waits no more: %+v", s.m.snapshot())
			}
		})
	}
}

func TestAPairingCodeIsForTheNumberThatAskedLast(t *testing.T) {
	s := scanning(t).then(inPairPhone{"+62811"}, inPairPhone{"+62822"})
	s.then(inPairingCode{phone: "+62811", code: "AAAA-AAAA"})
	if code, _ := s.m.code(s.now); code.PairingCode != "" {
		t.Errorf("the code of another number is given out: %q", code.PairingCode)
	}
	s.then(inPairingCode{phone: "+62811", err: errors.New("x")})
	if s.m.pairingRefused {
		t.Error("a refusal of another number counts")
	}
	s.then(inPairingCode{phone: "+62822", code: "BBBB-BBBB"})
	if code, _ := s.m.code(s.now); code.PairingCode != "BBBB-BBBB" {
		t.Errorf("pairing code %q", code.PairingCode)
	}
}

func TestAPairingCodeComesWithTimeToTypeIt(t *testing.T) {
	s := scanning(t).then(inPairPhone{"+62811"})
	if !s.asked(actAskPairingCode{"+62811"}) || s.asked(actDial{}) {
		t.Errorf("at the begin of a round: %s", s.kinds())
	}
	s = scanning(t)
	for range 4 {
		s.after(s.m.codeExpires.Sub(s.now)).then(inTimer{timerCode})
	}
	s.then(inPairPhone{"+62811"}) // 40 s before WhatsApp closes the socket, and the pairing code expires with it
	if s.asked(actAskPairingCode{"+62811"}) || !s.asked(actDial{}) {
		t.Errorf("at the end of a round: %s", s.kinds())
	}
	if s.then(inDialled{}, inCodes{six}); !s.asked(actAskPairingCode{"+62811"}) {
		t.Errorf("in the round after: %s", s.kinds())
	}
	if s.then(inPairPhone{"+62811"}); s.asked(actAskPairingCode{"+62811"}) {
		t.Error("a second code is asked for before the first one came: the first would end when it is shown")
	}
	s.then(inPairingCode{phone: "+62811", code: "AAAA-AAAA"})
	ends := bot.At(s.now.Add(firstCodeLife + 5*nextCodeLife))
	for range 5 { // it stays valid while the QR codes change
		code, _ := s.m.code(s.now)
		if code.PairingCode != "AAAA-AAAA" || code.PairingExpiresAt != ends || !code.ExpiresAt.Before(ends.Time) {
			t.Errorf("%+v, want an end at %v", code, ends)
		}
		s.after(s.m.codeExpires.Sub(s.now)).then(inTimer{timerCode})
	}
}

func TestTakeoverBudgetIsAWindow(t *testing.T) {
	s := replacedTimes(online(t), 3).then(inReplaced{})
	if _, armed := s.timer(timerRetry); armed {
		t.Fatal("a fourth reclaim within the window")
	}
	s = replacedTimes(online(t), 3).after(takeoverWindow).then(inReplaced{})
	if _, armed := s.timer(timerRetry); !armed {
		t.Fatal("no reclaim though the window has passed")
	}
}

func TestARestartInAConflictIsATakeover(t *testing.T) {
	var f facts
	s := online(t)
	for n := range 6 { // replaced, and restarted while it waits to take the session back
		s.then(inReplaced{})
		s.m.remember(&f)
		s = newStory(t, true, f)
		s.m.remember(&f)
		s.then(inDialled{}, inConnected{someone})
		if online := s.m.snapshot().Connected; online != (n < takeoverBudget) {
			t.Fatalf("after %d restarts in a conflict: connected %v", n+1, online)
		}
	}
	s = replacedTimes(online(t), takeoverBudget-1).then(inReplaced{}).after(usual.takeoverTimeout).then(inTimer{timerRetry})
	s.m.remember(&f) // killed in the middle of the last takeover
	if s = newStory(t, true, f); !s.asked(actDial{}) || len(f.Takeovers) != takeoverBudget {
		t.Errorf("killed in the middle of its last takeover the bot does %s, and counted %d", s.kinds(), len(f.Takeovers))
	}
	s = newStory(t, true, facts{})
	s.m.policy.takeover = false
	s.then(inDialled{}, inConnected{someone}, inReplaced{})
	s.m.remember(&f)
	again := policy{qrRounds: 10}
	if m, did := step(newModel(again, true, someone, f, epoch), epoch, 0, inStart{}); slices.Contains(did, action(actDial{})) || m.snapshot().UserAction != bot.ActionResolveConflict {
		t.Errorf("a restart takes the session back though TAKEOVER_ON_CONFLICT is off: %v", did)
	}
}

func TestNoTakeoverByPolicy(t *testing.T) {
	s := online(t)
	s.m.policy.takeover = false
	s.then(inReplaced{})
	if _, armed := s.timer(timerRetry); armed {
		t.Error("reclaims though TAKEOVER_ON_CONFLICT is off")
	}
	if got := s.m.snapshot().UserAction; got != bot.ActionResolveConflict {
		t.Errorf("user action %s", got)
	}
}

func TestLookingDoesNotShortenABackoff(t *testing.T) {
	s := newStory(t, false, facts{}).then(inDialled{errors.New("refused")})
	if s.then(inLooked{}).asked(actDial{}) {
		t.Error("looking dials during a backoff: a page that asks after every change would hammer")
	}
}

func TestAStepWritesNothingInPlace(t *testing.T) {
	before := replacedTimes(online(t), 2).m
	kept := slices.Clone(before.takeovers)
	for range 2 {
		m, _ := step(before, epoch.Add(time.Minute), 0, inReplaced{})
		step(m, epoch.Add(70*time.Second), 0, inTimer{timerRetry})
	}
	if diff := cmp.Diff(kept, before.takeovers); diff != "" {
		t.Error(diff)
	}
}

// TestEveryReasonHasASentence: no reason lacks a sentence.
func TestEveryReasonHasASentence(t *testing.T) {
	for reason, s := range sentences {
		if s.text == "" || s.action == "" {
			t.Errorf("%s has no sentence", reason)
		}
	}
}

// FuzzStep makes anything happen in any order, and checks what must hold in every state.
func FuzzStep(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27})
	f.Add([]byte{0, 4, 70, 74, 76, 78, 8, 6, 70, 6, 10, 0, 4, 70, 72, 72, 20, 82})
	f.Add([]byte{1, 9, 12, 18, 12, 18, 12, 18, 12})
	all := []input{
		inDialled{}, inDialled{errors.New("x")}, inCodes{six}, inCodes{six[:1]}, inPaired{someone}, inAccepted{}, inPairFailed{errors.New("x")},
		inNoMultidevice{}, inStreamRestart{}, inConnected{someone}, inSilent{1, epoch}, inSilent{2, epoch}, inSilent{3, epoch},
		inAnswered{}, inLost{"x"}, inReplaced{}, inLoggedOut{bot.ReasonLoggedOut}, inLoggedOut{bot.ReasonPrimaryDeviceGone},
		inBanned{time.Hour, "x"}, inOutdated{}, inRefused{"x"}, inVersion{version: newerVersion}, inVersion{err: errors.New("x")},
		inPairingCode{phone: "628111", code: "ABCD-EFGH"}, inLooked{}, inRestart{}, inStop{}, inUnlink{}, inPairPhone{"628111"}, inPushName{"x"},
		inUnwritable{syscall.ENOSPC}, inProbed{}, inProbed{syscall.ENOSPC}, inResume{}, inDialled{&proxyError{407}}, inNotKept{}, asked,
		inPasskeyRefused{"x"}, inPasskeyTaken{}, inPasskeyCode{"A", true}, inPasskeyCode{"A", false}, inPasskeyConfirmed{}, inPasskeyFailed{"x"},
	}
	timers := []timer{timerRetry, timerCode, timerLogin, timerBackup, timerVersion, timerPulse, timerPasskey}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, linked := range []bool{true, false} {
			s := newStory(t, linked, facts{})
			s.slowDisk = true
			unlinking, forgetting := false, false
			for i, b := range data {
				s.now = s.now.Add(time.Duration(b) * time.Second)
				s.dice = float64(b) / 256
				name := timers[int(b)%len(timers)]
				in := input(inTimer{name})
				if int(b)%2 == 0 || !s.runs[name] { // the supervisor drops the tick of a timer that was disarmed
					in = all[(int(b)/2)%len(all)]
				}
				switch {
				case forgetting && i%3 == 0:
					in, forgetting = inForgotten{}, false
				case unlinking && i%3 == 0:
					in, unlinking = inUnlinked{atWhatsApp: b%2 == 0, err: []error{nil, errors.New("disk full")}[b%4/2]}, false
				}
				s.then(in)
				unlinking = unlinking || s.asked(actUnlink{online: true}) || s.asked(actUnlink{})
				forgetting = forgetting || s.asked(actForget{})
				mustHold(t, s)
			}
		}
	})
}

// mustHold fails if the model is wrong or stuck.
func mustHold(t *testing.T, s *story) {
	t.Helper()
	m, snap := s.m, s.m.snapshot()
	if snap.Connected && (!snap.Exists || m.socket != socketUp || snap.QRRequired || snap.Expired) {
		t.Fatalf("connected, yet %+v", snap)
	}
	if _, live := m.code(s.now); live && snap.Exists {
		t.Fatalf("a code is live for a session that is linked: %+v", snap)
	}
	if snap.Message == "" || snap.UserAction == "" {
		t.Fatalf("nothing to tell a person: %+v", snap)
	}
	if live := len(m.codes) > 0; live != !snap.QRExpiresAt.IsZero() || live && !m.stopped && m.state != bot.StatePairing || !live && m.reason == bot.ReasonQRAvailable {
		t.Fatalf("%d codes, yet %+v", len(m.codes), snap)
	}
	if !m.removing && (snap.State == bot.StateConnected) != snap.Connected {
		t.Fatalf("state %s and connected %v", snap.State, snap.Connected)
	}
	if snap.UserAction == bot.ActionWaitUntil && snap.RestrictedUntil.IsZero() || snap.QRRequired && snap.Exists {
		t.Fatalf("contradicts itself: %+v", snap)
	}
	gated := m.reason == bot.ReasonPasskeyRequired || m.reason == bot.ReasonPasskeyConfirmation
	if gated != m.passkey.open() || gated != s.runs[timerPasskey] || gated && (snap.Exists || snap.QRRequired || len(m.codes) > 0) {
		t.Fatalf("a gate in step %d, with its timer armed: %v, yet %+v", m.passkey.step, s.runs[timerPasskey], snap)
	}
	if !m.removing && (m.socket == socketOpen && !s.runs[timerLogin] && !s.runs[timerCode] && !gated || m.socket == socketUp && !s.runs[timerPulse] || !m.retryAt.IsZero() && !s.runs[timerRetry]) {
		t.Fatalf("no timer ends %s/%s with the socket at %d", m.state, m.reason, m.socket)
	}
	if m.stopped && (snap.State != bot.StateStopped || snap.Connected || !m.removing && m.socket != socketDown || !m.retryAt.IsZero()) {
		t.Fatalf("stopped, yet %+v", snap)
	}
	if m.removing || m.socket != socketDown || !m.retryAt.IsZero() {
		return
	}
	switch { // down for good: only if a person, or a running fetch or probe, can end it
	case m.storage.probing:
	case m.stopped, m.reason == bot.ReasonQRIdle, m.state == bot.StateConflict, m.state == bot.StateOutdated, m.state == bot.StateLoggedOut && m.codesOnDemandOnly():
	default:
		t.Fatalf("stuck in %s/%s", m.state, m.reason)
	}
}

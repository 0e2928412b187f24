package httpapi

import (
	"net/http"
	"slices"
	"strings"

	"sesi.dev/sesi/api/bot"
)

// wahaRoutes are the paths of WAHA's API that the bot serves. They translate WAHA's words into the bot's and back, and
// keep no state. What WAHA has beyond them is in bot.WAHAUnserved, with the reason.
func wahaRoutes() []route {
	return slices.Concat(wahaFirstRoutes(), wahaMoreRoutes(), wahaChannelRoutes(), wahaLabelRoutes(), wahaFileRoutes(), wahaOldRoutes())
}

func wahaFirstRoutes() []route {
	return []route{
		{"GET", bot.PathWAHAPing, forAll, (*call).wahaPing},
		{"GET", bot.PathWebSocket, withToken, (*call).wahaSocket},
		{"GET", bot.PathWAHAFile, withToken, inSession((*call).wahaFile)},
		{"GET", bot.PathWAHAVersion, withToken, (*call).wahaVersion},
		{"GET", bot.PathWAHAServerVersion, withToken, (*call).wahaVersion},
		{"GET", bot.PathWAHAServerStatus, withToken, (*call).wahaServer},
		{"GET", bot.PathWAHASessions, withToken, (*call).wahaList},
		{"GET", bot.PathWAHASession, withToken, inSession((*call).wahaGet)},
		{"GET", bot.PathWAHAMe, withToken, inSession((*call).wahaMe)},
		{"POST", bot.PathWAHAStart, withToken, inSession((*call).wahaStart)},
		{"POST", bot.PathWAHAStop, withToken, inSession((*call).wahaStop)},
		{"POST", bot.PathWAHARestart, withToken, inSession((*call).wahaRestart)},
		{"POST", bot.PathWAHALogout, withToken, inSession((*call).wahaLogout)},
		{"GET", bot.PathWAHACode, withToken, inSession((*call).wahaCode)},
		{"POST", bot.PathWAHARequestCode, withToken, inSession((*call).wahaPair)},
		{"GET", bot.PathWAHAPasskeyChallenge, withToken, inSession((*call).wahaPasskeyChallenge)},
		{"POST", bot.PathWAHAPasskey, withToken, inSession((*call).wahaSignPasskey)},
		{"GET", bot.PathWAHAPasskeyCode, withToken, inSession((*call).wahaPasskeyCode)},
		{"POST", bot.PathWAHAPasskeyConfirm, withToken, inSession((*call).wahaConfirmPasskey)},

		{"POST", bot.PathWAHASendText, withToken, (*call).wahaSendText},
		{"POST", bot.PathWAHAReply, withToken, (*call).wahaSendText},
		{"POST", bot.PathWAHASendPreview, withToken, (*call).wahaSendPreview},
		{"POST", bot.PathWAHASendLink, withToken, (*call).wahaSendLink},
		{"PUT", bot.PathWAHAReaction, withToken, (*call).wahaReact},
		{"POST", bot.PathWAHAForward, withToken, (*call).wahaForward},
		{"PUT", bot.PathWAHAStar, withToken, (*call).wahaStar},
		{"POST", bot.PathWAHASeen, withToken, (*call).wahaSeen},
		{"GET", bot.PathWAHANewID, withToken, inSession((*call).wahaNewID)},
		{"GET", bot.PathWAHANewStatusID, withToken, inSession((*call).wahaNewID)},

		{"GET", bot.PathWAHAMessages, withToken, inSession((*call).wahaMessages)},
		{"DELETE", bot.PathWAHAMessages, withToken, inSession((*call).wahaClearChat)},
		{"GET", bot.PathWAHAMessage, withToken, inSession((*call).wahaMessage)},
		{"PUT", bot.PathWAHAMessage, withToken, inSession((*call).wahaEdit)},
		{"DELETE", bot.PathWAHAMessage, withToken, inSession((*call).wahaRevoke)},
		{"POST", bot.PathWAHAPin, withToken, inSession((*call).wahaPin)},
		{"POST", bot.PathWAHAUnpin, withToken, inSession((*call).wahaUnpin)},
		{"POST", bot.PathWAHAMessagesRead, withToken, inSession((*call).wahaReadChat)},

		{"GET", bot.PathWAHACheckExists, withToken, inSession((*call).wahaCheck)},
		{"GET", bot.PathWAHACheckNumber, withToken, inSession((*call).wahaCheck)},
		{"GET", bot.PathWAHAContacts, withToken, inSession((*call).wahaContacts)},
		{"GET", bot.PathWAHAContact, withToken, inSession((*call).wahaContact)},
		{"GET", bot.PathWAHAAbout, withToken, inSession((*call).wahaAbout)},
		{"GET", bot.PathWAHAProfilePicture, withToken, inSession((*call).wahaProfilePicture)},
		{"GET", bot.PathWAHAChatPicture, withToken, inSession((*call).wahaChatPicture)},
		{"GET", bot.PathWAHAGroupPicture, withToken, inSession((*call).wahaGroupPicture)},
		{"PUT", bot.PathWAHAGroupPicture, withToken, inSession((*call).wahaSetPicture)},
		{"DELETE", bot.PathWAHAGroupPicture, withToken, inSession((*call).wahaRemovePicture)},
		{"GET", bot.PathWAHAProfile, withToken, inSession((*call).wahaProfile)},
		{"PUT", bot.PathWAHAProfileName, withToken, inSession((*call).wahaSetName)},
		{"PUT", bot.PathWAHAProfileAbout, withToken, inSession((*call).wahaSetAbout)},
		{"PUT", bot.PathWAHAProfileImage, withToken, inSession((*call).wahaSetPicture)},
		{"DELETE", bot.PathWAHAProfileImage, withToken, inSession((*call).wahaRemovePicture)},
		{"PUT", bot.PathWAHAContact, withToken, inSession((*call).wahaNameContact)},
		{"DELETE", bot.PathWAHAChat, withToken, inSession((*call).wahaDeleteChat)},
		{"POST", bot.PathWAHAChatArchive, withToken, inSession((*call).wahaArchive)},
		{"POST", bot.PathWAHAChatUnarchive, withToken, inSession((*call).wahaUnarchive)},
		{"POST", bot.PathWAHAChatUnread, withToken, inSession((*call).wahaUnread)},
		{"POST", bot.PathWAHABlock, withToken, (*call).wahaBlock},
		{"POST", bot.PathWAHAUnblock, withToken, (*call).wahaUnblock},
		{"GET", bot.PathWAHALIDs, withToken, inSession((*call).wahaLIDs)},
		{"GET", bot.PathWAHALIDCount, withToken, inSession((*call).wahaLIDCount)},
		{"GET", bot.PathWAHALID, withToken, inSession((*call).wahaLID)},
		{"GET", bot.PathWAHALIDOfPhone, withToken, inSession((*call).wahaLIDOfPhone)},
	}
}

// wahaMoreRoutes are about other kinds of messages, chats and groups.
func wahaMoreRoutes() []route {
	return []route{
		{"POST", bot.PathWAHASendLocation, withToken, (*call).wahaSendLocation},
		{"POST", bot.PathWAHASendContacts, withToken, (*call).wahaSendContacts},
		{"POST", bot.PathWAHASendPoll, withToken, (*call).wahaSendPoll},
		{"POST", bot.PathWAHASendVote, withToken, (*call).wahaVote},
		{"POST", bot.PathWAHASendEvent, withToken, inSession((*call).wahaSendEvent)},
		{"POST", bot.PathWAHAStartTyping, withToken, (*call).wahaStartTyping},
		{"POST", bot.PathWAHAStopTyping, withToken, (*call).wahaStopTyping},
		{"POST", bot.PathWAHATextStatus, withToken, inSession((*call).wahaTextStatus)},
		{"POST", bot.PathWAHADeleteStatus, withToken, inSession((*call).wahaDeleteStatus)},
		{"POST", bot.PathWAHAPresence, withToken, inSession((*call).wahaSetPresence)},
		{"GET", bot.PathWAHAPresence, withToken, inSession((*call).wahaPresences)},
		{"GET", bot.PathWAHAChatPresence, withToken, inSession((*call).wahaPresence)},
		{"POST", bot.PathWAHASubscribe, withToken, inSession((*call).wahaSubscribe)},
		{"POST", bot.PathWAHACallReject, withToken, inSession((*call).wahaRejectCall)},
		{"GET", bot.PathWAHAChats, withToken, inSession((*call).wahaChats)},
		{"GET", bot.PathWAHAOverview, withToken, inSession((*call).wahaOverview)},
		{"POST", bot.PathWAHAOverview, withToken, inSession((*call).wahaOverviewOf)},
		{"GET", bot.PathWAHAGroups, withToken, inSession((*call).wahaGroups)},
		{"POST", bot.PathWAHAGroups, withToken, inSession((*call).wahaCreateGroup)},
		{"GET", bot.PathWAHAGroupCount, withToken, inSession((*call).wahaGroupCount)},
		{"POST", bot.PathWAHAGroupRefresh, withToken, inSession((*call).wahaGroupRefresh)},
		{"GET", bot.PathWAHAGroupJoinInfo, withToken, inSession((*call).wahaJoinInfo)},
		{"POST", bot.PathWAHAGroupJoin, withToken, inSession((*call).wahaJoin)},
		{"GET", bot.PathWAHAGroup, withToken, inSession((*call).wahaGetGroup)},
		{"DELETE", bot.PathWAHAGroup, withToken, inSession((*call).wahaDeleteGroup)},
		{"POST", bot.PathWAHAGroupLeave, withToken, inSession((*call).wahaLeave)},
		{"PUT", bot.PathWAHAGroupSubject, withToken, inSession((*call).wahaSubject)},
		{"PUT", bot.PathWAHAGroupDescription, withToken, inSession((*call).wahaDescription)},
		{"GET", bot.PathWAHAGroupInvite, withToken, inSession((*call).wahaInviteCode)},
		{"POST", bot.PathWAHAGroupInviteRevoke, withToken, inSession((*call).wahaRevokeInvite)},
		{"GET", bot.PathWAHAGroupInfoAdmins, withToken, inSession((*call).wahaInfoAdmins)},
		{"PUT", bot.PathWAHAGroupInfoAdmins, withToken, inSession((*call).wahaSetInfoAdmins)},
		{"GET", bot.PathWAHAGroupMessagesAdmins, withToken, inSession((*call).wahaMessagesAdmins)},
		{"PUT", bot.PathWAHAGroupMessagesAdmins, withToken, inSession((*call).wahaSetMessagesAdmins)},
		{"GET", bot.PathWAHAGroupParticipants, withToken, inSession((*call).wahaParticipants)},
		{"GET", bot.PathWAHAGroupParticipants2, withToken, inSession((*call).wahaParticipants)},
		{"POST", bot.PathWAHAGroupAdd, withToken, inSession((*call).wahaAdd)},
		{"POST", bot.PathWAHAGroupRemove, withToken, inSession((*call).wahaRemove)},
		{"POST", bot.PathWAHAGroupPromote, withToken, inSession((*call).wahaPromote)},
		{"POST", bot.PathWAHAGroupDemote, withToken, inSession((*call).wahaDemote)},
	}
}

// wahaUnserved are the methods and the parts of the paths that answer 501.
var wahaUnserved = func() (all [][]string) {
	for _, missing := range bot.WAHAUnserved {
		method, path, _ := strings.Cut(missing.Operation, " ")
		all = append(all, append([]string{method}, strings.Split(path, "/")...))
	}
	return all
}()

// hasWAHA reports whether WAHA's API has the request's operation, which the bot does not.
func hasWAHA(r *http.Request) bool {
	parts := append([]string{r.Method}, strings.Split(r.URL.Path, "/")...)
	for _, known := range wahaUnserved {
		if len(known) != len(parts) {
			continue
		}
		same := true
		for i, part := range known {
			same = same && (part == parts[i] || strings.HasPrefix(part, "{") && parts[i] != "")
		}
		if same {
			return true
		}
	}
	return false
}

// faultUnserved means that WAHA's API has this operation, and the bot does not.
var faultUnserved = fault{status: http.StatusNotImplemented, kind: bot.ProblemUnsupported,
	title: text{"Tidak tersedia", "Not available"},
	detail: text{"Alamat WAHA ini tidak tersedia di bot; lihat docs/from-waha.md.",
		"The bot does not have this address of WAHA's; see docs/from-waha.md."}}

package main

import (
	"errors"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/botruntime/store"
)

// A session that waits for a scan, or for the end of a ban, is healthy. One that cannot get a code is not.
func TestDoctorOnTheSession(t *testing.T) {
	scannable := func(s *v1alpha1.WhatsAppSession) {
		s.Status.QR = &v1alpha1.QRStatus{Needed: true, ExpiresAt: &metav1.Time{Time: time.Now().Add(time.Minute)}}
	}
	cases := map[string]struct {
		edits          []func(*v1alpha1.WhatsAppSession)
		problem, waits bool
		remedy         string
	}{
		"connected":         {nil, false, false, ""},
		"waits for scan":    {[]func(*v1alpha1.WhatsAppSession){is(bot.StatePairing, bot.ReasonQRAvailable, bot.ActionScanQR), scannable}, true, true, "kubectl sesi qr shop"},
		"restricted":        {[]func(*v1alpha1.WhatsAppSession){is(bot.StateRestricted, bot.ReasonTemporaryBan, bot.ActionWaitUntil)}, true, true, "wait; the session is kept"},
		"no code, no net":   {[]func(*v1alpha1.WhatsAppSession){is(bot.StateConnecting, bot.ReasonConnectionLost, bot.ActionCheckNetwork)}, true, false, "check DNS"},
		"a full disk":       {[]func(*v1alpha1.WhatsAppSession){is(bot.StateFailed, bot.ReasonStoreUnwritable, bot.ActionFixStorage)}, true, false, "the PVC wa-shop"},
		"outdated":          {[]func(*v1alpha1.WhatsAppSession){is(bot.StateOutdated, bot.ReasonClientOutdated, bot.ActionUpgradeClient)}, true, false, "upgrade the bot's image"},
		"another client":    {[]func(*v1alpha1.WhatsAppSession){is(bot.StateConflict, bot.ReasonStreamReplaced, bot.ActionResolveConflict)}, true, false, "stop the other client"},
		"starts":            {[]func(*v1alpha1.WhatsAppSession){is(v1alpha1.StatePending, v1alpha1.ReasonPodStarting, bot.ActionNone)}, true, false, "wait; "},
		"no pod":            {[]func(*v1alpha1.WhatsAppSession){is(v1alpha1.StatePending, v1alpha1.ReasonPodRejected, bot.ActionNone)}, true, false, "first solve what is BAD above"},
		"an action of old":  {[]func(*v1alpha1.WhatsAppSession){is(v1alpha1.StatePending, v1alpha1.ReasonUnschedulable, bot.ActionFixStorage)}, true, false, "first solve what is BAD above"},
		"not to be reached": {[]func(*v1alpha1.WhatsAppSession){is(v1alpha1.StateUnknown, v1alpha1.ReasonBotUnreachable, bot.ActionScanQR)}, true, false, "first solve what is BAD above"},
		"a newer bot":       {[]func(*v1alpha1.WhatsAppSession){is(v1alpha1.StateUnknown, v1alpha1.ReasonOperatorOutdated, bot.ActionNone)}, true, false, "upgrade the operator"},
		"not seen yet":      {[]func(*v1alpha1.WhatsAppSession){is("", "", "")}, true, false, "look at the operator"},
		"being deleted":     {[]func(*v1alpha1.WhatsAppSession){is(v1alpha1.StateTerminating, v1alpha1.ReasonTerminating, bot.ActionNone)}, true, true, "wait until it is deleted"},
		"suspended":         {[]func(*v1alpha1.WhatsAppSession){is(v1alpha1.StateSuspended, v1alpha1.ReasonSuspended, bot.ActionNone), isSuspended}, true, true, "kubectl sesi resume shop"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			session := someSession("shop", c.edits...)
			if f := checkSession(t.Context(), nil, &session); (f.problem != "") != c.problem || f.waits != c.waits || !strings.Contains(f.remedy, c.remedy) {
				t.Errorf("%+v; want a problem %t, that waits %t, with the remedy %q", f, c.problem, c.waits, c.remedy)
			}
		})
	}
}

// The bot's words are those of its store.
func TestDoctorOnADiskThatRefusesWrites(t *testing.T) {
	said := func(kind store.Problem, err error) string {
		return "The disk refuses writes. (" + (&store.PathError{Problem: kind, Path: "/data/shop", Place: "/data/shop", Err: err}).Error() + ")"
	}
	cases := map[string]struct{ message, want string }{
		"full":      {said(store.DiskFull, syscall.ENOSPC), "raise spec.resources.requests.storage: kubectl edit pvc wa-shop; "},
		"quota":     {said(store.DiskFull, syscall.EDQUOT), "raise spec.resources.requests.storage: kubectl edit pvc wa-shop; "},
		"read-only": {said(store.NotWritable, syscall.EROFS), "mount the PVC wa-shop writable; "},
		"rights":    {said(store.NotWritable, syscall.EACCES), "let the bot's user write to the PVC wa-shop: "},
		"failing":   {said(store.Failing, syscall.EIO), "replace the disk of the PVC wa-shop; "},
		"another":   {said(store.Busy, errors.New("database is locked")), "see why the PVC wa-shop refuses writes: kubectl sesi logs shop"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			session := someSession("shop", is(bot.StateFailed, bot.ReasonStoreUnwritable, bot.ActionFixStorage), has(v1alpha1.ConditionConnected, metav1.ConditionFalse, time.Minute))
			meta.FindStatusCondition(session.Status.Conditions, v1alpha1.ConditionConnected).Message = c.message
			f := checkSession(t.Context(), nil, &session)
			if !strings.HasPrefix(f.remedy, c.want) || f.problem != "it is Failed (StoreUnwritable): "+c.message || f.waits {
				t.Errorf("%+v\nwant the bot's words, and %q", f, c.want)
			}
		})
	}
}

// A person who runs doctor is never told to run it.
func TestDoctorNamesNoDoctor(t *testing.T) {
	for _, state := range append(slices.Clone(v1alpha1.States), "") {
		for _, action := range append(slices.Clone(bot.UserActions), "") {
			for _, reason := range []bot.Reason{bot.ReasonStoreUnwritable, bot.ReasonConnectionLost, v1alpha1.ReasonClaimShared} {
				session := someSession("shop", is(state, reason, action))
				if f := checkSession(t.Context(), nil, &session); strings.Contains(f.remedy, "doctor") || (f.remedy == "") != (f.problem == "") {
					t.Errorf("%s, %s, %s: %+v", state, reason, action, f)
				}
			}
		}
	}
}

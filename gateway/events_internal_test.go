package gateway

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/v1alpha1"
)

// A stream tells only of sessions that its reader may see, and says of none but those that it has shown that they are gone.
func TestTellers(t *testing.T) {
	t.Parallel()
	f := &fleet{members: map[sessionKey]*member{}}
	add := func(namespace string) sessionKey {
		key := sessionKey{namespace, "shop"}
		f.members[key] = &member{session: &v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "shop"}}}
		return key
	}
	mine, theirs := add("mine"), add("theirs")
	seen := func(s *v1alpha1.WhatsAppSession) bool { return s.Namespace == "mine" }
	sessions, changed := tellSessions(f, filter{}), tellChanged(f)
	if got := sessions([]sessionKey{theirs, mine}, seen); strings.Count(got, "event: session") != 1 || strings.Contains(got, "theirs") {
		t.Errorf("told %s", got)
	}
	if got := changed([]sessionKey{theirs}, seen); got != "" {
		t.Errorf("of what the reader may not see: %s", got)
	}
	if got := changed([]sessionKey{theirs, mine}, seen); strings.Count(got, "event: changed") != 1 || strings.Contains(got, "mine") {
		t.Errorf("of what the reader may see: %s", got)
	}
	delete(f.members, theirs)
	if got := sessions([]sessionKey{theirs}, seen) + changed([]sessionKey{theirs}, seen); got != "" {
		t.Errorf("of one that is gone and was never shown: %s", got)
	}
	delete(f.members, mine)
	if got := changed([]sessionKey{mine}, seen); strings.Count(got, "event: changed") != 1 {
		t.Errorf("that one is gone: %s", got)
	}
	if got := sessions([]sessionKey{mine}, seen); strings.Count(got, "event: gone") != 1 {
		t.Errorf("of one that is gone: %s", got)
	}
	if got := sessions([]sessionKey{mine}, seen); got != "" {
		t.Errorf("of one that was gone before: %s", got)
	}
}

// A stream follows no more sessions than its event ids have room for, also when they come one by one.
func TestAStreamFollowsSoMany(t *testing.T) {
	t.Parallel()
	f := &followers{running: map[sessionKey]*follower{}}
	for i := range maxFollowed {
		f.running[sessionKey{"a", fmt.Sprint(i)}] = &follower{}
	}
	one := &v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "one-more"}}
	if failure := f.add(one); failure == nil || len(f.running) > maxFollowed {
		t.Errorf("%d are followed, %v", len(f.running), failure)
	}
}

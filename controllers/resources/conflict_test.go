package resources

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"sesi.dev/sesi/api/v1alpha1"
)

// kept is a session that was created minutes after the first of January and uses a claim.
func kept(namespace, name string, minutes int, claim, clientID string) v1alpha1.WhatsAppSession {
	return v1alpha1.WhatsAppSession{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name, UID: types.UID(namespace + "/" + name),
			CreationTimestamp: metav1.NewTime(january.Add(time.Duration(minutes) * time.Minute)),
		},
		Spec: v1alpha1.WhatsAppSessionSpec{ClientID: clientID, Storage: v1alpha1.Storage{ClaimName: claim}},
	}
}

func TestDecideHolder(t *testing.T) {
	me := kept("a", "me", 5, "claim", "shop")
	deleting := kept("a", "older", 1, "claim", "shop")
	deleting.DeletionTimestamp = new(metav1.Now())
	cases := map[string]struct {
		me     v1alpha1.WhatsAppSession
		others []v1alpha1.WhatsAppSession
		want   string
	}{
		"alone":                     {me, nil, ""},
		"only itself listed":        {me, []v1alpha1.WhatsAppSession{me}, ""},
		"an older one":              {me, []v1alpha1.WhatsAppSession{me, kept("a", "older", 1, "claim", "shop")}, "older"},
		"a younger one":             {me, []v1alpha1.WhatsAppSession{kept("a", "younger", 9, "claim", "shop"), me}, ""},
		"the oldest of three":       {me, []v1alpha1.WhatsAppSession{kept("a", "old", 2, "claim", "shop"), kept("a", "oldest", 1, "claim", "shop")}, "oldest"},
		"same second, lower name":   {me, []v1alpha1.WhatsAppSession{kept("a", "a", 5, "claim", "shop")}, "a"},
		"same second, higher name":  {me, []v1alpha1.WhatsAppSession{kept("a", "z", 5, "claim", "shop")}, ""},
		"another clientId":          {me, []v1alpha1.WhatsAppSession{kept("a", "older", 1, "claim", "other")}, ""},
		"another claim":             {me, []v1alpha1.WhatsAppSession{kept("a", "older", 1, "other", "shop")}, ""},
		"another namespace":         {me, []v1alpha1.WhatsAppSession{kept("b", "older", 1, "claim", "shop")}, ""},
		"an older one in deletion":  {me, []v1alpha1.WhatsAppSession{deleting}, "older"},
		"the clientId is a name":    {kept("a", "me", 5, "claim", ""), []v1alpha1.WhatsAppSession{kept("a", "older", 1, "claim", "me")}, "older"},
		"the claim is a template's": {kept("a", "me", 5, "wa-shop", "shop"), []v1alpha1.WhatsAppSession{kept("a", "shop", 1, "", "")}, "shop"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			holder := DecideHolder(&c.me, c.others)
			if got := nameOf(holder); got != c.want {
				t.Errorf("DecideHolder = %q, want %q", got, c.want)
			}
		})
	}
}

// TestOneHolder: of all sessions that name one claim and clientId exactly one is the holder, in whatever order they are
// listed.
func TestOneHolder(t *testing.T) {
	all := []v1alpha1.WhatsAppSession{
		kept("a", "c", 1, "claim", "shop"), kept("a", "b", 1, "claim", "shop"), kept("a", "a", 2, "claim", "shop"),
	}
	for rotation := range all {
		rotated := append(append([]v1alpha1.WhatsAppSession{}, all[rotation:]...), all[:rotation]...)
		for i := range rotated {
			holder := DecideHolder(&rotated[i], rotated)
			if want := map[bool]string{true: "", false: "b"}[rotated[i].Name == "b"]; nameOf(holder) != want {
				t.Errorf("rotation %d: %s is held by %q, want %q", rotation, rotated[i].Name, nameOf(holder), want)
			}
		}
	}
}

func TestSameAccount(t *testing.T) {
	linked := func(namespace, name string, minutes int, jid string, exists bool) v1alpha1.WhatsAppSession {
		session := kept(namespace, name, minutes, name, name)
		session.Status.Session = &v1alpha1.SessionStatus{Exists: exists, JID: jid}
		return session
	}
	me := linked("a", "me", 5, "1:7@s.whatsapp.net", true)
	cases := map[string]struct {
		me     v1alpha1.WhatsAppSession
		others []v1alpha1.WhatsAppSession
		want   string
	}{
		"alone":                   {me, []v1alpha1.WhatsAppSession{me}, ""},
		"another device":          {me, []v1alpha1.WhatsAppSession{linked("a", "other", 9, "1:8@s.whatsapp.net", true)}, "other"},
		"the same device":         {me, []v1alpha1.WhatsAppSession{linked("a", "copy", 9, "1:7@s.whatsapp.net", true)}, "copy"},
		"the oldest of two":       {me, []v1alpha1.WhatsAppSession{linked("a", "young", 9, "1@s.whatsapp.net", true), linked("a", "old", 1, "1@s.whatsapp.net", true)}, "old"},
		"another account":         {me, []v1alpha1.WhatsAppSession{linked("a", "other", 1, "2:7@s.whatsapp.net", true)}, ""},
		"another namespace":       {me, []v1alpha1.WhatsAppSession{linked("b", "other", 1, "1:8@s.whatsapp.net", true)}, ""},
		"logged out since":        {me, []v1alpha1.WhatsAppSession{linked("a", "other", 1, "1:8@s.whatsapp.net", false)}, ""},
		"never reported":          {me, []v1alpha1.WhatsAppSession{kept("a", "other", 1, "x", "x")}, ""},
		"itself not linked":       {linked("a", "me", 5, "", false), []v1alpha1.WhatsAppSession{linked("a", "other", 1, "", false)}, ""},
		"itself logged out since": {linked("a", "me", 5, "1:7@s.whatsapp.net", false), []v1alpha1.WhatsAppSession{linked("a", "other", 1, "1:8@s.whatsapp.net", true)}, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := nameOf(SameAccount(&c.me, c.others, LinkedAccount)); got != c.want {
				t.Errorf("SameAccount = %q, want %q", got, c.want)
			}
		})
	}
}

func nameOf(session *v1alpha1.WhatsAppSession) string {
	if session == nil {
		return ""
	}
	return session.Name
}

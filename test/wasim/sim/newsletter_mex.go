package sim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.mau.fi/whatsmeow/types"
)

// The ids under which clients ask for newsletters, and change them.
const (
	queryNewsletter    = "6563316087068696"
	queryNewsletters   = "6388546374527196"
	createNewsletter   = "6234210096708695"
	followNewsletter   = "9926858900719341"
	unfollowNewsletter = "6392786840836363"
	muteNewsletter     = "6274038279359549"
	unmuteNewsletter   = "6068417879924485"
	deleteNewsletter   = "30062808666639665"
	listNewsletters    = "6190824427689257"
	searchNewsletters  = "6802402206520139"
)

// mexVariables are those of all queries about newsletters.
type mexVariables struct {
	Viewer bool `json:"fetch_viewer_metadata"`
	Input  struct {
		Key  string `json:"key"`
		Type string `json:"type"`
		directoryQuery
	} `json:"input"`
	NewsletterID string `json:"newsletter_id"`
	Made         struct {
		Name        string `json:"name"`
		Description string `json:"description"`
	} `json:"newsletter_input"`
}

// newsletterMex answers a GraphQL query about newsletters; it reports false for another one.
func (s *Server) newsletterMex(a *account, query string, content []byte) (body map[string]any, known bool) {
	var asked struct {
		Variables mexVariables `json:"variables"`
	}
	if err := json.Unmarshal(content, &asked); err != nil {
		return nil, false
	}
	v, n := asked.Variables, &s.newsletters
	n.mu.Lock()
	defer n.mu.Unlock()
	switch query {
	case queryNewsletters:
		all := []any{}
		for jid, found := range n.all {
			if found.role(a) != "GUEST" {
				all = append(all, found.metadata(jid, a, true))
			}
		}
		return mexData("xwa2_newsletter_subscribed", all), true
	case queryNewsletter:
		jid, found := n.find(v.Input.Key, v.Input.Type == "INVITE")
		if found == nil {
			return mexError(404, "not found"), true
		}
		return mexData("xwa2_newsletter", found.metadata(jid, a, v.Viewer)), true
	case createNewsletter:
		jid := n.add(&newsletter{owner: a, last: 99, name: v.Made.Name, about: v.Made.Description})
		return mexData("xwa2_newsletter_create", n.all[jid].metadata(jid, a, true)), true
	case followNewsletter, unfollowNewsletter, muteNewsletter, unmuteNewsletter:
		_, found := n.find(v.NewsletterID, false)
		if found == nil {
			return mexError(404, "not found"), true
		}
		return found.change(a, query), true
	case deleteNewsletter:
		jid, found := n.find(v.NewsletterID, false)
		if found == nil {
			return mexError(404, "not found"), true
		}
		if found.owner != a {
			return mexError(403, "only the owner of a newsletter deletes it"), true
		}
		delete(n.all, jid)
		return mexData("xwa2_newsletter_delete_v2", map[string]any{"id": jid.String()}), true
	case listNewsletters:
		return mexData("xwa2_newsletters_directory_list", n.directory(v.Input.directoryQuery)), true
	case searchNewsletters:
		return mexData("xwa2_newsletters_directory_search", n.directory(v.Input.directoryQuery)), true
	}
	return nil, false
}

// change is what a person does with a newsletter that is not theirs.
func (n *newsletter) change(a *account, query string) map[string]any {
	if n.owner == a {
		return mexError(403, "the owner of a newsletter stays in it, and hears it")
	}
	at := slices.Index(n.followers, a)
	switch query {
	case followNewsletter:
		if at < 0 {
			n.followers = append(n.followers, a)
		}
		return mexData("xwa2_newsletter_join_v2", map[string]any{})
	case unfollowNewsletter:
		if at >= 0 {
			n.followers = slices.Delete(n.followers, at, at+1)
		}
		return mexData("xwa2_newsletter_leave_v2", map[string]any{})
	}
	if at < 0 {
		return mexError(403, "only followers can mute a newsletter")
	}
	if n.muted == nil {
		n.muted = map[*account]bool{}
	}
	n.muted[a] = query == muteNewsletter
	return mexData("xwa2_newsletter_update_user_setting", map[string]any{})
}

// role is what an account is in a newsletter.
func (n *newsletter) role(a *account) string {
	switch {
	case n.owner == a:
		return "OWNER"
	case slices.Contains(n.followers, a):
		return "SUBSCRIBER"
	}
	return "GUEST"
}

// metadata describes a newsletter as clients read it, with what the viewer is in it.
func (n *newsletter) metadata(jid types.JID, a *account, viewer bool) map[string]any {
	text := func(value string) map[string]any {
		return map[string]any{"text": value, "id": "1", "update_time": fmt.Sprint(time.Now().UnixMicro())}
	}
	name := n.name
	if name == "" {
		name = "Newsletter of " + n.owner.phone
	}
	out := map[string]any{
		"id": jid.String(), "state": map[string]any{"type": "ACTIVE"},
		"thread_metadata": map[string]any{
			"creation_time": fmt.Sprint(time.Now().Unix()), "invite": invitePrefix + jid.User, "name": text(name), "description": text(n.about),
			"subscribers_count": fmt.Sprint(len(n.followers)), "verification": "UNVERIFIED", "preview": map[string]any{},
			"settings": map[string]any{"reaction_codes": map[string]any{"value": "ALL"}},
		},
	}
	if viewer {
		mute := "OFF"
		if n.muted[a] {
			mute = "ON"
		}
		out["viewer_metadata"] = map[string]any{"role": n.role(a), "mute": mute}
	}
	return out
}

const invitePrefix = "0029Va"

// find finds a newsletter by its address, or by the code of its invite. The caller holds mu.
func (n *newsletters) find(key string, invite bool) (types.JID, *newsletter) {
	for jid, found := range n.all {
		if invite && strings.TrimPrefix(key, invitePrefix) == jid.User || !invite && key == jid.String() {
			return jid, found
		}
	}
	return types.EmptyJID, nil
}

func mexData(field string, value any) map[string]any {
	return map[string]any{"data": map[string]any{field: value}}
}

func mexError(code int, text string) map[string]any {
	return map[string]any{"data": nil, "errors": []any{map[string]any{
		"message": text, "extensions": map[string]any{"error_code": code, "severity": "CRITICAL"},
	}}}
}

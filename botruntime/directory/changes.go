package directory

import (
	"slices"
	"strconv"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/api/bot"
)

// groupEntry is the event of one change. more tells it from other changes of its kind at the same time.
func groupEntry(c bot.GroupChange, more ...string) entry {
	e := entry{
		name: append([]string{c.Chat.ID, string(c.Change), string(c.Setting)}, more...), kind: bot.EventGroup, chat: c.Chat.ID,
		data: bot.EventData{Group: &c},
	}
	if c.Subject != "" {
		e.names = map[string]string{c.Chat.ID: c.Subject}
	}
	return e
}

// joined is the event of a group that the account came into.
func (d *Directory) joined(evt *events.JoinedGroup) entry {
	group := d.group(&evt.GroupInfo)
	change := bot.GroupChange{
		Chat: d.Names.Party(evt.JID, types.EmptyJID, ""), By: d.party(evt.Sender, evt.SenderPN), At: bot.At(d.Journal.Now()),
		Change: bot.GroupAdded, Subject: group.Subject, Group: &group,
	}
	for _, p := range group.Participants {
		if slices.Contains(d.own(), p.ID) {
			change.Participants = []bot.Party{p.Party}
		}
	}
	switch {
	case evt.Type == "new":
		change.Change, change.At, change.Participants = bot.GroupCreated, group.Created, nil
		return groupEntry(change)
	case evt.Reason == "invite":
		change.Change = bot.GroupJoined
	}
	return groupEntry(change, evt.ParticipantVersionID)
}

// party is a person whom WhatsApp names by an address, and perhaps by the number too; nil for nobody.
func (d *Directory) party(jid, number *types.JID) *bot.Party {
	if jid == nil || jid.IsEmpty() {
		return nil
	}
	alt := types.EmptyJID
	if number != nil {
		alt = *number
	}
	p := d.Names.Party(*jid, alt, "")
	return &p
}

// parties are people whom WhatsApp names by an address.
func (d *Directory) parties(people []types.JID) (all []bot.Party) {
	for _, jid := range people {
		all = append(all, d.Names.Party(jid, types.EmptyJID, ""))
	}
	return all
}

// changesIn are the events of a notification about a group.
func (d *Directory) changesIn(evt *events.GroupInfo) []entry {
	c := &changes{version: evt.ParticipantVersionID, common: bot.GroupChange{
		Chat: d.Names.Party(evt.JID, types.EmptyJID, ""), By: d.party(evt.Sender, evt.SenderPN), At: bot.At(evt.Timestamp),
	}}
	entered := bot.GroupAdded
	if evt.JoinReason == "invite" {
		entered = bot.GroupJoined
	}
	left, removed := splitLeft(c.common.By, d.parties(evt.Leave))
	c.people(entered, d.parties(evt.Join))
	c.people(bot.GroupMemberLeft, left)
	c.people(bot.GroupRemoved, removed)
	c.people(bot.GroupPromoted, d.parties(evt.Promote))
	c.people(bot.GroupDemoted, d.parties(evt.Demote))
	if evt.Name != nil {
		c.add(bot.GroupChange{Change: bot.GroupSubject, Subject: evt.Name.Name}, evt.Name.Name)
	}
	if evt.Topic != nil {
		c.add(bot.GroupChange{Change: bot.GroupDescription, Description: evt.Topic.Topic}, evt.Topic.TopicID)
	}
	if evt.NewInviteLink != nil {
		c.add(bot.GroupChange{Change: bot.GroupInviteChanged}, *evt.NewInviteLink)
	}
	if evt.Delete != nil {
		c.add(bot.GroupChange{Change: bot.GroupDeleted})
	}
	c.settings(evt)
	for _, node := range evt.UnknownChanges {
		if node.Tag == "modify" {
			c.all = append(c.all, d.renumbered(c.common, node)...)
		} else {
			d.unknown(node, c)
		}
	}
	return c.all
}

// changes collects the events of one notification about a group.
type changes struct {
	// common is what all of them say, and version the version of the list of participants.
	common  bot.GroupChange
	version string
	all     []entry
}

// add adds the event of one change. more tells it from other changes of its kind at the same time.
func (c *changes) add(change bot.GroupChange, more ...string) {
	change.Chat, change.By, change.At = c.common.Chat, c.common.By, c.common.At
	c.all = append(c.all, groupEntry(change, append(more, strconv.FormatInt(change.At.Unix(), 10))...))
}

// people adds the event of a change that is about some people; it adds nothing where there are none.
func (c *changes) people(change bot.GroupEvent, some []bot.Party) {
	if len(some) == 0 {
		return
	}
	more := []string{c.version}
	for _, p := range some {
		more = append(more, p.ID)
	}
	c.add(bot.GroupChange{Change: change, Participants: some}, more...)
}

// settings adds the events of settings that changed.
func (c *changes) settings(evt *events.GroupInfo) {
	if evt.Announce != nil {
		c.setting(bot.SettingAnnounce, &evt.Announce.IsAnnounce, strconv.FormatBool(evt.Announce.IsAnnounce))
	}
	if evt.Locked != nil {
		c.setting(bot.SettingLocked, &evt.Locked.IsLocked, strconv.FormatBool(evt.Locked.IsLocked))
	}
	if evt.MembershipApprovalMode != nil {
		c.setting(bot.SettingApproval, nil, "")
	}
	if evt.Ephemeral != nil {
		seconds := evt.Ephemeral.DisappearingTimer
		on := evt.Ephemeral.IsEphemeral && seconds > 0
		c.add(bot.GroupChange{Change: bot.GroupSettings, Setting: bot.SettingExpiresIn, On: &on, ExpiresIn: seconds},
			string(bot.SettingExpiresIn), strconv.FormatUint(uint64(seconds), 10))
	}
}

// setting adds the event of a setting with its new value.
func (c *changes) setting(setting bot.GroupSetting, on *bool, value string) {
	c.add(bot.GroupChange{Change: bot.GroupSettings, Setting: setting, On: on}, string(setting), value)
}

// unknown adds a change that this build of whatsmeow does not read.
func (d *Directory) unknown(node *waBinary.Node, c *changes) {
	switch node.Tag {
	case "member_add_mode":
		mode, _ := node.Content.([]byte)
		on := string(mode) == string(types.GroupMemberAddModeAllMember)
		c.add(bot.GroupChange{Change: bot.GroupSettings, Setting: bot.SettingAddMembers, On: &on}, string(mode))
	case "created_membership_requests":
		c.people(bot.GroupRequested, d.peopleIn(node))
	case "revoked_membership_requests":
		c.people(bot.GroupRequestRevoked, d.peopleIn(node))
	}
}

// peopleIn are the people whom a node lists.
func (d *Directory) peopleIn(node *waBinary.Node) (all []bot.Party) {
	for _, child := range node.GetChildren() {
		jid, _ := child.Attrs["jid"].(types.JID)
		if jid.IsEmpty() {
			continue
		}
		alt := types.EmptyJID
		for _, name := range []string{"phone_number", "lid"} {
			if other, ok := child.Attrs[name].(types.JID); ok {
				alt = other
			}
		}
		all = append(all, d.Names.Party(jid, alt, ""))
	}
	return all
}

// splitLeft tells those who left by themselves from those whom somebody removed.
func splitLeft(by *bot.Party, gone []bot.Party) (left, removed []bot.Party) {
	for _, p := range gone {
		if by != nil && p.ID == by.ID {
			left = append(left, p)
		} else {
			removed = append(removed, p)
		}
	}
	return left, removed
}

// picture is the event of another picture, of a group or of a person.
func (d *Directory) picture(evt *events.Picture) entry {
	id, at := evt.PictureID, strconv.FormatInt(evt.Timestamp.Unix(), 10)
	party := d.Names.Party(evt.JID, types.EmptyJID, "")
	if evt.JID.Server == types.GroupServer {
		return groupEntry(bot.GroupChange{
			Chat: party, By: d.party(&evt.Author, nil), At: bot.At(evt.Timestamp), Change: bot.GroupPicture, PictureID: id,
		}, id, at)
	}
	return contactEntry(bot.Contact{Party: party, PictureID: id}, "picture", id, at)
}

// contactEntry is the event of one field of a contact that changed.
func contactEntry(c bot.Contact, field string, name ...string) entry {
	c.Changed = []string{field}
	return entry{name: append([]string{c.ID, field}, name...), kind: bot.EventContact, chat: c.ID, data: bot.EventData{Contact: &c}}
}

func (d *Directory) about(evt *events.UserAbout) entry {
	party := d.Names.Party(evt.JID, types.EmptyJID, "")
	return contactEntry(bot.Contact{Party: party, About: evt.Status}, "about", evt.Status, strconv.FormatInt(evt.Timestamp.Unix(), 10))
}

// pushName is the event of another name that a person chose. The first name that the bot learns is no change.
func (d *Directory) pushName(evt *events.PushName) entry {
	if evt.OldPushName == "" || evt.NewPushName == "" {
		return entry{}
	}
	e := contactEntry(bot.Contact{Party: d.Names.Party(evt.JID, evt.JIDAlt, evt.NewPushName), PushName: evt.NewPushName},
		"pushName", evt.NewPushName, d.cause(evt.Message))
	e.names = map[string]string{e.chat: evt.NewPushName}
	return e
}

func (d *Directory) businessName(evt *events.BusinessName) entry {
	if evt.OldBusinessName == "" || evt.NewBusinessName == "" {
		return entry{}
	}
	return contactEntry(bot.Contact{Party: d.Names.Party(evt.JID, types.EmptyJID, ""), BusinessName: evt.NewBusinessName},
		"businessName", evt.NewBusinessName, d.cause(evt.Message))
}

// cause names the message in which a name was seen, or the moment.
func (d *Directory) cause(info *types.MessageInfo) string {
	if info != nil {
		return info.ID
	}
	return d.Journal.Now().Format(time.RFC3339Nano)
}

// contactName is the event of another name in the phone's address book.
func (d *Directory) contactName(evt *events.Contact) entry {
	if evt.FromFullSync {
		return entry{}
	}
	name := evt.Action.GetFullName()
	if name == "" {
		name = evt.Action.GetFirstName()
	}
	return contactEntry(bot.Contact{Party: d.Names.Party(evt.JID, types.EmptyJID, ""), ContactName: name},
		"contactName", name, strconv.FormatInt(evt.Timestamp.UnixMilli(), 10))
}

// archived is the event of a chat that was archived, or taken out of the archive. What a new device learns first is no
// change.
func (d *Directory) archived(evt *events.Archive) entry {
	if evt.FromFullSync || evt.JID.IsEmpty() {
		return entry{}
	}
	change := bot.ChatChange{Chat: d.Names.Party(evt.JID, types.EmptyJID, ""), Change: bot.ChatArchived, At: bot.At(evt.Timestamp)}
	if !evt.Action.GetArchived() {
		change.Change = bot.ChatUnarchived
	}
	return entry{
		name: []string{change.Chat.ID, string(change.Change), strconv.FormatInt(evt.Timestamp.UnixMilli(), 10)}, kind: bot.EventChat,
		chat: change.Chat.ID, data: bot.EventData{ChatChange: &change},
	}
}

// blocklist are the events of people whom another device of the account blocked or unblocked.
func (d *Directory) blocklist(evt *events.Blocklist) (all []entry) {
	for _, change := range evt.Changes {
		blocked := change.Action == events.BlocklistChangeActionBlock
		all = append(all, contactEntry(bot.Contact{Party: d.Names.Party(change.JID, types.EmptyJID, ""), Blocked: &blocked},
			"blocked", string(change.Action), evt.PrevDHash, evt.DHash))
	}
	return all
}

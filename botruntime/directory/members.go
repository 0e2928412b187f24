package directory

import (
	"context"
	"errors"
	"strings"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
)

// addresses reads a list of people.
func addresses(field string, texts []string) ([]types.JID, error) {
	if len(texts) > bot.MaxParticipants {
		return nil, badField(field, "at most 256 people")
	}
	people := make([]types.JID, 0, len(texts))
	for _, text := range texts {
		jid, err := person(text)
		if err != nil {
			return nil, err
		}
		people = append(people, jid)
	}
	return people, nil
}

// codeOf is the number of WhatsApp's refusal; 0 for another error.
func codeOf(err error) int {
	var answer *whatsmeow.IQError
	if errors.As(err, &answer) {
		return answer.Code
	}
	return 0
}

// ChangeParticipants adds, removes, promotes or demotes people, and says for each what WhatsApp did.
func (d *Directory) ChangeParticipants(ctx context.Context, id string, request bot.ParticipantsRequest) ([]bot.ParticipantOutcome, error) {
	jid, err := groupAddress(id)
	if err != nil {
		return nil, err
	}
	action, texts, err := only([]list[whatsmeow.ParticipantChange]{
		{whatsmeow.ParticipantChangeAdd, request.Add}, {whatsmeow.ParticipantChangeRemove, request.Remove},
		{whatsmeow.ParticipantChangePromote, request.Promote}, {whatsmeow.ParticipantChangeDemote, request.Demote},
	})
	if err != nil {
		return nil, err
	}
	return d.changePeople(ctx, jid, texts, action, func(ctx context.Context, client *whatsmeow.Client, people []types.JID) ([]types.GroupParticipant, error) {
		return client.UpdateGroupParticipants(ctx, jid, people, action)
	})
}

// Requests lists who asks to join a group.
func (d *Directory) Requests(ctx context.Context, id string) ([]bot.GroupRequest, error) {
	jid, err := groupAddress(id)
	if err != nil {
		return nil, err
	}
	requests := []bot.GroupRequest{}
	err = d.change(ctx, jid, func(ctx context.Context, client *whatsmeow.Client) error {
		people, err := client.GetGroupRequestParticipants(ctx, jid)
		for _, p := range people {
			requests = append(requests, bot.GroupRequest{Party: d.Names.Party(p.JID, types.EmptyJID, ""), At: bot.At(p.RequestedAt)})
		}
		return err
	})
	return requests, err
}

// AnswerRequests lets people in who ask to join, or rejects them.
func (d *Directory) AnswerRequests(ctx context.Context, id string, request bot.AnswerRequests) ([]bot.ParticipantOutcome, error) {
	jid, err := groupAddress(id)
	if err != nil {
		return nil, err
	}
	action, texts, err := only([]list[whatsmeow.ParticipantRequestChange]{
		{whatsmeow.ParticipantChangeApprove, request.Approve}, {whatsmeow.ParticipantChangeReject, request.Reject},
	})
	if err != nil {
		return nil, err
	}
	return d.changePeople(ctx, jid, texts, "", func(ctx context.Context, client *whatsmeow.Client, people []types.JID) ([]types.GroupParticipant, error) {
		return client.UpdateGroupRequestParticipants(ctx, jid, people, action)
	})
}

// list is one of the lists of a request.
type list[Action ~string] struct {
	action Action
	people []string
}

// only returns the one list that a request has.
func only[Action ~string](lists []list[Action]) (action Action, people []string, err error) {
	var names []string
	given := 0
	for _, l := range lists {
		names = append(names, string(l.action))
		if len(l.people) > 0 {
			given++
			action, people = l.action, l.people
		}
	}
	if given != 1 {
		return "", nil, badField(strings.Join(names, ", "), "exactly one list of people")
	}
	return action, people, nil
}

type changePeople func(context.Context, *whatsmeow.Client, []types.JID) ([]types.GroupParticipant, error)

func (d *Directory) changePeople(ctx context.Context, group types.JID, texts []string, action whatsmeow.ParticipantChange, do changePeople) ([]bot.ParticipantOutcome, error) {
	people, err := addresses("participants", texts)
	if err != nil {
		return nil, err
	}
	outcomes := []bot.ParticipantOutcome{}
	err = d.change(ctx, group, func(ctx context.Context, client *whatsmeow.Client) error {
		answers, err := do(ctx, client, people)
		for _, answer := range answers {
			outcomes = append(outcomes, d.outcome(answer, texts, people, action))
		}
		return err
	})
	return outcomes, err
}

// outcomeCodes are WhatsApp's refusals of one person that mean the same for every change.
var outcomeCodes = map[int]bot.Outcome{
	0: bot.OutcomeDone, 200: bot.OutcomeDone, 401: bot.OutcomeBlocked, 403: bot.OutcomeInviteNeeded, 408: bot.OutcomeLeftRecently,
	409: bot.OutcomeAlready, 417: bot.OutcomeInviteNeeded, 419: bot.OutcomeFull,
}

// outcome translates WhatsApp's answer about one person.
func (d *Directory) outcome(p types.GroupParticipant, texts []string, people []types.JID, action whatsmeow.ParticipantChange) bot.ParticipantOutcome {
	out := bot.ParticipantOutcome{Party: d.Names.Party(p.JID, otherOf(p), ""), Outcome: outcomeCodes[p.Error], Code: p.Error}
	switch {
	case p.Error == 404 && action == whatsmeow.ParticipantChangeAdd:
		out.Outcome = bot.OutcomeNotOnWhatsApp
	case p.Error == 404:
		out.Outcome = bot.OutcomeNotInGroup
	case p.Error == 403 && action != whatsmeow.ParticipantChangeAdd, out.Outcome == "":
		out.Outcome = bot.OutcomeRefused
	}
	if p.AddRequest != nil {
		out.InviteCode, out.InviteExpires = p.AddRequest.Code, bot.At(p.AddRequest.Expiration)
	}
	for i, asked := range people {
		if asked == p.JID.ToNonAD() || asked == otherOf(p).ToNonAD() || asked.String() == out.ID || asked.String() == out.LID {
			out.Query = texts[i]
			break
		}
	}
	return out
}

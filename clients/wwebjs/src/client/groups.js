'use strict';

const { SesiError } = require('../errors');
const { fromParty, seconds, toJID, wid } = require('../ids');
const { list } = require('./content');

const groupsPath = '/api/groups';

const path = (id, rest = '') => `${groupsPath}/${encodeURIComponent(toJID(id))}${rest}`;

/** outcomes are whatsapp-web.js's codes and texts for what WhatsApp did with one person. */
const outcomes = {
    done: [200, 'The participant was added successfully'],
    'invite-needed': [403, 'The participant can be added by sending private invitation only'],
    'not-on-whatsapp': [404, 'The phone number is not registered on WhatsApp'],
    'left-recently': [408, 'You cannot add this participant because they recently left the group'],
    already: [409, 'The participant is already a group member'],
    full: [419, "The participant can't be added because the group is full"],
};

const idOf = (outcome) => fromParty(outcome.id ? outcome : { id: outcome.query });

function outcomeOf({ outcome, code }) {
    const [known, message] = outcomes[outcome] ?? [code || 400, 'An unknown error occurred while adding a participant'];
    return { code: known, message };
}

/** refusedAsFalse answers false where WhatsApp does not let the account do it, as whatsapp-web.js does. */
async function refusedAsFalse(run) {
    try {
        return await run();
    } catch (error) {
        if (error instanceof SesiError && error.status === 403) return false;
        throw error;
    }
}

/** What can be done with groups. */
const groups = {
    async createGroup(title, participants = [], options = {}) {
        const people = list(participants).map((one) => toJID(one?.id ?? one));
        const created = await this._api.json('POST', groupsPath, {
            body: {
                subject: title, participants: people, announce: options.isAnnounce, locked: options.isRestrict ?? undefined,
                approval: options.membershipApprovalMode,
            },
        });
        const result = { title: created.subject, gid: wid(created.id), participants: {} };
        result.participants[this._meId()] = {
            statusCode: 200, message: outcomes.done[1], isGroupCreator: true, isInviteV4Sent: false,
        };
        for (const one of created.outcomes) {
            const { code, message } = outcomeOf(one);
            result.participants[idOf(one)] = { statusCode: code, message, isGroupCreator: false, isInviteV4Sent: false };
        }
        return result;
    },

    async _addParticipants(id, people) {
        const body = { add: list(people).map((one) => toJID(one?.id ?? one)) };
        const answer = await this._api.json('POST', path(id, '/participants'), { body });
        return Object.fromEntries(answer.outcomes.map((one) => [idOf(one), { ...outcomeOf(one), isInviteV4Sent: false }]));
    },

    async _changeParticipants(id, change, people) {
        const body = { [change]: list(people).map((one) => toJID(one?.id ?? one)) };
        const answer = await this._api.json('POST', path(id, '/participants'), { body });
        const failed = answer.outcomes.find((one) => one.outcome !== 'done' && one.outcome !== 'already');
        return { status: failed ? failed.code || 400 : 200 };
    },

    _changeGroup(id, fields) {
        return refusedAsFalse(() => this._api.json('PATCH', path(id), { body: fields }));
    },

    _setGroupPicture(id, media) {
        return refusedAsFalse(() => this._setPicture(path(id, '/picture'), media));
    },

    async _inviteCode(id, method) {
        return (await this._api.json(method, path(id, '/invite'))).code;
    },

    async _leaveGroup(id) {
        await this._api.json('POST', path(id, '/leave'));
    },

    async acceptInvite(inviteCode) {
        return (await this._api.json('POST', `${groupsPath}/join`, { body: { code: inviteCode } })).id;
    },

    async getInviteInfo(inviteCode) {
        const group = await this._api.read(`${groupsPath}/join`, { code: inviteCode });
        return {
            id: wid(group.id), subject: group.subject, desc: group.description, size: group.size, creation: seconds(group.created),
            owner: group.owner ? wid(fromParty(group.owner)) : undefined,
        };
    },

    async getCommonGroups(contactId) {
        const wanted = toJID(contactId);
        const { groups: all } = await this._api.read(groupsPath);
        const isIn = (group) => group.participants.some((one) => one.id === wanted || one.lid === wanted || toJID(fromParty(one)) === wanted);
        return all.filter(isIn).map((group) => wid(group.id));
    },

    async getGroupMembershipRequests(id) {
        const { requests } = await this._api.read(path(id, '/requests'));
        return requests.map((one) => ({
            id: wid(fromParty(one)), addedBy: wid(fromParty(one)), parentGroupId: null, requestMethod: 'InviteLink', t: seconds(one.at),
        }));
    },

    async approveGroupMembershipRequests(id, options = {}) {
        return this._answerRequests(id, 'approve', options.requesterIds);
    },

    async rejectGroupMembershipRequests(id, options = {}) {
        return this._answerRequests(id, 'reject', options.requesterIds);
    },

    /** _answerRequests answers the people who are named, or all who ask. */
    async _answerRequests(id, answer, requesterIds) {
        let people = list(requesterIds).map(toJID);
        if (people.length === 0) people = (await this.getGroupMembershipRequests(id)).map((one) => toJID(one.id));
        if (people.length === 0) return [];
        const done = answer === 'approve' ? 'Approved successfully' : 'Rejected successfully';
        const { outcomes: all } = await this._api.json('POST', path(id, '/requests'), { body: { [answer]: people } });
        return all.map((one) => {
            if (one.outcome === 'done') return { requesterId: idOf(one), message: done };
            const missing = one.outcome === 'not-in-group';
            return { requesterId: idOf(one), error: missing ? 404 : one.code || 400, message: missing ? 'ParticipantRequestNotFoundError' : one.outcome };
        });
    },
};

module.exports = groups;

'use strict';

const { fromParty, seconds, wid } = require('../ids');
const { Chat } = require('./chat');

const participant = (one) => ({
    id: wid(fromParty(one)),
    isAdmin: one.role === 'admin' || one.role === 'superadmin',
    isSuperAdmin: one.role === 'superadmin',
});

/** GroupChat is a group that the account is in. */
class GroupChat extends Chat {
    /** `data` is the bot's Group, with lastMessage and unread where they are known. */
    _patch(data) {
        this.groupMetadata = {
            id: wid(data.id),
            subject: data.subject,
            owner: data.owner ? wid(fromParty(data.owner)) : undefined,
            creation: seconds(data.created),
            desc: data.description,
            participants: (data.participants ?? []).map(participant),
            size: data.size,
            announce: Boolean(data.announce),
            restrict: Boolean(data.locked),
            membershipApprovalMode: Boolean(data.approval),
            memberAddMode: data.addMembers ? 'all_member_add' : 'admin_add',
        };
        super._patch({ ...data, kind: 'group', name: data.subject ?? data.name });
        this.isReadOnly = Boolean(data.announce) && data.role === 'member';
        return data;
    }

    get owner() {
        return this.groupMetadata.owner;
    }

    get createdAt() {
        return new Date(this.groupMetadata.creation * 1000);
    }

    get description() {
        return this.groupMetadata.desc;
    }

    get participants() {
        return this.groupMetadata.participants;
    }

    async addParticipants(participantIds) {
        return this.client._addParticipants(this.id._serialized, participantIds);
    }

    async removeParticipants(participantIds) {
        return this.client._changeParticipants(this.id._serialized, 'remove', participantIds);
    }

    async promoteParticipants(participantIds) {
        return this.client._changeParticipants(this.id._serialized, 'promote', participantIds);
    }

    async demoteParticipants(participantIds) {
        return this.client._changeParticipants(this.id._serialized, 'demote', participantIds);
    }

    /** _change asks for a change and takes over how the group is then. */
    async _change(fields) {
        const changed = await this.client._changeGroup(this.id._serialized, fields);
        if (!changed) return false;
        this._patch({ ...this._data, ...changed });
        return true;
    }

    async setSubject(subject) {
        return this._change({ subject });
    }

    async setDescription(description) {
        return this._change({ description });
    }

    async setAddMembersAdminsOnly(adminsOnly = true) {
        return this._change({ addMembers: !adminsOnly });
    }

    async setMessagesAdminsOnly(adminsOnly = true) {
        return this._change({ announce: adminsOnly });
    }

    async setInfoAdminsOnly(adminsOnly = true) {
        return this._change({ locked: adminsOnly });
    }

    async setPicture(media) {
        return this.client._setGroupPicture(this.id._serialized, media);
    }

    async deletePicture() {
        return this.client._setGroupPicture(this.id._serialized, undefined);
    }

    async getInviteCode() {
        return this.client._inviteCode(this.id._serialized, 'GET');
    }

    async revokeInvite() {
        return this.client._inviteCode(this.id._serialized, 'DELETE');
    }

    async getGroupMembershipRequests() {
        return this.client.getGroupMembershipRequests(this.id._serialized);
    }

    async approveGroupMembershipRequests(options = {}) {
        return this.client.approveGroupMembershipRequests(this.id._serialized, options);
    }

    async rejectGroupMembershipRequests(options = {}) {
        return this.client.rejectGroupMembershipRequests(this.id._serialized, options);
    }

    async leave() {
        await this.client._leaveGroup(this.id._serialized);
    }
}

module.exports = GroupChat;

'use strict';

const { fromParty, messageId, seconds } = require('../ids');
const GroupNotification = require('../structures/group-notification');

/** kinds are the event and the type of whatsapp-web.js for each change of a group; what is not named is a group_update. */
const kinds = {
    joined: ['group_join', 'invite'],
    added: ['group_join', 'add'],
    left: ['group_leave', 'leave'],
    removed: ['group_leave', 'remove'],
    promoted: ['group_admin_changed', 'promote'],
    demoted: ['group_admin_changed', 'demote'],
    requested: ['group_membership_request', 'membership_approval_request'],
    'request-revoked': ['group_update', 'revoked_membership_requests'],
    created: ['group_update', 'create'],
    invite: ['group_update', 'revoke_invite'],
    deleted: ['group_update', 'delete'],
};

const settings = {
    announce: 'announce', locked: 'restrict', approval: 'membership_approval_mode', addMembers: 'member_add_mode', expiresIn: 'ephemeral',
};

/** groupCall is the call of listeners for one change of a group: [name, notification]. */
function groupCall(client, change, eventId) {
    const [name, type] = kinds[change.change] ?? ['group_update', settings[change.setting] ?? change.change];
    const recipientIds = (change.participants ?? []).map(fromParty);
    // Who asks to join is the author, also where WhatsApp names nobody else.
    const author = name === 'group_membership_request' ? recipientIds[0] : fromParty(change.by ?? change.participants?.[0]);
    const chatId = fromParty(change.chat);
    const id = messageId({ fromMe: client._isMe(author), remote: chatId, id: eventId, participant: author });
    const body = change.subject || change.description || valueOf(change);
    return [name, new GroupNotification(client, { id, type, body, timestamp: seconds(change.at), chatId, author, recipientIds })];
}

/** valueOf is the new value of a setting, as WhatsApp Web writes it. */
function valueOf({ setting, on, expiresIn }) {
    if (setting === 'expiresIn') return String(expiresIn ?? 0);
    return on === undefined ? '' : on ? 'on' : 'off';
}

module.exports = { groupCall };

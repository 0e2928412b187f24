'use strict';

/** byName makes {NAME: 'name'} of names, with the exceptions given. */
const byName = (names, more = {}) => ({ ...Object.fromEntries(names.map((name) => [name.toUpperCase(), name])), ...more });

module.exports = {
    WhatsWebURL: 'https://web.whatsapp.com/',

    DefaultOptions: {
        puppeteer: {},
        qrMaxRetries: 0,
        takeoverOnConflict: false,
        takeoverTimeoutMs: 0,
        authTimeoutMs: 0,
        pairWithPhoneNumber: { phoneNumber: '', showNotification: true, intervalMs: 180_000 },
    },

    Status: { INITIALIZING: 0, AUTHENTICATING: 1, READY: 3 },

    Events: byName(
        ['authenticated', 'ready', 'chat_removed', 'chat_archived', 'message_ciphertext', 'message_ciphertext_failed',
            'message_create', 'message_ack', 'message_edit', 'unread_count', 'message_reaction', 'media_uploaded',
            'contact_changed', 'group_join', 'group_leave', 'group_admin_changed', 'group_membership_request', 'group_update',
            'loading_screen', 'disconnected', 'remote_session_saved', 'vote_update'],
        {
            AUTHENTICATION_FAILURE: 'auth_failure', MESSAGE_RECEIVED: 'message', MESSAGE_REVOKED_EVERYONE: 'message_revoke_everyone',
            MESSAGE_REVOKED_ME: 'message_revoke_me', QR_RECEIVED: 'qr', CODE_RECEIVED: 'code', STATE_CHANGED: 'change_state',
            BATTERY_CHANGED: 'change_battery', INCOMING_CALL: 'call',
        },
    ),

    MessageTypes: byName(
        ['audio', 'image', 'album', 'video', 'document', 'sticker', 'location', 'order', 'revoked', 'product', 'unknown', 'list',
            'list_response', 'buttons_response', 'payment', 'broadcast_notification', 'call_log', 'ciphertext', 'debug',
            'e2e_notification', 'gp2', 'group_notification', 'hsm', 'interactive', 'native_flow', 'notification',
            'notification_template', 'oversized', 'protocol', 'reaction', 'template_button_reply', 'poll_creation',
            'scheduled_event_creation'],
        { TEXT: 'chat', VOICE: 'ptt', CONTACT_CARD: 'vcard', CONTACT_CARD_MULTI: 'multi_vcard', GROUP_INVITE: 'groups_v4_invite' },
    ),

    GroupNotificationTypes: byName(
        ['add', 'invite', 'remove', 'leave', 'promote', 'demote', 'subject', 'description', 'picture', 'announce', 'restrict']),

    ChatTypes: byName(['solo', 'group', 'unknown']),

    WAState: Object.fromEntries(
        ['CONFLICT', 'CONNECTED', 'DEPRECATED_VERSION', 'OPENING', 'PAIRING', 'PROXYBLOCK', 'SMB_TOS_BLOCK', 'TIMEOUT',
            'TOS_BLOCK', 'UNLAUNCHED', 'UNPAIRED', 'UNPAIRED_IDLE'].map((name) => [name, name])),

    MessageAck: { ACK_ERROR: -1, ACK_PENDING: 0, ACK_SERVER: 1, ACK_DEVICE: 2, ACK_READ: 3, ACK_PLAYED: 4 },
};

'use strict';

const { NotSupported } = require('./errors');

const phoneList = 'the bot does not mute or pin chats';
const channels = 'this package has no calls for channels; the bot\'s API has';
const channelMessages = 'this package does not read or write channels; the bot\'s API does';
const addressBook = 'the bot does not remove people from the phone\'s address book';
const notes = 'customer notes are the business app\'s own';
const invitations = 'the bot does not accept private invitations; use an invite link';
const shop = 'the bot reads no orders, payments or catalogues';
const appointments = 'this package has no scheduled events; the bot\'s API has them, as appointments';
const pins = 'the bot does not keep which messages are pinned';
const history = 'the bot keeps what comes; it does not ask the phone for older messages';

/** all are the methods of whatsapp-web.js that Sesi does not have, with the reason. */
const all = {
    Client: {
        acceptChannelAdminInvite: channels, acceptGroupV4Invite: invitations, addOrEditCustomerNote: notes,
        createCallLink: 'the bot makes no calls', createChannel: channels, deleteAddressbookContact: addressBook,
        deleteChannel: channels, demoteChannelAdmin: channels, getChannelByInviteCode: channels, getChannels: channels,
        getContactDeviceCount: 'the bot does not tell the devices of people',
        getCustomerNote: notes, getPinnedMessages: pins, muteChat: phoneList,
        pinChat: phoneList, revokeChannelAdminInvite: channels, searchChannels: channels, sendChannelAdminInvite: channels,
        sendResponseToScheduledEvent: appointments, subscribeToChannel: channels, syncHistory: history,
        transferChannelOwnership: channels, unmuteChat: phoneList, unpinChat: phoneList, unsubscribeFromChannel: channels,
    },
    Message: {
        acceptGroupV4Invite: invitations, editScheduledEvent: appointments, getOrder: shop, getPayment: shop,
    },
    Chat: {
        addOrEditCustomerNote: notes, getCustomerNote: notes,
        getPinnedMessages: pins, mute: phoneList, pin: phoneList, syncHistory: history, unmute: phoneList, unpin: phoneList,
    },
    Channel: {
        acceptChannelAdminInvite: channels, deleteChannel: channels, demoteChannelAdmin: channels, fetchMessages: channelMessages,
        getSubscribers: channels, mute: channels, revokeChannelAdminInvite: channels, sendChannelAdminInvite: channels,
        sendMessage: channelMessages, sendSeen: channelMessages, setDescription: channels, setProfilePicture: channels,
        setReactionSetting: channels, setSubject: channels, transferChannelOwnership: channels, unmute: channels,
    },
};

/** refuse gives a class the methods that throw. */
function refuse(made) {
    for (const [name, reason] of Object.entries(all[made.name] ?? {})) {
        const value = async () => {
            throw new NotSupported(`${made.name}.${name}`, reason);
        };
        Object.defineProperty(made.prototype, name, { value, writable: true, configurable: true });
    }
    return made;
}

module.exports = { all, refuse };

'use strict';

const { NotSupported } = require('./errors');

const phoneList = 'the bot does not change the chat list of the phone';
const labels = 'labels are the business app\'s own; the bot does not read or change them';
const channels = 'the bot does not manage channels';
const channelMessages = 'the bot does not read or write channels';
const addressBook = 'the bot does not change the phone\'s address book';
const notes = 'customer notes are the business app\'s own';
const profile = 'the bot does not change the account\'s profile; change it on the phone';
const invitations = 'the bot does not accept private invitations; use an invite link';
const shop = 'the bot reads no orders, payments or catalogues';
const appointments = 'the bot has no scheduled events';
const pins = 'the bot does not pin messages';
const pictures = 'the bot reads and sets no pictures';
const history = 'the bot keeps what comes; it does not ask the phone for older messages';

/** all are the methods of whatsapp-web.js that Sesi does not have, with the reason. */
const all = {
    Client: {
        acceptChannelAdminInvite: channels, acceptGroupV4Invite: invitations, addOrEditCustomerNote: notes, addOrRemoveLabels: labels,
        archiveChat: phoneList, createCallLink: 'the bot makes no calls', createChannel: channels, deleteAddressbookContact: addressBook,
        deleteChannel: channels, deleteProfilePicture: profile, demoteChannelAdmin: channels, getChannelByInviteCode: channels,
        getChannels: channels, getChatLabels: labels, getChatsByLabelId: labels,
        getContactDeviceCount: 'the bot does not tell the devices of people', getCustomerNote: notes,
        getLabelById: labels, getLabels: labels, getPinnedMessages: pins, getProfilePicUrl: pictures,
        markChatUnread: phoneList, muteChat: phoneList, pinChat: phoneList,
        revokeChannelAdminInvite: channels, saveOrEditAddressbookContact: addressBook, searchChannels: channels,
        sendChannelAdminInvite: channels, sendResponseToScheduledEvent: appointments, setDisplayName: profile,
        setProfilePicture: profile, setStatus: profile, subscribeToChannel: channels, syncHistory: history,
        transferChannelOwnership: channels, unarchiveChat: phoneList, unmuteChat: phoneList, unpinChat: phoneList,
        unsubscribeFromChannel: channels,
    },
    Message: {
        acceptGroupV4Invite: invitations, editScheduledEvent: appointments, getOrder: shop,
        getPayment: shop, pin: pins, star: phoneList, unpin: pins, unstar: phoneList,
    },
    Chat: {
        addOrEditCustomerNote: notes, archive: phoneList, changeLabels: labels, delete: phoneList, getCustomerNote: notes,
        getLabels: labels, getPinnedMessages: pins, markUnread: phoneList, mute: phoneList, pin: phoneList, syncHistory: history,
        unarchive: phoneList, unmute: phoneList, unpin: phoneList,
    },
    GroupChat: { deletePicture: pictures, setPicture: pictures },
    Contact: { getProfilePicUrl: pictures },
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

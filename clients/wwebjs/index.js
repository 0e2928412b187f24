'use strict';

const { LocalAuth, NoAuth, RemoteAuth, AuthStrategy } = require('./src/auth');
const { Client } = require('./src/client');
const constants = require('./src/constants');
const { NotSupported, SesiError, Unreachable } = require('./src/errors');
const { refuse } = require('./src/not-supported');
const { List, Buttons } = require('./src/structures/choices');
const { Chat, PrivateChat } = require('./src/structures/chat');
const { Contact, PrivateContact, BusinessContact } = require('./src/structures/contact');
const Message = require('./src/structures/message');
const Channel = require('./src/structures/channel');
const GroupChat = require('./src/structures/group-chat');

for (const made of [Client, Message, Chat, GroupChat, Contact, Channel]) refuse(made);

module.exports = {
    Client,
    version: require('./package.json').version,

    Chat,
    PrivateChat,
    GroupChat,
    Channel,
    Message,
    MessageMedia: require('./src/structures/message-media'),
    Contact,
    PrivateContact,
    BusinessContact,
    ClientInfo: require('./src/structures/client-info'),
    Location: require('./src/structures/location'),
    Poll: require('./src/structures/poll'),
    ScheduledEvent: require('./src/structures/scheduled-event'),
    ProductMetadata: require('./src/structures/product-metadata'),
    List,
    Buttons,
    Broadcast: require('./src/structures/broadcast'),
    PollVote: require('./src/structures/poll-vote'),
    Reaction: require('./src/structures/reaction'),
    Call: require('./src/structures/call'),
    GroupNotification: require('./src/structures/group-notification'),

    AuthStrategy,
    NoAuth,
    LocalAuth,
    RemoteAuth,

    NotSupported,
    SesiError,
    Unreachable,

    ...constants,
};

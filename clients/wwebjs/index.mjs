import sesi from './index.js';

export default sesi;
export const {
    AuthStrategy, Broadcast, BusinessContact, Buttons, Call, Channel, Chat, ChatTypes, Client, ClientInfo, Contact,
    DefaultOptions, Events, GroupChat, GroupNotification, GroupNotificationTypes, List, LocalAuth, Location, Message,
    MessageAck, MessageMedia, MessageTypes, NoAuth, NotSupported, Poll, PollVote, PrivateChat, PrivateContact,
    ProductMetadata, Reaction, RemoteAuth, ScheduledEvent, SesiError, Status, Unreachable, WAState, WhatsWebURL,
    version,
} = sesi;

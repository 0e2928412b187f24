import { EventEmitter } from 'node:events';

declare namespace sesi {
    export class Client extends EventEmitter {
        constructor(options?: ClientOptions);
        readonly options: ClientOptions;
        authStrategy: AuthStrategy;
        info: ClientInfo;
        /** Stands for a browser that is not there. */
        pupPage: any;
        pupBrowser: any;
        interface: any;
        /** @deprecated It throws NotSupported. */
        acceptChannelAdminInvite(...args: any[]): Promise<any>;
        /** @deprecated It throws NotSupported. */
        acceptGroupV4Invite(...args: any[]): Promise<any>;
        acceptInvite(inviteCode: string): Promise<string>;
        /** @deprecated It throws NotSupported. */
        addOrEditCustomerNote(...args: any[]): Promise<any>;
        addOrRemoveLabels(labelIds: Array<number | string>, chatIds: string[]): Promise<void>;
        approveGroupMembershipRequests(groupId: string, options?: MembershipRequestActionOptions): Promise<MembershipRequestActionResult[]>;
        archiveChat(chatId: string): Promise<boolean>;
        cancelPairingCode(): Promise<void>;
        /** @deprecated It throws NotSupported. */
        createCallLink(...args: any[]): Promise<any>;
        /** @deprecated It throws NotSupported. */
        createChannel(...args: any[]): Promise<any>;
        createGroup(title: string, participants?: string | Contact | (string | Contact)[], options?: CreateGroupOptions): Promise<CreateGroupResult>;
        /** @deprecated It throws NotSupported. */
        deleteAddressbookContact(...args: any[]): Promise<any>;
        /** @deprecated It throws NotSupported. */
        deleteChannel(...args: any[]): Promise<any>;
        deleteProfilePicture(): Promise<boolean>;
        /** @deprecated It throws NotSupported. */
        demoteChannelAdmin(...args: any[]): Promise<any>;
        destroy(): Promise<void>;
        getBlockedContacts(): Promise<Contact[]>;
        getBroadcastById(contactId: string): Promise<Broadcast>;
        getBroadcasts(): Promise<Broadcast[]>;
        /** @deprecated It throws NotSupported. */
        getChannelByInviteCode(...args: any[]): Promise<any>;
        /** @deprecated It throws NotSupported. */
        getChannels(...args: any[]): Promise<any>;
        getChatById(chatId: string): Promise<Chat>;
        getChatLabels(chatId: string): Promise<Label[]>;
        getChats(): Promise<Chat[]>;
        getChatsByLabelId(labelId: string): Promise<Chat[]>;
        getCommonGroups(contactId: string): Promise<ContactId[]>;
        getContactById(contactId: string): Promise<Contact>;
        /** @deprecated It throws NotSupported. */
        getContactDeviceCount(...args: any[]): Promise<any>;
        getContactLidAndPhone(userIds: string[]): Promise<{ lid: string; pn: string }[]>;
        getContacts(): Promise<Contact[]>;
        getCountryCode(number: string): Promise<string>;
        /** @deprecated It throws NotSupported. */
        getCustomerNote(...args: any[]): Promise<any>;
        getFormattedNumber(number: string): Promise<string>;
        getGroupMembershipRequests(groupId: string): Promise<GroupMembershipRequest[]>;
        getInviteInfo(inviteCode: string): Promise<InviteInfo>;
        getLabelById(labelId: string): Promise<Label | undefined>;
        getLabels(): Promise<Label[]>;
        getMessageById(messageId: string): Promise<Message | null>;
        getNumberId(number: string): Promise<ContactId | null>;
        /** @deprecated It throws NotSupported. */
        getPinnedMessages(...args: any[]): Promise<any>;
        getPollVotes(messageId: string): Promise<PollVote[]>;
        getProfilePicUrl(contactId: string): Promise<string | undefined>;
        getState(): Promise<WAState>;
        getWWebVersion(): Promise<string>;
        initialize(): Promise<void>;
        isRegisteredUser(contactId: string): Promise<boolean>;
        logout(): Promise<void>;
        markChatUnread(chatId: string): Promise<boolean>;
        /** @deprecated It throws NotSupported. */
        muteChat(...args: any[]): Promise<any>;
        /** @deprecated It throws NotSupported. */
        pinChat(...args: any[]): Promise<any>;
        rejectGroupMembershipRequests(groupId: string, options?: MembershipRequestActionOptions): Promise<MembershipRequestActionResult[]>;
        requestPairingCode(phoneNumber: string, showNotification?: boolean, intervalMs?: number): Promise<string>;
        resetState(): Promise<void>;
        /** @deprecated It throws NotSupported. */
        revokeChannelAdminInvite(...args: any[]): Promise<any>;
        revokeStatusMessage(messageId: string): Promise<void>;
        saveOrEditAddressbookContact(phoneNumber: string, firstName: string, lastName?: string, syncToAddressbook?: boolean): Promise<void>;
        /** @deprecated It throws NotSupported. */
        searchChannels(...args: any[]): Promise<any>;
        searchMessages(query: string, options?: { chatId?: string; page?: number; limit?: number }): Promise<Message[]>;
        /** @deprecated It throws NotSupported. */
        sendChannelAdminInvite(...args: any[]): Promise<any>;
        sendMessage(chatId: string, content: MessageContent, options?: MessageSendOptions): Promise<Message>;
        sendPresenceAvailable(): Promise<void>;
        sendPresenceUnavailable(): Promise<void>;
        sendReaction(messageId: string, reaction: string): Promise<void>;
        /** @deprecated It throws NotSupported. */
        sendResponseToScheduledEvent(...args: any[]): Promise<any>;
        sendSeen(chatId: string): Promise<boolean>;
        setAutoDownloadAudio(flag: boolean): Promise<void>;
        setAutoDownloadDocuments(flag: boolean): Promise<void>;
        setAutoDownloadPhotos(flag: boolean): Promise<void>;
        setAutoDownloadVideos(flag: boolean): Promise<void>;
        setBackgroundSync(flag: boolean): Promise<void>;
        setDisplayName(displayName: string): Promise<boolean>;
        setProfilePicture(media: MessageMedia): Promise<boolean>;
        setStatus(status: string): Promise<void>;
        /** @deprecated It throws NotSupported. */
        subscribeToChannel(...args: any[]): Promise<any>;
        /** @deprecated It throws NotSupported. */
        syncHistory(...args: any[]): Promise<any>;
        /** @deprecated It throws NotSupported. */
        transferChannelOwnership(...args: any[]): Promise<any>;
        unarchiveChat(chatId: string): Promise<boolean>;
        /** @deprecated It throws NotSupported. */
        unmuteChat(...args: any[]): Promise<any>;
        /** @deprecated It throws NotSupported. */
        unpinChat(...args: any[]): Promise<any>;
        /** @deprecated It throws NotSupported. */
        unsubscribeFromChannel(...args: any[]): Promise<any>;
        on(event: 'auth_failure', listener: (message: string) => unknown): this;
        on(event: 'authenticated', listener: () => unknown): this;
        on(event: 'call', listener: (call: Call) => unknown): this;
        on(event: 'change_state', listener: (state: WAState) => unknown): this;
        on(event: 'code', listener: (code: string) => unknown): this;
        on(event: 'chat_archived', listener: (chat: Chat, archived: boolean, wasArchived: boolean) => unknown): this;
        on(event: 'contact_changed', listener: (message: Message, oldId: string, newId: string, isContact: boolean) => unknown): this;
        on(event: 'disconnected', listener: (reason: WAState | 'LOGOUT' | string) => unknown): this;
        on(event: 'group_admin_changed', listener: (notification: GroupNotification) => unknown): this;
        on(event: 'group_join', listener: (notification: GroupNotification) => unknown): this;
        on(event: 'group_leave', listener: (notification: GroupNotification) => unknown): this;
        on(event: 'group_membership_request', listener: (notification: GroupNotification) => unknown): this;
        on(event: 'group_update', listener: (notification: GroupNotification) => unknown): this;
        on(event: 'message', listener: (message: Message) => unknown): this;
        on(event: 'message_ack', listener: (message: Message, ack: MessageAck) => unknown): this;
        on(event: 'message_ciphertext', listener: (message: Message) => unknown): this;
        on(event: 'message_create', listener: (message: Message) => unknown): this;
        on(event: 'message_edit', listener: (message: Message, newBody: string, prevBody?: string) => unknown): this;
        on(event: 'message_reaction', listener: (reaction: Reaction) => unknown): this;
        on(event: 'message_revoke_everyone', listener: (message: Message, revoked: Message | null) => unknown): this;
        on(event: 'qr', listener: (qr: string) => unknown): this;
        on(event: 'ready', listener: () => unknown): this;
        on(event: 'vote_update', listener: (vote: PollVote) => unknown): this;
        on(event: string, listener: (...args: any[]) => unknown): this;
    }

    export class ClientInfo {
        me: ContactId;
        wid: ContactId;
        lid?: ContactId;
        phone: object;
        platform: string;
        pushname: string;
        /** @deprecated It throws NotSupported. */
        getBatteryStatus(...args: any[]): Promise<any>;
    }

    export class Message {
        id: MessageId;
        ack: MessageAck;
        author?: string;
        body: string;
        broadcast: boolean;
        deviceType: string;
        duration?: string;
        forwardingScore: number;
        from: string;
        fromMe: boolean;
        groupMentions: { groupSubject: string; groupJid: string }[];
        hasMedia: boolean;
        hasQuotedMsg: boolean;
        hasReaction: boolean;
        inviteV4?: undefined;
        isEphemeral: boolean;
        isForwarded: boolean;
        isGif: boolean;
        isStarred: boolean;
        isStatus: boolean;
        isViewOnce: boolean;
        latestEditSenderTimestampMs?: number;
        links: { link: string; isSuspicious: boolean }[];
        location?: Location;
        mentionedIds: string[];
        orderId?: undefined;
        timestamp: number;
        to: string;
        title?: string;
        description?: string;
        type: MessageTypes;
        vCards: string[];
        pollName?: string;
        pollOptions?: PollOption[];
        allowMultipleAnswers?: boolean;
        readonly rawData: object;
        /** @deprecated It throws NotSupported. */
        acceptGroupV4Invite(...args: any[]): Promise<any>;
        delete(everyone?: boolean): Promise<void>;
        downloadMedia(): Promise<MessageMedia | undefined>;
        edit(content: string, options?: MessageEditOptions): Promise<Message | null>;
        /** @deprecated It throws NotSupported. */
        editScheduledEvent(...args: any[]): Promise<any>;
        forward(chat: Chat | string): Promise<void>;
        getChat(): Promise<Chat>;
        getContact(): Promise<Contact>;
        getGroupMentions(): Promise<Chat[]>;
        getInfo(): Promise<MessageInfo | null>;
        getMentions(): Promise<Contact[]>;
        /** @deprecated It throws NotSupported. */
        getOrder(...args: any[]): Promise<any>;
        /** @deprecated It throws NotSupported. */
        getPayment(...args: any[]): Promise<any>;
        getPollVotes(): Promise<PollVote[]>;
        getQuotedMessage(): Promise<Message>;
        getReactions(): Promise<ReactionList[]>;
        pin(duration: number): Promise<boolean>;
        react(reaction: string): Promise<void>;
        reload(): Promise<Message | null>;
        reply(content: MessageContent, chatId?: string | null, options?: MessageSendOptions): Promise<Message>;
        star(): Promise<void>;
        unpin(): Promise<boolean>;
        unstar(): Promise<void>;
        vote(selectedOptions: string[]): Promise<void>;
    }

    export class Chat {
        id: ContactId;
        archived: boolean;
        isGroup: boolean;
        isLocked: boolean;
        isMuted: boolean;
        isReadOnly: boolean;
        lastMessage?: Message;
        muteExpiration: number;
        name: string;
        pinned: boolean;
        timestamp: number;
        unreadCount: number;
        /** @deprecated It throws NotSupported. */
        addOrEditCustomerNote(...args: any[]): Promise<any>;
        archive(): Promise<boolean>;
        changeLabels(labelIds: Array<number | string>): Promise<void>;
        clearMessages(): Promise<boolean>;
        clearState(): Promise<boolean>;
        delete(): Promise<boolean>;
        fetchMessages(searchOptions?: MessageSearchOptions): Promise<Message[]>;
        getContact(): Promise<Contact>;
        /** @deprecated It throws NotSupported. */
        getCustomerNote(...args: any[]): Promise<any>;
        getLabels(): Promise<Label[]>;
        /** @deprecated It throws NotSupported. */
        getPinnedMessages(...args: any[]): Promise<any>;
        markUnread(): Promise<boolean>;
        /** @deprecated It throws NotSupported. */
        mute(...args: any[]): Promise<any>;
        /** @deprecated It throws NotSupported. */
        pin(...args: any[]): Promise<any>;
        sendMessage(content: MessageContent, options?: MessageSendOptions): Promise<Message>;
        sendSeen(): Promise<boolean>;
        sendStateRecording(): Promise<boolean>;
        sendStateTyping(): Promise<boolean>;
        /** @deprecated It throws NotSupported. */
        syncHistory(...args: any[]): Promise<any>;
        unarchive(): Promise<boolean>;
        /** @deprecated It throws NotSupported. */
        unmute(...args: any[]): Promise<any>;
        /** @deprecated It throws NotSupported. */
        unpin(...args: any[]): Promise<any>;
    }

    export class GroupChat extends Chat {
        groupMetadata: object;
        readonly owner: ContactId;
        readonly createdAt: Date;
        readonly description?: string;
        readonly participants: GroupParticipant[];
        addParticipants(participantIds: string | string[]): Promise<AddParticipantsResult>;
        approveGroupMembershipRequests(options?: MembershipRequestActionOptions): Promise<MembershipRequestActionResult[]>;
        deletePicture(): Promise<boolean>;
        demoteParticipants(participantIds: string[]): Promise<{ status: number }>;
        getGroupMembershipRequests(): Promise<GroupMembershipRequest[]>;
        getInviteCode(): Promise<string>;
        leave(): Promise<void>;
        promoteParticipants(participantIds: string[]): Promise<{ status: number }>;
        rejectGroupMembershipRequests(options?: MembershipRequestActionOptions): Promise<MembershipRequestActionResult[]>;
        removeParticipants(participantIds: string[]): Promise<{ status: number }>;
        revokeInvite(): Promise<string>;
        setAddMembersAdminsOnly(adminsOnly?: boolean): Promise<boolean>;
        setDescription(description: string): Promise<boolean>;
        setInfoAdminsOnly(adminsOnly?: boolean): Promise<boolean>;
        setMessagesAdminsOnly(adminsOnly?: boolean): Promise<boolean>;
        setPicture(media: MessageMedia): Promise<boolean>;
        setSubject(subject: string): Promise<boolean>;
    }

    export class Channel extends Chat {
        channelMetadata: object;
        description: string;
        isChannel: true;
        /** @deprecated It throws NotSupported. */
        acceptChannelAdminInvite(...args: any[]): Promise<any>;
        /** @deprecated It throws NotSupported. */
        deleteChannel(...args: any[]): Promise<any>;
        /** @deprecated It throws NotSupported. */
        demoteChannelAdmin(...args: any[]): Promise<any>;
        /** @deprecated It throws NotSupported. */
        fetchMessages(...args: any[]): Promise<any>;
        /** @deprecated It throws NotSupported. */
        getSubscribers(...args: any[]): Promise<any>;
        /** @deprecated It throws NotSupported. */
        mute(...args: any[]): Promise<any>;
        /** @deprecated It throws NotSupported. */
        revokeChannelAdminInvite(...args: any[]): Promise<any>;
        /** @deprecated It throws NotSupported. */
        sendChannelAdminInvite(...args: any[]): Promise<any>;
        /** @deprecated It throws NotSupported. */
        sendMessage(...args: any[]): Promise<any>;
        /** @deprecated It throws NotSupported. */
        sendSeen(...args: any[]): Promise<any>;
        /** @deprecated It throws NotSupported. */
        setDescription(...args: any[]): Promise<any>;
        /** @deprecated It throws NotSupported. */
        setProfilePicture(...args: any[]): Promise<any>;
        /** @deprecated It throws NotSupported. */
        setReactionSetting(...args: any[]): Promise<any>;
        /** @deprecated It throws NotSupported. */
        setSubject(...args: any[]): Promise<any>;
        /** @deprecated It throws NotSupported. */
        transferChannelOwnership(...args: any[]): Promise<any>;
        /** @deprecated It throws NotSupported. */
        unmute(...args: any[]): Promise<any>;
    }

    export class Contact {
        id: ContactId;
        number?: string;
        isBlocked: boolean;
        isBusiness: boolean;
        isEnterprise: boolean;
        isGroup: boolean;
        isMe: boolean;
        isMyContact: boolean;
        isUser: boolean;
        isWAContact: boolean;
        labels: string[];
        name?: string;
        pushname?: string;
        sectionHeader?: string;
        shortName?: string;
        statusMute: boolean;
        type: string;
        verifiedLevel?: undefined;
        verifiedName?: string;
        block(): Promise<boolean>;
        getAbout(): Promise<string | null>;
        getBroadcast(): Promise<Broadcast>;
        getChat(): Promise<Chat | null>;
        getCommonGroups(): Promise<ContactId[]>;
        getCountryCode(): Promise<string>;
        getFormattedNumber(): Promise<string>;
        getProfilePicUrl(): Promise<string | undefined>;
        unblock(): Promise<boolean>;
    }

    export class MessageMedia {
        constructor(mimetype: string, data: string, filename?: string | null, filesize?: number | null);
        mimetype: string;
        data: string;
        filename?: string | null;
        filesize?: number | null;
        static fromFilePath(filePath: string): MessageMedia;
        static fromUrl(url: string, options?: MediaFromURLOptions): Promise<MessageMedia>;
    }

    export class GroupNotification {
        id: MessageId;
        author: string;
        body: string;
        chatId: string;
        recipientIds: string[];
        timestamp: number;
        type: string;
        getChat(): Promise<Chat>;
        getContact(): Promise<Contact>;
        getRecipients(): Promise<Contact[]>;
        reply(content: MessageContent, options?: MessageSendOptions): Promise<Message>;
    }

    export class Call {
        id: string;
        from: string;
        timestamp: number;
        isVideo: boolean;
        isGroup: boolean;
        fromMe: boolean;
        canHandleLocally: boolean;
        webClientShouldHandle: boolean;
        participants: object;
        reject(): Promise<void>;
    }

    export interface Label {
        id: string;
        name: string;
        hexColor: string;
        getChats(): Promise<Chat[]>;
    }

    export class Broadcast {
        id: ContactId;
        msgs: Message[];
        timestamp: number;
        totalCount: number;
        unreadCount: number;
        getChat(): Promise<Chat>;
        getContact(): Promise<Contact>;
    }

    export class PrivateChat extends Chat {}
    export class PrivateContact extends Contact {}
    export class BusinessContact extends Contact {
        businessProfile?: undefined;
    }

    export class Location {
        constructor(latitude: number, longitude: number, options?: { name?: string; address?: string; url?: string });
        latitude: number;
        longitude: number;
        name?: string;
        address?: string;
        url?: string;
        description: string;
    }

    export class Poll {
        constructor(pollName: string, pollOptions: string[], options?: { allowMultipleAnswers?: boolean; messageSecret?: number[] });
        pollName: string;
        pollOptions: { name: string; localId: number }[];
        options: { allowMultipleAnswers: boolean; messageSecret?: number[] };
    }

    export class PollVote {
        voter: string;
        selectedOptions: { id: number; localId: number; name: string }[];
        interractedAtTs: number;
        parentMessage?: Message;
        parentMsgKey?: MessageId;
    }

    export class Reaction {
        id: MessageId;
        msgId: MessageId;
        orphan: number;
        orphanReason?: string;
        reaction: string;
        read: boolean;
        senderId: string;
        timestamp: number;
        ack?: number;
    }

    export class List {
        constructor(body: string, buttonText: string, sections: any[], title?: string | null, footer?: string | null);
        toText(): string;
    }

    export class Buttons {
        constructor(body: string | MessageMedia, buttons: { id?: string; body: string }[], title?: string | null, footer?: string | null);
        toText(): string;
    }

    export class ScheduledEvent {
        constructor(name: string, startTime: Date, options?: object);
    }

    export class ProductMetadata {
        constructor(client: Client, data?: object);
    }

    export class AuthStrategy {
        constructor(options?: AuthOptions);
        clientId?: string;
        dataPath: string;
        setup(client: Client): void;
        beforeBrowserInitialized(): Promise<void>;
        afterBrowserInitialized(): Promise<void>;
        onAuthenticationNeeded(): Promise<{ failed?: boolean; restart?: boolean; failureEventPayload?: any }>;
        getAuthEventPayload(): Promise<any>;
        afterAuthReady(): Promise<void>;
        disconnect(): Promise<void>;
        destroy(): Promise<void>;
        logout(): Promise<void>;
    }
    export class NoAuth extends AuthStrategy {}
    export class LocalAuth extends AuthStrategy {}
    export class RemoteAuth extends AuthStrategy {
        constructor(options?: AuthOptions & { store?: any; backupSyncIntervalMs?: number });
    }

    /** NotSupported is thrown by what Sesi cannot do. */
    export class NotSupported extends Error {
        reason: string;
    }
    /** SesiError is an answer of the bot that is not a success. */
    export class SesiError extends Error {
        status: number;
        kind: string;
        problem: { type?: string; title?: string; detail?: string; retryable?: boolean; messageId?: string };
    }
    /** Unreachable says that no answer came from the bot. */
    export class Unreachable extends Error {}

    export interface AuthOptions {
        clientId?: string;
        dataPath?: string;
        rmMaxRetries?: number;
    }

    export interface SesiOptions {
        /** The bot, http://127.0.0.1:3000 by default, or the gateway. */
        url?: string;
        token?: string;
        /** An API key of the gateway. */
        key?: string;
        /** NAMESPACE/NAME of the session, at the gateway. */
        session?: string;
        /** The file of the program's place in the bot's journal. */
        cursor?: string;
    }

    export interface ClientOptions {
        sesi?: SesiOptions;
        authStrategy?: AuthStrategy;
        qrMaxRetries?: number;
        pairWithPhoneNumber?: { phoneNumber: string; showNotification?: boolean; intervalMs?: number };
        /** What only a browser needs is accepted. */
        [name: string]: any;
    }

    export interface ContactId {
        server: string;
        user: string;
        _serialized: string;
    }

    export interface MessageId {
        fromMe: boolean;
        remote: string;
        id: string;
        participant?: string;
        _serialized: string;
    }

    export interface PollOption {
        name: string;
        localId: number;
    }

    export interface GroupParticipant {
        id: ContactId;
        isAdmin: boolean;
        isSuperAdmin: boolean;
    }

    export interface MessageInfo {
        delivery: { id: ContactId; t: number }[];
        deliveryRemaining: number;
        read: { id: ContactId; t: number }[];
        readRemaining: number;
        played: { id: ContactId; t: number }[];
        playedRemaining: number;
    }

    export interface ReactionList {
        id: string;
        aggregateEmoji: string;
        hasReactionByMe: boolean;
        senders: Reaction[];
    }

    export interface MessageSendOptions {
        linkPreview?: boolean | { url: string; title?: string; description?: string };
        sendAudioAsVoice?: boolean;
        sendMediaAsSticker?: boolean;
        sendMediaAsDocument?: boolean;
        isViewOnce?: boolean;
        parseVCards?: boolean;
        caption?: string;
        quotedMessageId?: string;
        mentions?: string | Contact | (string | Contact)[];
        sendSeen?: boolean;
        media?: MessageMedia;
        ignoreQuoteErrors?: boolean;
        backgroundColor?: string;
        fontStyle?: number;
        [name: string]: any;
    }

    export interface MessageEditOptions {
        mentions?: string[];
        [name: string]: any;
    }

    export interface MediaFromURLOptions {
        filename?: string;
        unsafeMime?: boolean;
        reqOptions?: RequestInit;
        [name: string]: any;
    }

    export interface MessageSearchOptions {
        limit?: number;
        fromMe?: boolean;
    }

    export interface CreateGroupOptions {
        isAnnounce?: boolean;
        isRestrict?: boolean;
        membershipApprovalMode?: boolean;
        [name: string]: any;
    }

    export interface CreateGroupResult {
        title: string;
        gid: ContactId;
        participants: { [id: string]: { statusCode: number; message: string; isGroupCreator: boolean; isInviteV4Sent: boolean } };
    }

    export interface AddParticipantsResult {
        [id: string]: { code: number; message: string; isInviteV4Sent: boolean };
    }

    export interface InviteInfo {
        id: ContactId;
        subject: string;
        desc?: string;
        size: number;
        creation?: number;
        owner?: ContactId;
    }

    export interface GroupMembershipRequest {
        id: ContactId;
        addedBy: ContactId;
        parentGroupId: null;
        requestMethod: string;
        t?: number;
    }

    export interface MembershipRequestActionOptions {
        requesterIds?: string[] | string | null;
        sleep?: number[] | number | null;
    }

    export interface MembershipRequestActionResult {
        requesterId: string;
        error?: number;
        message: string;
    }

    export type MessageContent =
        | string | MessageMedia | Location | Poll | Contact | Contact[] | List | Buttons | ScheduledEvent;

    export const version: string;
    export const WhatsWebURL: string;
    export const DefaultOptions: ClientOptions;
    export const Status: { INITIALIZING: 0; AUTHENTICATING: 1; READY: 3 };
    export const Events: { [name: string]: string };
    export const GroupNotificationTypes: { [name: string]: string };
    export const ChatTypes: { [name: string]: string };

    export enum MessageTypes {
        AUDIO = 'audio',
        IMAGE = 'image',
        ALBUM = 'album',
        VIDEO = 'video',
        DOCUMENT = 'document',
        STICKER = 'sticker',
        LOCATION = 'location',
        ORDER = 'order',
        REVOKED = 'revoked',
        PRODUCT = 'product',
        UNKNOWN = 'unknown',
        LIST = 'list',
        LIST_RESPONSE = 'list_response',
        BUTTONS_RESPONSE = 'buttons_response',
        PAYMENT = 'payment',
        BROADCAST_NOTIFICATION = 'broadcast_notification',
        CALL_LOG = 'call_log',
        CIPHERTEXT = 'ciphertext',
        DEBUG = 'debug',
        E2E_NOTIFICATION = 'e2e_notification',
        GP2 = 'gp2',
        GROUP_NOTIFICATION = 'group_notification',
        HSM = 'hsm',
        INTERACTIVE = 'interactive',
        NATIVE_FLOW = 'native_flow',
        NOTIFICATION = 'notification',
        NOTIFICATION_TEMPLATE = 'notification_template',
        OVERSIZED = 'oversized',
        PROTOCOL = 'protocol',
        REACTION = 'reaction',
        TEMPLATE_BUTTON_REPLY = 'template_button_reply',
        POLL_CREATION = 'poll_creation',
        SCHEDULED_EVENT_CREATION = 'scheduled_event_creation',
        TEXT = 'chat',
        VOICE = 'ptt',
        CONTACT_CARD = 'vcard',
        CONTACT_CARD_MULTI = 'multi_vcard',
        GROUP_INVITE = 'groups_v4_invite',
    }

    export enum WAState {
        CONFLICT = 'CONFLICT',
        CONNECTED = 'CONNECTED',
        DEPRECATED_VERSION = 'DEPRECATED_VERSION',
        OPENING = 'OPENING',
        PAIRING = 'PAIRING',
        PROXYBLOCK = 'PROXYBLOCK',
        SMB_TOS_BLOCK = 'SMB_TOS_BLOCK',
        TIMEOUT = 'TIMEOUT',
        TOS_BLOCK = 'TOS_BLOCK',
        UNLAUNCHED = 'UNLAUNCHED',
        UNPAIRED = 'UNPAIRED',
        UNPAIRED_IDLE = 'UNPAIRED_IDLE',
    }

    export enum MessageAck {
        ACK_ERROR = -1,
        ACK_PENDING = 0,
        ACK_SERVER = 1,
        ACK_DEVICE = 2,
        ACK_READ = 3,
        ACK_PLAYED = 4,
    }
}

export = sesi;

'use strict';

/** ScheduledEvent is an event for a chat's calendar. This package cannot send it. */
class ScheduledEvent {
    constructor(name, startTime, options = {}) {
        this.name = String(name).trim();
        this.startTimeTs = Math.floor(startTime.getTime() / 1000);
        this.eventSendOptions = {
            description: options.description?.trim(),
            endTimeTs: options.endTime ? Math.floor(options.endTime.getTime() / 1000) : null,
            location: options.location?.trim(),
            callType: options.callType,
            isEventCanceled: options.isEventCanceled ?? false,
            messageSecret: options.messageSecret,
        };
    }
}

module.exports = ScheduledEvent;

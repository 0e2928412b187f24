'use strict';

const { NotSupported } = require('../errors');
const { fromJID, wid } = require('../ids');
const Base = require('./base');

/** ClientInfo is the linked account. */
class ClientInfo extends Base {
    constructor(client, snapshot) {
        super(client);
        this.pushname = snapshot.pushName;
        this.wid = wid(fromJID(snapshot.jid));
        this.me = this.wid;
        this.lid = snapshot.lid ? wid(fromJID(snapshot.lid)) : undefined;
        this.phone = {};
        this.platform = 'sesi';
    }

    async getBatteryStatus() {
        throw new NotSupported('ClientInfo.getBatteryStatus', 'WhatsApp no longer tells linked devices about the battery');
    }
}

module.exports = ClientInfo;

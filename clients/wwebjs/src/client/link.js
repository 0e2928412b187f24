'use strict';

/** Linking a phone: QR codes and pairing codes. */
const link = {
    /** _tellCode tells the program of the current code, each once. */
    async _tellCode() {
        const wanted = this.options.pairWithPhoneNumber?.phoneNumber;
        if (wanted) return this._tellPairingCode(String(wanted));
        const code = (await this._liveCode())?.code;
        if (!code || code === this._qrs.last) return;
        this._qrs.last = code;
        const most = this.options.qrMaxRetries ?? 0;
        if (most > 0 && ++this._qrs.count > most) {
            this._emitSafely('disconnected', 'Max qrcode retries reached');
            await this.destroy();
            return;
        }
        this._emitSafely('qr', code);
    },

    /** _tellPairingCode asks for a new code when the last one has ended. */
    async _tellPairingCode(phoneNumber) {
        const live = await this._liveCode();
        if (live?.pairingCode) {
            if (live.pairingCode === this._qrs.last) return;
            this._qrs.last = live.pairingCode;
            this._emitSafely('code', plain(live.pairingCode));
            return;
        }
        const pause = this.options.pairWithPhoneNumber.intervalMs ?? 180_000;
        if (this._qrs.asked && Date.now() - this._qrs.asked < pause) return;
        try {
            await this.requestPairingCode(phoneNumber);
        } catch (error) {
            console.warn(`sesi-wwebjs: no pairing code: ${error.message}`);
        }
    },

    async _liveCode() {
        try {
            return await this._api.json('GET', '/api/session/qr', { signal: this._signal() });
        } catch (error) {
            if (error.kind === 'no-code' || error.kind === 'already-linked') return undefined;
            throw error;
        }
    },

    /** requestPairingCode returns the code to type on the phone, and tells the listeners of `code` too. */
    async requestPairingCode(phoneNumber) {
        this._qrs.asked = Date.now(); // a code that is asked for meanwhile would take this one's place
        const { pairingCode } = await this._api.json('POST', '/api/session/pair', { body: { phoneNumber: String(phoneNumber) } });
        this._qrs.last = pairingCode;
        this._emitSafely('code', plain(pairingCode));
        return plain(pairingCode);
    },
};

/** plain is a code as whatsapp-web.js gives it: eight characters without a hyphen. */
const plain = (code) => code.replace('-', '');

module.exports = link;

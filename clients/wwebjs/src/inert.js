'use strict';

const { EventEmitter } = require('node:events');

const { NotSupported } = require('./errors');

const said = new Set();

/** windowCalls move WhatsApp Web's window. Without a window there is nothing to move. */
const windowCalls = new Set(['openChatWindow', 'openChatDrawer', 'openChatSearch', 'openChatWindowAt', 'openMessageDrawer', 'closeRightDrawer']);

/** quietCalls are answered as a page would that is not there. */
const quietCalls = { isClosed: () => true, isConnected: () => false, close: async () => undefined };

/**
 * inert stands for the browser that whatsapp-web.js drives. Listeners can be added, and are never called; what needs a
 * browser throws NotSupported.
 */
function inert(name) {
    return new Proxy(new EventEmitter(), {
        get(target, property) {
            if (property in target || typeof property === 'symbol' || property === 'then') return Reflect.get(target, property);
            if (property in quietCalls) return quietCalls[property];
            if (windowCalls.has(property)) return async () => sayOnce(name, property);
            return async () => {
                throw new NotSupported(`${name}.${property}`, 'there is no browser');
            };
        },
    });
}

function sayOnce(name, property) {
    const what = `${name}.${property}`;
    if (said.has(what)) return;
    said.add(what);
    console.warn(`sesi-wwebjs: ${what} does nothing: there is no window`);
}

module.exports = { inert };

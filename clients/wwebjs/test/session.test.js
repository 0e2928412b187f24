'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { classifySnapshot } = require('../src/session');

const snapshot = (state, more = {}) => ({
    state, connected: state === 'Connected', authenticated: state === 'Connected', qrRequired: false, message: 'm', qrExpiresAt: null, ...more,
});

/** told runs snapshots one after the other, and returns the names of the events. */
function told(...snapshots) {
    let state = {};
    return snapshots.map((one) => {
        const answer = classifySnapshot(state, one);
        state = answer.told;
        return answer.events.map((event) => event.join(' '));
    });
}

const pairing = snapshot('Pairing', { qrRequired: true, qrExpiresAt: '2026-01-01T00:00:00.000Z' });

test('a session that is linked, lost and found', () => {
    assert.deepEqual(
        told(snapshot('Connecting'), snapshot('Connected'), snapshot('Reconnecting', { authenticated: true }), snapshot('Connected')),
        [[], ['change_state CONNECTED', 'authenticated', 'ready'], ['change_state TIMEOUT'], ['change_state CONNECTED']],
    );
});

test('codes, a scan, and the phone that unlinks', () => {
    assert.deepEqual(
        told(snapshot('Connecting'), pairing, snapshot('Connected'), snapshot('LoggedOut', { qrRequired: true }), pairing, snapshot('Connected')),
        [
            [], ['change_state UNPAIRED', 'code'], ['change_state CONNECTED', 'authenticated', 'ready'],
            ['change_state UNPAIRED', 'disconnected LOGOUT'], ['code'], ['change_state CONNECTED', 'authenticated', 'ready'],
        ],
    );
});

test('another client takes over, and a person gives it back', () => {
    assert.deepEqual(
        told(snapshot('Connected'), snapshot('Conflict', { authenticated: true }), snapshot('Conflict', { authenticated: true }), snapshot('Connected')),
        [['authenticated', 'ready'], ['change_state CONFLICT', 'disconnected CONFLICT'], [], ['change_state CONNECTED']],
    );
});

test('a login that WhatsApp refuses is an auth_failure, once', () => {
    const refused = snapshot('Restricted');
    assert.deepEqual(told(snapshot('Connecting'), refused, refused, snapshot('Connected')),
        [[], ['change_state TOS_BLOCK', 'auth_failure m'], [], ['change_state CONNECTED', 'authenticated', 'ready']]);
    assert.deepEqual(told(snapshot('LoggedOut')), [['auth_failure m']]);
});
